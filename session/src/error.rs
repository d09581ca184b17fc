use thiserror::Error;

/// Why a [`Config`](crate::Config) cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The canonical name is empty, longer than 64 bytes, or has control characters.
    #[error("the canonical name must be 1 to 64 printable bytes")]
    Cname,
    /// `rtcp_packet_bytes` is out of range.
    #[error("an RTCP packet has 200 to 65,535 bytes")]
    RtcpPacketBytes,
    /// `rtp_packet_bytes` is out of range.
    #[error("an RTP packet has 200 to 65,535 bytes")]
    RtpPacketBytes,
    /// A queue has no room for a single packet.
    #[error("a queue needs room for a packet")]
    Queue,
}

/// Why a packet was not taken for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The sender does not exist (any more).
    #[error("there is no such sender")]
    UnknownSender,
    /// The sender's payload types do not include that of the packet.
    #[error("the payload type was not agreed on")]
    PayloadType,
    /// The packet is larger than the configuration allows.
    #[error("the packet is too large")]
    TooLarge,
    /// The session was closed.
    #[error("the session is closed")]
    Closed,
}
