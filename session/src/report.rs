use rand::RngExt;
use rand::rngs::StdRng;
use rtp::MediaKind;
use std::time::{Duration, Instant};

/// When reports leave: audio every 5 s, video every second, silent streams every 5 s; each interval is drawn from
/// half to one and a half times that, and the first one is halved (RFC 3550 §6.2, §6.3.1).
#[derive(Debug, Default)]
pub(crate) struct ReportSchedule {
    last_media: [Option<Instant>; 2],
}

const SLOW: Duration = Duration::from_secs(5);
const FAST: Duration = Duration::from_secs(1);

/// Streams without a packet for this long are silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

impl ReportSchedule {
    /// Media of a kind was sent or received.
    pub(crate) fn on_media(&mut self, now: Instant, kind: MediaKind) {
        if let Some(last) = self.last_media.get_mut(kind as usize) {
            *last = Some(now);
        }
    }

    /// When the first report after the first packet leaves.
    pub(crate) fn first(&self, now: Instant, kind: MediaKind, rng: &mut StdRng) -> Instant {
        now + self.draw(now, kind, rng) / 2
    }

    /// When the next report leaves.
    pub(crate) fn next(&self, now: Instant, kind: MediaKind, rng: &mut StdRng) -> Instant {
        now + self.draw(now, kind, rng)
    }

    fn draw(&self, now: Instant, kind: MediaKind, rng: &mut StdRng) -> Duration {
        let silent = self
            .last_media
            .get(kind as usize)
            .copied()
            .flatten()
            .is_none_or(|last| now.saturating_duration_since(last) >= SILENCE);
        let interval = match kind {
            MediaKind::Video if !silent => FAST,
            MediaKind::Video | MediaKind::Audio => SLOW,
        };
        interval * rng.random_range(500..=1_500) / 1_000
    }
}

/// The round-trip time of the session's path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundTrip {
    smoothed: Option<Duration>,
    /// From another layer, until there is a measurement.
    hint: Option<Duration>,
}

/// Assumed while nothing is known.
const UNKNOWN: Duration = Duration::from_millis(100);

/// Measurements beyond this are not believed.
pub(crate) const MAX_ROUND_TRIP: Duration = Duration::from_secs(30);

impl RoundTrip {
    /// A report gave a measurement.
    pub(crate) fn on_measurement(&mut self, measured: Duration) {
        self.smoothed = Some(
            self.smoothed
                .map_or(measured, |old| (old * 7 + measured) / 8),
        );
    }

    pub(crate) fn set_hint(&mut self, hint: Duration) {
        self.hint = Some(hint.min(MAX_ROUND_TRIP));
    }

    pub(crate) fn known(&self) -> Option<Duration> {
        self.smoothed.or(self.hint)
    }

    pub(crate) fn or_default(&self) -> Duration {
        self.known().unwrap_or(UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;
    use rand::SeedableRng;

    #[test]
    fn intervals_are_random_around_their_mean_and_slow_in_silence() {
        let mut rng = StdRng::from_seed([1; 32]);
        let mut schedule = ReportSchedule::default();
        let now = epoch() + Duration::from_secs(10);
        schedule.on_media(now, MediaKind::Video);
        let mut drawn = Vec::new();
        for _ in 0..1_000 {
            drawn.push(schedule.next(now, MediaKind::Video, &mut rng) - now);
        }
        assert!(drawn.iter().all(|d| (500..=1_500).contains(&d.as_millis())));
        let mean = drawn.iter().sum::<Duration>() / 1_000;
        assert!((950..1_050).contains(&mean.as_millis()), "{mean:?}");
        let first = schedule.first(now, MediaKind::Video, &mut rng) - now;
        assert!(first <= Duration::from_millis(750));
        let later = now + SILENCE;
        let silent = schedule.next(later, MediaKind::Video, &mut rng) - later;
        assert!(silent >= Duration::from_millis(2_500));
    }
}
