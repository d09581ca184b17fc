use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};

use super::{Authentication, CryptoError, SignatureScheme};

/// The private key of a certificate, read once and ready to sign.
pub(crate) struct SigningKey {
    ring: RingKey,
    /// The same key for the deterministic provider; RSA is not for it.
    #[cfg(feature = "rust-crypto")]
    p256: Option<p256::ecdsa::SigningKey>,
}

enum RingKey {
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl SigningKey {
    /// Reads a PKCS#8 key: ECDSA on P-256, or RSA of 2048 bits or more.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let ring =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new())
                .map(RingKey::P256)
                .or_else(|_| rsa::KeyPair::from_pkcs8(pkcs8).map(RingKey::Rsa))
                .map_err(|_| CryptoError)?;
        Ok(Self {
            #[cfg(feature = "rust-crypto")]
            p256: match ring {
                RingKey::P256(_) => {
                    use p256::pkcs8::DecodePrivateKey as _;
                    Some(p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8).map_err(|_| CryptoError)?)
                }
                RingKey::Rsa(_) => None,
            },
            ring,
        })
    }

    /// The public half: an uncompressed point, or an `RSAPublicKey` in DER.
    pub(crate) fn public(&self) -> &[u8] {
        match &self.ring {
            RingKey::P256(pair) => pair.public_key().as_ref(),
            RingKey::Rsa(pair) => pair.public().as_ref(),
        }
    }

    pub(crate) const fn authentication(&self) -> Authentication {
        match self.ring {
            RingKey::P256(_) => Authentication::Ecdsa,
            RingKey::Rsa(_) => Authentication::Rsa,
        }
    }

    /// How the key signs, of the ways that the other side can verify.
    pub(crate) fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<SignatureScheme> {
        let own: &[SignatureScheme] = match self.ring {
            RingKey::P256(_) => &[SignatureScheme::ECDSA_SHA256],
            RingKey::Rsa(_) => &[
                SignatureScheme::RSA_PSS_SHA256,
                SignatureScheme::RSA_PKCS1_SHA256,
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
            (RingKey::P256(pair), SignatureScheme::ECDSA_SHA256) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CryptoError),
            (RingKey::Rsa(pair), scheme) => {
                let encoding: &dyn RsaEncoding = match scheme {
                    SignatureScheme::RSA_PSS_SHA256 => &RSA_PSS_SHA256,
                    SignatureScheme::RSA_PKCS1_SHA256 => &RSA_PKCS1_SHA256,
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
