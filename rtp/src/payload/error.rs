use thiserror::Error;

/// Why a payload is not what its format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload ends inside a field.
    #[error("the payload ends inside a field")]
    Truncated,
    /// A length or a count does not fit what holds it.
    #[error("a length does not fit what holds it")]
    Length,
    /// A field has a value that the format forbids, or that is not supported.
    #[error("a field has a forbidden value")]
    Value,
    /// The payload does not go on where the one before it stopped.
    #[error("the payload does not continue the one before it")]
    Sequence,
}

/// Why a frame could not be cut into payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PacketizeError {
    /// The frame is of another codec.
    #[error("the frame is of another codec")]
    Codec,
    /// There is nothing to send.
    #[error("the frame is empty")]
    Empty,
    /// The payloads may not be long enough for a header and one octet.
    #[error("the largest payload has no room for a header and data")]
    MaxPayload,
    /// A part that this format cannot cut is larger than a payload may be.
    #[error("a part that cannot be cut is larger than a payload may be")]
    TooLarge,
    /// The octets of the frame are not what the codec says.
    #[error("the frame is not of its codec's form")]
    Malformed(#[from] PayloadError),
}
