//! The one room with cryptography in it: what a provider can do, and who does it.

mod ccm;
mod hybrid;
mod key;
mod ring;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;
mod suite;
#[cfg(test)]
mod tests;

use std::fmt;

#[cfg(feature = "rust-crypto")]
use rand::rngs::StdRng;
use zeroize::Zeroizing;

use self::hybrid::HybridExchange;
use crate::HashAlgorithm;

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
    Ring,
    #[cfg(feature = "rust-crypto")]
    RustCrypto {
        seed: Zeroizing<[u8; 32]>,
    },
}

impl Provider {
    /// The default: `ring`. Its private keys and signatures draw on the random source of the operating system.
    pub const fn ring() -> Self {
        Self(Kind::Ring)
    }

    /// Pure Rust and deterministic: private keys are drawn from this seed and the connection's, signatures follow
    /// RFC 6979. Made for simulation and replay; it has AES-GCM, X25519 and P-256, and neither RSA nor ChaCha20.
    #[cfg(feature = "rust-crypto")]
    pub fn rust_crypto(seed: [u8; 32]) -> Self {
        Self(Kind::RustCrypto {
            seed: Zeroizing::new(seed),
        })
    }

    /// The cipher suites, the best one first.
    pub(crate) const fn suites(&self) -> &'static [CipherSuite] {
        match self.0 {
            Kind::Ring => &SUITES,
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
            Kind::Ring => &[
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::Secp384r1,
                NamedGroup::X25519MlKem768,
            ],
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
            Kind::Ring => &[
                SignatureScheme::ECDSA_SHA256,
                SignatureScheme::ECDSA_SHA384,
                SignatureScheme::ED25519,
                SignatureScheme::RSA_PSS_SHA256,
                SignatureScheme::RSA_PSS_SHA384,
                SignatureScheme::RSA_PSS_SHA512,
                SignatureScheme::RSA_PKCS1_SHA256,
                SignatureScheme::RSA_PKCS1_SHA384,
                SignatureScheme::RSA_PKCS1_SHA512,
            ],
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => &[SignatureScheme::ECDSA_SHA256],
        }
    }

    /// Hashes with the hash of a cipher suite.
    pub(crate) fn hash(&self, hash: Hash, bytes: &[u8]) -> Vec<u8> {
        match self.0 {
            Kind::Ring => ring::hash(hash, bytes),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => rust_crypto::hash(hash, bytes),
        }
    }

    /// An HMAC key, for as many messages as wanted.
    pub(crate) fn hmac(&self, hash: Hash, key: &[u8]) -> HmacKey {
        match self.0 {
            Kind::Ring => HmacKey::Ring(ring::HmacKey::new(hash, key)),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => HmacKey::RustCrypto(rust_crypto::HmacKey::new(hash, key)),
        }
    }

    /// The source of a connection's private keys, apart from the one whose output crosses the wire.
    #[cfg_attr(
        not(feature = "rust-crypto"),
        expect(unused_variables, reason = "ring draws on the operating system alone")
    )]
    pub(crate) fn secrets(&self, seed: &[u8; 32]) -> SecretSource {
        match &self.0 {
            Kind::Ring => SecretSource::OperatingSystem,
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { seed: own } => {
                SecretSource::Seeded(Box::new(rust_crypto::secrets(own, seed)))
            }
        }
    }

    /// Whether this provider can sign with a key.
    pub(crate) fn can_sign(&self, key: &SigningKey) -> bool {
        match self.0 {
            Kind::Ring => match key.authentication() {
                Authentication::Ecdsa | Authentication::Rsa => true,
                Authentication::Psk => false,
            },
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => key.p256().is_some(),
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
            Kind::Ring => key.sign(scheme, message),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => rust_crypto::sign(key, scheme, message),
        }
    }

    /// Verifies a signature over a message.
    pub(crate) fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        match self.0 {
            Kind::Ring => ring::verify(key, scheme, message, signature),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => rust_crypto::verify(key, scheme, message, signature),
        }
    }

    /// A record protection key.
    pub(crate) fn aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Aead, CryptoError> {
        if let Some(key) = ccm::Aead::new(algorithm, key)? {
            return Ok(Aead::Ccm(key));
        }
        match self.0 {
            Kind::Ring => ring::Aead::new(algorithm, key).map(|key| Aead::Ring(Box::new(key))),
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
            Kind::Ring => ring::SequenceCipher::new(algorithm, key)
                .map(|cipher| SequenceCipher::Ring(Box::new(cipher))),
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => {
                rust_crypto::SequenceCipher::new(algorithm, key).map(SequenceCipher::RustCrypto)
            }
        }
    }
}

impl Default for Provider {
    fn default() -> Self {
        Self::ring()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Ring => "ring",
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => "rust-crypto",
        })
    }
}

/// Where private keys come from.
pub(crate) enum SecretSource {
    /// `ring` takes no other.
    OperatingSystem,
    #[cfg(feature = "rust-crypto")]
    Seeded(Box<StdRng>),
}

impl SecretSource {
    /// A fresh private key for one key agreement.
    pub(crate) fn key_exchange(&mut self, group: NamedGroup) -> Result<KeyExchange, CryptoError> {
        if group.is_hybrid() {
            let exchange = HybridExchange::new(self)?;
            return Ok(KeyExchange::Hybrid(Box::new(exchange)));
        }
        match self {
            Self::OperatingSystem => ring::KeyExchange::new(group).map(KeyExchange::Ring),
            #[cfg(feature = "rust-crypto")]
            Self::Seeded(random) => {
                rust_crypto::KeyExchange::new(group, random).map(KeyExchange::RustCrypto)
            }
        }
    }
}

impl SecretSource {
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
            Self::OperatingSystem => ring::fill(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::Seeded(random) => {
                rand::Rng::fill_bytes(random.as_mut(), bytes);
                Ok(())
            }
        }
    }
}

/// An HMAC key.
pub(crate) enum HmacKey {
    Ring(ring::HmacKey),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::HmacKey),
}

impl HmacKey {
    /// The MAC of the concatenated parts.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Ring(key) => key.mac(parts),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.mac(parts),
        })
    }
}

/// The private half of one key agreement.
pub(crate) enum KeyExchange {
    Ring(ring::KeyExchange),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::KeyExchange),
    Hybrid(Box<HybridExchange>),
}

impl KeyExchange {
    /// The public half: the bare u-coordinate, or an uncompressed point (RFC 8422 §5.4).
    pub(crate) fn public(&self) -> &[u8] {
        match self {
            Self::Ring(exchange) => exchange.public(),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(exchange) => exchange.public(),
            Self::Hybrid(exchange) => exchange.public(),
        }
    }

    /// The shared secret. Points that are not on the curve and an all-zero result are errors (RFC 8422 §5.11).
    pub(crate) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            Self::Ring(exchange) => exchange.agree(peer),
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
    Ring(Box<ring::Aead>),
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
        let tag = match self {
            Self::Ccm(key) => {
                let tag = key.seal(nonce, aad, plaintext)?;
                buf.extend_from_slice(&tag);
                return Ok(());
            }
            Self::Ring(key) => key.seal(nonce, aad, plaintext)?,
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.seal(nonce, aad, plaintext)?,
        };
        buf.extend_from_slice(&tag);
        Ok(())
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
            Self::Ring(_) => AeadAlgorithm::TAG_LENGTH,
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(_) => AeadAlgorithm::TAG_LENGTH,
        };
        let length = sealed.len().checked_sub(tag_length).ok_or(CryptoError)?;
        match self {
            Self::Ccm(key) => key.open(nonce, aad, sealed)?,
            Self::Ring(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.open(nonce, aad, sealed)?,
        }
        sealed.get_mut(..length).ok_or(CryptoError)
    }
}

/// The cipher that masks sequence numbers.
pub(crate) enum SequenceCipher {
    Ring(Box<ring::SequenceCipher>),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::SequenceCipher),
}

impl SequenceCipher {
    /// How much ciphertext a mask is made from.
    pub(crate) const SAMPLE_LENGTH: usize = 16;

    /// The mask for a record whose ciphertext begins with `sample`.
    pub(crate) fn mask(&self, sample: &[u8; Self::SAMPLE_LENGTH]) -> Result<[u8; 2], CryptoError> {
        match self {
            Self::Ring(cipher) => cipher.mask(sample),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(cipher) => Ok(cipher.mask(sample)),
        }
    }
}

/// The hash of some bytes, for fingerprints. The same whoever the provider is.
pub(crate) fn digest(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    ring::digest(algorithm, bytes)
}
