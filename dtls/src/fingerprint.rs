use std::fmt::{self, Write as _};
use std::str::FromStr;

use subtle::ConstantTimeEq as _;

use crate::{FingerprintError, crypto};

/// A hash function that may identify a certificate.
///
/// MD5 and SHA-1 are registered too (RFC 8122 §5), but identify nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// The length of its output in bytes.
    pub const fn output_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }
}

/// The hash of a certificate, as `a=fingerprint` carries it (RFC 8122 §5).
///
/// Text form: `sha-256 AB:CD:…`; the name and the digits are read in either case and written as in the RFC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// The hash function.
    pub algorithm: HashAlgorithm,
    /// Its output. A value of another length than the function's never matches anything.
    pub value: Vec<u8>,
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(algorithm: HashAlgorithm, certificate: &[u8]) -> Self {
        Self {
            algorithm,
            value: crypto::digest(algorithm, certificate),
        }
    }

    /// Whether a certificate is one of the announced ones.
    ///
    /// Of the announced fingerprints those with the strongest hash count, and one of them has to match
    /// (RFC 8122 §5.1). An empty list announces nobody.
    pub(crate) fn any_matches(announced: &[Self], certificate: &[u8]) -> bool {
        let Some(strongest) = announced.iter().map(|f| f.algorithm).max() else {
            return false;
        };
        let genuine = crypto::digest(strongest, certificate);
        announced
            .iter()
            .filter(|f| f.algorithm == strongest)
            .any(|f| bool::from(f.value.as_slice().ct_eq(&genuine)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.name())?;
        for (index, byte) in self.value.iter().enumerate() {
            f.write_char(if index == 0 { ' ' } else { ':' })?;
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (name, digits) = text
            .trim()
            .split_once(' ')
            .ok_or(FingerprintError::Malformed)?;
        let algorithm = [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ]
        .into_iter()
        .find(|known| known.name().eq_ignore_ascii_case(name))
        .ok_or(FingerprintError::UnsupportedHash)?;
        let mut value = Vec::with_capacity(algorithm.output_length());
        for pair in digits.trim_start().split(':') {
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(FingerprintError::Malformed);
            }
            value.push(u8::from_str_radix(pair, 16).map_err(|_| FingerprintError::Malformed)?);
            if value.len() > algorithm.output_length() {
                return Err(FingerprintError::Length);
            }
        }
        if value.len() != algorithm.output_length() {
            return Err(FingerprintError::Length);
        }
        Ok(Self { algorithm, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_in_either_case() {
        let fingerprint = Fingerprint::of(HashAlgorithm::Sha384, b"certificate");
        let text = fingerprint.to_string();
        assert!(text.starts_with("sha-384 "));
        assert_eq!(text.parse(), Ok(fingerprint.clone()));
        assert_eq!(text.to_lowercase().parse(), Ok(fingerprint.clone()));
        assert_eq!(text.to_uppercase().parse(), Ok(fingerprint));
    }

    #[test]
    fn weak_hashes_and_wrong_lengths_are_refused() {
        let parse = |text: &str| text.parse::<Fingerprint>();
        assert_eq!(
            parse("md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"),
            Err(FingerprintError::UnsupportedHash)
        );
        assert_eq!(parse("sha-1 00:11"), Err(FingerprintError::UnsupportedHash));
        let short = format!("sha-256 {}", vec!["AB"; 31].join(":"));
        assert_eq!(parse(&short), Err(FingerprintError::Length));
        let long = format!("sha-256 {}", vec!["AB"; 33].join(":"));
        assert_eq!(parse(&long), Err(FingerprintError::Length));
        for malformed in [
            "",
            "sha-256",
            "sha-256 ",
            "sha-256 A:BC",
            "sha-256 +A:BC",
            "sha-256 é:BC",
        ] {
            assert_eq!(
                parse(malformed),
                Err(FingerprintError::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn the_strongest_announced_hash_decides() {
        let weak = Fingerprint::of(HashAlgorithm::Sha256, b"one");
        let strong = Fingerprint::of(HashAlgorithm::Sha512, b"two");
        assert!(Fingerprint::any_matches(&[weak.clone()], b"one"));
        assert!(!Fingerprint::any_matches(
            &[weak.clone(), strong.clone()],
            b"one"
        ));
        assert!(Fingerprint::any_matches(&[weak, strong], b"two"));
        assert!(!Fingerprint::any_matches(&[], b"one"));
    }

    #[test]
    fn a_truncated_value_matches_nothing() {
        let mut fingerprint = Fingerprint::of(HashAlgorithm::Sha256, b"one");
        fingerprint.value.truncate(31);
        assert!(!Fingerprint::any_matches(&[fingerprint.clone()], b"one"));
        fingerprint.value.clear();
        assert!(!Fingerprint::any_matches(&[fingerprint], b"one"));
    }
}
