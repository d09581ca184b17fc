use std::fmt;

use zeroize::Zeroizing;

use crate::{HashAlgorithm, PreSharedKeyError};

/// A key that both sides know beforehand, and the name under which they know it (RFC 4279 §2).
#[derive(Clone, PartialEq, Eq)]
pub struct PreSharedKey {
    identity: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    import: Option<Import>,
}

/// How a key is imported (RFC 9258 §5.1).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) context: Vec<u8>,
    pub(crate) hash: HashAlgorithm,
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&PreSharedKey) = |psk| crate::testing::wiped(&psk.key);

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
            import: None,
        })
    }

    /// The same key for import (RFC 9258): under DTLS 1.3 it is not used itself, but keys that are derived from it, one for
    /// the hash of each cipher suite, and so never the same one for two protocols or two purposes. Under DTLS 1.2 such a key
    /// is not used.
    ///
    /// `hash` is the one that the key is meant for, SHA-256 where nothing was said, or SHA-384; `context` is what both
    /// sides say it is for, at most 1024 bytes (RFC 9258 Appendix A has a form for it). Both sides have to say the same.
    pub fn imported(
        mut self,
        context: &[u8],
        hash: HashAlgorithm,
    ) -> Result<Self, PreSharedKeyError> {
        if context.len() > Self::MAX_LENGTH || self.identity.is_empty() {
            return Err(PreSharedKeyError::Identity);
        }
        if hash == HashAlgorithm::Sha512 {
            return Err(PreSharedKeyError::Hash);
        }
        self.import = Some(Import {
            context: context.to_vec(),
            hash,
        });
        Ok(self)
    }

    /// How it is imported, if it is.
    pub(crate) const fn import(&self) -> Option<&Import> {
        self.import.as_ref()
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
