use zeroize::Zeroizing;

use crate::provider::{CounterMode, CryptoProvider};
use crate::{KeyError, MasterKey, Provider, Usage};

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Encryption,
    Authentication,
    Salt,
}

/// The label of a session key (RFC 3711 §4.3.1 and §4.3.2).
pub(crate) const fn label(usage: Usage, purpose: Purpose) -> u8 {
    let base = match usage {
        Usage::Rtp => 0,
        Usage::Rtcp => 3,
    };
    base + match purpose {
        Purpose::Encryption => 0,
        Purpose::Authentication => 1,
        Purpose::Salt => 2,
    }
}

/// The labels of the key and the salt of encrypted header extensions (RFC 6904 §3).
pub(crate) const HEADER_KEY: u8 = 6;
pub(crate) const HEADER_SALT: u8 = 7;

/// The AES-CM pseudo-random function under a master key, with a key derivation rate of 0 (RFC 3711 §4.3.3, RFC 6188 §3).
pub(crate) struct Derivation<'a> {
    master: &'a MasterKey,
    function: Box<dyn CounterMode>,
}

impl<'a> Derivation<'a> {
    pub(crate) fn new(provider: &Provider, master: &'a MasterKey) -> Result<Self, KeyError> {
        let function = provider
            .counter_mode(master.key())
            .ok_or(KeyError::Unsupported)?;
        Ok(Self { master, function })
    }

    /// The key of a label: the keystream of the master key for the vector ((label · 2⁴⁸) ⊕ master salt) · 2¹⁶.
    pub(crate) fn fill(&self, label: u8, derived: &mut [u8]) -> Result<(), KeyError> {
        let mut vector = Zeroizing::new([0; 16]);
        let (salt, _) = vector.split_at_mut(self.master.salt().len());
        salt.copy_from_slice(self.master.salt());
        vector[7] ^= label;
        derived.fill(0);
        self.function
            .apply_keystream(&vector, derived)
            .ok_or(KeyError::Unsupported)
    }

    /// The same, as many octets as are wanted.
    pub(crate) fn octets<const N: usize>(&self, label: u8) -> Result<Zeroizing<[u8; N]>, KeyError> {
        let mut derived = Zeroizing::new([0; N]);
        self.fill(label, &mut *derived)?;
        Ok(derived)
    }

    /// An encryption key, as long as the master key; what is behind it is zero.
    pub(crate) fn key(&self, label: u8) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut derived = Zeroizing::new([0; 32]);
        let key = derived
            .get_mut(..self.master.key().len())
            .ok_or(KeyError::Length)?;
        self.fill(label, key)?;
        Ok(derived)
    }
}

/// A salt of N octets in the place where it is added to the vector of a packet: the `shift` octets behind it are the
/// block counter.
pub(crate) fn place<const N: usize>(salt: &[u8; N], behind: usize) -> Zeroizing<u128> {
    let mut octets = Zeroizing::new([0; 16]);
    if let Some(part) = octets.get_mut(16 - N - behind..16 - behind) {
        part.copy_from_slice(salt);
    }
    Zeroizing::new(u128::from_be_bytes(*octets))
}
