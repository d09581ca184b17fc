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

/// How one message is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// Ordered by default.
    pub ordering: Ordering,
}

impl SendOptions {
    /// In order, reliably.
    pub const fn ordered() -> Self {
        Self {
            ordering: Ordering::Ordered,
        }
    }

    /// Out of order, reliably.
    pub const fn unordered() -> Self {
        Self {
            ordering: Ordering::Unordered,
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
