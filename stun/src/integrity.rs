//! The only file of this crate that knows cryptography: the two integrity attributes and the keys for them.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::digest::Output;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The key of the two integrity attributes (RFC 8489 §9.1.1, §9.2.2).
///
/// The HMAC state after the key block is kept, which halves the cost of a short message.
#[derive(Clone)]
pub struct IntegrityKey {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl IntegrityKey {
    /// The key of a short-term credential: the password's bytes (RFC 8489 §9.1.1). ICE passwords are ASCII, so
    /// the OpaqueString profile changes nothing in them.
    pub fn short_term(password: &str) -> Self {
        Self::new(password.as_bytes())
    }

    /// A key that was derived elsewhere, such as the hash of a long-term credential (RFC 8489 §9.2.2).
    pub fn new(key: &[u8]) -> Self {
        Self {
            sha1: KeyInit::new(&block::<Sha1>(key).into()),
            sha256: KeyInit::new(&block::<Sha256>(key).into()),
        }
    }

    /// The key of a long-term credential: the hash of `username:realm:password` (RFC 8489 §9.2.2). The texts are
    /// used as they are; what is not ASCII must have been through the OpaqueString profile (RFC 8265 §4.2).
    pub fn long_term(
        username: &str,
        realm: &str,
        password: &str,
        algorithm: PasswordAlgorithm,
    ) -> Self {
        let parts = [username, ":", realm, ":", password];
        match algorithm {
            PasswordAlgorithm::Md5 => Self::new(&digest::<Md5>(parts)),
            PasswordAlgorithm::Sha256 => Self::new(&digest::<Sha256>(parts)),
        }
    }

    pub(crate) fn sha1<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 20] {
        feed(&self.sha1, parts).finalize().into_bytes().into()
    }

    pub(crate) fn sha256<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        feed(&self.sha256, parts).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(crate) fn verify_sha1<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a [u8]>,
        tag: &[u8],
    ) -> bool {
        feed(&self.sha1, parts).verify_slice(tag).is_ok()
    }

    /// Compares in constant time as many bytes as the tag has; the caller has checked that they are enough.
    pub(crate) fn verify_sha256<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a [u8]>,
        tag: &[u8],
    ) -> bool {
        feed(&self.sha256, parts).verify_truncated_left(tag).is_ok()
    }
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}

/// The value of USERHASH: the SHA-256 of `username:realm` (RFC 8489 §14.4).
pub fn userhash(username: &str, realm: &str) -> [u8; 32] {
    digest::<Sha256>([username, ":", realm]).into()
}

/// How the key of a long-term credential is made (RFC 8489 §18.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PasswordAlgorithm {
    /// MD5, as before RFC 8489; what a server means that names no algorithm.
    Md5,
    /// SHA-256.
    Sha256,
}

impl PasswordAlgorithm {
    /// The number in PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS.
    pub const fn number(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
        }
    }

    /// The algorithm of a number.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Md5),
            2 => Some(Self::Sha256),
            _ => None,
        }
    }
}

fn digest<D: Digest>(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Output<D> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize()
}

/// The key as HMAC uses it: hashed when longer than a block, then filled up with zeros (RFC 2104 §2). Both hashes
/// have blocks of 64 bytes.
fn block<D: Digest>(key: &[u8]) -> [u8; 64] {
    let mut block = [0; 64];
    let hashed = (key.len() > block.len()).then(|| D::digest(key));
    let key = hashed.as_deref().unwrap_or(key);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}

fn feed<'a, M: Mac + Clone>(keyed: &M, parts: impl IntoIterator<Item = &'a [u8]>) -> M {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    mac
}
