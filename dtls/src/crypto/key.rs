use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};

use super::{Authentication, CryptoError, PublicKey, SignatureScheme};

/// The private key of a certificate, read once and ready to sign.
pub(crate) struct SigningKey {
    ring: RingKey,
    /// The same key for the deterministic provider, if it is one on P-256.
    #[cfg(feature = "rust-crypto")]
    p256: Option<p256::ecdsa::SigningKey>,
}

enum RingKey {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

impl RingKey {
    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let random = SystemRandom::new();
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &random);
        ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self::P256)
            .or_else(|_| ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Self::P384))
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519))
            .or_else(|_| rsa::KeyPair::from_pkcs8(pkcs8).map(Self::Rsa))
            .map_err(|_| CryptoError)
    }
}

impl SigningKey {
    /// Reads a PKCS#8 key: ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits or more.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let ring = RingKey::from_pkcs8(pkcs8)?;
        Ok(Self {
            #[cfg(feature = "rust-crypto")]
            p256: match ring {
                RingKey::P256(_) => {
                    use p256::pkcs8::DecodePrivateKey as _;
                    Some(p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8).map_err(|_| CryptoError)?)
                }
                RingKey::P384(_) | RingKey::Ed25519(_) | RingKey::Rsa(_) => None,
            },
            ring,
        })
    }

    /// The public half.
    pub(crate) fn public(&self) -> PublicKey {
        match &self.ring {
            RingKey::P256(pair) => PublicKey::P256(pair.public_key().as_ref().to_vec()),
            RingKey::P384(pair) => PublicKey::P384(pair.public_key().as_ref().to_vec()),
            RingKey::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
            RingKey::Rsa(pair) => PublicKey::Rsa(pair.public().as_ref().to_vec()),
        }
    }

    pub(crate) const fn authentication(&self) -> Authentication {
        match self.ring {
            RingKey::P256(_) | RingKey::P384(_) | RingKey::Ed25519(_) => Authentication::Ecdsa,
            RingKey::Rsa(_) => Authentication::Rsa,
        }
    }

    /// How the key signs, of the ways that the other side can verify.
    pub(crate) fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<SignatureScheme> {
        let own: &[SignatureScheme] = match self.ring {
            RingKey::P256(_) => &[SignatureScheme::ECDSA_SHA256],
            RingKey::P384(_) => &[SignatureScheme::ECDSA_SHA384],
            RingKey::Ed25519(_) => &[SignatureScheme::ED25519],
            RingKey::Rsa(_) => &[
                SignatureScheme::RSA_PSS_SHA256,
                SignatureScheme::RSA_PSS_SHA384,
                SignatureScheme::RSA_PSS_SHA512,
                SignatureScheme::RSA_PKCS1_SHA256,
                SignatureScheme::RSA_PKCS1_SHA384,
                SignatureScheme::RSA_PKCS1_SHA512,
            ],
        };
        own.iter().copied().find(|scheme| offered.contains(scheme))
    }

    /// The same under TLS 1.3.
    pub(crate) fn choose_scheme_13(&self, offered: &[SignatureScheme]) -> Option<SignatureScheme> {
        let scheme = self.choose_scheme(offered)?;
        scheme.signs_handshake_13().then_some(scheme)
    }

    #[cfg(feature = "rust-crypto")]
    pub(super) const fn p256(&self) -> Option<&p256::ecdsa::SigningKey> {
        self.p256.as_ref()
    }

    pub(super) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let random = SystemRandom::new();
        match (&self.ring, scheme) {
            (RingKey::P256(pair), SignatureScheme::ECDSA_SHA256)
            | (RingKey::P384(pair), SignatureScheme::ECDSA_SHA384) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CryptoError),
            (RingKey::Ed25519(pair), SignatureScheme::ED25519) => {
                Ok(pair.sign(message).as_ref().to_vec())
            }
            (RingKey::Rsa(pair), scheme) => {
                let encoding: &dyn RsaEncoding = match scheme {
                    SignatureScheme::RSA_PSS_SHA256 => &RSA_PSS_SHA256,
                    SignatureScheme::RSA_PSS_SHA384 => &RSA_PSS_SHA384,
                    SignatureScheme::RSA_PSS_SHA512 => &RSA_PSS_SHA512,
                    SignatureScheme::RSA_PKCS1_SHA256 => &RSA_PKCS1_SHA256,
                    SignatureScheme::RSA_PKCS1_SHA384 => &RSA_PKCS1_SHA384,
                    SignatureScheme::RSA_PKCS1_SHA512 => &RSA_PKCS1_SHA512,
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
