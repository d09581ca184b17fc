use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{AesGcm, CounterMode, CryptoProvider, GCM_TAG, HmacSha1, counter_mode};

/// `ring` for AES-GCM.
#[derive(Debug)]
pub(super) struct Ring;

impl CryptoProvider for Ring {
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>> {
        counter_mode::counter_mode(key)
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>> {
        counter_mode::hmac_sha1(key)
    }

    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            _ => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, key).ok()?;
        Some(Box::new(Gcm(LessSafeKey::new(key))))
    }
}

struct Gcm(LessSafeKey);

impl AesGcm for Gcm {
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Option<[u8; GCM_TAG]> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), text)
            .ok()?;
        tag.as_ref().try_into().ok()
    }

    /// What does not verify is wiped by `ring`.
    fn open(&self, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .open_in_place(nonce, Aad::from(associated), sealed)
            .ok()
            .map(|_| ())
    }
}
