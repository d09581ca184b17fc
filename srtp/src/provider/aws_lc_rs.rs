use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::{AesGcm, CounterMode, CryptoProvider, GCM_TAG, HMAC_SHA1, HmacSha1};

/// The crate `aws-lc-rs` for all of it.
#[derive(Debug)]
pub(super) struct AwsLcRs;

impl CryptoProvider for AwsLcRs {
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>> {
        let algorithm = match key.len() {
            16 => &AES_128,
            _ => &AES_256,
        };
        let key = UnboundCipherKey::new(algorithm, key).ok()?;
        Some(Box::new(Ctr(EncryptingKey::ctr(key).ok()?)))
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        Some(Box::new(Mac(hmac::Context::with_key(&key))))
    }

    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>> {
        let algorithm = match key.len() {
            16 => &aead::AES_128_GCM,
            _ => &aead::AES_256_GCM,
        };
        let key = aead::UnboundKey::new(algorithm, key).ok()?;
        Some(Box::new(Gcm(LessSafeKey::new(key))))
    }
}

struct Ctr(EncryptingKey);

impl CounterMode for Ctr {
    fn apply_keystream(&self, vector: &[u8; 16], octets: &mut [u8]) -> Option<()> {
        let context = EncryptionContext::Iv128(FixedLength::from(vector));
        self.0.less_safe_encrypt(octets, context).ok().map(|_| ())
    }
}

/// The context after the key was taken in.
struct Mac(hmac::Context);

impl HmacSha1 for Mac {
    fn code(&self, message: &[u8], suffix: &[u8]) -> [u8; HMAC_SHA1] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.update(suffix);
        mac.sign()
            .as_ref()
            .first_chunk()
            .copied()
            .unwrap_or_default()
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

    /// What does not verify is wiped here, whatever the library left.
    fn open(&self, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(associated), sealed)
            .map(|_| ());
        if opened.is_err() {
            sealed.fill(0);
        }
        opened.ok()
    }
}
