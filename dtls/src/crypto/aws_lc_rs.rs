//! AWS-LC, by the crate `aws-lc-rs`.

#[cfg_attr(
    feature = "ring",
    expect(clippy::duplicate_mod, reason = "two libraries with one interface")
)]
#[path = "ring_interface.rs"]
mod interface;

use ::aws_lc_rs as library;
use library::agreement::{EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral};
use library::error::KeyRejected;
use library::rsa;
use library::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm};
use zeroize::Zeroizing;

pub(super) use self::interface::*;
use super::CryptoError;

/// It reads other forms of a point as well, which TLS does not have (RFC 8422 §5.1.2): a share of the other side has to be
/// of the form of ours.
fn agree(
    private: EphemeralPrivateKey,
    own: &PublicKey,
    peer: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let own = own.as_ref();
    let is_point = own.len() > 32;
    if peer.len() != own.len() || is_point && peer.first() != own.first() {
        return Err(CryptoError);
    }
    let peer = UnparsedPublicKey::new(private.algorithm(), peer);
    agree_ephemeral(private, peer, CryptoError, |secret| {
        Ok(Zeroizing::new(secret.to_vec()))
    })
}

fn ecdsa_key(
    algorithm: &'static EcdsaSigningAlgorithm,
    pkcs8: &[u8],
) -> Result<EcdsaKeyPair, KeyRejected> {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8)
}

fn signature_length(pair: &rsa::KeyPair) -> usize {
    pair.public_modulus_len()
}
