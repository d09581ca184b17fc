//! The raw cost: cryptography called directly, with keys and schedules kept.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
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
