use std::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc_rs;
#[cfg(feature = "ring")]
use super::ring;
#[cfg(feature = "rust-crypto")]
use super::rust_crypto;
use super::{
    Aead, AeadAlgorithm, CipherSuite, CipherSuite13, CryptoError, NamedGroup, PublicKey,
    SecretSource, SequenceCipher, SignatureScheme, SigningKey, ccm,
};
use crate::KeyKind;

/// Who computes: hashes, key agreement, signatures and record protection.
///
/// A value, chosen in the configuration: enabling a feature never changes what another part of a program uses.
#[derive(Clone)]
pub struct Provider(Kind);

#[derive(Clone)]
pub(super) enum Kind {
    #[cfg(feature = "ring")]
    Ring,
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    #[cfg(feature = "rust-crypto")]
    RustCrypto {
        /// Without one, keys come from the operating system.
        seed: Option<Zeroizing<[u8; 32]>>,
        /// No key is ever made.
        #[cfg(test)]
        broken: bool,
    },
}

/// The same call on whoever computes.
macro_rules! each {
    ($kind:expr, $room:ident => $call:expr) => {
        match $kind {
            #[cfg(feature = "ring")]
            Kind::Ring => {
                use super::ring as $room;
                $call
            }
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => {
                use super::aws_lc_rs as $room;
                $call
            }
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => {
                use super::rust_crypto as $room;
                $call
            }
        }
    };
}

impl Provider {
    /// `ring`: the default where the feature of that name is enabled, as it is unless default features are not.
    /// Its private keys and signatures draw on the random source of the operating system.
    #[cfg(feature = "ring")]
    pub const fn ring() -> Self {
        Self(Kind::Ring)
    }

    /// AWS-LC by the crate `aws-lc-rs`, for those who have it already: it needs a C compiler and cmake. It has all that
    /// [`ring`](Self::ring) has, and is the default where that is not enabled.
    #[cfg(feature = "aws-lc-rs")]
    pub const fn aws_lc_rs() -> Self {
        Self(Kind::AwsLcRs)
    }

    /// Pure Rust and deterministic: private keys are drawn from this seed and the connection's, signatures follow
    /// RFC 6979. Made for simulation and replay; it has AES-GCM, X25519 and P-256, and neither RSA nor ChaCha20.
    #[cfg(feature = "rust-crypto")]
    pub fn rust_crypto(seed: [u8; 32]) -> Self {
        Self(Kind::RustCrypto {
            seed: Some(Zeroizing::new(seed)),
            #[cfg(test)]
            broken: false,
        })
    }

    /// The same code with private keys from the random source of the operating system: the default where no other
    /// provider is enabled.
    #[cfg(feature = "rust-crypto")]
    pub const fn rust_crypto_unseeded() -> Self {
        Self(Kind::RustCrypto {
            seed: None,
            #[cfg(test)]
            broken: false,
        })
    }

    /// One whose random source is out of order.
    #[cfg(test)]
    pub(crate) const fn rust_crypto_broken() -> Self {
        Self(Kind::RustCrypto {
            seed: None,
            broken: true,
        })
    }

    /// The cipher suites, the best one first.
    pub(crate) const fn suites(&self) -> &'static [CipherSuite] {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => &super::SUITES,
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => &super::SUITES,
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => &rust_crypto::SUITES,
        }
    }

    /// The cipher suites of TLS 1.3, the best one first: those whose protection serves TLS 1.2 as well.
    pub(crate) fn suites_13(&self) -> impl Iterator<Item = CipherSuite13> {
        let own = self.suites();
        let known = move |suite: &CipherSuite13| own.iter().any(|own| own.aead == suite.aead);
        CipherSuite13::ALL.into_iter().filter(known)
    }

    /// The groups that there are.
    pub(crate) const fn groups(&self) -> &'static [NamedGroup] {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => &NamedGroup::ALL,
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => &NamedGroup::ALL,
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => &[
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::X25519MlKem768,
            ],
        }
    }

    /// The signatures that can be verified, the best one first.
    pub(crate) const fn schemes(&self) -> &'static [SignatureScheme] {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => &SignatureScheme::ALL,
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => &SignatureScheme::ALL,
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => &[SignatureScheme::ECDSA_SHA256],
        }
    }

    /// The source of a connection's private keys, apart from the one whose output crosses the wire.
    #[cfg_attr(
        not(feature = "rust-crypto"),
        expect(
            unused_variables,
            reason = "the others draw on the operating system alone"
        )
    )]
    pub(crate) fn secrets(&self, seed: &[u8; 32]) -> SecretSource {
        match &self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => SecretSource::Ring,
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => SecretSource::AwsLcRs,
            #[cfg(test)]
            Kind::RustCrypto { broken: true, .. } => SecretSource::Broken,
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto {
                seed: Some(own), ..
            } => SecretSource::Seeded(Box::new(rust_crypto::secrets(own, seed))),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { seed: None, .. } => SecretSource::RustCrypto,
        }
    }

    /// Whether this provider can sign with a key.
    pub(crate) const fn can_sign(&self, key: &SigningKey) -> bool {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => key.ring.is_some(),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => key.aws_lc_rs.is_some(),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => key.rust_crypto.is_some(),
        }
    }

    /// Signs a message.
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => key.ring.as_ref().ok_or(CryptoError)?.sign(scheme, message),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => {
                let key = key.aws_lc_rs.as_ref().ok_or(CryptoError)?;
                key.sign(scheme, message)
            }
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => {
                let key = key.rust_crypto.as_ref().ok_or(CryptoError)?;
                key.sign(scheme, message)
            }
        }
    }

    /// A fresh private key in PKCS#8.
    pub(super) fn generate(&self, kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        each!(self.0, room => room::generate(kind))
    }

    /// Verifies a signature over a message.
    pub(crate) fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        each!(self.0, room => room::verify(key, scheme, message, signature))
    }

    /// A record protection key.
    pub(crate) fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Aead, CryptoError> {
        if let Some(key) = ccm::Aead::new(algorithm, key)? {
            return Ok(Aead::Ccm(key));
        }
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => ring::Aead::new(algorithm, key).map(|key| Aead::Ring(Box::new(key))),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => {
                aws_lc_rs::Aead::new(algorithm, key).map(|key| Aead::AwsLcRs(Box::new(key)))
            }
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => rust_crypto::Aead::new(algorithm, key).map(Aead::RustCrypto),
        }
    }

    /// The cipher that masks the sequence numbers of DTLS 1.3 beside a record protection (RFC 9147 §4.2.3).
    pub(crate) fn sequence_cipher(
        &self,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<SequenceCipher, CryptoError> {
        SequenceCipher::new(&self.0, algorithm, key)
    }
}

impl Default for Provider {
    fn default() -> Self {
        #[cfg(feature = "ring")]
        return Self::ring();
        #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
        return Self::aws_lc_rs();
        #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
        return Self::rust_crypto_unseeded();
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => "ring",
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => "aws-lc-rs",
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => "rust-crypto",
        })
    }
}

/// Random bytes of the operating system, for what is made outside of a connection.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    each!(Provider::default().0, room => room::fill(bytes))
}
