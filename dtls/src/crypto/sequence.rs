use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128Enc, Aes256Enc};

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc_rs;
use super::provider::Kind;
#[cfg(feature = "ring")]
use super::ring;
use super::{AeadAlgorithm, CryptoError};

/// The cipher that masks sequence numbers (RFC 9147 §4.2.3).
///
/// A block of AES is the same code whoever the provider is: in the crate `aes` it takes a third of the time that the
/// interfaces for QUIC of the others take, wipes its key, and has no tables either where the processor lacks AES.
pub(crate) enum SequenceCipher {
    Aes128(Box<Aes128Enc>),
    Aes256(Box<Aes256Enc>),
    #[cfg(feature = "ring")]
    Ring(Box<ring::ChaCha20Mask>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(Box<aws_lc_rs::ChaCha20Mask>),
}

impl SequenceCipher {
    /// How much ciphertext a mask is made from.
    pub(crate) const SAMPLE_LENGTH: usize = 16;

    pub(super) fn new(
        provider: &Kind,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Self, CryptoError> {
        let wrong = |_| CryptoError;
        Ok(match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes128Ccm | AeadAlgorithm::Aes128Ccm8 => {
                Self::Aes128(Box::new(Aes128Enc::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::Aes256Gcm | AeadAlgorithm::Aes256Ccm | AeadAlgorithm::Aes256Ccm8 => {
                Self::Aes256(Box::new(Aes256Enc::new_from_slice(key).map_err(wrong)?))
            }
            AeadAlgorithm::ChaCha20Poly1305 => match provider {
                #[cfg(feature = "ring")]
                Kind::Ring => Self::Ring(Box::new(ring::ChaCha20Mask::new(key)?)),
                #[cfg(feature = "aws-lc-rs")]
                Kind::AwsLcRs => Self::AwsLcRs(Box::new(aws_lc_rs::ChaCha20Mask::new(key)?)),
                #[cfg(feature = "rust-crypto")]
                Kind::RustCrypto { .. } => return Err(CryptoError),
            },
        })
    }

    /// The mask for a record whose ciphertext begins with `sample`.
    pub(crate) fn mask(&self, sample: &[u8; Self::SAMPLE_LENGTH]) -> Result<[u8; 2], CryptoError> {
        let mut block = (*sample).into();
        match self {
            Self::Aes128(key) => key.encrypt_block(&mut block),
            Self::Aes256(key) => key.encrypt_block(&mut block),
            #[cfg(feature = "ring")]
            Self::Ring(key) => return key.mask(sample),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(key) => return key.mask(sample),
        }
        Ok([block[0], block[1]])
    }
}
