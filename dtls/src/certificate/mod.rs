mod x509;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::crypto::{self, PublicKey, SigningKey};
use crate::{CertificateError, Fingerprint, HashAlgorithm, Provider};

pub(crate) use self::x509::Leaf;

/// The kind of a generated key. RSA keys are not generated, but read by [`Certificate::from_der`] and
/// [`Certificate::from_pem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA on P-256, which everybody in WebRTC verifies (RFC 8827 §6.5).
    #[default]
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519 (RFC 8032); browsers do not verify it.
    Ed25519,
}

impl KeyKind {
    fn algorithm(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

/// A key that signs the certificate it is for.
struct Issuer<'a> {
    kind: KeyKind,
    key: &'a SigningKey,
}

impl rcgen::PublicKeyData for Issuer<'_> {
    fn der_bytes(&self) -> &[u8] {
        match self.key.public() {
            PublicKey::P256(bytes)
            | PublicKey::P384(bytes)
            | PublicKey::Ed25519(bytes)
            | PublicKey::Rsa(bytes) => bytes,
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.kind.algorithm()
    }
}

impl rcgen::SigningKey for Issuer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let scheme = self.key.choose_scheme(&crypto::SignatureScheme::ALL);
        scheme
            .and_then(|scheme| Provider::default().sign(self.key, scheme, message).ok())
            .ok_or(rcgen::Error::RemoteKeyError)
    }
}

/// A certificate with its private key. Cheap to clone, and meant to serve many connections (RFC 8827 §6.5).
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    certificate: Vec<u8>,
    issuers: Vec<Vec<u8>>,
    pkcs8: Zeroizing<Vec<u8>>,
    key: SigningKey,
    fingerprint: Fingerprint,
    expires: Duration,
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Inner) = |inner| crate::testing::wiped(&inner.pkcs8);

impl Certificate {
    /// The most certificates that are shown.
    const MAX_CHAIN: usize = 10;

    /// How long a generated certificate is valid.
    const VALIDITY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// Makes a self-signed certificate with a fresh ECDSA key on P-256 and a random serial number, valid for 30
    /// days from `unix_time` (and one day before it, for clocks that differ), the time since 1970.
    ///
    /// Keys and serial number come from the random source of the operating system.
    pub fn generate(unix_time: Duration) -> Result<Self, CertificateError> {
        Self::generate_with(KeyKind::EcdsaP256, unix_time)
    }

    /// The same with a key of another kind. Where no provider is enabled but `rust-crypto`, there is no other.
    pub fn generate_with(kind: KeyKind, unix_time: Duration) -> Result<Self, CertificateError> {
        let failed = |_| CertificateError::Generate;
        let mut serial = [0; 16];
        crypto::fill(&mut serial).map_err(failed)?;
        // A positive number of full length (RFC 5280 §4.1.2.2).
        serial[0] = serial[0] & 0x7f | 0x40;

        let pkcs8 = SigningKey::generate(kind).map_err(failed)?;
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(failed)?;
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "WebRTC");
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        // Far beyond the year 9999 a date has no form in X.509; the clamp keeps the sums below from overflowing.
        let unix_time = unix_time.min(Duration::from_secs(200_000_000_000));
        params.not_before = epoch + unix_time.saturating_sub(Duration::from_secs(24 * 60 * 60));
        params.not_after = epoch + (unix_time + Self::VALIDITY);
        let issuer = Issuer { kind, key: &key };
        let certificate = params
            .self_signed(&issuer)
            .map_err(|_| CertificateError::Generate)?;
        Self::from_der(certificate.der(), &pkcs8)
    }

    /// Takes a certificate in DER and its private key in PKCS#8.
    pub fn from_der(certificate: &[u8], pkcs8: &[u8]) -> Result<Self, CertificateError> {
        Self::with_issuers(certificate, &[], pkcs8)
    }

    /// The same with the certificates that lead from it to one that the other side believes, in this order (RFC 8446
    /// §4.4.2). Nobody in WebRTC looks at them; clients of a server with a name do. Ten in all, 16 KiB together.
    pub fn with_issuers(
        certificate: &[u8],
        issuers: &[&[u8]],
        pkcs8: &[u8],
    ) -> Result<Self, CertificateError> {
        let bytes: usize = issuers.iter().map(|it| it.len().saturating_add(5)).sum();
        if issuers.len() >= Self::MAX_CHAIN
            || certificate.len().saturating_add(bytes) > Leaf::MAX_LENGTH
        {
            return Err(CertificateError::Malformed);
        }
        let leaf = Leaf::from_der(certificate)?;
        let key = SigningKey::from_pkcs8(pkcs8).map_err(|_| CertificateError::UnsupportedKey)?;
        if leaf.public_key != *key.public() {
            return Err(CertificateError::KeyMismatch);
        }
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_vec(),
            issuers: issuers.iter().map(|der| der.to_vec()).collect(),
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            key,
            fingerprint: Fingerprint::of(HashAlgorithm::Sha256, certificate),
            expires: leaf.expires,
        })))
    }

    /// Takes one `CERTIFICATE` and one `PRIVATE KEY` (PKCS#8) from a PEM text, in either order.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let blocks = pem::parse_many(text).map_err(|_| CertificateError::Malformed)?;
        let find = |tag| {
            blocks
                .iter()
                .find(|block| block.tag() == tag)
                .map(pem::Pem::contents)
                .ok_or(CertificateError::Malformed)
        };
        Self::from_der(find("CERTIFICATE")?, find("PRIVATE KEY")?)
    }

    /// The certificate and its **private key** as PEM, for [`from_pem`](Self::from_pem).
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_many_config(
            &[
                pem::Pem::new("CERTIFICATE", self.0.certificate.as_slice()),
                pem::Pem::new("PRIVATE KEY", self.0.pkcs8.as_slice()),
            ],
            config,
        )
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.certificate
    }

    /// Those that lead from it to one that is believed.
    pub(crate) fn issuers(&self) -> Vec<&[u8]> {
        self.0.issuers.iter().map(Vec::as_slice).collect()
    }

    /// The SHA-256 fingerprint, to be announced by signalling.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint.clone()
    }

    /// When the certificate expires, as time since 1970.
    pub fn expires(&self) -> Duration {
        self.0.expires
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.0.key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.0.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23.
    const NOW: Duration = Duration::from_secs(1_795_392_000);

    /// D-24.
    #[test]
    fn a_generated_certificate_lasts_thirty_days_and_is_unlike_any_other() {
        let one = Certificate::generate(NOW).unwrap();
        let other = Certificate::generate(NOW).unwrap();
        assert_eq!(one.expires(), NOW + Duration::from_secs(30 * 86_400));
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_ne!(one.key().public(), other.key().public());
    }

    #[test]
    fn every_kind_of_key_is_generated_exported_and_read_again() {
        for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519] {
            let certificate = Certificate::generate_with(kind, NOW).unwrap();
            let again = Certificate::from_pem(&certificate.to_pem()).unwrap();
            assert_eq!(again.fingerprint(), certificate.fingerprint(), "{kind:?}");
        }
    }

    #[test]
    fn any_clock_makes_a_certificate() {
        for time in [Duration::ZERO, NOW, Duration::MAX] {
            assert!(Certificate::generate(time).is_ok(), "{time:?}");
        }
    }

    #[test]
    fn pem_round_trips() {
        let certificate = Certificate::generate(NOW).unwrap();
        let again = Certificate::from_pem(&certificate.to_pem()).unwrap();
        assert_eq!(again.fingerprint(), certificate.fingerprint());
        assert_eq!(again.expires(), certificate.expires());
        assert_eq!(again.key().public(), certificate.key().public());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let one = Certificate::generate(NOW).unwrap();
        let other = Certificate::generate(NOW).unwrap();
        assert_eq!(
            Certificate::from_der(one.der(), &other.0.pkcs8).unwrap_err(),
            CertificateError::KeyMismatch
        );
    }

    #[test]
    fn every_truncation_of_a_certificate_is_an_error() {
        let certificate = Certificate::generate(NOW).unwrap();
        for end in 0..certificate.der().len() {
            assert!(Leaf::from_der(&certificate.der()[..end]).is_err());
        }
        let mut longer = certificate.der().to_vec();
        longer.push(0);
        assert!(Leaf::from_der(&longer).is_err());
    }

    /// One inside the other, as deep as a certificate is long.
    fn nested(length: usize) -> Vec<u8> {
        let mut inner = Vec::new();
        while inner.len() + 4 <= length {
            let [.., high, low] = inner.len().to_be_bytes();
            inner.splice(0..0, [0x30, 0x82, high, low]);
        }
        inner
    }

    /// D-25: what is long, deep, numerous or costly is refused for what it says of itself.
    #[test]
    fn certificate_bombs_are_refused() {
        use crate::crypto::{PublicKey, SignatureScheme};
        use crate::wire::{Certificate13, CertificateMessage};

        let deep = nested(Leaf::MAX_LENGTH);
        let endless = [0x30, 0x80].repeat(Leaf::MAX_LENGTH / 2);
        let sets = [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].repeat(1000);
        let wide = vec![0x30; Leaf::MAX_LENGTH + 1];
        for bomb in [&deep, &endless, &sets, &wide] {
            assert!(Leaf::from_der(bomb).is_err());
        }
        // In the place of a name, and of the parameters of an algorithm.
        for field in [3, 4] {
            let mut body = vec![0xa0, 3, 2, 1, 2, 2, 1, 1];
            if field == 4 {
                body.extend_from_slice(&[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
            }
            body.extend_from_slice(&nested(8_000));
            for _ in 0..2 {
                let [.., high, low] = body.len().to_be_bytes();
                body.splice(0..0, [0x30, 0x82, high, low]);
            }
            assert!(Leaf::from_der(&body).is_err());
        }
        // Chains, under both versions: numerous, and long in all.
        for (count, length) in [(11, 1), (9, 2_000), (1, 20_000)] {
            let (mut chain, mut chain_13) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let [.., a, b, c] = usize::to_be_bytes(length);
                for list in [&mut chain, &mut chain_13] {
                    list.extend_from_slice(&[a, b, c]);
                    list.resize(list.len() + length, 0x30);
                }
                chain_13.extend_from_slice(&[0, 0]);
            }
            let with_length = |list: &[u8]| {
                let [.., a, b, c] = list.len().to_be_bytes();
                [&[a, b, c], list].concat()
            };
            assert!(CertificateMessage::decode(&with_length(&chain)).is_err());
            let body = [&[0][..], &with_length(&chain_13)].concat();
            assert!(Certificate13::decode(&body).is_err());
        }
        // A key so long that a signature would take seconds to verify.
        let mut rsa = vec![2, 0x82, 0x20, 1, 0];
        rsa.resize(rsa.len() + 0x2000, 0xff);
        rsa.extend_from_slice(&[2, 3, 1, 0, 1]);
        let [.., high, low] = rsa.len().to_be_bytes();
        rsa.splice(0..0, [0x30, 0x82, high, low]);
        let key = PublicKey::Rsa(rsa);
        let scheme = SignatureScheme::RSA_PSS_SHA256;
        for provider in [Provider::default(), Provider::rust_crypto([1; 32])] {
            assert!(
                provider
                    .verify(&key, scheme, b"said", &[1; 0x2000])
                    .is_err()
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let certificate = Certificate::generate(NOW).unwrap();
        assert_eq!(
            format!("{certificate:?}"),
            format!("Certificate({})", certificate.fingerprint())
        );
    }
}
