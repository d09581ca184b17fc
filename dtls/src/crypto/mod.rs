use std::fmt;

use ring::digest;

use crate::HashAlgorithm;

/// Who computes: hashes, key agreement, signatures and record protection.
#[derive(Clone)]
pub struct Provider(Kind);

#[derive(Clone)]
enum Kind {
    Ring,
    #[cfg(feature = "rust-crypto")]
    RustCrypto {
        seed: [u8; 32],
    },
}

impl Provider {
    /// The default: `ring`. Its private keys and signatures draw on the random source of the operating system.
    pub const fn ring() -> Self {
        Self(Kind::Ring)
    }

    /// Pure Rust and deterministic: private keys are drawn from this seed and the connection's, signatures follow
    /// RFC 6979. Made for simulation and replay.
    #[cfg(feature = "rust-crypto")]
    pub const fn rust_crypto(seed: [u8; 32]) -> Self {
        Self(Kind::RustCrypto { seed })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Ring => "ring",
            #[cfg(feature = "rust-crypto")]
            Kind::RustCrypto { .. } => "rust-crypto",
        })
    }
}

/// The hash of some bytes.
pub(crate) fn digest(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_vec()
}
