//! Hashes and HMAC are RustCrypto's, whoever the provider is. A handshake computes hundreds of blocks in short pieces; that
//! costs about half of what it does through the interfaces of the others, and what was hashed with a key is wiped.

use std::fmt;
use std::ops::Deref;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Hash;
use crate::HashAlgorithm;

/// What a hash function gives.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    bytes: [u8; Self::MAX_LENGTH],
    length: u8,
}

impl Digest {
    const MAX_LENGTH: usize = 48;

    fn new(output: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LENGTH];
        let length = output.len().min(Self::MAX_LENGTH);
        bytes[..length].copy_from_slice(&output[..length]);
        Self {
            bytes,
            // No hash is longer.
            length: u8::try_from(length).unwrap_or(0),
        }
    }
}

impl Deref for Digest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Zeroize for Digest {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Digest {
    /// It may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

impl Hash {
    /// The hash of some bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> Digest {
        match self {
            Self::Sha256 => Digest::new(&Sha256::digest(bytes)),
            Self::Sha384 => Digest::new(&Sha384::digest(bytes)),
        }
    }
}

/// The hash of some bytes, for fingerprints.
pub(crate) fn digest(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        HashAlgorithm::Sha256 => Sha256::digest(bytes).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(bytes).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}

/// A hash under way.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
}

impl Hasher {
    pub(crate) fn new(hash: Hash) -> Self {
        match hash {
            Hash::Sha256 => Self::Sha256(Sha256::new()),
            Hash::Sha384 => Self::Sha384(Sha384::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
        }
    }

    /// The hash of all bytes so far; more may come.
    pub(crate) fn output(&self) -> Digest {
        match self.clone() {
            Self::Sha256(hasher) => Digest::new(&hasher.finalize()),
            Self::Sha384(hasher) => Digest::new(&hasher.finalize()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// An HMAC key, for as many messages as wanted.
pub(crate) enum HmacKey {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

/// It is made of states of its hash and a buffer, which are; the crate `hmac` does not say so itself.
impl ZeroizeOnDrop for HmacKey {}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Sha256, &Sha384) = |one, other| {
    crate::testing::wiped(one);
    crate::testing::wiped(other);
};

impl HmacKey {
    pub(crate) fn new(hash: Hash, key: &[u8]) -> Self {
        // HMAC takes keys of every length; a block as key stands for a failure that cannot be.
        match hash {
            Hash::Sha256 => Self::Sha256(
                Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default())),
            ),
            Hash::Sha384 => Self::Sha384(
                Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default())),
            ),
        }
    }

    /// The MAC of the concatenated parts.
    pub(crate) fn mac<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Zeroizing<Digest> {
        let parts = parts.into_iter();
        Zeroizing::new(match self {
            Self::Sha256(key) => {
                let mut mac = key.clone();
                parts.for_each(|part| mac.update(part));
                Digest::new(&mac.finalize().into_bytes())
            }
            Self::Sha384(key) => {
                let mut mac = key.clone();
                parts.for_each(|part| mac.update(part));
                Digest::new(&mac.finalize().into_bytes())
            }
        })
    }
}
