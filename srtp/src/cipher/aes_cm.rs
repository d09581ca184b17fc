use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{Purpose, Usage, derive};
use super::{Position, RTCP_CLEAR};
use crate::{KeyError, MasterKey};

/// AES in counter mode and HMAC-SHA1 with tags of 80 bits (RFC 3711 §4.1.1, §4.2.1).
pub(crate) struct AesCm {
    /// The expanded key.
    key: Aes128Enc,
    /// The salt times 2¹⁶, where the block counter starts.
    salt: Zeroizing<u128>,
    /// The hash after the key was taken in: a packet begins with a copy of it.
    mac: Hmac<Sha1>,
}

impl AesCm {
    /// The octets of a tag.
    pub(crate) const TAG: usize = 10;

    pub(crate) fn derive(master: &MasterKey, usage: Usage) -> Result<Self, KeyError> {
        let key = derive::<16>(master, usage, Purpose::Encryption)?;
        let authentication = derive::<20>(master, usage, Purpose::Authentication)?;
        let salt = derive::<14>(master, usage, Purpose::Salt)?;
        Self::new(&*key, &*authentication, &salt)
    }

    pub(crate) fn new(
        key: &[u8],
        authentication: &[u8],
        salt: &[u8; 14],
    ) -> Result<Self, KeyError> {
        let mut shifted = Zeroizing::new([0; 16]);
        let (high, _) = shifted.split_at_mut(salt.len());
        high.copy_from_slice(salt);
        Ok(Self {
            key: Aes128Enc::new_from_slice(key).map_err(|_| KeyError::Length)?,
            salt: Zeroizing::new(u128::from_be_bytes(*shifted)),
            mac: Hmac::new_from_slice(authentication).map_err(|_| KeyError::Length)?,
        })
    }

    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        at: Position,
    ) {
        if let Some(payload) = buf.get_mut(start + header_len..) {
            self.apply_keystream(payload, at);
        }
        let packet = buf.get(start..).unwrap_or_default();
        let tag = self.tag(packet, &at.rollover_counter().to_be_bytes());
        buf.extend_from_slice(&tag);
    }

    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        header_len: usize,
        at: Position,
    ) -> Option<&'a mut [u8]> {
        let (packet, tag) = packet.split_last_chunk_mut::<{ Self::TAG }>()?;
        let expected = self.tag(packet, &at.rollover_counter().to_be_bytes());
        if !bool::from(expected.ct_eq(&*tag)) {
            return None;
        }
        self.apply_keystream(packet.get_mut(header_len..)?, at);
        Some(packet)
    }

    pub(crate) fn seal_rtcp(&self, buf: &mut Vec<u8>, start: usize, at: Position) {
        if let Some(body) = buf.get_mut(start + RTCP_CLEAR..) {
            self.apply_keystream(body, at);
        }
        buf.extend_from_slice(&at.rtcp_trailer());
        let tag = self.tag(buf.get(start..).unwrap_or_default(), &[]);
        buf.extend_from_slice(&tag);
    }

    pub(crate) fn open_rtcp<'a>(&self, packet: &'a mut [u8], at: Position) -> Option<&'a mut [u8]> {
        let (authenticated, tag) = packet.split_last_chunk_mut::<{ Self::TAG }>()?;
        let expected = self.tag(authenticated, &[]);
        if !bool::from(expected.ct_eq(&*tag)) {
            return None;
        }
        let (packet, _index) = authenticated.split_last_chunk_mut::<4>()?;
        self.apply_keystream(packet.get_mut(RTCP_CLEAR..)?, at);
        Some(packet)
    }

    /// Adds the keystream of a packet to its octets (RFC 3711 §4.1.1).
    ///
    /// The vector leaves its last 16 bits to the block counter, which no packet can exhaust (`MAX_PACKET`). So a
    /// counter of 32 bits gives the same blocks as one of 128, and is a quarter faster.
    pub(crate) fn apply_keystream(&self, octets: &mut [u8], at: Position) {
        let vector = *self.salt ^ u128::from(at.ssrc.get()) << 64 ^ u128::from(at.index) << 16;
        CtrCore::<_, Ctr32BE>::inner_iv_init(&self.key, &vector.to_be_bytes().into())
            .apply_keystream_partial(octets.into());
    }

    fn tag(&self, packet: &[u8], suffix: &[u8]) -> [u8; Self::TAG] {
        let mut mac = self.mac.clone();
        mac.update(packet);
        mac.update(suffix);
        let full: [u8; 20] = mac.finalize().into_bytes().into();
        let [tag @ .., _, _, _, _, _, _, _, _, _, _] = full;
        tag
    }
}
