use thiserror::Error;

/// Why bytes are not an RTCP packet (RFC 3550 §6.4.1, appendix A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The length field leads past the end of the datagram, or less than a header is left.
    #[error("the packet runs past the end of the datagram")]
    Truncated,
    /// The version is not 2.
    #[error("the version is not 2")]
    Version,
    /// Padding in a packet that is not the last, or a padding count of zero, beyond the body or of broken words.
    #[error("the padding is not valid")]
    Padding,
    /// The body is shorter than its type or its count field needs.
    #[error("the body is shorter than its fields need")]
    Length,
}

/// Why a packet could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The data does not fit the length field of one packet, 262,140 octets.
    #[error("the data is too long for one packet")]
    TooLong,
    /// The subtype has five bits: 0 to 31.
    #[error("the subtype is above 31")]
    Subtype,
    /// The bytes are not RTCP.
    #[error("not an RTCP packet")]
    Malformed(#[from] DecodeError),
}
