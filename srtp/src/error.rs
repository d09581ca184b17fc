use thiserror::Error;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key, the salt or the exported material is not as long as the profile needs.
    #[error("the keying material is not as long as the profile needs")]
    Length,
}

/// Why a packet was not protected. The buffer is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtectError {
    /// What lies in the buffer is not a packet.
    #[error("not a packet")]
    Malformed,
    /// A packet of this source and sequence number was protected before, or the number lies so far back that it could
    /// have been. Two packets under one index would give both away (RFC 3711 §9.1).
    #[error("the packet index was used before")]
    IndexUsed,
    /// The index has reached its end: 2⁴⁸ for a source, 2³¹ for RTCP. New keys are needed (RFC 3711 §9.2).
    #[error("the key is exhausted")]
    KeyExhausted,
    /// Packets of [`MAX_STREAMS`](crate::MAX_STREAMS) other sources were protected with this key.
    #[error("too many sources for one key")]
    TooManyStreams,
    /// The packet is longer than a datagram can be, 65,535 octets.
    #[error("the packet is too long")]
    TooLong,
}

/// Why a packet was not accepted. Nothing but a counter has changed; the bytes are to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnprotectError {
    /// The header does not parse, or there is no room for a tag behind it.
    #[error("not a protected packet")]
    Malformed,
    /// The packet was accepted before.
    #[error("the packet is a replay")]
    Replayed,
    /// The packet is older than the replay window, or from before the stream's first rollover.
    #[error("the packet is older than the replay window")]
    TooOld,
    /// The tag is wrong.
    #[error("the tag is wrong")]
    Unauthenticated,
    /// The RTCP packet is not encrypted (E bit 0), which was not negotiated.
    #[error("the packet is not encrypted")]
    Unencrypted,
    /// The index would pass 2⁴⁸ − 1.
    #[error("the key is exhausted")]
    KeyExhausted,
    /// The packet is genuine, but [`MAX_STREAMS`](crate::MAX_STREAMS) sources are in use.
    #[error("too many sources")]
    TooManyStreams,
}
