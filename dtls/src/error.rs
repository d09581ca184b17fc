use std::fmt;

use thiserror::Error;

/// A value that [`Connection::new`](crate::Connection::new) refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// [`Config::mtu`](crate::Config::mtu) is below its minimum or above what UDP carries.
    #[error("the mtu is out of range")]
    Mtu,
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout) is zero or
    /// longer than an hour.
    #[error("the handshake timeout is out of range")]
    HandshakeTimeout,
    /// None of the groups is one of the provider's, or there are more than 16.
    #[error("no usable group for the key agreement, or too many")]
    Groups,
    /// More than 16 SRTP profiles.
    #[error("too many srtp profiles")]
    SrtpProfiles,
    /// Connection ids longer than 20 bytes.
    #[error("connection ids are too long")]
    ConnectionId,
    /// A version that is needed is switched off.
    #[error("no version that can be used")]
    Versions,
    /// More than 64 pre-shared keys.
    #[error("too many pre-shared keys")]
    PreSharedKeys,
    /// More than 16 application protocols, or a name that is empty or longer than 255 bytes.
    #[error("application protocols out of range")]
    Alpn,
    /// A server without a certificate and without pre-shared keys.
    #[error("a server needs a certificate or a pre-shared key")]
    NoIdentity,
    /// The provider cannot sign with the key of the certificate.
    #[error("the provider cannot use the key of the certificate")]
    Certificate,
}

/// Why a certificate could not be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The text or DER is malformed.
    #[error("malformed certificate or key")]
    Malformed,
    /// The key is none of ECDSA on P-256 or P-384, Ed25519, and RSA of 2048 bits or more.
    #[error("unsupported kind of key")]
    UnsupportedKey,
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The random source or the signer failed.
    #[error("could not generate a key or sign the certificate")]
    Generate,
}

/// Why a pre-shared key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PreSharedKeyError {
    /// The identity or the context is longer than 1024 bytes, or the identity of an imported key is empty.
    #[error("the identity is out of range")]
    Identity,
    /// The key is empty or longer than 1024 bytes.
    #[error("the key is out of range")]
    Key,
    /// No cipher suite has this hash.
    #[error("the hash of an imported key is none of a cipher suite")]
    Hash,
}

/// Why a text is not a fingerprint that identifies anybody (RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The hash is unknown or too weak (MD5, SHA-1).
    #[error("unsupported hash function")]
    UnsupportedHash,
    /// It is not a list of hexadecimal pairs divided by colons.
    #[error("malformed fingerprint")]
    Malformed,
    /// The value is longer or shorter than the hash.
    #[error("wrong length for the hash function")]
    Length,
}

/// Why a record could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The connection is not, or no longer, connected.
    #[error("not connected")]
    NotConnected,
    /// More than 2^14 bytes (RFC 6347 §4.1).
    #[error("record too large")]
    TooLarge,
    /// The buffer does not hold what [`begin`](crate::Connection::begin) left there.
    #[error("the mark does not fit the buffer")]
    Mark,
}

/// Why keying material cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The handshake is not complete, or the certificate of the other side is not verified.
    #[error("not connected")]
    NotConnected,
    /// The context is longer than RFC 5705 §4 can express.
    #[error("context too long")]
    Context,
}

/// A TLS alert (RFC 5246 §7.2, RFC 8446 §6), by its registered number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertDescription(pub u8);

impl AlertDescription {
    /// The sender is done.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message at the wrong time.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// A record larger than allowed.
    pub const RECORD_OVERFLOW: Self = Self(22);
    /// No acceptable set of parameters.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A certificate that is corrupt or not the announced one.
    pub const BAD_CERTIFICATE: Self = Self(42);
    /// A certificate of an unsupported type.
    pub const UNSUPPORTED_CERTIFICATE: Self = Self(43);
    /// A field out of range or inconsistent.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// A message that could not be decoded.
    pub const DECODE_ERROR: Self = Self(50);
    /// A signature or Finished that did not verify.
    pub const DECRYPT_ERROR: Self = Self(51);
    /// A version that is not supported.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// Nothing to do with the other side.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// No renegotiation (warning).
    pub const NO_RENEGOTIATION: Self = Self(100);
    /// An extension that there is no handshake without (RFC 8446 §9.2).
    pub const MISSING_EXTENSION: Self = Self(109);
    /// An extension that was not offered.
    pub const UNSUPPORTED_EXTENSION: Self = Self(110);
    /// The identity of a pre-shared key is not known.
    pub const UNKNOWN_PSK_IDENTITY: Self = Self(115);
    /// No application protocol in common.
    pub const NO_APPLICATION_PROTOCOL: Self = Self(120);
}

impl fmt::Debug for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::CLOSE_NOTIFY => "close_notify",
            Self::UNEXPECTED_MESSAGE => "unexpected_message",
            Self::RECORD_OVERFLOW => "record_overflow",
            Self::HANDSHAKE_FAILURE => "handshake_failure",
            Self::BAD_CERTIFICATE => "bad_certificate",
            Self::UNSUPPORTED_CERTIFICATE => "unsupported_certificate",
            Self::ILLEGAL_PARAMETER => "illegal_parameter",
            Self::DECODE_ERROR => "decode_error",
            Self::DECRYPT_ERROR => "decrypt_error",
            Self::PROTOCOL_VERSION => "protocol_version",
            Self::INTERNAL_ERROR => "internal_error",
            Self::NO_RENEGOTIATION => "no_renegotiation",
            Self::MISSING_EXTENSION => "missing_extension",
            Self::UNSUPPORTED_EXTENSION => "unsupported_extension",
            Self::UNKNOWN_PSK_IDENTITY => "unknown_psk_identity",
            Self::NO_APPLICATION_PROTOCOL => "no_application_protocol",
            Self(number) => return write!(f, "alert {number}"),
        };
        f.write_str(name)
    }
}
