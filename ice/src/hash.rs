//! Hashing with a secret: where the keys of a table come from strangers.

use std::hash::{BuildHasher, DefaultHasher, Hash};

/// Builds hashers that have taken in a secret first (SipHash with a secret prefix). The secret comes from the
/// seed of the configuration, so tables behave the same in every run with the same seed, and unlike anything a
/// stranger could compute.
#[derive(Clone, Copy)]
pub(crate) struct SecretHash {
    secret: [u64; 2],
}

impl SecretHash {
    pub(crate) const fn new(secret: [u64; 2]) -> Self {
        Self { secret }
    }

    pub(crate) fn of(&self, value: &impl Hash) -> u64 {
        self.hash_one(value)
    }
}

impl BuildHasher for SecretHash {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        hasher
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}
