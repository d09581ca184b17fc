use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use zeroize::Zeroizing;

use crate::{KeyError, MasterKey};

/// What a cipher is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Rtp,
    Rtcp,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Encryption,
    Authentication,
    Salt,
}

/// The label of a session key (RFC 3711 §4.3.1 and §4.3.2).
const fn label(usage: Usage, purpose: Purpose) -> u8 {
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

/// Derives a session key with the AES-CM pseudo-random function, with a key derivation rate of 0 (RFC 3711 §4.3.3).
///
/// The result is the keystream of the master key for the vector ((label · 2⁴⁸) ⊕ master salt) · 2¹⁶.
pub(crate) fn derive<const N: usize>(
    master: &MasterKey,
    usage: Usage,
    purpose: Purpose,
) -> Result<Zeroizing<[u8; N]>, KeyError> {
    let mut vector = Zeroizing::new([0; 16]);
    let (salt, _) = vector.split_at_mut(master.salt().len());
    salt.copy_from_slice(master.salt());
    vector[7] ^= label(usage, purpose);
    let key = Aes128Enc::new_from_slice(master.key()).map_err(|_| KeyError::Length)?;
    let mut derived = Zeroizing::new([0; N]);
    CtrCore::<_, Ctr128BE>::inner_iv_init(&key, (&*vector).into())
        .apply_keystream_partial(derived.as_mut_slice().into());
    Ok(derived)
}
