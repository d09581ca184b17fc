//! Who computes: three primitives, and the providers that have them.
//!
//! A provider of one's own implements [`CryptoProvider`] and passes [`conformance::check`](crate::conformance::check).
//! Packets, indices and replay are no business of a provider: it sees keys, vectors and octets.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc_rs;
mod counter_mode;
mod ring;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;

use std::fmt;
use std::sync::Arc;

/// The octets of an AES-GCM tag.
pub const GCM_TAG: usize = 16;
/// The octets of a whole HMAC-SHA1.
pub const HMAC_SHA1: usize = 20;

/// A source of primitives. Each method takes a key once and gives back an object that keeps its schedule.
///
/// `None` says that the provider does not have the cipher, or that the key has the wrong length.
pub trait CryptoProvider: fmt::Debug + Send + Sync {
    /// AES in counter mode with a key of 16 or 32 octets.
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>>;

    /// HMAC-SHA1 (RFC 2104) with a key of 20 octets.
    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>>;

    /// AES-GCM with a key of 16 or 32 octets.
    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>>;
}

/// AES in counter mode under one key.
pub trait CounterMode: Send + Sync {
    /// Adds the keystream that begins with the block `vector` to `octets`. The last 32 bits of the vector count
    /// blocks, and never overflow here. `None` if it cannot: then the octets go nowhere.
    #[must_use]
    fn apply_keystream(&self, vector: &[u8; 16], octets: &mut [u8]) -> Option<()>;
}

/// HMAC-SHA1 under one key.
pub trait HmacSha1: Send + Sync {
    /// The code of `message` followed by `suffix`.
    fn code(&self, message: &[u8], suffix: &[u8]) -> [u8; HMAC_SHA1];
}

/// AES-GCM under one key. A nonce is never used twice for sealing.
pub trait AesGcm: Send + Sync {
    /// Encrypts `text` in place and gives the tag; `None` if it cannot, and then nothing was encrypted.
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Option<[u8; GCM_TAG]>;

    /// Decrypts `sealed`, ciphertext and tag, in place: the plaintext takes the place of the ciphertext, and the tag
    /// may be overwritten. `None` if the tag is wrong; then no plaintext is left behind.
    #[must_use]
    fn open(&self, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<()>;
}

/// A provider, as a value in the configuration: enabling a feature never changes what another part of a program uses.
/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Provider(Arc<dyn CryptoProvider>);

impl Provider {
    /// The default: `ring` for AES-GCM, and for what it lacks or does slowly, counter mode and SHA-1, the crates `aes`,
    /// `ctr`, `hmac` and `sha1`.
    pub fn ring() -> Self {
        Self::new(ring::Ring)
    }

    /// Pure Rust: no C compiler, and AES-GCM keys are wiped as well.
    #[cfg(feature = "rust-crypto")]
    pub fn rust_crypto() -> Self {
        Self::new(rust_crypto::RustCrypto)
    }

    /// The crate `aws-lc-rs` for all of it.
    #[cfg(feature = "aws-lc-rs")]
    pub fn aws_lc_rs() -> Self {
        Self::new(aws_lc_rs::AwsLcRs)
    }

    /// A provider of one's own; see [`conformance`](crate::conformance).
    pub fn new(provider: impl CryptoProvider + 'static) -> Self {
        Self(Arc::new(provider))
    }
}

impl CryptoProvider for Provider {
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>> {
        self.0.counter_mode(key)
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>> {
        self.0.hmac_sha1(key)
    }

    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>> {
        self.0.aes_gcm(key)
    }
}
