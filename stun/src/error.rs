use thiserror::Error;

use crate::AttributeType;

/// Why bytes are not a STUN message, or an attribute of one does not hold what its type promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The two top bits are set, the magic cookie is missing or there are fewer than 20 bytes: this is not STUN
    /// (RFC 8489 §5; the form of RFC 3489 without a cookie is not supported).
    #[error("not a STUN message")]
    NotStun,
    /// The length field is not a multiple of four or does not equal what follows the header (RFC 8489 §5, §6.3).
    #[error("the length field does not fit the datagram")]
    Length,
    /// An attribute runs past the end of the message.
    #[error("an attribute runs past the end of the message")]
    Truncated,
    /// There are more than [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES) attributes.
    #[error("too many attributes")]
    TooManyAttributes,
    /// Something follows FINGERPRINT, which must be the last attribute (RFC 8489 §14.7).
    #[error("FINGERPRINT is not the last attribute")]
    AfterFingerprint,
    /// An attribute has an impossible length or value.
    #[error("attribute {0} has an invalid length or value")]
    Attribute(AttributeType),
}

/// Why a message could not be built; the buffer is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The attributes together are longer than the 16-bit length field can say, or there are more than
    /// [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES).
    #[error("the message is too long")]
    TooLong,
}
