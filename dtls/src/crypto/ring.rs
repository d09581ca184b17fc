//! `ring`.

#[path = "ring_interface.rs"]
mod interface;

use ::ring as library;
use library::agreement::{EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral};
use library::error::KeyRejected;
use library::rand::SystemRandom;
use library::rsa;
use library::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm};
use zeroize::Zeroizing;

pub(super) use self::interface::*;
use super::CryptoError;

fn agree(
    private: EphemeralPrivateKey,
    _: &PublicKey,
    peer: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let peer = UnparsedPublicKey::new(private.algorithm(), peer);
    agree_ephemeral(private, &peer, |secret| Zeroizing::new(secret.to_vec()))
        .map_err(|_| CryptoError)
}

/// It blinds what it computes while it checks the key.
fn ecdsa_key(
    algorithm: &'static EcdsaSigningAlgorithm,
    pkcs8: &[u8],
) -> Result<EcdsaKeyPair, KeyRejected> {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &SystemRandom::new())
}

fn signature_length(pair: &rsa::KeyPair) -> usize {
    pair.public().modulus_len()
}
