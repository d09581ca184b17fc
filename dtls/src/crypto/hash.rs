use std::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc_rs;
#[cfg(feature = "ring")]
use super::ring;
#[cfg(feature = "rust-crypto")]
use super::rust_crypto;

/// A hash under way.
pub(crate) enum Hasher {
    #[cfg(feature = "ring")]
    Ring(::ring::digest::Context),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(::aws_lc_rs::digest::Context),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::Hasher),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(hasher) => hasher.update(bytes),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(hasher) => hasher.update(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(hasher) => hasher.update(bytes),
        }
    }

    /// The hash of all bytes so far; more may come.
    pub(crate) fn output(&self) -> Vec<u8> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(hasher) => hasher.clone().finish().as_ref().to_vec(),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(hasher) => hasher.clone().finish().as_ref().to_vec(),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(hasher) => hasher.output(),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
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
