use std::time::{Duration, Instant};

/// How much may pass on average, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So much in a second.
    pub per_second: u64,
    /// So much after a rest.
    pub burst: u64,
}

impl Rate {
    /// A rate whose burst is what passes in a second.
    pub const fn per_second(per_second: u64) -> Self {
        Self {
            per_second,
            burst: per_second,
        }
    }
}

/// A token bucket: full at first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// What has been taken and not come back, in millionths.
    debt: u128,
    updated: Option<Instant>,
}

impl Bucket {
    /// Takes so much if it is there.
    pub(super) fn take(&mut self, now: Instant, rate: Rate, amount: u64) -> bool {
        self.refill(now, rate);
        let debt = self.debt + u128::from(amount) * MILLION;
        let fits = debt <= u128::from(rate.burst) * MILLION;
        if fits {
            self.debt = debt;
        }
        fits
    }

    /// Gives so much back.
    pub(super) fn give(&mut self, amount: u64) {
        self.debt = self.debt.saturating_sub(u128::from(amount) * MILLION);
    }

    /// Takes so much, there or not, and says how long it takes until the debt is paid.
    pub(super) fn charge(&mut self, now: Instant, rate: Rate, amount: u64) -> Duration {
        self.refill(now, rate);
        self.debt += u128::from(amount) * MILLION;
        let missing = self.debt.saturating_sub(u128::from(rate.burst) * MILLION);
        let micros = missing.div_ceil(u128::from(rate.per_second.max(1)));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn refill(&mut self, now: Instant, rate: Rate) {
        let since = self
            .updated
            .map_or(Duration::ZERO, |then| now.saturating_duration_since(then));
        self.updated = Some(now);
        let back = since.as_micros().saturating_mul(rate.per_second.into());
        self.debt = self.debt.saturating_sub(back);
    }
}

const MILLION: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = netsim::epoch();
        let rate = Rate {
            per_second: 10,
            burst: 5,
        };
        let mut bucket = Bucket::default();
        let taken = (0..100).filter(|_| bucket.take(start, rate, 1)).count();
        assert_eq!(taken, 5);
        let mut taken = 0;
        for millis in 0..1_000 {
            let now = start + Duration::from_millis(millis);
            taken += usize::from(bucket.take(now, rate, 1));
        }
        assert_eq!(taken, 9);
        // A clock that goes back gives nothing and takes nothing.
        assert!(!bucket.take(start, rate, 5));
        bucket.give(5);
        assert!(bucket.take(start, rate, 5));
        assert_eq!(bucket.charge(start, rate, 1), Duration::from_millis(100));
    }
}
