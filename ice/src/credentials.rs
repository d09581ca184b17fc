use std::fmt;

use rand::CryptoRng;

use crate::CredentialsError;

/// A username fragment and a password (RFC 8445 §5.3).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// `ice-ufrag`.
    pub ufrag: String,
    /// `ice-pwd`; it is never printed by `Debug`.
    pub pwd: String,
}

/// 64 characters, so that six random bits pick one without bias (RFC 8839 §5.4, ice-char).
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 48 bits; RFC 8445 §5.3 asks for 24. A fragment names a session on a shared socket, so collisions matter.
const UFRAG_LENGTH: usize = 8;

/// 144 bits; RFC 8445 §5.3 asks for 128.
const PWD_LENGTH: usize = 24;

impl Credentials {
    /// Checks lengths and characters (RFC 8839 §5.4).
    pub fn new(ufrag: impl Into<String>, pwd: impl Into<String>) -> Result<Self, CredentialsError> {
        let credentials = Self {
            ufrag: ufrag.into(),
            pwd: pwd.into(),
        };
        credentials.validate()?;
        Ok(credentials)
    }

    pub(crate) fn validate(&self) -> Result<(), CredentialsError> {
        if !(4..=256).contains(&self.ufrag.len()) {
            return Err(CredentialsError::UfragLength);
        }
        if !(22..=256).contains(&self.pwd.len()) {
            return Err(CredentialsError::PwdLength);
        }
        let mut characters = self.ufrag.bytes().chain(self.pwd.bytes());
        if !characters.all(is_ice_char) {
            return Err(CredentialsError::Character);
        }
        Ok(())
    }

    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            ufrag: ice_chars(rng, UFRAG_LENGTH),
            pwd: ice_chars(rng, PWD_LENGTH),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag)
            .field("pwd", &"..")
            .finish()
    }
}

pub(crate) const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

fn ice_chars(rng: &mut impl CryptoRng, length: usize) -> String {
    let mut random = vec![0; length];
    rng.fill_bytes(&mut random);
    random
        .iter()
        .map(|byte| char::from(ICE_CHARS[usize::from(byte & 0x3f)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_limits_of_rfc_8839_are_held() {
        let long = "a".repeat(257);
        let pwd = "p".repeat(22);
        assert!(Credentials::new("abcd", pwd.as_str()).is_ok());
        assert_eq!(
            Credentials::new("abc", pwd.as_str()),
            Err(CredentialsError::UfragLength)
        );
        assert_eq!(
            Credentials::new(long.as_str(), pwd.as_str()),
            Err(CredentialsError::UfragLength)
        );
        assert_eq!(
            Credentials::new("abcd", long),
            Err(CredentialsError::PwdLength)
        );
        assert_eq!(
            Credentials::new("ab:d", pwd),
            Err(CredentialsError::Character)
        );
    }

    #[test]
    fn s17_an_empty_password_cannot_be_configured() {
        assert_eq!(
            Credentials::new("abcd", ""),
            Err(CredentialsError::PwdLength)
        );
    }

    /// Transport 5.3 no. 1: the source is injected, and one that is not cryptographic does not compile.
    #[test]
    fn i09_generated_credentials_are_long_distinct_and_unbiased() {
        let mut rng = StdRng::from_seed([7; 32]);
        let mut counts = [0_u32; 128];
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2_000 {
            let credentials = Credentials::generate(&mut rng);
            assert!(credentials.validate().is_ok());
            assert!(seen.insert(credentials.ufrag.clone()));
            for byte in credentials.pwd.bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        // 48,000 characters over 64 values: 750 each, standard deviation 27.
        for &byte in ICE_CHARS {
            let count = counts[usize::from(byte)];
            assert!((600..900).contains(&count), "{} {count}", char::from(byte));
        }
    }

    #[test]
    fn a06_the_password_is_not_printed() {
        let credentials = Credentials::new("abcd", "secretsecretsecretsecret").unwrap();
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
