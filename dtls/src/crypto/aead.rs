#[cfg(feature = "aws-lc-rs")]
use super::aws_lc_rs;
#[cfg(feature = "ring")]
use super::ring;
#[cfg(feature = "rust-crypto")]
use super::rust_crypto;
use super::{AeadAlgorithm, CryptoError, ccm};

/// A record protection key.
pub(crate) enum Aead {
    /// The same code whoever the provider is.
    Ccm(ccm::Aead),
    #[cfg(feature = "ring")]
    Ring(Box<ring::Aead>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(Box<aws_lc_rs::Aead>),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::Aead),
}

impl Aead {
    /// Encrypts `buf[start..]` in place and appends the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        buf: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CryptoError> {
        let plaintext = buf.get_mut(start..).ok_or(CryptoError)?;
        if let Self::Ccm(key) = self {
            let tag = key.seal(nonce, aad, plaintext)?;
            buf.extend_from_slice(&tag);
        } else {
            let tag = self.seal_apart(nonce, aad, plaintext)?;
            buf.extend_from_slice(&tag);
        }
        Ok(())
    }

    /// Encrypts in place; the tag, of the usual length, is the caller's to append.
    pub(crate) fn seal_apart(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plaintext: &mut [u8],
    ) -> Result<[u8; AeadAlgorithm::TAG_LENGTH], CryptoError> {
        match self {
            Self::Ccm(key) => {
                let tag = key.seal(nonce, aad, plaintext)?;
                tag.try_into().map_err(|_| CryptoError)
            }
            #[cfg(feature = "ring")]
            Self::Ring(key) => key.seal(nonce, aad, plaintext),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => key.seal(nonce, aad, plaintext),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.seal(nonce, aad, plaintext),
        }
    }

    /// Verifies and decrypts in place; the last bytes are the tag.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        let tag_length = match self {
            Self::Ccm(key) => key.tag_length(),
            _ => AeadAlgorithm::TAG_LENGTH,
        };
        let length = sealed.len().checked_sub(tag_length).ok_or(CryptoError)?;
        match self {
            Self::Ccm(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "ring")]
            Self::Ring(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => key.open(nonce, aad, sealed)?,
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(key) => key.open(nonce, aad, sealed)?,
        }
        sealed.get_mut(..length).ok_or(CryptoError)
    }
}
