use thiserror::Error;

/// A contradiction in a [`Config`](crate::Config).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The packet size cannot hold a cookie, or is more than a datagram.
    #[error("the packet size must be 508 to 65507 bytes")]
    Mtu,
    /// Two whole messages must fit, so that one can be put together while another waits for its reader.
    #[error("the receive window must hold two messages of the largest size")]
    ReceiveWindow,
    /// Nothing could be sent or received.
    #[error("buffers, streams and the message size must not be zero")]
    Zero,
}

/// Why a message was not taken by [`Association::send`](crate::Association::send).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The send buffer has no room now. [`Event::Writable`](crate::Event::Writable) follows when it has.
    #[error("the send buffer is full")]
    Full,
    /// The message is larger than the whole send buffer.
    #[error("the message is larger than the {limit} bytes of the send buffer")]
    TooLarge {
        /// The largest message that this configuration can send, in bytes.
        limit: usize,
    },
    /// SCTP has no empty messages (RFC 9260 §3.3.1); data channels send a byte with another PPID instead.
    #[error("an SCTP message has at least one byte")]
    Empty,
    /// The peer does not accept that many streams.
    #[error("the stream is beyond what was negotiated")]
    InvalidStream,
    /// The stream waits for its reset, or is being reset.
    #[error("the stream is being reset")]
    Resetting,
    /// A message that was begun on the stream is not finished.
    #[error("another message is being written on the stream")]
    Unfinished,
    /// No message was begun on the stream, or it was given up since.
    #[error("no message is being written on the stream")]
    NotBegun,
    /// The association is closed, or closing.
    #[error("the association is closed or closing")]
    Closed,
}

/// Why streams cannot be reset by [`Association::reset_streams`](crate::Association::reset_streams).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResetError {
    /// The peer did not announce RE-CONFIG (RFC 6525 §4.1).
    #[error("the peer cannot reset streams")]
    Unsupported,
    /// The peer does not accept that many streams.
    #[error("the stream is beyond what was negotiated")]
    InvalidStream,
    /// The association is not established, or is closing.
    #[error("the association is not established")]
    NotEstablished,
}

/// Why a packet of a certain size cannot be tried by [`Association::probe`](crate::Association::probe).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The association is not established, or is closing.
    #[error("the association is not established")]
    NotEstablished,
    /// Another probe waits for its answer.
    #[error("another probe is under way")]
    Busy,
    /// Smaller than a probe, or larger than a datagram.
    #[error("a probe has 508 to 65507 bytes")]
    Size,
}

/// Why an INIT from a session description cannot be used by [`Association::connect_with`](crate::Association::connect_with).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteInitError {
    /// It is not an INIT chunk.
    #[error("not an INIT chunk: {0}")]
    Malformed(#[from] crate::chunk::DecodeError),
    /// It offers no streams, no window or no tag.
    #[error("the INIT cannot be accepted")]
    Incompatible,
    /// The association was begun in another way.
    #[error("the association was begun before")]
    Begun,
}

/// Why an association cannot be handed over ([`Association::hand_over`](crate::Association::hand_over)) or taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// The association is not established, or is closing.
    #[error("the association is not established")]
    NotEstablished,
    /// Messages are queued, under way, unread or unfinished, or a request waits for its answer.
    #[error("the association is not quiescent")]
    Busy,
    /// The bytes are not a hand-over of this version.
    #[error("not a hand-over")]
    Malformed,
    /// The configuration is impossible.
    #[error("the configuration is impossible: {0}")]
    Config(#[from] ConfigError),
}

/// Why an association ended, and who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// Who began it.
    pub initiator: Initiator,
    /// What happened.
    pub cause: CloseCause,
}

impl CloseReason {
    pub(crate) const fn new(initiator: Initiator, cause: CloseCause) -> Self {
        Self { initiator, cause }
    }
}

/// Who began the end of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// This side.
    Local,
    /// The peer.
    Remote,
    /// Neither: the path between them.
    Network,
}

/// What ended an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseCause {
    /// Everything was delivered and both sides agreed (RFC 9260 §9.2).
    #[error("shut down")]
    Shutdown,
    /// One side gave up at once (RFC 9260 §9.1), with the first error cause of the ABORT, if it had one.
    #[error("aborted")]
    Abort {
        /// The cause code (RFC 9260 §3.3.10).
        code: Option<u16>,
    },
    /// The peer did not answer INIT or COOKIE ECHO.
    #[error("the handshake timed out")]
    HandshakeTimeout,
    /// The peer acknowledged nothing in too many attempts (RFC 9260 §8.1).
    #[error("the peer is silent")]
    PeerSilent,
    /// The shutdown was not finished in time (RFC 9260 §9.2, T5).
    #[error("the shutdown timed out")]
    ShutdownTimeout,
    /// The peer broke a rule that cannot be passed over, such as an acknowledgement of what was never sent.
    #[error("the peer broke the protocol")]
    ProtocolViolation,
    /// The peer left so many messages unfinished that there was no room to finish any.
    #[error("too many unfinished messages")]
    OutOfResource,
    /// The peer offers no streams, or an otherwise impossible association.
    #[error("the peer's offer cannot be accepted")]
    Incompatible,
}
