use std::fmt;

use crate::text::{first_word, is_token};

/// The hash of a certificate: `a=fingerprint:hash value` (RFC 8122 §5).
///
/// The names stay text here; `dtls` turns them into bytes and compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint<'a> {
    /// The hash function, in any case: `sha-256`.
    pub hash: &'a str,
    /// The hash, two hexadecimal digits per byte, colons between.
    pub value: &'a str,
}

impl<'a> Fingerprint<'a> {
    /// Reads the value of the attribute.
    ///
    /// `None` if it is malformed, or shorter or longer than its hash function makes: a prefix must never
    /// be compared.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (hash, rest) = first_word(text);
        let (value, nothing) = first_word(rest);
        let fingerprint = Self { hash, value };
        (nothing.is_empty() && fingerprint.is_well_formed()).then_some(fingerprint)
    }

    /// Whether the hash function resists collisions: SHA-256, SHA-384 or SHA-512.
    ///
    /// RFC 8122 §5 forbids MD2 and MD5; SHA-1 has fallen since.
    pub fn is_strong(&self) -> bool {
        self.strength() > 0
    }

    /// Orders the strong hash functions; 0 for all others.
    pub(crate) fn strength(&self) -> usize {
        self.hash_bytes().filter(|&bytes| bytes >= 32).unwrap_or(0)
    }

    pub(crate) fn is_well_formed(&self) -> bool {
        let mut pairs = self.value.split(':');
        let length = pairs.clone().count();
        is_token(self.hash)
            && self.hash_bytes().is_none_or(|bytes| bytes == length)
            && pairs
                .all(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
    }

    /// The length of the hash, when the function is known (RFC 8122 §5, IANA hash function names).
    fn hash_bytes(&self) -> Option<usize> {
        LENGTHS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(self.hash))
            .map(|&(_, length)| length)
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.hash, self.value)
    }
}

const LENGTHS: [(&str, usize); 7] = [
    ("sha-256", 32),
    ("sha-384", 48),
    ("sha-512", 64),
    ("sha-224", 28),
    ("sha-1", 20),
    ("md5", 16),
    ("md2", 16),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(hash: &str, bytes: usize) -> String {
        format!("{hash} {}", vec!["aB"; bytes].join(":"))
    }

    #[test]
    fn the_length_must_be_that_of_the_hash() {
        for (hash, bytes) in LENGTHS {
            for (length, good) in [(bytes - 1, false), (bytes, true), (bytes + 1, false)] {
                let text = of_length(&hash.to_uppercase(), length);
                assert_eq!(Fingerprint::parse(&text).is_some(), good, "{text}");
            }
        }
        assert!(Fingerprint::parse(&of_length("sha3-512", 5)).is_some());
    }

    #[test]
    fn only_the_sha_2_family_from_256_on_is_strong() {
        for (hash, bytes) in LENGTHS {
            let text = of_length(hash, bytes);
            let fingerprint = Fingerprint::parse(&text).unwrap();
            assert_eq!(fingerprint.is_strong(), bytes >= 32, "{hash}");
            assert_eq!(fingerprint.to_string(), text);
        }
        assert!(!Fingerprint::parse(&of_length("x", 32)).unwrap().is_strong());
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            "",
            "sha-256",
            "sha-256 ",
            "sha-256 AB",
            "x A:B",
            "x AB:",
            "x AB CD",
            "x ÄB",
        ] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }
}
