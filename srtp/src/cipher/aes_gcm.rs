use zeroize::Zeroizing;

use super::derive::{Derivation, Purpose, label, place};
use super::{Failed, Position, RTCP_CLEAR};
use crate::header::Coverage;
use crate::provider::{self, CryptoProvider, GCM_TAG};
use crate::sender::MAX_PACKET;
use crate::{KeyError, MasterKey, Provider, Usage};

/// AES in Galois/counter mode with tags of 128 bits (RFC 7714).
pub(crate) struct AesGcm {
    cipher: Box<dyn provider::AesGcm>,
    /// 96 bits.
    salt: Zeroizing<u128>,
}

impl AesGcm {
    pub(crate) fn derive(
        provider: &Provider,
        master: &MasterKey,
        usage: Usage,
    ) -> Result<Self, KeyError> {
        let derivation = Derivation::new(provider, master)?;
        let key = derivation.key(label(usage, Purpose::Encryption))?;
        let salt = derivation.octets::<12>(label(usage, Purpose::Salt))?;
        let key = key.get(..master.profile().key_length()).unwrap_or_default();
        Self::new(provider, key, &salt)
    }

    pub(crate) fn new(provider: &Provider, key: &[u8], salt: &[u8; 12]) -> Result<Self, KeyError> {
        Ok(Self {
            cipher: provider.aes_gcm(key).ok_or(KeyError::Unsupported)?,
            salt: place(salt, 0),
        })
    }

    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        coverage: Coverage,
        at: Position,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        let packet = buf.get_mut(start..).ok_or(Failed)?;
        coverage.join(packet);
        let (clear, text) = packet
            .split_at_mut_checked(coverage.clear())
            .ok_or(Failed)?;
        let tag = self.cipher.seal(&self.nonce(at), clear, text);
        coverage.part_again(packet);
        buf.extend_from_slice(&tag.ok_or(Failed)?);
        buf.extend_from_slice(identifier);
        Ok(())
    }

    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        coverage: Coverage,
        at: Position,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        let end = packet.len().checked_sub(identifier)?;
        let packet = packet.get_mut(..end)?;
        coverage.join(packet);
        let (clear, sealed) = packet.split_at_mut_checked(coverage.clear())?;
        let opened = self.cipher.open(&self.nonce(at), clear, sealed);
        coverage.part_again(packet);
        opened?;
        let end = packet.len().checked_sub(GCM_TAG)?;
        packet.get_mut(..end)
    }

    /// The index lies behind the tag and is authenticated together with the clear octets (RFC 7714 §9.2). All of an
    /// unencrypted datagram is clear (§9.3).
    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        at: Position,
        encrypted: bool,
        identifier: &[u8],
    ) -> Result<(), Failed> {
        let trailer = at.rtcp_trailer(encrypted);
        let tag = if encrypted {
            let packet = buf.get_mut(start..).ok_or(Failed)?;
            let (clear, body) = packet.split_first_chunk_mut().ok_or(Failed)?;
            self.cipher
                .seal(&self.nonce(at), &associated(clear, trailer), body)
        } else {
            // The associated data is in one piece when the index follows the datagram.
            buf.extend_from_slice(&trailer);
            let clear = buf.get(start..).ok_or(Failed)?;
            let tag = self.cipher.seal(&self.nonce(at), clear, &mut []);
            buf.truncate(buf.len() - trailer.len());
            tag
        };
        buf.extend_from_slice(&tag.ok_or(Failed)?);
        buf.extend_from_slice(&trailer);
        buf.extend_from_slice(identifier);
        Ok(())
    }

    pub(crate) fn open_rtcp<'a>(
        &self,
        packet: &'a mut [u8],
        at: Position,
        encrypted: bool,
        identifier: usize,
    ) -> Option<&'a mut [u8]> {
        let end = packet.len().checked_sub(identifier)?;
        let (packet, &mut trailer) = packet.get_mut(..end)?.split_last_chunk_mut::<4>()?;
        let end = packet.len().checked_sub(GCM_TAG)?;
        if encrypted {
            let (clear, sealed) = packet.split_first_chunk_mut()?;
            let associated = associated(clear, trailer);
            self.cipher.open(&self.nonce(at), &associated, sealed)?;
        } else {
            // Tag and index change places, so that the associated data is in one piece. It happens to few datagrams.
            let mut tag = *packet.last_chunk::<GCM_TAG>()?;
            let mut clear = Vec::with_capacity(end.min(MAX_PACKET) + trailer.len());
            clear.extend_from_slice(packet.get(..end)?);
            clear.extend_from_slice(&trailer);
            self.cipher.open(&self.nonce(at), &clear, &mut tag)?;
        }
        packet.get_mut(..end)
    }

    /// The vectors of RTP (RFC 7714 §8.1) and RTCP (§9.1) are one formula: the RTCP index has 16 zero bits in front.
    fn nonce(&self, at: Position) -> [u8; 12] {
        let vector = *self.salt ^ u128::from(at.ssrc.get()) << 48 ^ u128::from(at.index);
        let [_, _, _, _, nonce @ ..] = vector.to_be_bytes();
        nonce
    }
}

fn associated(clear: &[u8; RTCP_CLEAR], trailer: [u8; 4]) -> [u8; RTCP_CLEAR + 4] {
    let [a, b, c, d, e, f, g, h] = *clear;
    let [i, j, k, l] = trailer;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}
