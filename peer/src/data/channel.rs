//! One data channel (W3C WebRTC §6.2, RFC 8831).

use std::collections::VecDeque;

use bytes::Bytes;
use sctp::{Ordering, Ppid};

/// Names one channel of a connection, also before it has a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub(super) u32);

impl ChannelId {
    /// The number, unique within its connection and never used again.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// What a new channel shall be (W3C `RTCDataChannelInit`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannelInit {
    /// Whether messages arrive in the order of sending. Default: yes.
    pub ordered: bool,
    /// The subprotocol, told to the peer. Default: empty.
    pub protocol: String,
    /// The stream id that both applications agreed on: then no OPEN is sent and the channel is open with the
    /// association. Default: none, the connection chooses.
    pub negotiated: Option<u16>,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            protocol: String::new(),
            negotiated: None,
        }
    }
}

/// W3C `RTCDataChannelState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelState {
    /// Waits for the association.
    Connecting,
    /// Messages flow.
    Open,
    /// Sends what it has, then closes.
    Closing,
    /// Over.
    Closed,
}

/// A message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The size of the payload in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// A channel from its creation to its end.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) label: String,
    pub(super) protocol: String,
    pub(super) ordered: bool,
    pub(super) negotiated: bool,
    pub(super) state: ChannelState,
    /// Known once the DTLS role is, or from the start when negotiated or opened by the peer.
    pub(super) stream: Option<u16>,
    /// OPEN waits for room in the send buffer.
    pub(super) open_unsent: bool,
    /// The peer knows the channel: its OPEN, its ACK or any data came. Until then messages are sent in order, or
    /// they could overtake OPEN (RFC 8832 §6).
    pub(super) acknowledged: bool,
    /// Messages that were taken out of the association to see what they are.
    pub(super) held: VecDeque<sctp::Message>,
    /// The pieces of a message whose end is to come (RFC 8831 §6.6, PPIDs 52 and 54).
    pub(super) partial: Vec<u8>,
    /// `DataChannelReadable` was said and the queue has not been read empty since.
    pub(super) readable: bool,
    /// A send met a full buffer.
    pub(super) blocked: bool,
    pub(super) low_threshold: usize,
    /// Our outgoing stream was asked to begin anew, and did.
    pub(super) reset_requested: bool,
    pub(super) reset_done: bool,
    /// The peer's outgoing stream began anew.
    pub(super) peer_reset: bool,
    pub(super) messages_sent: u64,
    pub(super) bytes_sent: u64,
    pub(super) messages_received: u64,
    pub(super) bytes_received: u64,
}

impl Channel {
    pub(super) fn new(label: String, protocol: String, ordered: bool) -> Self {
        Self {
            label,
            protocol,
            ordered,
            negotiated: false,
            state: ChannelState::Connecting,
            stream: None,
            open_unsent: true,
            acknowledged: false,
            held: VecDeque::new(),
            partial: Vec::new(),
            readable: false,
            blocked: false,
            low_threshold: 0,
            reset_requested: false,
            reset_done: false,
            peer_reset: false,
            messages_sent: 0,
            bytes_sent: 0,
            messages_received: 0,
            bytes_received: 0,
        }
    }

    pub(super) const fn ordering(&self) -> Ordering {
        if self.ordered || !self.acknowledged {
            Ordering::Ordered
        } else {
            Ordering::Unordered
        }
    }
}

/// DCEP (RFC 8832 §8.1), and the payloads of RFC 8831 §8.
pub(super) const PPID_DCEP: Ppid = Ppid::new(50);
pub(super) const PPID_STRING: Ppid = Ppid::new(51);
pub(super) const PPID_BINARY_PARTIAL: Ppid = Ppid::new(52);
pub(super) const PPID_BINARY: Ppid = Ppid::new(53);
pub(super) const PPID_STRING_PARTIAL: Ppid = Ppid::new(54);
pub(super) const PPID_STRING_EMPTY: Ppid = Ppid::new(56);
pub(super) const PPID_BINARY_EMPTY: Ppid = Ppid::new(57);
