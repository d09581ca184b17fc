use std::time::{Duration, Instant};

use crate::message::Reliability;

/// How far a message's reliability goes, in the terms of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// To the end.
    None,
    /// Until then (RFC 3758 §4.1).
    Until(Instant),
    /// So many repetitions of each piece (RFC 7496 §3.1).
    Retransmissions(u16),
    /// Until something more important wants its room (RFC 7496 §3.2); once it is sent, to the end.
    Priority(u32),
}

impl Limit {
    pub(crate) fn new(now: Instant, reliability: Reliability) -> Self {
        match reliability {
            Reliability::Reliable => Self::None,
            // What outlives a year is reliable.
            Reliability::Lifetime(lifetime) if lifetime > LONGEST => Self::None,
            Reliability::Lifetime(lifetime) => Self::Until(now + lifetime),
            Reliability::Retransmissions(most) => Self::Retransmissions(most),
            Reliability::Priority(priority) => Self::Priority(priority),
        }
    }

    pub(crate) fn is_expired(self, now: Instant) -> bool {
        matches!(self, Self::Until(end) if now > end)
    }

    /// Whether a piece that was sent again so often, and is lost, is not sent any more.
    pub(crate) fn forbids(self, now: Instant, repetitions: u16) -> bool {
        match self {
            Self::None | Self::Priority(_) => false,
            Self::Until(_) => self.is_expired(now),
            Self::Retransmissions(most) => repetitions >= most,
        }
    }

    pub(crate) fn priority(self) -> Option<u32> {
        match self {
            Self::Priority(priority) => Some(priority),
            _ => None,
        }
    }
}

const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
