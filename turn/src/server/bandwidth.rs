use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Rate;
use super::data::Direction;

/// What has passed of a user's bytes, or of everybody's, in each direction. Clones count together: servers of several threads
/// hold a limit as one, and none waits for another.
#[derive(Clone, Debug)]
pub struct Bandwidth {
    /// Nanoseconds are counted from here.
    since: Instant,
    to_peer: Arc<Meter>,
    to_client: Arc<Meter>,
}

/// When all that has passed will be paid for, at the rate, in nanoseconds: a token bucket in one number.
#[derive(Debug, Default)]
struct Meter(AtomicU64);

impl Bandwidth {
    /// One that nothing has passed. The instant is any that is not long ago.
    pub fn new(since: Instant) -> Self {
        Self {
            since,
            to_peer: Arc::default(),
            to_client: Arc::default(),
        }
    }

    fn meter(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::ToPeer => &self.to_peer.0,
            Direction::ToClient => &self.to_client.0,
        }
    }

    /// Takes so many bytes if there is room.
    pub(super) fn take(&self, now: Instant, direction: Direction, rate: Rate, bytes: u64) -> bool {
        let (now, cost, burst) = (self.at(now), price(rate, bytes), price(rate, rate.burst));
        let paid = |until: u64| {
            let until = until.max(now).saturating_add(cost);
            (until - now <= burst).then_some(until)
        };
        let meter = self.meter(direction);
        meter
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid)
            .is_ok()
    }

    /// Gives so many bytes back.
    pub(super) fn give(&self, direction: Direction, rate: Rate, bytes: u64) {
        let back = |until: u64| Some(until.saturating_sub(price(rate, bytes)));
        let meter = self.meter(direction);
        let _ = meter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back);
    }

    /// Takes so many bytes, room or not, and says how long it takes until they are paid for.
    pub(super) fn charge(
        &self,
        now: Instant,
        direction: Direction,
        rate: Rate,
        bytes: u64,
    ) -> Duration {
        let (now, cost, burst) = (self.at(now), price(rate, bytes), price(rate, rate.burst));
        let charged = |until: u64| until.max(now).saturating_add(cost);
        let before =
            self.meter(direction)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
                    Some(charged(until))
                });
        let until = charged(before.unwrap_or_else(|until| until));
        Duration::from_nanos(until.saturating_sub(now).saturating_sub(burst))
    }

    fn at(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.since);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// How many nanoseconds of the rate so many bytes are.
fn price(rate: Rate, bytes: u64) -> u64 {
    let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(rate.per_second.max(1).into());
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 1_000,
        burst: 5_000,
    };

    #[test]
    fn clones_give_the_burst_once_and_then_the_rate_together() {
        let start = netsim::epoch();
        let one = Bandwidth::new(start);
        let other = one.clone();
        let mut passed = 0;
        for millis in 0..10_000 {
            let now = start + Duration::from_millis(millis);
            for it in [&one, &other] {
                passed += 10 * u64::from(it.take(now, Direction::ToPeer, RATE, 10));
            }
        }
        assert!((14_980..=15_000).contains(&passed), "{passed}");
        // The other direction is a matter of its own.
        assert!(one.take(start, Direction::ToClient, RATE, 5_000));
        assert!(!other.take(start, Direction::ToClient, RATE, 1));
        other.give(Direction::ToClient, RATE, 100);
        assert!(one.take(start, Direction::ToClient, RATE, 100));
        let wait = one.charge(start, Direction::ToClient, RATE, 100);
        assert_eq!(wait, Duration::from_millis(100));
    }

    #[test]
    fn threads_take_no_more_than_there_is() {
        let start = netsim::epoch();
        let bandwidth = Bandwidth::new(start);
        let take = || {
            let bandwidth = bandwidth.clone();
            move || {
                (0..5_000)
                    .filter(|_| bandwidth.take(start, Direction::ToPeer, RATE, 1))
                    .count()
            }
        };
        let threads = [std::thread::spawn(take()), std::thread::spawn(take())];
        let taken: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
        assert_eq!(taken, 5_000);
    }
}
