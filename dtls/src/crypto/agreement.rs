#[cfg(feature = "rust-crypto")]
use rand::rngs::StdRng;
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc_rs;
use super::hybrid::{self, HybridExchange};
#[cfg(feature = "ring")]
use super::ring;
#[cfg(feature = "rust-crypto")]
use super::rust_crypto;
use super::{CryptoError, NamedGroup};

/// Where private keys come from.
pub(crate) enum SecretSource {
    /// `ring` takes no source but that of the operating system.
    #[cfg(feature = "ring")]
    Ring,
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    #[cfg(feature = "rust-crypto")]
    RustCrypto,
    #[cfg(feature = "rust-crypto")]
    Seeded(Box<StdRng>),
    /// One that is out of order.
    #[cfg(test)]
    Broken,
}

impl SecretSource {
    /// A fresh private key for one key agreement.
    pub(crate) fn key_exchange(&mut self, group: NamedGroup) -> Result<KeyExchange, CryptoError> {
        if group.is_hybrid() {
            let exchange = HybridExchange::new(self)?;
            return Ok(KeyExchange::Hybrid(Box::new(exchange)));
        }
        match self {
            #[cfg(feature = "ring")]
            Self::Ring => ring::KeyExchange::new(group).map(KeyExchange::Ring),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => aws_lc_rs::KeyExchange::new(group).map(KeyExchange::AwsLcRs),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto | Self::Seeded(_) => {
                rust_crypto::KeyExchange::new(group, |bytes| self.fill(bytes))
                    .map(KeyExchange::RustCrypto)
            }
            #[cfg(test)]
            Self::Broken => Err(CryptoError),
        }
    }

    /// The answer to the share of a client: our own share, and the secret.
    pub(crate) fn respond(
        &mut self,
        group: NamedGroup,
        share: &[u8],
    ) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), CryptoError> {
        if group.is_hybrid() {
            return hybrid::respond(self, share);
        }
        let exchange = self.key_exchange(group)?;
        let public = exchange.public().to_vec();
        Ok((public, exchange.agree(share)?))
    }

    /// Secret random bytes.
    #[cfg_attr(
        not(feature = "rust-crypto"),
        expect(
            clippy::needless_pass_by_ref_mut,
            reason = "the other source is one that changes"
        )
    )]
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), CryptoError> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring => ring::fill(bytes),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => aws_lc_rs::fill(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto => rust_crypto::fill(bytes),
            #[cfg(feature = "rust-crypto")]
            Self::Seeded(random) => {
                rand::Rng::fill_bytes(random.as_mut(), bytes);
                Ok(())
            }
            #[cfg(test)]
            Self::Broken => Err(CryptoError),
        }
    }
}

/// The private half of one key agreement.
pub(crate) enum KeyExchange {
    #[cfg(feature = "ring")]
    Ring(ring::KeyExchange),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(aws_lc_rs::KeyExchange),
    #[cfg(feature = "rust-crypto")]
    RustCrypto(rust_crypto::KeyExchange),
    Hybrid(Box<HybridExchange>),
}

impl KeyExchange {
    /// The public half: the bare u-coordinate, or an uncompressed point (RFC 8422 §5.4).
    pub(crate) fn public(&self) -> &[u8] {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(exchange) => exchange.public(),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(exchange) => exchange.public(),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(exchange) => exchange.public(),
            Self::Hybrid(exchange) => exchange.public(),
        }
    }

    /// The shared secret. Points that are not on the curve and an all-zero result are errors (RFC 8422 §5.11).
    pub(crate) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            #[cfg(feature = "ring")]
            Self::Ring(exchange) => exchange.agree(peer),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs(exchange) => exchange.agree(peer),
            #[cfg(feature = "rust-crypto")]
            Self::RustCrypto(exchange) => exchange.agree(peer),
            Self::Hybrid(exchange) => exchange.agree(peer),
        }
    }
}
