use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::serial::Unwrapped;

/// The number of a transmission: every chunk that is sent or sent again gets the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transmission(u64);

/// What the report of an arrival is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Of what was sent once.
    First,
    /// Of what was sent again.
    Repair,
    /// There was no room for it before: it says nothing about time.
    Late,
}

/// What loss detection by time remembers (RFC 8985, for TSNs instead of octets).
///
/// A chunk is lost when something that was sent later has arrived, and it is overdue by more than packets overtake each other
/// on this path. Because transmissions and not TSNs are compared, a chunk sent again and lost again is found as well.
#[derive(Debug)]
pub(super) struct Rack {
    /// Transmissions in the order in which they were made; those that were answered, or made again, are dead entries.
    order: VecDeque<Unwrapped>,
    /// Overdue transmissions that the peer has no room to report.
    aside: VecDeque<(Transmission, Unwrapped)>,
    /// The number of the first of them.
    base: u64,
    /// The latest transmission that arrived, and its round trip.
    newest: Transmission,
    round_trip: Duration,
    /// When what this round trip was measured with arrived and left, if it was sent once.
    measured: Option<(Instant, Instant)>,
    least: LeastRoundTrip,
    /// Chunks overtook each other on this path.
    reordering: bool,
    /// The reorder window in quarters of the least round trip: it widens when something was sent again for nothing.
    quarters: u32,
    /// The window was widened for what was sent before this.
    widened: Transmission,
}

impl Rack {
    pub(super) fn new() -> Self {
        Self {
            order: VecDeque::new(),
            aside: VecDeque::new(),
            base: 1,
            newest: Transmission(0),
            round_trip: Duration::ZERO,
            measured: None,
            least: LeastRoundTrip::default(),
            reordering: false,
            quarters: 1,
            widened: Transmission(0),
        }
    }

    /// Notes that a chunk leaves.
    pub(super) fn record(&mut self, tsn: Unwrapped) -> Transmission {
        let number = self.next();
        self.order.push_back(tsn);
        number
    }

    /// The number of the next transmission.
    pub(super) fn next(&self) -> Transmission {
        Transmission(self.base + self.order.len() as u64)
    }

    /// The latest transmission that arrived.
    pub(super) fn newest(&self) -> Transmission {
        self.newest
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    pub(super) fn least_round_trip(&self) -> Duration {
        self.least.value().unwrap_or(self.round_trip)
    }

    /// The oldest transmission of those that count.
    pub(super) fn oldest(&self) -> Option<(Transmission, Unwrapped)> {
        self.order
            .front()
            .map(|tsn| (Transmission(self.base), *tsn))
    }

    pub(super) fn drop_oldest(&mut self) {
        if self.order.pop_front().is_some() {
            self.base += 1;
        }
    }

    /// The peer has no room to say what became of the oldest transmission.
    pub(super) fn set_oldest_aside(&mut self) {
        self.aside.extend(self.oldest());
        self.drop_oldest();
    }

    /// The oldest transmission that was set aside.
    pub(super) fn oldest_aside(&self) -> Option<(Transmission, Unwrapped)> {
        self.aside.front().copied()
    }

    pub(super) fn drop_oldest_aside(&mut self) {
        self.aside.pop_front();
    }

    /// Forgets every transmission.
    pub(super) fn clear(&mut self) {
        self.aside.clear();
        self.base += self.order.len() as u64;
        self.order.clear();
    }

    /// The memory that is kept for what will be sent.
    pub(super) fn spare_bytes(&self) -> usize {
        self.order.capacity() * size_of::<Unwrapped>()
    }

    /// Lets go of the memory that is not needed now.
    pub(super) fn release(&mut self) {
        self.order.shrink_to_fit();
        self.aside.shrink_to_fit();
    }

    /// A chunk arrived, as a SACK says. `before` is the latest transmission that had arrived before that SACK. Gives the
    /// round trip, when it can be measured (RFC 8985 §6.2 step 2).
    #[inline]
    pub(super) fn on_delivered(
        &mut self,
        now: Instant,
        number: Transmission,
        sent_at: Instant,
        report: Report,
        before: Transmission,
    ) -> Option<Duration> {
        if report == Report::Late {
            self.newest = self.newest.max(number);
            return None;
        }
        if report == Report::Repair {
            self.on_repaired(now.saturating_duration_since(sent_at), number);
            return None;
        }
        self.reordering |= number < before;
        if number <= self.newest {
            return None;
        }
        self.newest = number;
        // What left in one burst comes in one acknowledgement: measured once.
        if self.measured != Some((now, sent_at)) {
            self.measured = Some((now, sent_at));
            self.round_trip = now.saturating_duration_since(sent_at);
            self.least.on_sample(now, self.round_trip);
        }
        Some(self.round_trip)
    }

    fn on_repaired(&mut self, round_trip: Duration, number: Transmission) {
        // Too soon answers the transmission before.
        let too_soon = self.least.value().is_some_and(|least| round_trip < least);
        if !too_soon && number > self.newest {
            self.newest = number;
            self.round_trip = round_trip;
            self.measured = None;
        }
    }

    /// Something arrived twice, so it was sent again too early: wait longer (RFC 8985 §6.2 step 4).
    pub(super) fn on_duplicate(&mut self) {
        if self.newest >= self.widened {
            self.widened = self.next();
            self.quarters = (self.quarters + 1).min(MAX_QUARTERS);
        }
    }

    /// How much later than the newest something may arrive. `sure` says that enough arrived above a gap, or that a repair is
    /// under way.
    pub(super) fn reorder_window(&self, sure: bool, smoothed: Option<Duration>) -> Duration {
        if sure && !self.reordering {
            return Duration::ZERO;
        }
        let window = self.least_round_trip() / 4 * self.quarters;
        window.min(smoothed.unwrap_or(window))
    }

    /// Another path: its round trips are not these.
    pub(super) fn forget_path(&mut self) {
        self.least = LeastRoundTrip::default();
        self.measured = None;
        self.reordering = false;
        self.quarters = 1;
    }
}

/// The least round trip of the last ten to twenty seconds.
#[derive(Debug, Default)]
struct LeastRoundTrip {
    present: Option<(Duration, Instant)>,
    previous: Option<Duration>,
}

impl LeastRoundTrip {
    fn value(&self) -> Option<Duration> {
        let (present, _) = self.present?;
        Some(
            self.previous
                .map_or(present, |previous| previous.min(present)),
        )
    }

    fn on_sample(&mut self, now: Instant, sample: Duration) {
        match &mut self.present {
            Some((least, since)) if now.saturating_duration_since(*since) < MEMORY => {
                *least = (*least).min(sample);
            }
            present => {
                self.previous = present.map(|(least, _)| least);
                *present = Some((sample, now));
            }
        }
    }
}

const MEMORY: Duration = Duration::from_secs(10);
const MAX_QUARTERS: u32 = 8;
