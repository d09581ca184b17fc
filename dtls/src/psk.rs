use std::fmt;

use zeroize::Zeroizing;

use crate::PreSharedKeyError;

/// A key that both sides know beforehand, and the name under which they know it (RFC 4279 §2).
#[derive(Clone, PartialEq, Eq)]
pub struct PreSharedKey {
    identity: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl PreSharedKey {
    /// The longest identity and key, in bytes.
    pub const MAX_LENGTH: usize = 1024;

    /// A key of 1 to 1024 bytes under an identity of up to 1024 bytes. The identity crosses the wire in the clear; the key has to be 16
    /// random bytes or more, since a guessable one can be tried out offline on any handshake seen (RFC 9257 §4).
    pub fn new(identity: &[u8], key: &[u8]) -> Result<Self, PreSharedKeyError> {
        if identity.len() > Self::MAX_LENGTH {
            return Err(PreSharedKeyError::Identity);
        }
        if key.is_empty() || key.len() > Self::MAX_LENGTH {
            return Err(PreSharedKeyError::Key);
        }
        Ok(Self {
            identity: identity.to_vec(),
            key: Zeroizing::new(key.to_vec()),
        })
    }

    /// The name of the key.
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for PreSharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreSharedKey").finish_non_exhaustive()
    }
}
