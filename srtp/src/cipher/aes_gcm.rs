use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use zeroize::Zeroizing;

use super::derive::{Purpose, Usage, derive};
use super::{Position, RTCP_CLEAR, TooLong};
use crate::{KeyError, MasterKey};

/// AES in Galois/counter mode with tags of 128 bits (RFC 7714).
pub(crate) struct AesGcm {
    key: LessSafeKey,
    /// 96 bits.
    salt: Zeroizing<u128>,
}

impl AesGcm {
    /// The octets of a tag.
    pub(crate) const TAG: usize = 16;

    pub(crate) fn derive(master: &MasterKey, usage: Usage) -> Result<Self, KeyError> {
        let key = derive::<16>(master, usage, Purpose::Encryption)?;
        let salt = derive::<12>(master, usage, Purpose::Salt)?;
        Self::new(&*key, &salt)
    }

    pub(crate) fn new(key: &[u8], salt: &[u8; 12]) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_128_GCM, key).map_err(|_| KeyError::Length)?;
        let mut shifted = Zeroizing::new([0; 16]);
        let (_, low) = shifted.split_at_mut(4);
        low.copy_from_slice(salt);
        Ok(Self {
            key: LessSafeKey::new(key),
            salt: Zeroizing::new(u128::from_be_bytes(*shifted)),
        })
    }

    pub(crate) fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        at: Position,
    ) -> Result<(), TooLong> {
        let packet = buf.get_mut(start..).ok_or(TooLong)?;
        let (header, payload) = packet.split_at_mut_checked(header_len).ok_or(TooLong)?;
        let tag = self.seal(Aad::from(&*header), payload, at)?;
        buf.extend_from_slice(tag.as_ref());
        Ok(())
    }

    pub(crate) fn open_rtp<'a>(
        &self,
        packet: &'a mut [u8],
        header_len: usize,
        at: Position,
    ) -> Option<&'a mut [u8]> {
        let (header, sealed) = packet.split_at_mut_checked(header_len)?;
        self.open(Aad::from(&*header), sealed, at)?;
        let end = packet.len().checked_sub(Self::TAG)?;
        packet.get_mut(..end)
    }

    /// The index lies behind the tag and is authenticated together with the clear octets (RFC 7714 §9.2).
    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        at: Position,
    ) -> Result<(), TooLong> {
        let packet = buf.get_mut(start..).ok_or(TooLong)?;
        let (clear, body) = packet.split_first_chunk_mut().ok_or(TooLong)?;
        let tag = self.seal(Aad::from(rtcp_aad(clear, at)), body, at)?;
        buf.extend_from_slice(tag.as_ref());
        buf.extend_from_slice(&at.rtcp_trailer());
        Ok(())
    }

    pub(crate) fn open_rtcp<'a>(&self, packet: &'a mut [u8], at: Position) -> Option<&'a mut [u8]> {
        let (packet, _index) = packet.split_last_chunk_mut::<4>()?;
        let (clear, sealed) = packet.split_first_chunk_mut()?;
        self.open(Aad::from(rtcp_aad(clear, at)), sealed, at)?;
        let end = packet.len().checked_sub(Self::TAG)?;
        packet.get_mut(..end)
    }

    fn seal<A: AsRef<[u8]>>(
        &self,
        aad: Aad<A>,
        octets: &mut [u8],
        at: Position,
    ) -> Result<Tag, TooLong> {
        self.key
            .seal_in_place_separate_tag(self.nonce(at), aad, octets)
            .map_err(|_| TooLong)
    }

    /// Opens ciphertext and tag. What does not verify is not left behind as plaintext: the provider wipes it.
    fn open<A: AsRef<[u8]>>(&self, aad: Aad<A>, sealed: &mut [u8], at: Position) -> Option<()> {
        self.key
            .open_in_place(self.nonce(at), aad, sealed)
            .ok()
            .map(|_| ())
    }

    /// The vectors of RTP (RFC 7714 §8.1) and RTCP (§9.1) are one formula: the RTCP index has 16 zero bits in front.
    fn nonce(&self, at: Position) -> Nonce {
        let vector = *self.salt ^ u128::from(at.ssrc.get()) << 48 ^ u128::from(at.index);
        let [_, _, _, _, nonce @ ..] = vector.to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }
}

fn rtcp_aad(clear: &[u8; RTCP_CLEAR], at: Position) -> [u8; RTCP_CLEAR + 4] {
    let [a, b, c, d, e, f, g, h] = *clear;
    let [i, j, k, l] = at.rtcp_trailer();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}
