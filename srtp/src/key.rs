use std::fmt;

use zeroize::Zeroizing;

use crate::{KeyError, Profile};

/// The longest master key of any profile (AES-256).
const MAX_KEY: usize = 32;
/// The longest master salt of any profile.
pub(crate) const MAX_SALT: usize = 14;

/// The longest master key identifier, in octets.
pub const MAX_MKI: usize = 128;

/// The master key and salt of one direction. Wiped when dropped, and never printed.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: Zeroizing<[u8; MAX_KEY]>,
    /// Shorter salts are filled with zeros at the end (RFC 7714 §11).
    salt: Zeroizing<[u8; MAX_SALT]>,
    identifier: Box<[u8]>,
}

impl MasterKey {
    /// Takes a key and a salt of the lengths that the profile needs.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if key.len() != profile.key_length() || salt.len() != profile.salt_length() {
            return Err(KeyError::Length);
        }
        let mut master = Self {
            profile,
            key: Zeroizing::default(),
            salt: Zeroizing::default(),
            identifier: Box::default(),
        };
        fill(&mut *master.key, key)?;
        fill(&mut *master.salt, salt)?;
        Ok(master)
    }

    /// Gives the key an identifier (MKI, RFC 3711 §3.1), 1 to [`MAX_MKI`] octets, which every packet then carries.
    pub fn with_identifier(mut self, identifier: &[u8]) -> Result<Self, KeyError> {
        if identifier.is_empty() || identifier.len() > MAX_MKI {
            return Err(KeyError::Mki);
        }
        self.identifier = identifier.into();
        Ok(self)
    }

    /// The identifier; empty without one.
    pub fn identifier(&self) -> &[u8] {
        &self.identifier
    }

    pub(crate) const fn profile(&self) -> Profile {
        self.profile
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key
            .get(..self.profile.key_length())
            .unwrap_or_default()
    }

    pub(crate) fn salt(&self) -> &[u8; MAX_SALT] {
        &self.salt
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("profile", &self.profile)
            .field("identifier", &self.identifier)
            .finish_non_exhaustive()
    }
}
/// What DTLS exports for SRTP under the label `EXTRACTOR-dtls_srtp` (RFC 5764 §4.2). Wiped when dropped.
pub struct KeyingMaterial {
    profile: Profile,
    octets: Zeroizing<[u8; 2 * (MAX_KEY + MAX_SALT)]>,
}

impl KeyingMaterial {
    /// A buffer for the exporter to fill.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            octets: Zeroizing::new([0; 2 * (MAX_KEY + MAX_SALT)]),
        }
    }

    /// The octets to fill, as many as the profile needs.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let length = self.profile.keying_material_length();
        self.octets.get_mut(..length).unwrap_or_default()
    }

    /// The keys of the DTLS client and of the DTLS server.
    pub fn into_keys(self) -> Result<(MasterKey, MasterKey), KeyError> {
        let length = self.profile.keying_material_length();
        Self::split(self.profile, self.octets.get(..length).unwrap_or_default())
    }

    /// Splits exported octets into the keys of the DTLS client and of the DTLS server.
    pub fn split(profile: Profile, exported: &[u8]) -> Result<(MasterKey, MasterKey), KeyError> {
        let mut rest = exported;
        let mut take = |length| rest.split_off(..length).ok_or(KeyError::Length);
        let client_key = take(profile.key_length())?;
        let server_key = take(profile.key_length())?;
        let client_salt = take(profile.salt_length())?;
        let server_salt = take(profile.salt_length())?;
        if !rest.is_empty() {
            return Err(KeyError::Length);
        }
        Ok((
            MasterKey::new(profile, client_key, client_salt)?,
            MasterKey::new(profile, server_key, server_salt)?,
        ))
    }
}

impl fmt::Debug for KeyingMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyingMaterial")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

fn fill(target: &mut [u8], source: &[u8]) -> Result<(), KeyError> {
    target
        .get_mut(..source.len())
        .ok_or(KeyError::Length)?
        .copy_from_slice(source);
    Ok(())
}
