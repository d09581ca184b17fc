use rtcp::NtpTime;
use std::time::{Duration, Instant};

/// One point at which the machine's clock and the wall clock are known together.
///
/// Every NTP timestamp in a sender report is derived from this pair and the `now` of the call, so a session
/// never reads a clock. A wall clock that is stepped during a session stays where it was: receivers want it steady.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAnchor {
    /// The instant.
    pub instant: Instant,
    /// The time since the Unix epoch at that instant.
    pub unix: Duration,
}

impl ClockAnchor {
    /// The wall clock at `now`.
    pub fn ntp(&self, now: Instant) -> NtpTime {
        let unix = match now.checked_duration_since(self.instant) {
            Some(later) => self.unix.saturating_add(later),
            None => self.unix.saturating_sub(self.instant.duration_since(now)),
        };
        NtpTime::from_unix(unix)
    }
}

/// A time in units of 1/65,536 s, saturating at 18 hours: what DLSR is made of (RFC 3550 §6.4.1).
pub(crate) fn to_short_ntp(duration: Duration) -> u32 {
    let units = (duration.as_nanos() << 16) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The inverse of [`to_short_ntp`].
pub(crate) fn from_short_ntp(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

/// How many ticks of an RTP clock a time lasts.
pub(crate) fn to_ticks(duration: Duration, clock_rate: u32) -> u64 {
    let ticks = duration.as_nanos().saturating_mul(clock_rate.into()) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// The RTP timestamp at `now`, extrapolated from one that is known (RFC 3550 §6.4.1).
pub(crate) fn extrapolate(known: (Instant, u32), now: Instant, clock_rate: u32) -> u32 {
    let (at, timestamp) = known;
    match now.checked_duration_since(at) {
        Some(later) => timestamp.wrapping_add(to_ticks(later, clock_rate) as u32),
        None => timestamp.wrapping_sub(to_ticks(at.duration_since(now), clock_rate) as u32),
    }
}

/// How the wall clock of the remote side lies to our instants, learned from its sender reports.
///
/// One for all streams of a session: what it gets wrong, the time on the path, it gets wrong for audio and video alike.
/// A report that took less time than those before moves it at once, one that took more moves it slowly, which
/// follows the drift of the clocks.
#[derive(Debug, Default)]
pub(crate) struct RemoteClock {
    anchor: Option<(NtpTime, Instant)>,
}

/// Reports that lie further apart than this from what was learned mean that the remote clock was set.
const STEP: Duration = Duration::from_secs(5);

/// A capture further than this before the arrival is not believed.
const OLDEST_CAPTURE: Duration = Duration::from_secs(10);

impl RemoteClock {
    /// A sender report arrived.
    pub(crate) fn on_report(&mut self, now: Instant, ntp: NtpTime) {
        let predicted = self.instant(ntp);
        let learned = match predicted {
            Some(predicted) if now < predicted && predicted - now < STEP => now,
            Some(predicted) if now >= predicted && now - predicted < STEP => {
                predicted + (now - predicted) / 16
            }
            _ => now,
        };
        self.anchor = Some((ntp, learned));
    }

    /// When a stream captured `timestamp`, given the clocks of its last report.
    pub(crate) fn captured(
        &self,
        report: (NtpTime, u32),
        timestamp: u32,
        clock_rate: u32,
        received: Instant,
    ) -> Option<Instant> {
        let ticks = i64::from(timestamp.wrapping_sub(report.1) as i32);
        let since_report = ticks.checked_mul(1 << 32)?.checked_div(clock_rate.into())?;
        let ntp = report.0.get().wrapping_add_signed(since_report);
        let captured = self.instant(NtpTime::new(ntp))?.min(received);
        (received - captured <= OLDEST_CAPTURE).then_some(captured)
    }

    fn instant(&self, ntp: NtpTime) -> Option<Instant> {
        let (anchor, at) = self.anchor?;
        let fractions = ntp.get().wrapping_sub(anchor.get()) as i64;
        let nanos = (u128::from(fractions.unsigned_abs()) * 1_000_000_000) >> 32;
        let distance = Duration::from_nanos(u64::try_from(nanos).ok()?);
        if fractions >= 0 {
            at.checked_add(distance)
        } else {
            at.checked_sub(distance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;

    #[test]
    fn a_time_before_the_anchor_counts_back() {
        let anchor = ClockAnchor {
            instant: epoch() + Duration::from_secs(10),
            unix: Duration::from_secs(100),
        };
        let unix = |now| anchor.ntp(now).to_unix();
        assert_eq!(unix(epoch()), Some(Duration::from_secs(90)));
        let later = epoch() + Duration::from_millis(11_500);
        assert_eq!(unix(later), Some(Duration::from_millis(101_500)));
    }

    #[test]
    fn short_ntp_round_trips_within_one_unit() {
        for millis in [0, 1, 20, 999, 30_000] {
            let time = Duration::from_millis(millis);
            let back = from_short_ntp(to_short_ntp(time));
            assert!(time - back < Duration::from_micros(16), "{millis}");
        }
        assert_eq!(to_short_ntp(Duration::from_secs(1 << 20)), u32::MAX);
    }

    #[test]
    fn timestamps_extrapolate_both_ways_and_wrap() {
        let at = epoch() + Duration::from_secs(1);
        let later = at + Duration::from_millis(10);
        assert_eq!(extrapolate((at, u32::MAX), later, 90_000), 899);
        assert_eq!(extrapolate((later, 899), at, 90_000), u32::MAX);
    }

    #[test]
    fn audio_and_video_captured_together_come_out_together() {
        let mut clock = RemoteClock::default();
        let ntp = |millis: u64| NtpTime::from_unix(Duration::from_millis(1_000_000 + millis));
        let at = |millis: u64| epoch() + Duration::from_millis(millis);
        clock.on_report(at(130), ntp(100)); // audio, 30 ms on the way
        clock.on_report(at(220), ntp(200)); // video, 20 ms on the way
        let audio = clock.captured((ntp(100), 4_800), 4_800 + 48 * 500, 48_000, at(640));
        let video = clock.captured((ntp(200), 9_000), 9_000 + 90 * 400, 90_000, at(700));
        let apart = audio.unwrap().max(video.unwrap()) - audio.unwrap().min(video.unwrap());
        assert!(apart < Duration::from_micros(50), "{apart:?}");
        assert!(audio.unwrap().saturating_duration_since(at(620)) < Duration::from_micros(50));
    }

    #[test]
    fn wild_reports_give_no_capture_time_or_one_before_arrival() {
        let mut clock = RemoteClock::default();
        assert_eq!(
            clock.captured((NtpTime::new(0), 0), 0, 90_000, epoch()),
            None
        );
        let ntps = [0, 1, 1 << 63, u64::MAX, 1 << 40];
        for (n, &first) in ntps.iter().enumerate() {
            let now = epoch() + Duration::from_secs(20 + n as u64);
            clock.on_report(now, NtpTime::new(first));
            for second in ntps {
                for rate in [0, 1, 90_000, u32::MAX] {
                    let report = (NtpTime::new(second), 7);
                    let captured = clock.captured(report, 1 << 31, rate, now);
                    assert!(captured.is_none_or(|at| at <= now && now - at <= OLDEST_CAPTURE));
                }
            }
        }
    }
}
