use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    AeadAlgorithm, Authentication, CipherSuite, CryptoError, NamedGroup, PublicKey, SignatureScheme,
};
use crate::KeyKind;

/// What the deterministic provider has code for.
pub(super) const SUITES: [CipherSuite; 16] = {
    let all = super::SUITES;
    let mut own = [all[0]; 16];
    let (mut from, mut to) = (0, 0);
    while from < all.len() {
        let rsa = matches!(all[from].authentication, Authentication::Rsa);
        let chacha = matches!(all[from].aead, AeadAlgorithm::ChaCha20Poly1305);
        if !rsa && !chacha {
            own[to] = all[from];
            to += 1;
        }
        from += 1;
    }
    assert!(to == own.len());
    own
};

/// Bytes of the operating system's generator.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(bytes).map_err(|_| CryptoError)
}

/// The secrets of one connection: its seed under the provider's.
pub(super) fn secrets(provider: &[u8; 32], connection: &[u8; 32]) -> StdRng {
    let mut hash = Sha256::new();
    hash.update(provider);
    hash.update(connection);
    StdRng::from_seed(*Zeroizing::new(hash.finalize().into()))
}

pub(crate) struct KeyExchange {
    private: Private,
    public: Vec<u8>,
}

enum Private {
    X25519(x25519_dalek::StaticSecret),
    P256(p256::SecretKey),
}

impl KeyExchange {
    /// With a private key from a source of random bytes.
    pub(super) fn new(
        group: NamedGroup,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), CryptoError>,
    ) -> Result<Self, CryptoError> {
        match group {
            NamedGroup::X25519 => {
                let mut bytes = Zeroizing::new([0; 32]);
                fill(bytes.as_mut_slice())?;
                let private = x25519_dalek::StaticSecret::from(*bytes);
                let public = x25519_dalek::PublicKey::from(&private);
                Ok(Self {
                    public: public.as_bytes().to_vec(),
                    private: Private::X25519(private),
                })
            }
            NamedGroup::Secp256r1 => {
                let private = draw(fill)?;
                Ok(Self {
                    public: uncompressed(&private.public_key()),
                    private: Private::P256(private),
                })
            }
            NamedGroup::Secp384r1 | NamedGroup::X25519MlKem768 => Err(CryptoError),
        }
    }

    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    pub(super) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self.private {
            Private::X25519(private) => {
                let peer: [u8; 32] = peer.try_into().map_err(|_| CryptoError)?;
                let shared = private.diffie_hellman(&x25519_dalek::PublicKey::from(peer));
                if !shared.was_contributory() {
                    return Err(CryptoError);
                }
                Ok(Zeroizing::new(shared.as_bytes().to_vec()))
            }
            Private::P256(private) => {
                let shared = private.diffie_hellman(&public_key(peer)?);
                Ok(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
            }
        }
    }
}

fn uncompressed(key: &p256::PublicKey) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// Uncompressed points only (RFC 8422 §5.1.2); the curve equation is checked.
fn public_key(point: &[u8]) -> Result<p256::PublicKey, CryptoError> {
    if point.first() != Some(&4) {
        return Err(CryptoError);
    }
    p256::PublicKey::from_sec1_bytes(point).map_err(|_| CryptoError)
}

/// A private key on P-256.
pub(crate) struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        use p256::pkcs8::DecodePrivateKey as _;
        p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8)
            .ok()
            .map(Self)
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey::P256(uncompressed(&self.0.verifying_key().into()))
    }

    /// With the nonce of RFC 6979, which needs no random source.
    pub(super) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        if scheme != SignatureScheme::ECDSA_SHA256 {
            return Err(CryptoError);
        }
        let signature: p256::ecdsa::DerSignature =
            self.0.try_sign(message).map_err(|_| CryptoError)?;
        Ok(signature.as_bytes().to_vec())
    }

    #[cfg(test)]
    pub(super) const fn p256(&self) -> &p256::ecdsa::SigningKey {
        &self.0
    }
}

/// A fresh key in PKCS#8.
pub(super) fn generate(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    use p256::pkcs8::EncodePrivateKey as _;
    if kind != KeyKind::EcdsaP256 {
        return Err(CryptoError);
    }
    let key = draw(fill)?.to_pkcs8_der().map_err(|_| CryptoError)?;
    Ok(Zeroizing::new(key.as_bytes().to_vec()))
}

/// A private key for P-256 from a source of random bytes. A draw is outside the range once in 2^32: twice in a row is
/// a broken source.
fn draw(
    mut fill: impl FnMut(&mut [u8]) -> Result<(), CryptoError>,
) -> Result<p256::SecretKey, CryptoError> {
    let mut bytes = Zeroizing::new([0; 32]);
    for _ in 0..2 {
        fill(bytes.as_mut_slice())?;
        if let Ok(key) = p256::SecretKey::from_slice(bytes.as_slice()) {
            return Ok(key);
        }
    }
    Err(CryptoError)
}

pub(super) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let (PublicKey::P256(point), SignatureScheme::ECDSA_SHA256) = (key, scheme) else {
        return Err(CryptoError);
    };
    let key = p256::ecdsa::VerifyingKey::from(public_key(point)?);
    let signature = p256::ecdsa::DerSignature::from_bytes(signature).map_err(|_| CryptoError)?;
    key.verify(message, &signature).map_err(|_| CryptoError)
}

pub(crate) enum Aead {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
}

impl Aead {
    pub(super) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => Aes128Gcm::new_from_slice(key)
                .map(|key| Self::Aes128Gcm(Box::new(key)))
                .map_err(|_| CryptoError),
            AeadAlgorithm::Aes256Gcm => Aes256Gcm::new_from_slice(key)
                .map(|key| Self::Aes256Gcm(Box::new(key)))
                .map_err(|_| CryptoError),
            AeadAlgorithm::ChaCha20Poly1305
            | AeadAlgorithm::Aes128Ccm
            | AeadAlgorithm::Aes256Ccm
            | AeadAlgorithm::Aes128Ccm8
            | AeadAlgorithm::Aes256Ccm8 => Err(CryptoError),
        }
    }

    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plaintext: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let nonce = nonce.into();
        let tag = match self {
            Self::Aes128Gcm(key) => key.encrypt_inout_detached(&nonce, aad, plaintext.into()),
            Self::Aes256Gcm(key) => key.encrypt_inout_detached(&nonce, aad, plaintext.into()),
        };
        Ok(tag.map_err(|_| CryptoError)?.into())
    }

    pub(super) fn open(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CryptoError> {
        let (ciphertext, tag) = sealed
            .split_last_chunk_mut::<{ AeadAlgorithm::TAG_LENGTH }>()
            .ok_or(CryptoError)?;
        let nonce = nonce.into();
        let tag = (*tag).into();
        match self {
            Self::Aes128Gcm(key) => {
                key.decrypt_inout_detached(&nonce, aad, ciphertext.into(), &tag)
            }
            Self::Aes256Gcm(key) => {
                key.decrypt_inout_detached(&nonce, aad, ciphertext.into(), &tag)
            }
        }
        .map_err(|_| CryptoError)
    }
}
