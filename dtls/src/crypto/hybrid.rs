//! X25519MLKEM768 (RFC 8446 §4.2.8 with the shares of draft-ietf-tls-ecdhe-mlkem): two agreements beside each other,
//! as strong as the stronger one. ML-KEM is RustCrypto's for every provider (FIPS 203).

use ml_kem::{Decapsulate as _, KeyExport as _, MlKem768, ml_kem_768};
use zeroize::Zeroizing;

use super::{CryptoError, KeyExchange, NamedGroup, SecretSource};

/// The client's half of one key agreement.
pub(crate) struct HybridExchange {
    decapsulation: Box<ml_kem_768::DecapsulationKey>,
    classical: Box<KeyExchange>,
    public: Vec<u8>,
}

/// An encapsulation key, and a ciphertext, in bytes.
const ENCAPSULATION_KEY: usize = 1184;
const CIPHERTEXT: usize = 1088;

impl HybridExchange {
    pub(super) fn new(source: &mut SecretSource) -> Result<Self, CryptoError> {
        let mut seed = Zeroizing::new([0; 64]);
        source.fill(seed.as_mut_slice())?;
        let classical = source.key_exchange(NamedGroup::X25519)?;
        Ok(Self::from_seed(&seed, classical))
    }

    pub(super) fn from_seed(seed: &[u8; 64], classical: KeyExchange) -> Self {
        let decapsulation = ml_kem_768::DecapsulationKey::from_seed((*seed).into());
        let mut public = decapsulation.encapsulation_key().to_bytes().to_vec();
        public.extend_from_slice(classical.public());
        Self {
            decapsulation: Box::new(decapsulation),
            classical: Box::new(classical),
            public,
        }
    }

    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    /// A ciphertext that was not made for us gives another secret and no error (FIPS 203 §6.3): nobody learns more
    /// than that the handshake fails.
    pub(super) fn agree(self, share: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (ciphertext, classical) = share.split_at_checked(CIPHERTEXT).ok_or(CryptoError)?;
        let ciphertext: &ml_kem::Ciphertext<MlKem768> =
            ciphertext.try_into().map_err(|_| CryptoError)?;
        let secret = Zeroizing::new(self.decapsulation.decapsulate(ciphertext).to_vec());
        let classical = self.classical.agree(classical)?;
        Ok(Zeroizing::new([secret.as_slice(), &classical].concat()))
    }
}

/// The server's half: its share and the secret. The client's key is checked before anything is computed with it
/// (FIPS 203 §7.2).
pub(super) fn respond(
    source: &mut SecretSource,
    share: &[u8],
) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), CryptoError> {
    let (key, classical) = share
        .split_at_checked(ENCAPSULATION_KEY)
        .ok_or(CryptoError)?;
    if classical.len() != 32 {
        return Err(CryptoError);
    }
    let key: &ml_kem::Key<ml_kem_768::EncapsulationKey> =
        key.try_into().map_err(|_| CryptoError)?;
    let key = ml_kem_768::EncapsulationKey::new(key).map_err(|_| CryptoError)?;
    let mut message = Zeroizing::new([0; 32]);
    source.fill(message.as_mut_slice())?;
    let (ciphertext, secret) = key.encapsulate_deterministic(&(*message).into());
    let secret = Zeroizing::new(secret.to_vec());
    let exchange = source.key_exchange(NamedGroup::X25519)?;
    let public = [ciphertext.as_slice(), exchange.public()].concat();
    let classical = exchange.agree(classical)?;
    Ok((
        public,
        Zeroizing::new([secret.as_slice(), &classical].concat()),
    ))
}
