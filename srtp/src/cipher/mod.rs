mod aes_cm;
mod aes_gcm;
mod derive;

use std::fmt;

use aes_cm::AesCm;
use aes_gcm::AesGcm;
use rtp::Ssrc;

pub(crate) use aes_cm::HeaderCipher;

use crate::header::Coverage;
use crate::profile::Transform;
use crate::provider::GCM_TAG;
use crate::{KeyError, MasterKey, Provider, Usage};

/// The transforms of one direction of RTP or of RTCP: session keys, kept in the form the ciphers work with.
///
/// Everything that differs between profiles is in this folder: lengths of tags, what is authenticated, and where the
/// SRTCP index and the master key identifier lie. Callers know indices and replay, and nothing of keys.
pub(crate) enum Cipher {
    AesCm(AesCm),
    AesGcm(AesGcm),
}

/// The provider could not do it. What it was to encrypt must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// The octets of an RTCP datagram that stay readable: the first header and the sender's SSRC (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR: usize = 8;

/// The E bit in front of the SRTCP index: the packet is encrypted.
pub(crate) const ENCRYPTED: u32 = 1 << 31;

impl Cipher {
    /// Derives the session keys of `usage` from a master key (RFC 3711 §4.3).
    pub(crate) fn derive(
        provider: &Provider,
        master: &MasterKey,
        usage: Usage,
    ) -> Result<Self, KeyError> {
        match master.profile().transform() {
            Transform::CounterMode | Transform::Null => {
                AesCm::derive(provider, master, usage).map(Self::AesCm)
            }
            Transform::Galois => AesGcm::derive(provider, master, usage).map(Self::AesGcm),
        }
    }

    /// The octets of a tag.
    pub(crate) const fn tag_length(&self) -> usize {
        match self {
            Self::AesCm(cipher) => cipher.tag_length(),
            Self::AesGcm(_) => GCM_TAG,
        }
    }

    /// Whether RTCP without encryption is what the profile asks for.
    pub(crate) const fn is_null(&self) -> bool {
        match self {
            Self::AesCm(cipher) => !cipher.encrypts(),
            Self::AesGcm(_) => false,
        }
    }

    /// Encrypts what is covered of the packet at `start`, and appends tag and identifier.
    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        coverage: Coverage,
        at: Position,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtp(buf, start, coverage, at, identifier),
            Self::AesGcm(cipher) => cipher.seal_rtp(buf, start, coverage, at, identifier),
        }
    }

    /// Verifies and decrypts a packet with an identifier of so many octets; gives header and payload, or nothing if it
    /// is not genuine.
    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        coverage: Coverage,
        at: Position,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtp(packet, coverage, at, identifier),
            Self::AesGcm(cipher) => cipher.open_rtp(packet, coverage, at, identifier),
        }
    }

    /// Encrypts the RTCP datagram at `start`, and appends tag, index with the E bit, and identifier.
    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        at: Position,
        encrypted: bool,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtcp(buf, start, at, encrypted, identifier),
            Self::AesGcm(cipher) => cipher.seal_rtcp(buf, start, at, encrypted, identifier),
        }
    }

    /// The identifier of a protected RTP packet or RTCP datagram; `None` if it is too short to have one.
    pub(crate) fn identifier<'a>(&self, packet: &'a [u8], length: usize) -> Option<&'a [u8]> {
        let end = match self {
            Self::AesCm(cipher) => packet.len().checked_sub(cipher.tag_length())?,
            Self::AesGcm(_) => packet.len(),
        };
        packet.get(end.checked_sub(length)?..end)
    }

    /// The word with the E bit and the index of a protected RTCP datagram with an identifier of so many octets; `None`
    /// if it is too short to be one.
    pub(crate) fn rtcp_index(&self, packet: &[u8], identifier: usize) -> Option<u32> {
        if packet.len() < RTCP_CLEAR + self.tag_length() + 4 + identifier {
            return None;
        }
        let end = match self {
            Self::AesCm(cipher) => packet.len() - cipher.tag_length() - identifier,
            Self::AesGcm(_) => packet.len() - identifier,
        };
        packet
            .get(..end)?
            .last_chunk()
            .map(|word| u32::from_be_bytes(*word))
    }

    /// Verifies and decrypts an RTCP datagram whose index [`rtcp_index`](Self::rtcp_index) found; gives the plaintext
    /// without tag, index and identifier, or nothing if it is not genuine.
    pub(crate) fn open_rtcp<'a>(
        &self,
        packet: &'a mut [u8],
        at: Position,
        encrypted: bool,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtcp(packet, at, encrypted, identifier),
            Self::AesGcm(cipher) => cipher.open_rtcp(packet, at, encrypted, identifier),
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AesCm(_) => "AesCm",
            Self::AesGcm(_) => "AesGcm",
        })
    }
}

impl fmt::Debug for HeaderCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderCipher")
    }
}

/// What makes the initialization vector of a packet its own: source and index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) ssrc: Ssrc,
    /// 48 bits for RTP, 31 bits for RTCP.
    pub(crate) index: u64,
}

impl Position {
    /// The rollover counter of an RTP index.
    const fn rollover_counter(self) -> u32 {
        (self.index >> 16) as u32
    }

    /// The last word of an RTCP packet: E bit and index.
    const fn rtcp_trailer(self, encrypted: bool) -> [u8; 4] {
        let e_bit = if encrypted { ENCRYPTED } else { 0 };
        (e_bit | self.index as u32).to_be_bytes()
    }
}

/// What the tests with published session keys need.
#[cfg(test)]
pub(crate) mod test_access {
    pub(crate) use super::aes_gcm::AesGcm;
    pub(crate) use super::derive::{Derivation, HEADER_KEY, HEADER_SALT, Purpose, label};
}
