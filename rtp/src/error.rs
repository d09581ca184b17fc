use thiserror::Error;

/// Why bytes are not an RTP packet (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The fixed header, the CSRC list or the extension block runs past the end.
    #[error("the header runs past the end of the packet")]
    Truncated,
    /// The version is not 2.
    #[error("the version is not 2")]
    Version,
    /// The padding count is zero or larger than what follows the header.
    #[error("the padding count does not fit the packet")]
    Padding,
}

/// Why a value could not be put into [`Extensions`](crate::Extensions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetExtensionError {
    /// The id 0 means padding (RFC 8285 §4.2).
    #[error("extension id 0 means padding")]
    Id,
    /// The value is longer than 255 octets, the longest of the two-byte form.
    #[error("the extension value is longer than 255 octets")]
    Length,
    /// The packet carries an opaque extension of RFC 3550, which has no elements, or an encrypted one (RFC 9335).
    #[error("an opaque extension has no elements")]
    Opaque,
    /// The id or the length needs the two-byte form, which was not agreed on.
    #[error("the value needs the two-byte form")]
    Form,
}

/// Why the bytes do not make an opaque extension block (RFC 3550 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpaqueExtensionError {
    /// The profile word announces elements (RFC 8285) or cryptex (RFC 9335).
    #[error("the profile word is taken by RFC 8285 or RFC 9335")]
    Profile,
    /// The length is not a multiple of four octets, or more than 65,535 words.
    #[error("the length is not a whole number of words that the header can state")]
    Length,
}

/// Why a value could not be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpdateExtensionError {
    /// The packet has no element of this id.
    #[error("the packet has no extension of this id")]
    Missing,
    /// The packet's value has another length than the new one.
    #[error("the value in the packet has another length")]
    Length,
}

/// Why an id and a URI could not be joined in an [`ExtensionMap`](crate::ExtensionMap).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExtensionMapError {
    /// The id 0 means padding (RFC 8285 §4.2).
    #[error("extension id 0 means padding")]
    Id,
    /// The id already means another URI in this BUNDLE group.
    #[error("the id already means another extension")]
    IdTaken,
    /// The URI already has another id in this BUNDLE group.
    #[error("the extension already has another id")]
    UriTaken,
}

/// The CSRC list of a packet holds 15 entries at most (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a packet names at most 15 contributing sources")]
pub struct CsrcsFull;
