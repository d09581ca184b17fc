use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};

use super::{AesGcm, CounterMode, CryptoProvider, GCM_TAG, HmacSha1, counter_mode};

/// The crates of RustCrypto for all of it.
#[derive(Debug)]
pub(super) struct RustCrypto;

impl CryptoProvider for RustCrypto {
    fn counter_mode(&self, key: &[u8]) -> Option<Box<dyn CounterMode>> {
        counter_mode::counter_mode(key)
    }

    fn hmac_sha1(&self, key: &[u8]) -> Option<Box<dyn HmacSha1>> {
        counter_mode::hmac_sha1(key)
    }

    fn aes_gcm(&self, key: &[u8]) -> Option<Box<dyn AesGcm>> {
        Some(match key.len() {
            16 => Box::new(Gcm(Aes128Gcm::new_from_slice(key).ok()?)),
            32 => Box::new(Gcm(Aes256Gcm::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }
}

struct Gcm<C>(C);

impl<C> AesGcm for Gcm<C>
where
    C: AeadInOut<NonceSize = aes_gcm::aead::consts::U12, TagSize = aes_gcm::aead::consts::U16>
        + Send
        + Sync,
{
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Option<[u8; GCM_TAG]> {
        self.0
            .encrypt_inout_detached(nonce.into(), associated, text.into())
            .ok()
            .map(Into::into)
    }

    /// The tag is checked before anything is decrypted.
    fn open(&self, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<()> {
        let (text, tag) = sealed.split_last_chunk_mut::<GCM_TAG>()?;
        let tag = *tag;
        self.0
            .decrypt_inout_detached(nonce.into(), associated, text.into(), (&tag).into())
            .ok()
    }
}
