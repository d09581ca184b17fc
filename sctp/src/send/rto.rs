use std::time::Duration;

use crate::config::Config;

/// The retransmission timeout, from round trips measured (RFC 9260 §6.3.1).
#[derive(Debug)]
pub(crate) struct RetransmissionTimeout {
    smoothed: Option<Duration>,
    variance: Duration,
    /// The round trip of what arrived last: a queue that fills makes it grow faster than one measurement in a round trip shows.
    latest: Duration,
    /// Without back-off.
    base: Duration,
    /// How often the timeout was doubled.
    doublings: u32,
    min: Duration,
    max: Duration,
    /// The timeout now: it is asked for with every packet, and changes more rarely.
    current: Duration,
}

impl RetransmissionTimeout {
    pub(crate) fn new(config: &Config) -> Self {
        let mut this = Self {
            smoothed: None,
            variance: Duration::ZERO,
            latest: Duration::ZERO,
            base: config.rto_initial,
            doublings: 0,
            min: config.rto_min,
            max: config.rto_max.max(config.rto_min),
            current: Duration::ZERO,
        };
        this.update();
        this
    }

    /// A round trip that another layer measured: good for the handshake, then replaced by measurements.
    ///
    /// Three round trips, as a first measurement would give (R + 4·R/2), but at least 200 ms: a handshake is
    /// answered without delay.
    pub(crate) fn hint(&mut self, round_trip: Duration) {
        self.base = round_trip.saturating_mul(3).clamp(HANDSHAKE_MIN, self.max);
        self.update();
    }

    /// A round trip that was measured on what may have been sent twice (Karn): it was not longer, and where nothing better is known this
    /// is enough to wait for less than the initial timeout.
    pub(crate) fn bound(&mut self, round_trip: Duration) {
        if self.smoothed.is_none() {
            let timeout = round_trip.saturating_mul(3).max(HANDSHAKE_MIN);
            self.base = self.base.min(timeout);
            self.update();
        }
    }

    /// The handshake is over, and with it its back-off and its short timeout: acknowledgements of data may be put off.
    pub(crate) fn end_handshake(&mut self) {
        self.doublings = 0;
        self.base = self.measured().unwrap_or(self.base).max(self.min);
        self.update();
    }

    /// A round trip measured on a packet that was sent once (Karn's rule is the caller's).
    pub(crate) fn on_sample(&mut self, sample: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(sample);
                self.variance = sample / 2;
            }
            Some(smoothed) => {
                self.variance = self.variance * 3 / 4 + smoothed.abs_diff(sample) / 4;
                self.smoothed = Some(smoothed * 7 / 8 + sample / 8);
            }
        }
        self.base = self.measured().unwrap_or(self.base);
        self.doublings = 0;
        self.update();
    }

    /// The round trip of what arrived last. It changes no average (RFC 9260 §6.3.1 C4), but a timeout waits for longer than this.
    pub(crate) fn on_latest(&mut self, round_trip: Duration) {
        if self.latest != round_trip {
            self.latest = round_trip;
            self.update();
        }
    }

    /// What the samples come to.
    fn measured(&self) -> Option<Duration> {
        // The peer may put an acknowledgement off by 200 ms: `min` covers that for short paths, a floor
        // under the variance covers it for long and steady ones. And whether a repair was lost shows a quarter of a
        // round trip after one, a lost tail after two: a timeout that came before that would begin with one packet again.
        let smoothed = self.smoothed?;
        let margin = (self.variance.max(VARIANCE_MIN) * 4).max(smoothed);
        Some(smoothed.saturating_add(margin).clamp(self.min, self.max))
    }

    /// A timeout happened: the next one takes twice as long (RFC 9260 §6.3.3 E2).
    pub(crate) fn back_off(&mut self) {
        self.doublings = (self.doublings + 1).min(16);
        self.update();
    }

    /// The peer acknowledged something new: the path lives.
    pub(crate) fn on_progress(&mut self) {
        if self.doublings > 0 {
            self.doublings = 0;
            self.update();
        }
    }

    /// The timeout now.
    pub(crate) fn current(&self) -> Duration {
        self.current
    }

    fn update(&mut self) {
        let least = self
            .latest
            .saturating_add(4 * self.variance.max(VARIANCE_MIN));
        let base = match self.latest {
            Duration::ZERO => self.base,
            _ => self.base.max(least),
        };
        self.current = base.saturating_mul(1 << self.doublings).min(self.max);
    }

    /// The smoothed round trip.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }
}

const HANDSHAKE_MIN: Duration = Duration::from_millis(200);
const VARIANCE_MIN: Duration = Duration::from_millis(28);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_gives_three_round_trips() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        assert_eq!(rto.current(), Duration::from_secs(1));
        rto.on_sample(Duration::from_millis(300));
        assert_eq!(rto.current(), Duration::from_millis(900));
        rto.on_sample(Duration::from_millis(300));
        assert!(rto.current() < Duration::from_millis(900));
    }

    /// P-9: short paths wait for 400 ms, and long and steady ones for another round trip: a repair that is lost is found before.
    #[test]
    fn a_timeout_is_never_as_short_as_a_steady_round_trip() {
        for (sample, least) in [(1, 400), (150, 400), (201, 402), (600, 1200)] {
            let mut rto = RetransmissionTimeout::new(&Config::default());
            for _ in 0..100 {
                rto.on_sample(Duration::from_millis(sample));
            }
            let timeout = rto.current();
            let least = Duration::from_millis(least);
            // The average is rounded down at each sample.
            assert!(
                timeout.abs_diff(least) < Duration::from_millis(1),
                "{timeout:?}"
            );
        }
    }

    #[test]
    fn the_short_timeout_of_the_handshake_ends_with_it() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        rto.on_sample(Duration::from_millis(10));
        rto.hint(Duration::from_millis(10));
        assert_eq!(rto.current(), Duration::from_millis(200));
        rto.end_handshake();
        assert_eq!(rto.current(), Duration::from_millis(400));
    }

    /// P-9: Karn's rule allows no measurement on what may have been sent twice, but it was not longer than that.
    #[test]
    fn a_bound_shortens_the_initial_timeout_and_nothing_else() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        rto.bound(Duration::from_millis(400));
        assert_eq!(rto.current(), Duration::from_secs(1));
        rto.bound(Duration::from_millis(100));
        assert_eq!(rto.current(), Duration::from_millis(300));
        rto.bound(Duration::ZERO);
        assert_eq!(rto.current(), Duration::from_millis(200));
        assert_eq!(rto.smoothed(), None);
        rto.end_handshake();
        assert_eq!(rto.current(), Duration::from_millis(400));
        rto.on_sample(Duration::from_millis(300));
        rto.bound(Duration::from_millis(100));
        assert_eq!(rto.current(), Duration::from_millis(900));
    }

    /// P-9: RFC 9260 §6.3.1 C3, with alpha 1/8 and beta 1/4; and what arrived last counts where it took longer than the average says.
    #[test]
    fn the_average_moves_by_an_eighth_and_the_variance_by_a_quarter() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        rto.on_sample(Duration::from_millis(400));
        rto.on_sample(Duration::from_millis(800));
        assert_eq!(rto.smoothed(), Some(Duration::from_millis(450)));
        // 450 + 4 · (3/4 · 200 + 1/4 · 400).
        assert_eq!(rto.current(), Duration::from_millis(1450));
        rto.on_latest(Duration::from_millis(300));
        assert_eq!(rto.current(), Duration::from_millis(1450));
        rto.on_latest(Duration::from_millis(1200));
        assert_eq!(rto.current(), Duration::from_millis(2200));
        assert_eq!(rto.smoothed(), Some(Duration::from_millis(450)));
    }

    #[test]
    fn back_off_doubles_to_the_cap_and_ends_with_progress() {
        let mut rto = RetransmissionTimeout::new(&Config::default());
        rto.hint(Duration::from_millis(1));
        assert_eq!(rto.current(), Duration::from_millis(200));
        for _ in 0..100 {
            rto.back_off();
        }
        assert_eq!(rto.current(), Duration::from_secs(3));
        rto.on_progress();
        assert_eq!(rto.current(), Duration::from_millis(200));
    }
}
