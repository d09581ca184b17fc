mod aes_cm;
mod aes_gcm;
mod derive;

use std::fmt;

use aes_cm::AesCm;
use aes_gcm::AesGcm;
use rtp::Ssrc;

pub(crate) use derive::Usage;

use crate::{KeyError, MasterKey, Profile};

/// The transforms of one direction of RTP or of RTCP: session keys, kept in the form the ciphers work with.
///
/// Everything that differs between profiles is in this folder: lengths of tags, what is authenticated, and where the
/// SRTCP index lies. Callers know indices and replay, and nothing of keys.
pub(crate) enum Cipher {
    AesCm(Box<AesCm>),
    AesGcm(Box<AesGcm>),
}

/// The packet is longer than the cipher takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The octets of an RTCP datagram that stay readable: the first header and the sender's SSRC (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR: usize = 8;

/// The E bit in front of the SRTCP index: the packet is encrypted.
pub(crate) const ENCRYPTED: u32 = 1 << 31;

impl Cipher {
    /// Derives the session keys of `usage` from a master key (RFC 3711 §4.3).
    pub(crate) fn new(master: &MasterKey, usage: Usage) -> Result<Self, KeyError> {
        match master.profile() {
            Profile::Aes128CmSha1_80 => AesCm::derive(master, usage).map(Box::new).map(Self::AesCm),
            Profile::AeadAes128Gcm => AesGcm::derive(master, usage)
                .map(Box::new)
                .map(Self::AesGcm),
        }
    }

    /// The octets of a tag.
    pub(crate) const fn tag_length(&self) -> usize {
        match self {
            Self::AesCm(_) => AesCm::TAG,
            Self::AesGcm(_) => AesGcm::TAG,
        }
    }

    /// Encrypts what is behind the header of the packet at `start`, and appends the tag.
    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        at: Position,
    ) -> Result<(), TooLong> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtp(buf, start, header_len, at),
            Self::AesGcm(cipher) => cipher.seal_rtp(buf, start, header_len, at)?,
        }
        Ok(())
    }

    /// Verifies and decrypts a packet; gives header and payload without the tag, or nothing if it is not genuine.
    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        header_len: usize,
        at: Position,
    ) -> Option<&'a mut [u8]> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtp(packet, header_len, at),
            Self::AesGcm(cipher) => cipher.open_rtp(packet, header_len, at),
        }
    }

    /// Encrypts the RTCP datagram at `start`, and appends the tag and the index with the E bit.
    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        at: Position,
    ) -> Result<(), TooLong> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtcp(buf, start, at),
            Self::AesGcm(cipher) => cipher.seal_rtcp(buf, start, at)?,
        }
        Ok(())
    }

    /// The word with the E bit and the index of a protected RTCP datagram; `None` if it is too short to be one.
    pub(crate) fn rtcp_index(&self, packet: &[u8]) -> Option<u32> {
        if packet.len() < RTCP_CLEAR + self.tag_length() + 4 {
            return None;
        }
        let end = match self {
            Self::AesCm(_) => packet.len() - AesCm::TAG,
            Self::AesGcm(_) => packet.len(),
        };
        packet
            .get(..end)?
            .last_chunk()
            .map(|word| u32::from_be_bytes(*word))
    }

    /// Verifies and decrypts an RTCP datagram, which [`rtcp_index`](Self::rtcp_index) found to have the E bit; gives the
    /// plaintext without tag and index, or nothing if it is not genuine.
    pub(crate) fn open_rtcp<'a>(&self, packet: &'a mut [u8], at: Position) -> Option<&'a mut [u8]> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtcp(packet, at),
            Self::AesGcm(cipher) => cipher.open_rtcp(packet, at),
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

    /// The last word of an encrypted RTCP packet: E bit and index.
    const fn rtcp_trailer(self) -> [u8; 4] {
        (ENCRYPTED | self.index as u32).to_be_bytes()
    }
}

/// What the tests with published session keys need.
#[cfg(test)]
pub(crate) mod test_access {
    pub(crate) use super::Usage;
    pub(crate) use super::aes_cm::AesCm;
    pub(crate) use super::aes_gcm::AesGcm;
    pub(crate) use super::derive::{Purpose, derive};
}
