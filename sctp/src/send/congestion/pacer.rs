use std::time::{Duration, Instant};

/// Spreads packets over the round trip instead of sending them in bursts: a bucket of bytes that fills at the pacing rate.
#[derive(Debug)]
pub(crate) struct Pacer {
    mtu: usize,
    /// What may leave at once; less than nothing after a packet that was larger than what was left.
    credit: i64,
    /// When the credit was last counted, and at which rate it grows since.
    counted: Option<(Instant, u64)>,
    /// Nothing leaves before.
    release: Option<Instant>,
    /// The most that the application allows, in bytes per second.
    limit: Option<u64>,
}

impl Pacer {
    pub(crate) fn new(mtu: usize) -> Self {
        Self {
            mtu,
            credit: (LEAST_BURST_PACKETS * mtu) as i64,
            counted: None,
            release: None,
            limit: None,
        }
    }

    /// Packets have another size from now on.
    pub(crate) fn set_packet_size(&mut self, mtu: usize) {
        self.mtu = mtu;
    }

    /// The most that the application allows, in bytes per second.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Sets the most that the application allows, in bytes per second.
    pub(crate) fn set_limit(&mut self, limit: Option<u64>) {
        self.limit = limit.map(|limit| limit.max(1));
        self.release = None;
    }

    /// Whether a packet may leave now, at `rate` bytes per second; `None` does not pace.
    pub(crate) fn allows(&mut self, now: Instant, rate: Option<u64>) -> bool {
        let rate = match (rate, self.limit) {
            (Some(rate), Some(limit)) => rate.min(limit),
            (Some(rate), None) | (None, Some(rate)) => rate,
            (None, None) => {
                self.release = None;
                self.counted = None;
                return true;
            }
        };
        if self.release.is_some_and(|release| now < release) {
            return false;
        }
        self.release = None;
        let rate = rate.max(self.mtu as u64);
        let burst = self.burst(rate);
        let (counted, _) = self.counted.unwrap_or((now, rate));
        // Most packets leave together with others.
        if now > counted {
            let elapsed = (now - counted).min(Duration::from_secs(1));
            let grown = u128::from(rate) * elapsed.as_micros() / 1_000_000;
            let grown = i64::try_from(grown).unwrap_or(i64::MAX);
            self.credit = self.credit.saturating_add(grown);
        }
        self.credit = self.credit.min(burst);
        self.counted = Some((now, rate));
        if self.credit > 0 {
            return true;
        }
        // Wake for a few packets at once: a timer for each would cost more than it spreads.
        let wanted = (burst / 4)
            .saturating_sub(self.credit)
            .max(1)
            .unsigned_abs();
        let wait = wanted.saturating_mul(1_000_000) / rate + 1;
        self.release = Some(now + Duration::from_micros(wait));
        false
    }

    /// A chunk of so many bytes left.
    pub(crate) fn on_sent(&mut self, bytes: usize) {
        if self.counted.is_some() {
            self.credit -= bytes as i64;
        }
    }

    /// When what was held back may leave.
    pub(crate) fn release(&self) -> Option<Instant> {
        self.release
    }

    /// Nothing is held back.
    pub(crate) fn clear_release(&mut self) {
        self.release = None;
    }

    fn burst(&self, rate: u64) -> i64 {
        // Four milliseconds' worth: what one wake-up of a driver on a coarse timer sends.
        let burst = usize::try_from(rate / 250).unwrap_or(usize::MAX);
        burst.clamp(
            LEAST_BURST_PACKETS * self.mtu,
            MOST_BURST_PACKETS * self.mtu,
        ) as i64
    }
}

const LEAST_BURST_PACKETS: usize = 10;
const MOST_BURST_PACKETS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_at_the_rate_whenever_one_asks() {
        let start = netsim::epoch();
        let mut now = start;
        let mut pacer = Pacer::new(1000);
        let mut sent = 0u64;
        while now < start + Duration::from_secs(2) {
            while pacer.allows(now, Some(1_000_000)) {
                pacer.on_sent(1000);
                sent += 1000;
            }
            now = pacer.release().unwrap();
        }
        assert!((2_000_000..2_020_000).contains(&sent), "{sent}");
    }

    #[test]
    fn a_pause_earns_no_more_than_a_burst() {
        let now = netsim::epoch();
        let mut pacer = Pacer::new(1000);
        assert!(pacer.allows(now, Some(100_000)));
        let later = now + Duration::from_secs(100);
        let mut sent = 0;
        while pacer.allows(later, Some(100_000)) {
            pacer.on_sent(1000);
            sent += 1;
        }
        assert_eq!(sent, LEAST_BURST_PACKETS);
    }

    #[test]
    fn the_limit_of_the_application_holds_without_a_round_trip() {
        let now = netsim::epoch();
        let mut pacer = Pacer::new(1000);
        pacer.set_limit(Some(50_000));
        let mut sent = 0;
        while pacer.allows(now, None) {
            pacer.on_sent(1000);
            sent += 1;
        }
        assert_eq!(sent, LEAST_BURST_PACKETS);
        assert!(pacer.release().is_some());
    }
}
