use crate::crypto::CryptoError;
use crate::wire::DecodeError;
use crate::{AlertDescription, Cause, CertificateError};

/// Why a handshake cannot go on, and what the other side is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) alert: AlertDescription,
    pub(crate) cause: Cause,
}

impl Failure {
    const fn new(alert: AlertDescription, cause: Cause) -> Self {
        Self { alert, cause }
    }

    /// A message that has no business at this point.
    pub(crate) const fn unexpected() -> Self {
        Self::new(AlertDescription::UNEXPECTED_MESSAGE, Cause::Misbehaved)
    }

    /// A record larger than allowed.
    pub(crate) const fn overflow() -> Self {
        Self::new(AlertDescription::RECORD_OVERFLOW, Cause::Misbehaved)
    }

    /// A value that was not on offer or contradicts another.
    pub(crate) const fn illegal() -> Self {
        Self::new(AlertDescription::ILLEGAL_PARAMETER, Cause::Misbehaved)
    }

    /// An extension that we did not send.
    pub(crate) const fn unsupported_extension() -> Self {
        Self::new(AlertDescription::UNSUPPORTED_EXTENSION, Cause::Misbehaved)
    }

    /// An extension that there is no handshake without.
    pub(crate) const fn missing_extension() -> Self {
        Self::new(AlertDescription::MISSING_EXTENSION, Cause::Misbehaved)
    }

    /// Nothing in common.
    pub(crate) const fn incompatible() -> Self {
        Self::new(AlertDescription::HANDSHAKE_FAILURE, Cause::Incompatible)
    }

    /// No version in common.
    pub(crate) const fn version() -> Self {
        Self::new(AlertDescription::PROTOCOL_VERSION, Cause::Incompatible)
    }

    /// No certificate although one is required.
    pub(crate) const fn no_certificate() -> Self {
        Self::new(AlertDescription::HANDSHAKE_FAILURE, Cause::BadCertificate)
    }

    /// The name of a key that we do not have.
    pub(crate) const fn unknown_identity() -> Self {
        Self::new(
            AlertDescription::UNKNOWN_PSK_IDENTITY,
            Cause::UnknownIdentity,
        )
    }

    /// No application protocol in common.
    pub(crate) const fn application_protocol() -> Self {
        Self::new(
            AlertDescription::NO_APPLICATION_PROTOCOL,
            Cause::Incompatible,
        )
    }

    /// The same of a server, whose message has to have one (RFC 8446 §4.4.2.4).
    pub(crate) const fn no_server_certificate() -> Self {
        Self::new(AlertDescription::DECODE_ERROR, Cause::BadCertificate)
    }

    /// A certificate that nobody announced.
    pub(crate) const fn fingerprint() -> Self {
        Self::new(
            AlertDescription::BAD_CERTIFICATE,
            Cause::FingerprintMismatch,
        )
    }

    /// A signature or Finished that does not verify.
    pub(crate) const fn bad_proof() -> Self {
        Self::new(AlertDescription::DECRYPT_ERROR, Cause::BadProof)
    }

    /// A public value that is no point of its group, or leads to no secret.
    pub(crate) const fn bad_share() -> Self {
        Self::new(AlertDescription::ILLEGAL_PARAMETER, Cause::BadProof)
    }

    /// The provider failed.
    pub(crate) const fn crypto() -> Self {
        Self::new(AlertDescription::INTERNAL_ERROR, Cause::Crypto)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        let alert = match error {
            DecodeError::Place(_) => AlertDescription::ILLEGAL_PARAMETER,
            DecodeError::Truncated | DecodeError::Length | DecodeError::Value(_) => {
                AlertDescription::DECODE_ERROR
            }
        };
        Self::new(alert, Cause::Malformed)
    }
}

impl From<CryptoError> for Failure {
    fn from(_: CryptoError) -> Self {
        Self::crypto()
    }
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        let alert = match error {
            CertificateError::UnsupportedKey => AlertDescription::UNSUPPORTED_CERTIFICATE,
            CertificateError::Malformed
            | CertificateError::KeyMismatch
            | CertificateError::Generate => AlertDescription::BAD_CERTIFICATE,
        };
        Self::new(alert, Cause::BadCertificate)
    }
}
