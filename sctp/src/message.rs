use std::time::Duration;

use bytes::Bytes;

/// Names one stream of an association, 0 to 65535 (RFC 9260 §3.3.1, "Stream Identifier").
///
/// The two directions of one number are two streams; a data channel uses both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u16);

impl StreamId {
    /// Makes an id from its number.
    pub const fn new(id: u16) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A payload protocol identifier: what the message is to the layer above (RFC 9260 §3.3.1).
///
/// SCTP carries it and never looks at it. Data channels use 50, 51, 53, 56 and 57 (RFC 8831 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ppid(u32);

impl Ppid {
    /// Makes an identifier from its number.
    pub const fn new(ppid: u32) -> Self {
        Self(ppid)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Whether a message waits for those sent before it on its stream (RFC 9260 §6.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ordering {
    /// Delivered in the order in which it was sent.
    #[default]
    Ordered,
    /// Delivered as soon as it is complete.
    Unordered,
}

/// How hard the association tries to bring a message over. What is given up is given up whole: the peer never sees a part.
///
/// With a peer that does not know FORWARD-TSN (RFC 3758) every message is reliable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reliability {
    /// Until it arrives, or the association ends.
    #[default]
    Reliable,
    /// Given up when it has not arrived so long after [`send`](crate::Association::send) (RFC 3758 §4.1): the
    /// `maxPacketLifeTime` of a data channel.
    Lifetime(Duration),
    /// Given up when a piece of it would have to be sent again more often than this (RFC 7496 §3.1): `maxRetransmits`.
    Retransmissions(u16),
    /// Given up when the send buffer is full and a message with a smaller number wants in (RFC 7496 §3.2): 0 is the most
    /// important.
    Priority(u32),
}

/// How one message is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// Ordered by default.
    pub ordering: Ordering,
    /// Reliable by default.
    pub reliability: Reliability,
}

impl SendOptions {
    /// In order, reliably.
    pub const fn ordered() -> Self {
        Self {
            ordering: Ordering::Ordered,
            reliability: Reliability::Reliable,
        }
    }

    /// Out of order, reliably.
    pub const fn unordered() -> Self {
        Self {
            ordering: Ordering::Unordered,
            reliability: Reliability::Reliable,
        }
    }

    /// The same, with another reliability.
    #[must_use]
    pub const fn with_reliability(self, reliability: Reliability) -> Self {
        Self {
            reliability,
            ..self
        }
    }
}

/// A whole message, as it came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The stream it came on.
    pub stream: StreamId,
    /// What the peer says that it is.
    pub ppid: Ppid,
    /// How it was sent.
    pub ordering: Ordering,
    /// The bytes, at least one. The buffer is the message's own: keeping it keeps nothing else.
    pub data: Bytes,
}

/// A part of a message, or a whole one, from a stream with partial delivery
/// ([`Association::set_partial_delivery`](crate::Association::set_partial_delivery)).
///
/// The pieces of a message follow one another; the message is their bytes one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePiece {
    /// The stream it came on.
    pub stream: StreamId,
    /// What the peer says that the message is.
    pub ppid: Ppid,
    /// How it was sent.
    pub ordering: Ordering,
    /// It is the first piece of its message.
    pub beginning: bool,
    /// What comes after it.
    pub end: PieceEnd,
    /// The bytes: at least one, unless the message was abandoned.
    pub data: Bytes,
}

/// What comes after a piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceEnd {
    /// More of the same message.
    More,
    /// The next message: this one is complete.
    Complete,
    /// The next message: the peer gave this one up, or its stream was reset or refused. What was read of it is all there is.
    Abandoned,
}
