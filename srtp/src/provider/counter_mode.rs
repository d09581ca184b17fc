//! Counter mode and HMAC-SHA1 of the crates `aes`, `ctr`, `hmac` and `sha1`: they take the AES, vector-AES and SHA
//! instructions of the processor where it has them.

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, typenum::U16,
};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::{CounterMode, CounterModeHmacSha1, HMAC_SHA1, HmacSha1};

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

pub(super) fn counter_mode_hmac_sha1(
    key: &[u8],
    authentication: &[u8],
) -> Option<Box<dyn CounterModeHmacSha1>> {
    let mac = Sha(Hmac::new_from_slice(authentication).ok()?);
    Some(match key.len() {
        16 => Box::new(Both(Ctr(Aes128Enc::new_from_slice(key).ok()?), mac)),
        32 => Box::new(Both(Ctr(Aes256Enc::new_from_slice(key).ok()?), mac)),
        _ => return None,
    })
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

struct Both<C>(Ctr<C>, Sha);

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> CounterMode for Both<C> {
    fn apply_keystream(&self, vector: &[u8; 16], octets: &mut [u8]) -> Option<()> {
        self.0.apply_keystream(vector, octets)
    }
}

impl<C> HmacSha1 for Both<C>
where
    C: Send + Sync,
{
    fn code(&self, message: &[u8], suffix: &[u8]) -> [u8; HMAC_SHA1] {
        self.1.code(message, suffix)
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> CounterModeHmacSha1
    for Both<C>
{
}
