use std::fmt;
use std::time::Duration;

use bytes::{Buf, BufMut};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::serial::Tsn;

/// All that is needed to set an association up, in the peer's keeping (RFC 9260 §5.1.3).
///
/// Nothing is remembered here until the cookie returns, and nothing in it is believed before its MAC. It holds no
/// address and no pointer: only numbers that the peer knows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) local_tag: u32,
    pub(crate) local_initial_tsn: Tsn,
    pub(crate) peer: Peer,
    /// The tags of the association that stood when the cookie was made; 0 when none did.
    pub(crate) tie_tags: (u32, u32),
    /// When it was made, since the association's first instant.
    pub(crate) created: Duration,
}

/// What a side said about itself in its INIT or INIT ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) tag: u32,
    pub(crate) initial_tsn: Tsn,
    pub(crate) a_rwnd: u32,
    pub(crate) outbound_streams: u16,
    pub(crate) inbound_streams: u16,
    pub(crate) extensions: Extensions,
}

/// Which extensions a side announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// RE-CONFIG (RFC 6525).
    pub(crate) re_config: bool,
    /// FORWARD-TSN (RFC 3758).
    pub(crate) forward_tsn: bool,
    /// I-DATA (RFC 8260).
    pub(crate) i_data: bool,
    /// I-FORWARD-TSN (RFC 8260).
    pub(crate) i_forward_tsn: bool,
    /// Zero instead of a checksum, because DTLS sees every change (RFC 9653).
    pub(crate) zero_checksum: bool,
}

impl Extensions {
    pub(crate) fn to_bits(self) -> u8 {
        u8::from(self.re_config)
            | u8::from(self.forward_tsn) << 1
            | u8::from(self.i_data) << 2
            | u8::from(self.i_forward_tsn) << 3
            | u8::from(self.zero_checksum) << 4
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self {
            re_config: bits & 1 != 0,
            forward_tsn: bits & 1 << 1 != 0,
            i_data: bits & 1 << 2 != 0,
            i_forward_tsn: bits & 1 << 3 != 0,
            zero_checksum: bits & 1 << 4 != 0,
        }
    }
}

/// What an association knows and nobody else: the key of its cookies' MAC, and the source of its random numbers.
pub(crate) struct Secret {
    key: [u8; 32],
    draws: u64,
}

impl Secret {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key, draws: 0 }
    }

    /// The next random number: HMAC in counter mode, which holds no state but the count.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.draws = self.draws.wrapping_add(1);
        let mac = self.mac().chain_update(self.draws.to_be_bytes());
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn mac(&self) -> Hmac<Sha256> {
        // HMAC pads a short key with zeros itself (RFC 2104 §2); doing it here leaves no length to be wrong.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        Hmac::new(&block.into())
    }

    pub(crate) fn seal(&self, cookie: &Cookie) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(COOKIE_LENGTH);
        let peer = &cookie.peer;
        for word in [
            cookie.local_tag,
            cookie.local_initial_tsn.get(),
            peer.tag,
            peer.initial_tsn.get(),
            peer.a_rwnd,
            cookie.tie_tags.0,
            cookie.tie_tags.1,
        ] {
            bytes.put_u32(word);
        }
        bytes.put_u16(peer.outbound_streams);
        bytes.put_u16(peer.inbound_streams);
        bytes.put_u64(u64::try_from(cookie.created.as_micros()).unwrap_or(u64::MAX));
        bytes.put_u8(peer.extensions.to_bits());
        let mac = self.mac().chain_update(&bytes).finalize().into_bytes();
        bytes.put_slice(&mac);
        bytes
    }

    /// Gives the contents if the cookie is one of ours; compared in constant time.
    pub(crate) fn open(&self, cookie: &[u8]) -> Option<Cookie> {
        if cookie.len() != COOKIE_LENGTH {
            return None;
        }
        let (mut fields, mac) = cookie.split_last_chunk::<32>()?;
        self.mac().chain_update(fields).verify_slice(mac).ok()?;
        let mut word = || fields.try_get_u32().ok();
        let (local_tag, local_initial_tsn) = (word()?, word()?);
        let (tag, initial_tsn, a_rwnd) = (word()?, word()?, word()?);
        let tie_tags = (word()?, word()?);
        let (outbound_streams, inbound_streams) =
            (fields.try_get_u16().ok()?, fields.try_get_u16().ok()?);
        let created = Duration::from_micros(fields.try_get_u64().ok()?);
        let extensions = Extensions::from_bits(fields.try_get_u8().ok()?);
        Some(Cookie {
            local_tag,
            local_initial_tsn: Tsn::new(local_initial_tsn),
            peer: Peer {
                tag,
                initial_tsn: Tsn::new(initial_tsn),
                a_rwnd,
                outbound_streams,
                inbound_streams,
                extensions,
            },
            tie_tags,
            created,
        })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

const COOKIE_LENGTH: usize = 7 * 4 + 2 * 2 + 8 + 1 + 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie() -> Cookie {
        Cookie {
            local_tag: 1,
            local_initial_tsn: Tsn::new(2),
            peer: Peer {
                tag: 3,
                initial_tsn: Tsn::new(4),
                a_rwnd: 5,
                outbound_streams: 6,
                inbound_streams: 7,
                extensions: Extensions::from_bits(31),
            },
            tie_tags: (8, 9),
            created: Duration::from_millis(10),
        }
    }

    #[test]
    fn a_cookie_returns_as_it_left() {
        let key = Secret::new([7; 32]);
        let sealed = key.seal(&cookie());
        assert_eq!(sealed.len(), COOKIE_LENGTH);
        assert!(sealed.len() < 200, "P-4");
        assert_eq!(key.open(&sealed), Some(cookie()));
        assert_eq!(Secret::new([8; 32]).open(&sealed), None);
    }

    #[test]
    fn no_bit_of_a_cookie_can_be_changed() {
        let key = Secret::new([7; 32]);
        let sealed = key.seal(&cookie());
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&forged), None);
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(&sealed[..length]), None);
        }
    }
}
