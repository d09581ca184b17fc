use aes::{Aes128, Aes256};
use ccm::aead::{AeadInOut as _, KeyInit as _};
use ccm::consts::{U8, U12, U16};

use super::{AeadAlgorithm, CryptoError};

/// AES-CCM (RFC 6655 §3, RFC 3610) with nonces of twelve bytes.
pub(crate) enum Aead {
    Aes128(Box<ccm::Ccm<Aes128, U16, U12>>),
    Aes256(Box<ccm::Ccm<Aes256, U16, U12>>),
    Aes128Short(Box<ccm::Ccm<Aes128, U8, U12>>),
    Aes256Short(Box<ccm::Ccm<Aes256, U8, U12>>),
}

/// The same call on each.
macro_rules! each {
    ($aead:expr, $key:ident => $call:expr) => {
        match $aead {
            Aead::Aes128($key) => $call,
            Aead::Aes256($key) => $call,
            Aead::Aes128Short($key) => $call,
            Aead::Aes256Short($key) => $call,
        }
    };
}

impl Aead {
    /// `None` for what is not CCM.
    pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Option<Self>, CryptoError> {
        let wrong = |_| CryptoError;
        Ok(Some(match algorithm {
            AeadAlgorithm::Aes128Ccm => {
                Self::Aes128(Box::new(ccm::Ccm::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::Aes256Ccm => {
                Self::Aes256(Box::new(ccm::Ccm::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::Aes128Ccm8 => {
                Self::Aes128Short(Box::new(ccm::Ccm::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::Aes256Ccm8 => {
                Self::Aes256Short(Box::new(ccm::Ccm::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::Aes128Gcm
            | AeadAlgorithm::Aes256Gcm
            | AeadAlgorithm::ChaCha20Poly1305 => return Ok(None),
        }))
    }

    pub(super) const fn tag_length(&self) -> usize {
        match self {
            Self::Aes128(_) | Self::Aes256(_) => 16,
            Self::Aes128Short(_) | Self::Aes256Short(_) => 8,
        }
    }

    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plaintext: &mut [u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let nonce = nonce.into();
        each!(self, key => key
            .encrypt_inout_detached(&nonce, aad, plaintext.into())
            .map(|tag| tag.to_vec())
            .map_err(|_| CryptoError))
    }

    pub(super) fn open(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CryptoError> {
        let length = sealed
            .len()
            .checked_sub(self.tag_length())
            .ok_or(CryptoError)?;
        let (ciphertext, tag) = sealed.split_at_mut(length);
        let nonce = nonce.into();
        each!(self, key => {
            let tag = (&*tag).try_into().map_err(|_| CryptoError)?;
            key.decrypt_inout_detached(&nonce, aad, ciphertext.into(), tag)
        })
        .map_err(|_| CryptoError)
    }
}
