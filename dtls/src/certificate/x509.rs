use std::time::Duration;

use x509_parser::nom::Parser as _;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::X509CertificateParser;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::CertificateError;
use crate::crypto::PublicKey;

/// What a certificate says that concerns us: its key, and how long it wants to be used.
///
/// Names, issuer, signature and extensions are not looked at: the identity of a WebRTC endpoint is the fingerprint
/// that its signalling announced (RFC 8827 §5), and the proof is the signature of the handshake.
pub(crate) struct Leaf {
    pub(crate) public_key: PublicKey,
    pub(crate) expires: Duration,
}

impl Leaf {
    /// The longest certificate that is read, in bytes.
    pub(crate) const MAX_LENGTH: usize = 16 * 1024;

    /// Reads a certificate in DER (RFC 5280 §4.1).
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > Self::MAX_LENGTH {
            return Err(CertificateError::Malformed);
        }
        // Extensions have to be well formed, no more.
        let (rest, certificate) = X509CertificateParser::new()
            .with_deep_parse_extensions(false)
            .parse(der)
            .map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let expires = certificate.validity().not_after.timestamp();
        Ok(Self {
            public_key: public_key(certificate.public_key())?,
            expires: Duration::from_secs(u64::try_from(expires).unwrap_or(0)),
        })
    }
}

fn public_key(spki: &SubjectPublicKeyInfo<'_>) -> Result<PublicKey, CertificateError> {
    let bytes = spki.subject_public_key.data.as_ref();
    if spki.subject_public_key.unused_bits != 0 {
        return Err(CertificateError::Malformed);
    }
    let algorithm = &spki.algorithm.algorithm;
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok())
            .ok_or(CertificateError::Malformed)?;
        let (length, key): (_, fn(Vec<u8>) -> PublicKey) = if curve == OID_EC_P256 {
            (65, PublicKey::P256)
        } else if curve == OID_NIST_EC_P384 {
            (97, PublicKey::P384)
        } else {
            return Err(CertificateError::UnsupportedKey);
        };
        // Uncompressed only (RFC 8422 §5.1.2).
        if bytes.len() != length || bytes.first() != Some(&4) {
            return Err(CertificateError::UnsupportedKey);
        }
        Ok(key(bytes.to_vec()))
    } else if *algorithm == OID_PKCS1_RSAENCRYPTION {
        Ok(PublicKey::Rsa(bytes.to_vec()))
    } else if *algorithm == OID_SIG_ED25519 {
        Ok(PublicKey::Ed25519(bytes.to_vec()))
    } else {
        Err(CertificateError::UnsupportedKey)
    }
}
