//! The raw cost: cryptography called directly, with keys and schedules kept.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, PublicKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use sha1::Sha1;

/// The fastest of what the crates use for each primitive.
#[derive(Debug)]
pub struct Primitives {
    aes: Aes128Enc,
    mac: Hmac<Sha1>,
    gcm: LessSafeKey,
}

impl Default for Primitives {
    fn default() -> Self {
        Self {
            aes: Aes128Enc::new(&[7; 16].into()),
            mac: <Hmac<Sha1> as hmac::KeyInit>::new_from_slice(&[7; 20])
                .expect("any length will do"),
            gcm: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("16 bytes")),
        }
    }
}

impl Primitives {
    /// AES-128 in counter mode, in place.
    pub fn aes_ctr(&self, bytes: &mut [u8]) {
        CtrCore::<_, Ctr128BE>::inner_iv_init(&self.aes, &[9; 16].into())
            .apply_keystream_partial(bytes.into());
    }

    /// HMAC-SHA1.
    pub fn hmac_sha1(&self, bytes: &[u8]) -> [u8; 20] {
        let mut mac = self.mac.clone();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// AES-128-GCM in place, the tag appended.
    pub fn gcm_seal(&self, buf: &mut Vec<u8>, associated: usize) {
        let (associated, text) = buf.split_at_mut(associated);
        let tag = self
            .gcm
            .seal_in_place_separate_tag(nonce(), Aad::from(associated), text)
            .expect("short enough");
        buf.extend_from_slice(tag.as_ref());
    }

    /// AES-128-GCM in place, the tag verified.
    pub fn gcm_open(&self, buf: &mut [u8], associated: usize) {
        let (associated, sealed) = buf.split_at_mut(associated);
        self.gcm
            .open_in_place(nonce(), Aad::from(associated), sealed)
            .expect("what was sealed with the same nonce");
    }
}

/// The public-key operations of one DTLS handshake with ECDHE and ECDSA, of both sides: two key pairs are made and
/// agreed on, and each side signs and verifies once.
#[derive(Debug)]
pub struct PublicKeys {
    signer: EcdsaKeyPair,
    random: SystemRandom,
}

impl Default for PublicKeys {
    fn default() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("keys can be made");
        let signer = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random);
        Self {
            signer: signer.expect("it was made just now"),
            random,
        }
    }
}

impl PublicKeys {
    /// All of it.
    pub fn handshake(&self) -> usize {
        let [ours, theirs] = [(); 2].map(|()| {
            let private = EphemeralPrivateKey::generate(&X25519, &self.random).expect("randomness");
            let public = private.compute_public_key().expect("a good key");
            (private, public)
        });
        let agree = |private, public: &PublicKey| {
            let public = UnparsedPublicKey::new(&X25519, public);
            agree_ephemeral(private, &public, |secret| secret.len()).expect("a good key")
        };
        let agreed = agree(ours.0, &theirs.1) + agree(theirs.0, &ours.1);
        for message in [b"parameters", b"transcript"] {
            let signature = self.signer.sign(&self.random, message).expect("randomness");
            signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.signer.public_key())
                .verify(message, signature.as_ref())
                .expect("what was signed");
        }
        agreed
    }
}

/// CRC-32 as in a STUN fingerprint.
pub fn crc32(bytes: &[u8]) -> u64 {
    crc_fast::checksum(Crc32IsoHdlc, bytes)
}

/// CRC32c as in SCTP.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([5; 12])
}
