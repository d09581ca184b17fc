use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Missing packets that are remembered at most; more means that a keyframe is cheaper than repair.
pub(crate) const MAX_OUTSTANDING: usize = 1_000;

/// How far behind the highest sequence number a packet is still worth asking for.
const WINDOW: u64 = 10_000;

/// How often one packet is asked for.
const MAX_TRIES: u8 = 10;

/// Two requests for the same packet are at least this far apart.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// Repetitions that fall due within this time leave together.
const TICK: Duration = Duration::from_millis(10);

/// The longest that a first request waits for a packet that may only be reordered.
const MAX_TOLERANCE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    noticed: Instant,
    due: Instant,
    tries: u8,
}

/// What became of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Its packets are remembered.
    Logged,
    /// There were too many: the log is empty again, and only a keyframe helps.
    Overflow,
}

/// The packets of one stream that did not arrive, and when to ask for them (RFC 4585 §6.2.1).
///
/// A first request leaves at once, or after the reordering that this path has shown, up to 20 ms; it is repeated
/// once per round trip, ten times at most. The original, its retransmission and (later) a repaired packet all
/// clear the same entry.
#[derive(Debug, Default)]
pub(crate) struct NackLog {
    missing: VecDeque<Missing>,
    /// No later than the first due entry; `None` when nothing waits for time.
    next_due: Option<Instant>,
    /// Entries are due and wait to be polled.
    ready: bool,
    tolerance: Duration,
    abandoned: u64,
}

impl NackLog {
    /// The packets from `first` up to but without `end` are missing as of `now`.
    pub(crate) fn on_gap(&mut self, now: Instant, first: u64, end: u64) -> Gap {
        let oldest = end.saturating_sub(WINDOW);
        while self.missing.front().is_some_and(|m| m.sequence < oldest) {
            self.missing.pop_front();
            self.abandoned += 1;
        }
        let count = end.saturating_sub(first);
        if count > (MAX_OUTSTANDING - self.missing.len()) as u64 {
            self.abandoned += count + self.missing.len() as u64;
            self.clear();
            return Gap::Overflow;
        }
        let due = now + self.tolerance;
        self.missing.extend((first..end).map(|sequence| Missing {
            sequence,
            noticed: now,
            due,
            tries: 0,
        }));
        if count > 0 {
            self.wait_until(due);
            self.settle(now);
        }
        Gap::Logged
    }

    /// A packet is there. Returns whether it was missing.
    pub(crate) fn on_recovered(&mut self, sequence: u64) -> bool {
        self.remove(sequence).is_some()
    }

    /// A packet came the ordinary way, but late: the path reorders, and first requests wait for that.
    pub(crate) fn on_late_original(&mut self, now: Instant, sequence: u64) -> bool {
        let Some(missing) = self.remove(sequence) else {
            return false;
        };
        let late = now.saturating_duration_since(missing.noticed);
        if late <= MAX_TOLERANCE * 2 {
            self.tolerance = self.tolerance.max(late + late / 4).min(MAX_TOLERANCE);
        }
        true
    }

    fn remove(&mut self, sequence: u64) -> Option<Missing> {
        let index = self
            .missing
            .binary_search_by_key(&sequence, |missing| missing.sequence)
            .ok()?;
        let removed = self.missing.remove(index);
        if self.missing.is_empty() {
            self.clear();
        }
        removed
    }

    /// Marks what is due at `now`; call it when the deadline passes.
    pub(crate) fn settle(&mut self, now: Instant) {
        if self.next_due.is_none_or(|due| due > now) {
            return;
        }
        self.next_due = None;
        for index in 0..self.missing.len() {
            let Some(&Missing { due, .. }) = self.missing.get(index) else {
                break;
            };
            if due <= now {
                self.ready = true;
            } else {
                self.wait_until(due);
            }
        }
    }

    /// When something will be due; `None` when nothing waits for time.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.next_due
    }

    /// Whether there is something to ask for now.
    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Takes up to `limit` sequence numbers to ask for, in rising order; each is due again after a round trip.
    pub(crate) fn take_due(
        &mut self,
        now: Instant,
        round_trip: Duration,
        limit: usize,
        take: &mut Vec<u64>,
    ) {
        // A little more than a round trip: an answer that is on its way should have arrived, and the other side, which
        // repeats once per round trip as it sees it, should be ready to.
        let again = now + (round_trip + round_trip / 8).max(MIN_INTERVAL);
        let mut taken = 0;
        let mut more = false;
        let before = self.missing.len();
        self.missing.retain_mut(|missing| {
            let due = missing.due <= now || (missing.tries > 0 && missing.due <= now + TICK);
            if !due {
                return true;
            }
            if missing.tries >= MAX_TRIES {
                return false;
            }
            if taken >= limit {
                more |= missing.due <= now;
                return true;
            }
            taken += 1;
            missing.tries += 1;
            missing.due = again;
            take.push(missing.sequence);
            true
        });
        self.abandoned += (before - self.missing.len()) as u64;
        self.ready = more;
        self.next_due = self
            .missing
            .iter()
            .map(|missing| missing.due)
            .filter(|due| *due > now)
            .min();
        if taken > 0 {
            // Requests that were needed wear the tolerance off again, so that one reordered burst is forgotten.
            self.tolerance -= self.tolerance / 16;
        }
    }

    /// Forgets everything, as after a jump of the sequence numbers.
    pub(crate) fn clear(&mut self) {
        self.missing.clear();
        self.next_due = None;
        self.ready = false;
    }

    /// Packets given up: asked for ten times, too old, or too many.
    pub(crate) const fn abandoned(&self) -> u64 {
        self.abandoned
    }

    fn wait_until(&mut self, due: Instant) {
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim::epoch;

    const RTT: Duration = Duration::from_millis(50);

    fn due(log: &mut NackLog, now: Instant) -> Vec<u64> {
        log.settle(now);
        let mut taken = Vec::new();
        if log.is_ready() {
            log.take_due(now, RTT, usize::MAX, &mut taken);
        }
        taken
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_again_every_round_trip_ten_times() {
        let mut log = NackLog::default();
        let mut now = epoch();
        assert_eq!(log.on_gap(now, 5, 8), Gap::Logged);
        assert!(log.is_ready());
        for _ in 0..10 {
            assert_eq!(due(&mut log, now), [5, 6, 7]);
            assert_eq!(due(&mut log, now), [], "twice in one round trip");
            assert_eq!(log.deadline(), Some(now + RTT + RTT / 8));
            now += RTT + RTT / 8;
        }
        assert_eq!(due(&mut log, now), []);
        assert_eq!(log.deadline(), None);
        assert_eq!(log.abandoned(), 3);
    }

    #[test]
    fn what_arrives_is_not_asked_for_again() {
        let mut log = NackLog::default();
        log.on_gap(epoch(), 5, 8);
        assert!(log.on_recovered(6));
        assert!(!log.on_recovered(6));
        assert_eq!(due(&mut log, epoch()), [5, 7]);
        log.on_recovered(5);
        log.on_recovered(7);
        assert_eq!(log.deadline(), None);
        assert!(!log.is_ready());
    }

    #[test]
    fn a_reordering_path_makes_first_requests_wait() {
        let mut log = NackLog::default();
        log.on_gap(epoch(), 1, 2);
        assert!(log.on_late_original(epoch() + Duration::from_millis(4), 1));
        log.on_gap(epoch(), 10, 11);
        assert!(!log.is_ready());
        assert_eq!(log.deadline(), Some(epoch() + Duration::from_millis(5)));
        assert_eq!(due(&mut log, epoch() + Duration::from_millis(5)), [10]);
    }

    #[test]
    fn more_than_a_thousand_missing_packets_empty_the_log() {
        let mut log = NackLog::default();
        assert_eq!(log.on_gap(epoch(), 0, 1_000), Gap::Logged);
        assert_eq!(log.on_gap(epoch(), 1_001, 1_002), Gap::Overflow);
        assert_eq!(due(&mut log, epoch()), []);
        assert_eq!(log.on_gap(epoch(), 2_000, u64::MAX), Gap::Overflow);
        assert_eq!(log.deadline(), None);
    }

    #[test]
    fn packets_ten_thousand_behind_are_given_up() {
        let mut log = NackLog::default();
        log.on_gap(epoch(), 1, 2);
        log.on_gap(epoch(), 20_000, 20_001);
        assert_eq!(due(&mut log, epoch()), [20_000]);
    }

    #[test]
    fn a_limit_leaves_the_rest_ready() {
        let mut log = NackLog::default();
        log.on_gap(epoch(), 0, 10);
        let mut taken = Vec::new();
        log.take_due(epoch(), RTT, 4, &mut taken);
        assert_eq!(taken, [0, 1, 2, 3]);
        assert!(log.is_ready());
        log.take_due(epoch(), RTT, 100, &mut taken);
        assert_eq!(taken.len(), 10);
    }

    #[test]
    fn the_deadline_passes_once_it_was_settled_even_if_nobody_polls() {
        let mut log = NackLog::default();
        log.on_gap(epoch(), 1, 2);
        due(&mut log, epoch());
        let deadline = log.deadline().unwrap();
        log.settle(deadline);
        assert!(log.deadline().is_none_or(|next| next > deadline));
    }
}
