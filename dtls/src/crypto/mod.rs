//! The one room with cryptography in it: what a provider can do, and who does it.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc_rs;
mod ccm;
#[cfg(test)]
mod conformance;
mod hybrid;
mod key;
#[cfg(feature = "ring")]
mod ring;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod timing;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!("nobody computes: enable one of the features ring, aws-lc-rs, rust-crypto");

use std::fmt;

#[cfg(feature = "rust-crypto")]
use rand::rngs::StdRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use self::hybrid::HybridExchange;
use crate::{HashAlgorithm, KeyKind};

pub(crate) use self::key::SigningKey;
pub use self::suite::NamedGroup;
pub(crate) use self::suite::{
    AeadAlgorithm, Authentication, CipherSuite, CipherSuite13, Hash, PublicKey, SUITES,
    SignatureScheme,
};

/// Something did not verify, or could not be computed. Which of the two is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CryptoError;

/// Who computes: hashes, key agreement, signatures and record protection.
///
/// A value, chosen in the configuration: enabling a feature never changes what another part of a program uses.
#[derive(Clone)]
pub struct Provider(Kind);

#[derive(Clone)]
enum Kind {
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
                use self::ring as $room;
                $call
            }
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => {
                use self::aws_lc_rs as $room;
                $call
            }
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => {
                use self::rust_crypto as $room;
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
            Kind::Ring => &SUITES,
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => &SUITES,
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

    /// Hashes with the hash of a cipher suite.
    pub(crate) fn hash(&self, hash: Hash, bytes: &[u8]) -> Vec<u8> {
        each!(self.0, room => room::hash(hash, bytes))
    }

    /// An HMAC key, for as many messages as wanted.
    pub(crate) fn hmac(&self, hash: Hash, key: &[u8]) -> HmacKey {
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => HmacKey::Ring(ring::HmacKey::new(hash, key)),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => HmacKey::AwsLcRs(Box::new(aws_lc_rs::HmacKey::new(hash, key))),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => HmacKey::RustCrypto(rust_crypto::HmacKey::new(hash, key)),
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
    fn generate(&self, kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
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
        match self.0 {
            #[cfg(feature = "ring")]
            Kind::Ring => ring::SequenceCipher::new(algorithm, key)
                .map(|cipher| SequenceCipher::Ring(Box::new(cipher))),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLcRs => aws_lc_rs::SequenceCipher::new(algorithm, key)
                .map(|cipher| SequenceCipher::AwsLcRs(Box::new(cipher))),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => {
                rust_crypto::SequenceCipher::new(algorithm, key).map(SequenceCipher::RustCrypto)
            }
        }
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

/// Where private keys come from.
pub(crate) enum SecretSource {
    /// `ring` takes no source but that of the operating system.
    #[cfg(feature = "ring")]
    Ring,
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    #[cfg(feature = "rust-crypto")]
    RustCrypto,
    #[cfg(feature = "rust-crypto")]
    Seeded(Box<StdRng>),
    /// One that is out of order.
    #[cfg(test)]
    Broken,
}

impl SecretSource {
    /// A fresh private key for one key agreement.
    pub(crate) fn key_exchange(&mut self, group: NamedGroup) -> Result<KeyExchange, CryptoError> {
        if group.is_hybrid() {
            let exchange = HybridExchange::new(self)?;
            return Ok(KeyExchange::Hybrid(Box::new(exchange)));
        }
        match self {
            #[cfg(feature = "ring")]
            Self::Ring => ring::KeyExchange::new(group).map(KeyExchange::Ring),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => aws_lc_rs::KeyExchange::new(group).map(KeyExchange::AwsLcRs),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto | Self::Seeded(_) => {
                rust_crypto::KeyExchange::new(group, |bytes| self.fill(bytes))
                    .map(KeyExchange::RustCrypto)
            }
            #[cfg(test)]
            Self::Broken => Err(CryptoError),
        }
    }

    /// The answer to the share of a client: our own share, and the secret.
    pub(crate) fn respond(
        &mut self,
        group: NamedGroup,
        share: &[u8],
    ) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), CryptoError> {
        if group.is_hybrid() {
            return hybrid::respond(self, share);
        }
        let exchange = self.key_exchange(group)?;
        let public = exchange.public().to_vec();
        Ok((public, exchange.agree(share)?))
    }

    /// Secret random bytes.
    #[cfg_attr(
        not(feature = "rust-crypto"),
        expect(
            clippy::needless_pass_by_ref_mut,
            reason = "the other source is one that changes"
        )
    )]
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), CryptoError> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring => ring::fill(bytes),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => aws_lc_rs::fill(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto => rust_crypto::fill(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::Seeded(random) => {
                rand::Rng::fill_bytes(random.as_mut(), bytes);
                Ok(())
            }
            #[cfg(test)]
            Self::Broken => Err(CryptoError),
        }
    }
}

/// An HMAC key.
pub(crate) enum HmacKey {
    #[cfg(feature = "ring")]
    Ring(ring::HmacKey),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(Box<aws_lc_rs::HmacKey>),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::HmacKey),
}

impl HmacKey {
    /// The MAC of the concatenated parts.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            #[cfg(feature = "ring")]
            Self::Ring(key) => key.mac(parts),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => key.mac(parts),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.mac(parts),
        })
    }
}

/// The private half of one key agreement.
pub(crate) enum KeyExchange {
    #[cfg(feature = "ring")]
    Ring(ring::KeyExchange),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(aws_lc_rs::KeyExchange),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::KeyExchange),
    Hybrid(Box<HybridExchange>),
}

impl KeyExchange {
    /// The public half: the bare u-coordinate, or an uncompressed point (RFC 8422 §5.4).
    pub(crate) fn public(&self) -> &[u8] {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(exchange) => exchange.public(),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(exchange) => exchange.public(),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(exchange) => exchange.public(),
            Self::Hybrid(exchange) => exchange.public(),
        }
    }

    /// The shared secret. Points that are not on the curve and an all-zero result are errors (RFC 8422 §5.11).
    pub(crate) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(exchange) => exchange.agree(peer),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(exchange) => exchange.agree(peer),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(exchange) => exchange.agree(peer),
            Self::Hybrid(exchange) => exchange.agree(peer),
        }
    }
}

/// A record protection key.
pub(crate) enum Aead {
    /// The same code whoever the provider is.
    Ccm(ccm::Aead),
    #[cfg(feature = "ring")]
    Ring(Box<ring::Aead>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(Box<aws_lc_rs::Aead>),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::Aead),
}

impl Aead {
    /// Encrypts `buf[start..]` in place and appends the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CryptoError> {
        let plaintext = buf.get_mut(start..).ok_or(CryptoError)?;
        if let Self::Ccm(key) = self {
            let tag = key.seal(nonce, aad, plaintext)?;
            buf.extend_from_slice(&tag);
        } else {
            let tag = self.seal_apart(nonce, aad, plaintext)?;
            buf.extend_from_slice(&tag);
        }
        Ok(())
    }

    /// Encrypts in place; the tag, of the usual length, is the caller's to append.
    pub(crate) fn seal_apart(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plaintext: &mut [u8],
    ) -> Result<[u8; AeadAlgorithm::TAG_LENGTH], CryptoError> {
        match self {
            Self::Ccm(key) => {
                let tag = key.seal(nonce, aad, plaintext)?;
                tag.try_into().map_err(|_| CryptoError)
            }
            #[cfg(feature = "ring")]
            Self::Ring(key) => key.seal(nonce, aad, plaintext),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => key.seal(nonce, aad, plaintext),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.seal(nonce, aad, plaintext),
        }
    }

    /// Verifies and decrypts in place; the last bytes are the tag.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        let tag_length = match self {
            Self::Ccm(key) => key.tag_length(),
            _ => AeadAlgorithm::TAG_LENGTH,
        };
        let length = sealed.len().checked_sub(tag_length).ok_or(CryptoError)?;
        match self {
            Self::Ccm(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "ring")]
            Self::Ring(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.open(nonce, aad, sealed)?,
        }
        sealed.get_mut(..length).ok_or(CryptoError)
    }
}

/// The cipher that masks sequence numbers.
pub(crate) enum SequenceCipher {
    #[cfg(feature = "ring")]
    Ring(Box<ring::SequenceCipher>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(Box<aws_lc_rs::SequenceCipher>),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::SequenceCipher),
}

impl SequenceCipher {
    /// How much ciphertext a mask is made from.
    pub(crate) const SAMPLE_LENGTH: usize = 16;

    /// The mask for a record whose ciphertext begins with `sample`.
    pub(crate) fn mask(&self, sample: &[u8; Self::SAMPLE_LENGTH]) -> Result<[u8; 2], CryptoError> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(cipher) => cipher.mask(sample),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(cipher) => cipher.mask(sample),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(cipher) => Ok(cipher.mask(sample)),
        }
    }
}

/// The hash of some bytes, for fingerprints. The same whoever the provider is.
pub(crate) fn digest(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    each!(Provider::default().0, room => room::digest(algorithm, bytes))
}

/// Whether two strings are the same, in a time that does not depend on where they differ.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Random bytes of the operating system, for what is made outside of a connection.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    each!(Provider::default().0, room => room::fill(bytes))
}
