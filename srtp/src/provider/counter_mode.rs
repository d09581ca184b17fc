//! Counter mode and HMAC-SHA1 of the crates `aes`, `ctr`, `hmac` and `sha1`: they take the AES, vector-AES and SHA
//! instructions of the processor where it has them.
//!
//! To encrypt and hash by turns was tried, in strides of 64 to 1,024 octets: it is slower than one after the other. The
//! hash is one chain of dependent instructions, and takes five times as long as the cipher.

use aes::cipher::typenum::U16;
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::{CounterMode, HMAC_SHA1, HmacSha1};

pub(super) fn counter_mode(key: &[u8]) -> Option<Box<dyn CounterMode>> {
    Some(match key.len() {
        16 => Box::new(Ctr(Aes128Enc::new_from_slice(key).ok()?)),
        32 => Box::new(Ctr(Aes256Enc::new_from_slice(key).ok()?)),
        _ => return None,
    })
}

pub(super) fn hmac_sha1(key: &[u8]) -> Option<Box<dyn HmacSha1>> {
    Some(Box::new(Sha(Hmac::new_from_slice(key).ok()?)))
}

/// The expanded key.
struct Ctr<C>(C);

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> Ctr<C> {
    /// No packet exhausts the 16 bits that count its blocks. So a counter of 32 bits gives the same blocks as one of
    /// 128, and is a quarter faster.
    fn keystream(&self, vector: &[u8; 16]) -> CtrCore<&C, Ctr32BE> {
        CtrCore::inner_iv_init(&self.0, vector.into())
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> CounterMode for Ctr<C> {
    fn apply_keystream(&self, vector: &[u8; 16], octets: &mut [u8]) -> Option<()> {
        self.keystream(vector)
            .apply_keystream_partial(octets.into());
        Some(())
    }
}

/// The hash after the key was taken in: a packet begins with a copy of it.
struct Sha(Hmac<Sha1>);

impl HmacSha1 for Sha {
    fn code(&self, message: &[u8], suffix: &[u8]) -> [u8; HMAC_SHA1] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.update(suffix);
        mac.finalize().into_bytes().into()
    }
}
