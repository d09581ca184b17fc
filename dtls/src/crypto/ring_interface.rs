//! What `ring` and `aws-lc-rs` say in the same words, since the latter took over the interface of the former. Each of the
//! two rooms above reads this file for itself, with its `library`, and adds what it says in other words.

use library::rand::SystemRandom;
use library::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, UnparsedPublicKey,
    VerificationAlgorithm,
};
use library::{aead, agreement, rsa};
use zeroize::Zeroizing;

use super::library;
use crate::KeyKind;
use crate::crypto::{AeadAlgorithm, CryptoError, NamedGroup, PublicKey, SignatureScheme};

/// Bytes of the operating system's generator.
pub(in crate::crypto) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    use library::rand::SecureRandom as _;
    SystemRandom::new().fill(bytes).map_err(|_| CryptoError)
}

pub(crate) struct KeyExchange {
    private: agreement::EphemeralPrivateKey,
    public: agreement::PublicKey,
}

impl KeyExchange {
    pub(in crate::crypto) fn new(group: NamedGroup) -> Result<Self, CryptoError> {
        let algorithm = match group {
            NamedGroup::X25519 => &agreement::X25519,
            NamedGroup::Secp256r1 => &agreement::ECDH_P256,
            NamedGroup::Secp384r1 => &agreement::ECDH_P384,
            NamedGroup::X25519MlKem768 => return Err(CryptoError),
        };
        let private = agreement::EphemeralPrivateKey::generate(algorithm, &SystemRandom::new())
            .map_err(|_| CryptoError)?;
        let public = private.compute_public_key().map_err(|_| CryptoError)?;
        Ok(Self { private, public })
    }

    pub(in crate::crypto) fn public(&self) -> &[u8] {
        self.public.as_ref()
    }

    pub(in crate::crypto) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        super::agree(self.private, &self.public, peer)
    }
}

/// A private key of any kind.
pub(crate) enum SigningKey {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

impl SigningKey {
    pub(in crate::crypto) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let ecdsa = |algorithm| super::ecdsa_key(algorithm, pkcs8);
        ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self::P256)
            .or_else(|_| ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING).map(Self::P384))
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519))
            .or_else(|_| rsa::KeyPair::from_pkcs8(pkcs8).map(Self::Rsa))
            .ok()
    }

    pub(in crate::crypto) fn public(&self) -> PublicKey {
        match self {
            Self::P256(pair) => PublicKey::P256(pair.public_key().as_ref().to_vec()),
            Self::P384(pair) => PublicKey::P384(pair.public_key().as_ref().to_vec()),
            Self::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
            Self::Rsa(pair) => PublicKey::Rsa(pair.public_key().as_ref().to_vec()),
        }
    }

    pub(in crate::crypto) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let random = SystemRandom::new();
        match (self, scheme) {
            (Self::P256(pair), SignatureScheme::ECDSA_SHA256)
            | (Self::P384(pair), SignatureScheme::ECDSA_SHA384) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CryptoError),
            (Self::Ed25519(pair), SignatureScheme::ED25519) => {
                Ok(pair.sign(message).as_ref().to_vec())
            }
            (Self::Rsa(pair), scheme) => {
                let encoding: &'static dyn RsaEncoding = match scheme {
                    SignatureScheme::RSA_PSS_SHA256 => &signature::RSA_PSS_SHA256,
                    SignatureScheme::RSA_PSS_SHA384 => &signature::RSA_PSS_SHA384,
                    SignatureScheme::RSA_PSS_SHA512 => &signature::RSA_PSS_SHA512,
                    SignatureScheme::RSA_PKCS1_SHA256 => &signature::RSA_PKCS1_SHA256,
                    SignatureScheme::RSA_PKCS1_SHA384 => &signature::RSA_PKCS1_SHA384,
                    SignatureScheme::RSA_PKCS1_SHA512 => &signature::RSA_PKCS1_SHA512,
                    _ => return Err(CryptoError),
                };
                let mut signature = vec![0; super::signature_length(pair)];
                pair.sign(encoding, &random, message, &mut signature)
                    .map_err(|_| CryptoError)?;
                Ok(signature)
            }
            _ => Err(CryptoError),
        }
    }
}

/// A fresh key in PKCS#8.
pub(in crate::crypto) fn generate(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let random = SystemRandom::new();
    let document = match kind {
        KeyKind::EcdsaP256 => {
            EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &random)
        }
        KeyKind::EcdsaP384 => {
            EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &random)
        }
        KeyKind::Ed25519 => Ed25519KeyPair::generate_pkcs8(&random),
    };
    let document = document.map_err(|_| CryptoError)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

pub(in crate::crypto) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    use SignatureScheme as Scheme;
    let (algorithm, bytes): (&dyn VerificationAlgorithm, _) = match (key, scheme) {
        (PublicKey::P256(point), Scheme::ECDSA_SHA256) => {
            (&signature::ECDSA_P256_SHA256_ASN1, point)
        }
        (PublicKey::P256(point), Scheme::ECDSA_SHA384) => {
            (&signature::ECDSA_P256_SHA384_ASN1, point)
        }
        (PublicKey::P384(point), Scheme::ECDSA_SHA256) => {
            (&signature::ECDSA_P384_SHA256_ASN1, point)
        }
        (PublicKey::P384(point), Scheme::ECDSA_SHA384) => {
            (&signature::ECDSA_P384_SHA384_ASN1, point)
        }
        (PublicKey::Ed25519(point), Scheme::ED25519) => (&signature::ED25519, point),
        (PublicKey::Rsa(key), Scheme::RSA_PSS_SHA256) => {
            (&signature::RSA_PSS_2048_8192_SHA256, key)
        }
        (PublicKey::Rsa(key), Scheme::RSA_PSS_SHA384) => {
            (&signature::RSA_PSS_2048_8192_SHA384, key)
        }
        (PublicKey::Rsa(key), Scheme::RSA_PSS_SHA512) => {
            (&signature::RSA_PSS_2048_8192_SHA512, key)
        }
        (PublicKey::Rsa(key), Scheme::RSA_PKCS1_SHA256) => {
            (&signature::RSA_PKCS1_2048_8192_SHA256, key)
        }
        (PublicKey::Rsa(key), Scheme::RSA_PKCS1_SHA384) => {
            (&signature::RSA_PKCS1_2048_8192_SHA384, key)
        }
        (PublicKey::Rsa(key), Scheme::RSA_PKCS1_SHA512) => {
            (&signature::RSA_PKCS1_2048_8192_SHA512, key)
        }
        _ => return Err(CryptoError),
    };
    UnparsedPublicKey::new(algorithm, bytes)
        .verify(message, signature)
        .map_err(|_| CryptoError)
}

pub(crate) struct Aead(aead::LessSafeKey);

impl Aead {
    pub(in crate::crypto) fn new(
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Self, CryptoError> {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &aead::AES_128_GCM,
            AeadAlgorithm::Aes256Gcm => &aead::AES_256_GCM,
            AeadAlgorithm::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
            AeadAlgorithm::Aes128Ccm
            | AeadAlgorithm::Aes256Ccm
            | AeadAlgorithm::Aes128Ccm8
            | AeadAlgorithm::Aes256Ccm8 => return Err(CryptoError),
        };
        let key = aead::UnboundKey::new(algorithm, key).map_err(|_| CryptoError)?;
        Ok(Self(aead::LessSafeKey::new(key)))
    }

    pub(in crate::crypto) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plaintext: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, aead::Aad::from(aad), plaintext)
            .map_err(|_| CryptoError)?;
        tag.as_ref().try_into().map_err(|_| CryptoError)
    }

    pub(in crate::crypto) fn open(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place(nonce, aead::Aad::from(aad), sealed)
            .map(|_| ())
            .map_err(|_| CryptoError)
    }
}

/// The mask of ChaCha20: QUIC hides its packet numbers in the same way (RFC 9001 §5.4.4).
pub(crate) struct ChaCha20Mask(aead::quic::HeaderProtectionKey);

impl ChaCha20Mask {
    pub(in crate::crypto) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        aead::quic::HeaderProtectionKey::new(&aead::quic::CHACHA20, key)
            .map(Self)
            .map_err(|_| CryptoError)
    }

    pub(in crate::crypto) fn mask(&self, sample: &[u8; 16]) -> Result<[u8; 2], CryptoError> {
        let [a, b, ..] = self.0.new_mask(sample).map_err(|_| CryptoError)?;
        Ok([a, b])
    }
}
