use crate::{MAX_MISORDER, SequenceNumber};

/// How a packet stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the next.
    InOrder,
    /// Packets are missing in front of it, or it is the first, or the numbers start anew.
    AfterGap,
    /// It is older than what was taken already.
    Late,
}

/// Follows the sequence numbers of a stream that is sorted already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    last: Option<SequenceNumber>,
}

impl Order {
    pub(super) fn arrive(&mut self, number: SequenceNumber) -> Arrival {
        let arrival = match self.last {
            // A number far behind is not late: the sender has begun anew (RFC 3550 A.1).
            Some(last) if last.distance_from(number) <= MAX_MISORDER => return Arrival::Late,
            Some(last) if number == last.next() => Arrival::InOrder,
            _ => Arrival::AfterGap,
        };
        self.last = Some(number);
        arrival
    }
}
