//! The one room with cryptography in it: what a provider can do, and who does it.

mod aead;
mod agreement;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc_rs;
mod ccm;
#[cfg(test)]
mod conformance;
mod hash;
mod hybrid;
mod key;
mod provider;
#[cfg(feature = "ring")]
mod ring;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;
mod sequence;
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod timing;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!("nobody computes: enable one of the features ring, aws-lc-rs, rust-crypto");

use subtle::ConstantTimeEq as _;

pub(crate) use self::aead::Aead;
pub(crate) use self::agreement::{KeyExchange, SecretSource};
pub(crate) use self::hash::{Digest, Hasher, HmacKey, digest};
pub(crate) use self::key::SigningKey;
pub use self::provider::Provider;
pub(crate) use self::provider::fill;
pub(crate) use self::sequence::SequenceCipher;
pub use self::suite::NamedGroup;
pub(crate) use self::suite::{
    AeadAlgorithm, Authentication, CipherSuite, CipherSuite13, Hash, PublicKey, SUITES,
    SignatureScheme,
};

/// Something did not verify, or could not be computed. Which of the two is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CryptoError;

/// Whether two strings are the same, in a time that does not depend on where they differ.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
