//! Who may use the server: users with passwords, and users that an application made with a shared secret.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use stun::{IntegrityKey, LongTermCredentials, PasswordAlgorithm, userhash};
use zeroize::Zeroizing;

/// The hash of a [`SharedSecret`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretHash {
    /// HMAC-SHA1, what everybody does.
    #[default]
    Sha1,
    /// HMAC-SHA256.
    Sha256,
}

/// A secret that the server shares with an application, which makes credentials for its users with it
/// (draft-uberti-behave-turn-rest §2.2): the user name is `EXPIRY:NAME`, or `EXPIRY` alone, with the Unix time at which it
/// ends; the password is the base64 of the HMAC of the user name.
///
/// The expiry is looked at when an allocation is made. What stands is kept, so that a call may outlive its credential.
#[derive(Clone)]
pub struct SharedSecret {
    secret: Zeroizing<Vec<u8>>,
    hash: SecretHash,
}

impl SharedSecret {
    /// Takes a secret; it should have 128 bits of chance or more.
    pub fn new(secret: impl Into<Vec<u8>>, hash: SecretHash) -> Self {
        Self {
            secret: Zeroizing::new(secret.into()),
            hash,
        }
    }

    /// The password of a user name.
    pub fn password(&self, username: &str) -> String {
        match self.hash {
            SecretHash::Sha1 => {
                STANDARD.encode(tag::<Hmac<Sha1>>(&self.secret, username.as_bytes()))
            }
            SecretHash::Sha256 => {
                STANDARD.encode(tag::<Hmac<Sha256>>(&self.secret, username.as_bytes()))
            }
        }
    }

    /// A credential for a user that ends at a Unix time: what an application does.
    pub fn credentials(
        &self,
        name: &str,
        expires_at: Duration,
    ) -> Result<LongTermCredentials, stun::CredentialsError> {
        let username = match name {
            "" => expires_at.as_secs().to_string(),
            name => format!("{}:{name}", expires_at.as_secs()),
        };
        let password = self.password(&username);
        LongTermCredentials::new(username, password)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.secret.is_empty()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedSecret({:?}, ..)", self.hash)
    }
}

/// The users with passwords and the shared secrets. Several secrets are for the time in which one replaces another.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Users with passwords.
    pub users: Vec<LongTermCredentials>,
    /// Secrets for credentials that end.
    pub secrets: Vec<SharedSecret>,
}

/// Longer MACs need a longer look.
fn tag<M: Mac + KeyInit>(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(secret).ok();
    mac.map(|mut mac| {
        mac.update(text);
        mac.finalize().into_bytes().to_vec()
    })
    .unwrap_or_default()
}

/// The credentials, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    users: BTreeMap<String, Keys>,
    hashed: BTreeMap<[u8; 32], String>,
    secrets: Vec<SharedSecret>,
}

#[derive(Debug)]
struct Keys {
    md5: IntegrityKey,
    sha256: IntegrityKey,
}

/// A user as the credentials know it.
pub(super) struct KnownUser {
    /// Whom quotas and allocations belong to: the name without the expiry.
    pub(super) identity: String,
    /// One key, or one for each shared secret.
    pub(super) keys: Vec<IntegrityKey>,
    /// Until when it may make allocations, as Unix time.
    pub(super) expires_at: Option<Duration>,
}

impl Keyring {
    pub(super) fn new(credentials: Credentials, realm: &str) -> Self {
        let mut keyring = Self {
            secrets: credentials.secrets,
            ..Self::default()
        };
        for user in &credentials.users {
            let (name, password) = (user.username(), user.password());
            let key = |algorithm| IntegrityKey::long_term(name, realm, password, algorithm);
            let keys = Keys {
                md5: key(PasswordAlgorithm::Md5),
                sha256: key(PasswordAlgorithm::Sha256),
            };
            keyring.users.insert(name.to_owned(), keys);
            let hash = userhash(name, realm);
            keyring.hashed.insert(hash, name.to_owned());
        }
        keyring
    }

    /// The name behind a USERHASH; only users with passwords can be known by it.
    pub(super) fn unhash(&self, hash: &[u8; 32]) -> Option<&str> {
        self.hashed.get(hash).map(String::as_str)
    }

    pub(super) fn find(
        &self,
        username: &str,
        realm: &str,
        algorithm: PasswordAlgorithm,
    ) -> Option<KnownUser> {
        if let Some(keys) = self.users.get(username) {
            let key = match algorithm {
                PasswordAlgorithm::Md5 => &keys.md5,
                PasswordAlgorithm::Sha256 => &keys.sha256,
            };
            return Some(KnownUser {
                identity: username.to_owned(),
                keys: vec![key.clone()],
                expires_at: None,
            });
        }
        let (expiry, name) = match username.split_once(':') {
            Some((expiry, name)) => (expiry, name),
            None => (username, ""),
        };
        let seconds: u64 = expiry.parse().ok()?;
        let key = |secret: &SharedSecret| {
            let password = Zeroizing::new(secret.password(username));
            IntegrityKey::long_term(username, realm, &password, algorithm)
        };
        let identity = if name.is_empty() { username } else { name };
        (!self.secrets.is_empty()).then(|| KnownUser {
            identity: identity.to_owned(),
            keys: self.secrets.iter().map(key).collect(),
            expires_at: Some(Duration::from_secs(seconds)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with OpenSSL: `printf %s 1433895918:alice | openssl dgst -sha1 -hmac north -binary | base64`, and -sha256.
    #[test]
    fn passwords_are_those_that_an_application_computes() {
        let secret = SharedSecret::new("north", SecretHash::Sha1);
        assert_eq!(secret.password("1433895918:alice"), SHA1);
        let secret = SharedSecret::new("north", SecretHash::Sha256);
        assert_eq!(secret.password("1433895918:alice"), SHA256);
        let made = secret
            .credentials("alice", Duration::from_secs(1_433_895_918))
            .unwrap();
        assert_eq!(made.username(), "1433895918:alice");
        assert_eq!(made.password(), SHA256);
        assert!(!format!("{secret:?}").contains("north"));
    }

    const SHA1: &str = "RqMvcGPYTJMGThVLSi4amT4zFtI=";
    const SHA256: &str = "gItEyWczeVF30g5PsXd43+urZgExD+g0JRczuDCJ9OM=";
}
