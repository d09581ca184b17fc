use zeroize::Zeroizing;

use super::{Authentication, CryptoError, Provider, PublicKey, SignatureScheme};
use crate::KeyKind;

/// The private key of a certificate, read once by every provider that knows its kind, and ready to sign.
pub(crate) struct SigningKey {
    public: PublicKey,
    #[cfg(feature = "ring")]
    pub(super) ring: Option<super::ring::SigningKey>,
    #[cfg(feature = "aws-lc-rs")]
    pub(super) aws_lc_rs: Option<super::aws_lc_rs::SigningKey>,
    #[cfg(feature = "rust-crypto")]
    pub(super) rust_crypto: Option<super::rust_crypto::SigningKey>,
}

impl SigningKey {
    /// Reads a PKCS#8 key: ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits or more; of which a build with
    /// nothing but `rust-crypto` knows the first.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let mut public = None;
        #[cfg(feature = "rust-crypto")]
        let rust_crypto = super::rust_crypto::SigningKey::from_pkcs8(pkcs8)
            .inspect(|key| public = Some(key.public()));
        #[cfg(feature = "aws-lc-rs")]
        let aws_lc_rs = super::aws_lc_rs::SigningKey::from_pkcs8(pkcs8)
            .inspect(|key| public = Some(key.public()));
        #[cfg(feature = "ring")]
        let ring =
            super::ring::SigningKey::from_pkcs8(pkcs8).inspect(|key| public = Some(key.public()));
        Ok(Self {
            public: public.ok_or(CryptoError)?,
            #[cfg(feature = "ring")]
            ring,
            #[cfg(feature = "aws-lc-rs")]
            aws_lc_rs,
            #[cfg(feature = "rust-crypto")]
            rust_crypto,
        })
    }

    /// A fresh key in PKCS#8, from the random source of the operating system.
    pub(crate) fn generate(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Provider::default().generate(kind)
    }

    /// The public half.
    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) const fn authentication(&self) -> Authentication {
        self.public.authentication()
    }

    /// How the key signs, of the ways that the other side can verify.
    pub(crate) fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<SignatureScheme> {
        let own: &[SignatureScheme] = match self.public {
            PublicKey::P256(_) => &[SignatureScheme::ECDSA_SHA256],
            PublicKey::P384(_) => &[SignatureScheme::ECDSA_SHA384],
            PublicKey::Ed25519(_) => &[SignatureScheme::ED25519],
            PublicKey::Rsa(_) => &[
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
}
