use std::collections::BTreeSet;
use std::time::Instant;

/// The deadlines of a shard's connections, earliest first; one entry per connection at most.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Instant, usize)>,
}

impl Timers {
    /// Replaces the deadline of a connection. `previous` is what was set last time.
    pub(crate) fn set(&mut self, index: usize, previous: Option<Instant>, next: Option<Instant>) {
        if previous == next {
            return;
        }
        if let Some(at) = previous {
            self.queue.remove(&(at, index));
        }
        if let Some(at) = next {
            self.queue.insert((at, index));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes out one connection whose deadline has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let due = self.queue.first().filter(|(at, _)| *at <= now).copied()?;
        self.queue.remove(&due);
        Some(due.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn deadlines_come_out_in_order_and_a_replaced_one_never() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.set(1, None, Some(at(30)));
        timers.set(2, None, Some(at(20)));
        timers.set(3, None, Some(at(20)));
        timers.set(1, Some(at(30)), Some(at(10)));
        timers.set(3, Some(at(20)), None);
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(5)), None);
        assert_eq!(timers.pop_due(at(60)), Some(1));
        assert_eq!(timers.pop_due(at(60)), Some(2));
        assert_eq!(timers.pop_due(at(60)), None);
        assert_eq!(timers.next(), None);
    }
}
