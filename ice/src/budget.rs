//! What an endpoint may send to addresses that somebody merely named.

use std::time::{Duration, Instant};

/// How many checks to unproved addresses all agents of an endpoint may start in a second, beside the pace that each
/// agent keeps for itself (RFC 8445 §19.5.1: a peer that lists a victim's addresses must not find an amplifier in
/// a host with many sessions).
///
/// Sans-IO and without a lock: the owner of the agents shows it what each of them sent
/// ([`Stats::unproved_requests_sent`](crate::Stats)), and hands the instant that it returns to
/// [`Agent::hold_checks`](crate::Agent::hold_checks).
#[derive(Clone, Copy, Debug)]
pub struct CheckBudget {
    per_second: u32,
    left: u32,
    window: Option<Instant>,
}

impl CheckBudget {
    /// The default rate.
    pub const DEFAULT_PER_SECOND: u32 = 10_000;

    /// A full budget.
    pub const fn new(per_second: u32) -> Self {
        Self {
            per_second,
            left: per_second,
            window: None,
        }
    }

    /// Takes note of checks that were sent.
    pub fn spend(&mut self, now: Instant, checks: u64) {
        self.refill(now);
        let checks = u32::try_from(checks).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(checks);
    }

    /// When the next check may start, when that is not now.
    pub fn wait_until(&mut self, now: Instant) -> Option<Instant> {
        self.refill(now);
        let window = self.window.filter(|_| self.left == 0)?;
        Some(window + WINDOW)
    }

    fn refill(&mut self, now: Instant) {
        let is_over = |start: Instant| now.saturating_duration_since(start) >= WINDOW;
        if self.window.is_none_or(is_over) {
            self.window = Some(now);
            // A tenth of a second at a time: a second's worth at once would be a burst.
            self.left = (self.per_second / 10).max(1);
        }
    }
}

impl Default for CheckBudget {
    fn default() -> Self {
        Self::new(Self::DEFAULT_PER_SECOND)
    }
}

const WINDOW: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    /// I-6
    #[test]
    fn ten_thousand_checks_a_second_pass_and_no_more() {
        // The one clock reading of this test; only differences count.
        #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
        let start = Instant::now();
        let mut now = start;
        let mut budget = CheckBudget::default();
        let mut sent = 0_u32;
        while now < start + Duration::from_secs(2) {
            match budget.wait_until(now) {
                Some(until) => {
                    assert!(until > now);
                    now = until;
                }
                None => {
                    budget.spend(now, 1);
                    sent += 1;
                }
            }
        }
        assert_eq!(sent, 20_000);
    }
}
