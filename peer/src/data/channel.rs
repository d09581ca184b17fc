//! One data channel (W3C WebRTC §6.2, RFC 8831).

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use sctp::{Ordering, Ppid, ReceiveLimit, SendOptions};

use super::dcep::Reliability;
use super::streaming::{Reading, Writing};
use crate::event::ChannelCloseReason;

/// Names one channel of a connection, also before it has a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub(super) u32);

impl ChannelId {
    /// The number, unique within its connection and never used again.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a new channel shall be (W3C `RTCDataChannelInit`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannelInit {
    /// Whether messages arrive in the order of sending. Default: yes.
    pub ordered: bool,
    /// How long each side tries to deliver a message (W3C `maxRetransmits`, `maxPacketLifeTime`). What is given up is given
    /// up whole. Default: until it arrives.
    pub reliability: Reliability,
    /// The share of this channel where several have something to send. Default: low, which is what W3C calls the one in the middle.
    pub priority: Priority,
    /// The subprotocol, told to the peer. Default: empty.
    pub protocol: String,
    /// The stream id that both applications agreed on: then no OPEN is sent and the channel is open with the
    /// association. Default: none, the connection chooses. Create it before the association stands: of what the peer sends before, 64 KiB
    /// are kept.
    pub negotiated: Option<u16>,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            reliability: Reliability::Reliable,
            priority: Priority::Low,
            protocol: String::new(),
            negotiated: None,
        }
    }
}

/// W3C `RTCPriorityType`: each step gets twice as much of what there is to send (RFC 8831 §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Priority {
    /// 128 in the OPEN.
    VeryLow,
    /// 256.
    #[default]
    Low,
    /// 512.
    Medium,
    /// 1,024.
    High,
}

impl Priority {
    /// The number in the OPEN (RFC 8832 §5.1), and the weight of the stream.
    pub const fn weight(self) -> u16 {
        match self {
            Self::VeryLow => 128,
            Self::Low => 256,
            Self::Medium => 512,
            Self::High => 1_024,
        }
    }

    /// What a number in an OPEN stands for.
    pub const fn from_weight(weight: u16) -> Self {
        match weight {
            0..=128 => Self::VeryLow,
            129..=256 => Self::Low,
            257..=512 => Self::Medium,
            _ => Self::High,
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

    /// The payload, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
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

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Text or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Text, UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// A part of a message that is read before it is complete
/// ([`DataChannel::set_streaming`](crate::DataChannel::set_streaming)), or a whole one.
///
/// The pieces of a message follow one another. Those of a text may end within a character; together they are UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePiece {
    /// Text or bytes.
    pub kind: MessageKind,
    /// It is the first piece of its message.
    pub beginning: bool,
    /// What comes after it.
    pub end: sctp::PieceEnd,
    /// The bytes.
    pub data: Bytes,
}

/// A channel from its creation to its end.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) label: String,
    pub(super) protocol: String,
    pub(super) ordered: bool,
    pub(super) reliability: Reliability,
    pub(super) priority: u16,
    pub(super) negotiated: bool,
    pub(super) state: ChannelState,
    /// Known once the DTLS role is, or from the start when negotiated or opened by the peer.
    pub(super) stream: Option<u16>,
    /// It was open once.
    pub(super) was_open: bool,
    /// OPEN waits for room in the send buffer.
    pub(super) open_unsent: bool,
    /// Our ACK does.
    pub(super) ack_unsent: bool,
    /// The peer knows the channel: its OPEN, its ACK or any data came. Until then messages are sent in order, or
    /// they could overtake OPEN (RFC 8832 §6).
    pub(super) acknowledged: bool,
    /// Messages that were taken out of the association to see what they are.
    pub(super) held: VecDeque<sctp::MessagePiece>,
    /// The pieces of a message that is read whole and whose end is to come (RFC 8831 §6.6, PPIDs 52 and 54).
    pub(super) partial: Vec<u8>,
    /// Where in a message the reader is.
    pub(super) reading: Reading,
    /// The message that is being written bit by bit.
    pub(super) writing: Option<Writing>,
    /// Messages may be read before they are complete, as soon as so many bytes are there.
    pub(super) streaming: Option<usize>,
    /// What may wait unread.
    pub(super) receive_limit: Option<usize>,
    /// `DataChannelReadable` was said and the queue has not been read empty since.
    pub(super) readable: bool,
    /// A send met a full buffer.
    pub(super) blocked: bool,
    /// Below which buffered amount the application wants to be told.
    pub(super) low_threshold: Option<usize>,
    /// Our outgoing stream was asked to begin anew, and did.
    pub(super) reset_requested: bool,
    pub(super) reset_done: bool,
    /// The peer's outgoing stream began anew.
    pub(super) peer_reset: bool,
    /// Why it closes, once it does.
    pub(super) close_reason: Option<ChannelCloseReason>,
    pub(super) messages_sent: u64,
    pub(super) bytes_sent: u64,
    pub(super) messages_received: u64,
    pub(super) bytes_received: u64,
}

impl Channel {
    pub(super) fn new(label: String, protocol: String) -> Self {
        Self {
            label,
            protocol,
            ordered: true,
            reliability: Reliability::Reliable,
            priority: Priority::Low.weight(),
            negotiated: false,
            state: ChannelState::Connecting,
            stream: None,
            was_open: false,
            open_unsent: true,
            ack_unsent: false,
            acknowledged: false,
            held: VecDeque::new(),
            partial: Vec::new(),
            reading: Reading::default(),
            writing: None,
            streaming: None,
            receive_limit: None,
            readable: false,
            blocked: false,
            low_threshold: None,
            reset_requested: false,
            reset_done: false,
            peer_reset: false,
            close_reason: None,
            messages_sent: 0,
            bytes_sent: 0,
            messages_received: 0,
            bytes_received: 0,
        }
    }

    /// It was closed between its OPEN and the end of the handshake: only then can the stream be reset.
    pub(super) fn closes_later(&self) -> bool {
        self.state == ChannelState::Closing && !self.peer_reset && !self.reset_requested
    }

    /// How its messages are sent now.
    pub(super) fn options(&self) -> SendOptions {
        let options = match self.ordering() {
            Ordering::Ordered => SendOptions::ordered(),
            Ordering::Unordered => SendOptions::unordered(),
        };
        options.with_reliability(match self.reliability {
            Reliability::Reliable => sctp::Reliability::Reliable,
            // The wire has 32 bits, and both W3C and SCTP 16.
            Reliability::MaxRetransmits(count) => {
                sctp::Reliability::Retransmissions(u16::try_from(count).unwrap_or(u16::MAX))
            }
            Reliability::MaxLifetime(milliseconds) => {
                sctp::Reliability::Lifetime(Duration::from_millis(milliseconds.into()))
            }
        })
    }

    /// What may wait unread: of a channel that may lose messages the newest go, another one ends.
    pub(super) fn limit(&self) -> Option<ReceiveLimit> {
        self.receive_limit.map(|bytes| ReceiveLimit {
            bytes,
            drops_unordered: self.reliability != Reliability::Reliable,
        })
    }

    const fn ordering(&self) -> Ordering {
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
