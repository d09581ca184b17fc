use crate::cipher::{Cipher, HeaderCipher};
use crate::{Config, KeyError, MasterKey, Usage};

/// What is derived from one master key, and its identifier.
#[derive(Debug)]
pub(crate) struct SessionKeys {
    pub(crate) identifier: Box<[u8]>,
    pub(crate) rtp: Cipher,
    pub(crate) rtcp: Cipher,
    /// Where header extensions are encrypted one by one.
    pub(crate) header: Option<HeaderCipher>,
}

impl SessionKeys {
    pub(crate) fn derive(config: &Config, key: &MasterKey) -> Result<Self, KeyError> {
        if key.profile() != config.profile {
            return Err(KeyError::Length);
        }
        let header = if config.encrypted_extensions.is_empty() {
            None
        } else {
            Some(HeaderCipher::derive(&config.provider, key)?)
        };
        Ok(Self {
            identifier: key.identifier().into(),
            rtp: Cipher::derive(&config.provider, key, Usage::Rtp)?,
            rtcp: Cipher::derive(&config.provider, key, Usage::Rtcp)?,
            header,
        })
    }
}
