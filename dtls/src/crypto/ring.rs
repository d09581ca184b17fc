use ::ring::rand::SystemRandom;
use ::ring::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, UnparsedPublicKey,
    VerificationAlgorithm,
};
use ::ring::{aead, agreement, digest, hmac, rsa};
use zeroize::Zeroizing;

use super::{AeadAlgorithm, CryptoError, Hash, NamedGroup, PublicKey, SignatureScheme};
use crate::{HashAlgorithm, KeyKind};

/// Bytes of the operating system's generator.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    use ::ring::rand::SecureRandom as _;
    SystemRandom::new().fill(bytes).map_err(|_| CryptoError)
}

pub(super) fn digest(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

pub(super) fn hash(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    digest(
        match hash {
            Hash::Sha256 => HashAlgorithm::Sha256,
            Hash::Sha384 => HashAlgorithm::Sha384,
        },
        bytes,
    )
}

pub(super) fn hasher(hash: Hash) -> digest::Context {
    digest::Context::new(match hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
    })
}

pub(crate) struct HmacKey(hmac::Key);

impl HmacKey {
    pub(super) fn new(hash: Hash, key: &[u8]) -> Self {
        let algorithm = match hash {
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        };
        Self(hmac::Key::new(algorithm, key))
    }

    pub(super) fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }
}

pub(crate) struct KeyExchange {
    private: agreement::EphemeralPrivateKey,
    public: agreement::PublicKey,
}

impl KeyExchange {
    pub(super) fn new(group: NamedGroup) -> Result<Self, CryptoError> {
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

    pub(super) fn public(&self) -> &[u8] {
        self.public.as_ref()
    }

    pub(super) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let peer = agreement::UnparsedPublicKey::new(self.private.algorithm(), peer);
        agreement::agree_ephemeral(self.private, &peer, |secret| {
            Zeroizing::new(secret.to_vec())
        })
        .map_err(|_| CryptoError)
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
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let random = SystemRandom::new();
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &random);
        ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self::P256)
            .or_else(|_| ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING).map(Self::P384))
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519))
            .or_else(|_| rsa::KeyPair::from_pkcs8(pkcs8).map(Self::Rsa))
            .ok()
    }

    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::P256(pair) => PublicKey::P256(pair.public_key().as_ref().to_vec()),
            Self::P384(pair) => PublicKey::P384(pair.public_key().as_ref().to_vec()),
            Self::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
            Self::Rsa(pair) => PublicKey::Rsa(pair.public().as_ref().to_vec()),
        }
    }

    pub(super) fn sign(
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
                let encoding: &dyn RsaEncoding = match scheme {
                    SignatureScheme::RSA_PSS_SHA256 => &signature::RSA_PSS_SHA256,
                    SignatureScheme::RSA_PSS_SHA384 => &signature::RSA_PSS_SHA384,
                    SignatureScheme::RSA_PSS_SHA512 => &signature::RSA_PSS_SHA512,
                    SignatureScheme::RSA_PKCS1_SHA256 => &signature::RSA_PKCS1_SHA256,
                    SignatureScheme::RSA_PKCS1_SHA384 => &signature::RSA_PKCS1_SHA384,
                    SignatureScheme::RSA_PKCS1_SHA512 => &signature::RSA_PKCS1_SHA512,
                    _ => return Err(CryptoError),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .map_err(|_| CryptoError)?;
                Ok(signature)
            }
            _ => Err(CryptoError),
        }
    }
}

/// A fresh key in PKCS#8.
pub(super) fn generate(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
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

pub(super) fn verify(
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
    pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
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

    pub(super) fn seal(
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

    pub(super) fn open(
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

pub(crate) struct SequenceCipher(aead::quic::HeaderProtectionKey);

impl SequenceCipher {
    pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes128Ccm | AeadAlgorithm::Aes128Ccm8 => {
                &aead::quic::AES_128
            }
            AeadAlgorithm::Aes256Gcm | AeadAlgorithm::Aes256Ccm | AeadAlgorithm::Aes256Ccm8 => {
                &aead::quic::AES_256
            }
            AeadAlgorithm::ChaCha20Poly1305 => &aead::quic::CHACHA20,
        };
        aead::quic::HeaderProtectionKey::new(algorithm, key)
            .map(Self)
            .map_err(|_| CryptoError)
    }

    /// QUIC masks its packet numbers in the same way (RFC 9001 §5.4.3).
    pub(super) fn mask(&self, sample: &[u8; 16]) -> Result<[u8; 2], CryptoError> {
        let [a, b, ..] = self.0.new_mask(sample).map_err(|_| CryptoError)?;
        Ok([a, b])
    }
}
