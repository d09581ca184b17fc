use thiserror::Error;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key, the salt or the exported material is not as long as the profile needs, or belongs to another profile.
    #[error("the keying material is not as long as the profile needs")]
    Length,
    /// The provider cannot compute what the profile needs.
    #[error("the crypto provider does not have the cipher")]
    Unsupported,
    /// A master key identifier is longer than [`MAX_MKI`](crate::MAX_MKI), not as long as that of the other keys, or
    /// missing where there is more than one key.
    #[error("the master key identifier does not fit those of the other keys")]
    Mki,
    /// There are [`MAX_KEYS`](crate::MAX_KEYS) keys already, or this is the last one and cannot be removed.
    #[error("too many keys, or none left")]
    Count,
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
    /// The index has reached its end, 2⁴⁸ for a source and 2³¹ for RTCP, or the key has: 2⁴⁸ packets of all sources.
    /// New keys are needed (RFC 3711 §9.2).
    #[error("the key is exhausted")]
    KeyExhausted,
    /// Packets of [`MAX_STREAMS`](crate::MAX_STREAMS) other sources were protected with this key.
    #[error("too many sources for one key")]
    TooManyStreams,
    /// The packet is longer than a datagram can be, 65,535 octets.
    #[error("the packet is too long")]
    TooLong,
    /// Cryptex is required, and the header extension is of a form that it does not know (RFC 9335 §5.1).
    #[error("the header extension cannot be encrypted")]
    OpaqueExtension,
    /// The crypto provider failed. The packet is gone from the buffer, and its index is used.
    #[error("the crypto provider failed")]
    Provider,
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
    /// The master key identifier names none of our keys.
    #[error("the master key is not known")]
    UnknownKey,
    /// The RTCP packet is not encrypted (E bit 0), which was not negotiated.
    #[error("the packet is not encrypted")]
    Unencrypted,
    /// The header is encrypted and cryptex was not negotiated, or it is in the clear and cryptex is required.
    #[error("the header is not encrypted as was negotiated")]
    Cryptex,
    /// The index would pass 2⁴⁸ − 1.
    #[error("the key is exhausted")]
    KeyExhausted,
    /// The packet is genuine, but [`MAX_STREAMS`](crate::MAX_STREAMS) sources are in use.
    #[error("too many sources")]
    TooManyStreams,
}

/// Why a rollover counter was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RolloverError {
    /// Packets of the source were seen already: its counter is known.
    #[error("the source has a rollover counter already")]
    InUse,
    /// Counters of [`MAX_STREAMS`](crate::MAX_STREAMS) sources wait for a packet already.
    #[error("too many sources")]
    TooManyStreams,
}
