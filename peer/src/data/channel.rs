//! One data channel (W3C WebRTC §6.2, RFC 8831).

use std::collections::VecDeque;

use bytes::Bytes;

use super::dcep::Reliability;

/// Names one channel of a connection, also before it has a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub(super) u32);

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
