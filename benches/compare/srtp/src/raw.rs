//! The raw cost: the cryptography of a packet called directly, with schedules kept.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;

use crate::libsrtp::Cipher;

pub enum Raw {
    Cm(Box<(Aes128Enc, Hmac<Sha1>)>),
    Gcm(LessSafeKey),
}

impl Raw {
    pub fn new(cipher: Cipher) -> Self {
        let gcm = |algorithm, key: &[u8]| {
            Self::Gcm(LessSafeKey::new(
                UnboundKey::new(algorithm, key).expect("a good key"),
            ))
        };
        match cipher {
            Cipher::Cm128 => Self::Cm(Box::new((
                Aes128Enc::new(&[7; 16].into()),
                <Hmac<Sha1> as hmac::KeyInit>::new_from_slice(&[7; 20]).expect("any length"),
            ))),
            Cipher::Gcm128 => gcm(&AES_128_GCM, &[7; 16]),
            Cipher::Gcm256 => gcm(&AES_256_GCM, &[7; 32]),
        }
    }

    /// Encrypts what is behind the header and appends the tag.
    pub fn seal(&self, packet: &mut Vec<u8>, header: usize) {
        match self {
            Self::Cm(both) => {
                let (aes, mac) = &**both;
                CtrCore::<_, Ctr32BE>::inner_iv_init(aes, &[9; 16].into())
                    .apply_keystream_partial((&mut packet[header..]).into());
                let tag = code(mac, packet);
                packet.extend_from_slice(&tag[..10]);
            }
            Self::Gcm(key) => {
                let (header, text) = packet.split_at_mut(header);
                let nonce = Nonce::assume_unique_for_key([5; 12]);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&*header), text)
                    .expect("short enough");
                packet.extend_from_slice(tag.as_ref());
            }
        }
    }

    /// Verifies the tag and decrypts.
    pub fn open(&self, packet: &mut [u8], header: usize) -> usize {
        match self {
            Self::Cm(both) => {
                let (aes, mac) = &**both;
                let end = packet.len() - 10;
                let (text, tag) = packet.split_at_mut(end);
                assert!(code(mac, text)[..10] == *tag, "what was sealed");
                CtrCore::<_, Ctr32BE>::inner_iv_init(aes, &[9; 16].into())
                    .apply_keystream_partial((&mut text[header..]).into());
                end
            }
            Self::Gcm(key) => {
                let (header, sealed) = packet.split_at_mut(header);
                let nonce = Nonce::assume_unique_for_key([5; 12]);
                let opened = key.open_in_place(nonce, Aad::from(&*header), sealed);
                opened.expect("what was sealed").len()
            }
        }
    }
}

fn code(mac: &Hmac<Sha1>, packet: &[u8]) -> [u8; 20] {
    let mut mac = mac.clone();
    mac.update(packet);
    mac.update(&[0; 4]);
    mac.finalize().into_bytes().into()
}
