use crate::clock::to_ticks;
use std::time::{Duration, Instant};

/// Counts and jitter of one received SSRC (RFC 3550 §6.4.1, A.3, A.8).
#[derive(Debug, Default)]
pub(crate) struct ReceiveStatistics {
    /// The first and the highest extended sequence number since the last restart.
    base: u64,
    highest: u64,
    /// Expected and received before the last restart; counters never decrease.
    expected_before: u64,
    received: u64,
    /// At the last report.
    expected_prior: u64,
    received_prior: u64,
    jitter: Jitter,
    started: bool,
}

impl ReceiveStatistics {
    /// Starts counting at a sequence number, again after a jump (RFC 3550 A.1).
    pub(crate) fn start(&mut self, sequence: u64) {
        if self.started {
            self.expected_before = self.expected();
        }
        self.started = true;
        self.base = sequence;
        self.highest = sequence;
        self.jitter.transit = None;
    }

    /// Counts a packet that arrived on time or reordered.
    pub(crate) fn on_packet(&mut self, sequence: u64) {
        self.received += 1;
        self.highest = self.highest.max(sequence);
    }

    /// Updates the interarrival jitter; not for packets that took another way, such as retransmissions.
    pub(crate) fn on_arrival(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        self.jitter.on_arrival(now, timestamp, clock_rate);
    }

    fn expected(&self) -> u64 {
        if self.started {
            self.expected_before + (self.highest - self.base + 1)
        } else {
            0
        }
    }

    /// Packets lost since the beginning; negative with duplicates.
    pub(crate) fn lost(&self) -> i64 {
        i64::try_from(self.expected()).unwrap_or(i64::MAX)
            - i64::try_from(self.received).unwrap_or(i64::MAX)
    }

    /// Packets received, duplicates included.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// The jitter in units of the clock.
    pub(crate) const fn jitter_ticks(&self) -> u32 {
        (self.jitter.scaled >> 4) as u32
    }

    /// The jitter as a time.
    pub(crate) fn jitter(&self) -> Duration {
        match self.jitter.clock_rate {
            0 => Duration::ZERO,
            rate => Duration::from_nanos(
                (self.jitter.scaled >> 4).saturating_mul(1_000_000_000) / u64::from(rate),
            ),
        }
    }

    /// The fraction lost since the last report in units of 1/256 and the total, clamped to 24 bits; begins a new
    /// interval (RFC 3550 A.3).
    pub(crate) fn take_loss(&mut self) -> (u8, i32) {
        let expected = self.expected();
        let expected_now = expected - self.expected_prior.min(expected);
        let received_now = self.received - self.received_prior.min(self.received);
        self.expected_prior = expected;
        self.received_prior = self.received;
        let fraction = match expected_now.checked_sub(received_now) {
            Some(lost) if expected_now > 0 => ((lost << 8) / expected_now).min(255) as u8,
            _ => 0,
        };
        let total = self.lost().clamp(-0x80_0000, 0x7f_ffff) as i32;
        (fraction, total)
    }
}

/// The interarrival jitter with the fixed-point filter of RFC 3550 A.8.
#[derive(Debug, Default)]
struct Jitter {
    /// The jitter times sixteen, in units of the clock.
    scaled: u64,
    clock_rate: u32,
    /// Arrival and timestamp of the last packet.
    transit: Option<(Instant, u32)>,
}

impl Jitter {
    fn on_arrival(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            // Another clock: what was measured is rescaled, and the step is not jitter (RFC 7160 §4.2).
            if self.clock_rate != 0 {
                self.scaled =
                    self.scaled.saturating_mul(u64::from(clock_rate)) / u64::from(self.clock_rate);
            }
            self.clock_rate = clock_rate;
            self.transit = None;
        }
        let previous = self.transit.replace((now, timestamp));
        let Some((then, timestamp_then)) = previous else {
            return;
        };
        let elapsed = to_ticks(now.saturating_duration_since(then), clock_rate);
        let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
        let advanced = i64::from(timestamp.wrapping_sub(timestamp_then) as i32);
        let difference = elapsed.saturating_sub(advanced).unsigned_abs();
        // A step of more than ten seconds is a pause or a new timeline, not jitter.
        if difference > u64::from(clock_rate) * 10 {
            return;
        }
        self.scaled = self.scaled + difference - ((self.scaled + 8) >> 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;

    #[test]
    fn fraction_covers_the_interval_and_total_the_life() {
        let mut statistics = ReceiveStatistics::default();
        statistics.start(100);
        for sequence in [100, 101, 103] {
            statistics.on_packet(sequence);
        }
        assert_eq!(statistics.take_loss(), (64, 1));
        for sequence in 104..108 {
            statistics.on_packet(sequence);
        }
        assert_eq!(statistics.take_loss(), (0, 1));
        assert_eq!(statistics.take_loss(), (0, 1));
    }

    #[test]
    fn duplicates_make_the_total_negative_and_the_fraction_zero() {
        let mut statistics = ReceiveStatistics::default();
        statistics.start(1);
        for _ in 0..3 {
            statistics.on_packet(1);
        }
        assert_eq!(statistics.take_loss(), (0, -2));
    }

    #[test]
    fn the_total_is_clamped_to_24_signed_bits() {
        let mut statistics = ReceiveStatistics::default();
        statistics.start(0);
        statistics.on_packet(20_000_000);
        assert_eq!(statistics.take_loss(), (255, 0x7f_ffff));
    }

    #[test]
    fn a_restart_keeps_what_was_counted() {
        let mut statistics = ReceiveStatistics::default();
        statistics.start(10);
        statistics.on_packet(10);
        statistics.on_packet(12);
        statistics.start(50_000);
        statistics.on_packet(50_000);
        assert_eq!(statistics.lost(), 1);
        assert_eq!(statistics.received(), 3);
    }

    #[test]
    fn an_even_pace_has_no_jitter_and_the_timestamp_may_wrap() {
        let mut jitter = Jitter::default();
        let mut timestamp = u32::MAX - 3_000;
        for n in 0..100 {
            jitter.on_arrival(epoch() + Duration::from_millis(20 * n), timestamp, 48_000);
            timestamp = timestamp.wrapping_add(960);
        }
        assert_eq!(jitter.scaled, 0);
    }

    #[test]
    fn jitter_converges_to_the_mean_deviation() {
        let mut statistics = ReceiveStatistics::default();
        for n in 0..1_000_u32 {
            // Every other packet is 10 ms late: transit times differ by 480 ticks each time.
            let at = Duration::from_millis(u64::from(20 * n + 10 * (n % 2)));
            statistics.on_arrival(epoch() + at, 960 * n, 48_000);
        }
        assert!((470..=490).contains(&statistics.jitter_ticks()));
        assert!(statistics.jitter().as_millis().abs_diff(10) <= 1);
        // The same jitter in another clock.
        statistics.on_arrival(epoch() + Duration::from_secs(21), 0, 8_000);
        assert!((77..=82).contains(&statistics.jitter_ticks()));
    }
}
