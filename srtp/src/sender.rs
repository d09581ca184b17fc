use rtp::{HeaderView, Ssrc};

use crate::cipher::{Cipher, Position, RTCP_CLEAR, TooLong, Usage};
use crate::index::{self, IndexError};
use crate::receiver::MAX_STREAMS;
use crate::streams::{Full, Limits, Streams};
use crate::{KeyError, MasterKey, ProtectError};

/// Protects what one side sends: RTP and RTCP of all its sources under one master key.
///
/// It refuses to protect two packets under one index, whatever its caller does: numbers may come out of order within
/// 1,024 packets, but a number that was used, or one further back, is an error. A source is never forgotten, because
/// a forgotten one could start over.
#[derive(Debug)]
pub struct Sender {
    rtp: Cipher,
    rtcp: Cipher,
    streams: Streams<16>,
    /// One count for the RTCP of all sources: together with the SSRC it is unique, and 2³¹ packets end the key.
    rtcp_index: u64,
}

const LIMITS: Limits = Limits {
    streams: MAX_STREAMS,
    retired: 0,
    idle_packets: u64::MAX,
};

/// No datagram is longer. RFC 3711 §4.1.1 allows 2¹⁶ blocks of keystream, 1 MiB.
pub(crate) const MAX_PACKET: usize = 65_535;

/// The index of RTCP has 31 bits.
pub(crate) const MAX_RTCP_INDEX: u64 = (1 << 31) - 1;

impl Sender {
    /// A sender with the keys of its side.
    pub fn new(profile: crate::Profile, key: MasterKey) -> Result<Self, KeyError> {
        if key.profile() != profile {
            return Err(KeyError::Length);
        }
        Ok(Self {
            rtp: Cipher::new(&key, Usage::Rtp)?,
            rtcp: Cipher::new(&key, Usage::Rtcp)?,
            streams: Streams::new(),
            rtcp_index: 0,
        })
    }

    /// Protects the RTP packet at `buf[start..]` in place, and appends the tag. What is in front of `start` is not read.
    pub fn protect_rtp(&mut self, buf: &mut Vec<u8>, start: usize) -> Result<(), ProtectError> {
        let packet = buf.get(start..).ok_or(ProtectError::Malformed)?;
        if packet.len() > MAX_PACKET {
            return Err(ProtectError::TooLong);
        }
        let header = HeaderView::parse(packet).map_err(|_| ProtectError::Malformed)?;
        let (ssrc, header_len) = (header.ssrc(), header.header_len());

        let slot = self.streams.find(ssrc);
        let window = self.streams.window(&slot).ok_or(ProtectError::Malformed)?;
        let index = match index::guess(window.highest(), header.sequence_number()) {
            Ok(index) => index,
            Err(IndexError::BelowZero) => return Err(ProtectError::IndexUsed),
            Err(IndexError::Exhausted) => return Err(ProtectError::KeyExhausted),
        };
        window.check(index).map_err(|_| ProtectError::IndexUsed)?;

        // The index is taken first: were the cipher to fail, it must not be tried again with other bytes.
        self.streams
            .accept(ssrc, slot, index, LIMITS)
            .map_err(|Full| ProtectError::TooManyStreams)?;
        self.rtp
            .seal_rtp(buf, start, header_len, Position { ssrc, index })
            .map_err(|TooLong| ProtectError::TooLong)
    }

    /// Protects the RTCP datagram at `buf[start..]` in place, and appends tag and index. What is in front of `start` is
    /// not read.
    pub fn protect_rtcp(&mut self, buf: &mut Vec<u8>, start: usize) -> Result<(), ProtectError> {
        let packet = buf.get(start..).ok_or(ProtectError::Malformed)?;
        if packet.len() > MAX_PACKET {
            return Err(ProtectError::TooLong);
        }
        let ssrc = rtcp_ssrc(packet).ok_or(ProtectError::Malformed)?;
        let index = self.rtcp_index;
        if index > MAX_RTCP_INDEX {
            return Err(ProtectError::KeyExhausted);
        }
        self.rtcp_index += 1;
        self.rtcp
            .seal_rtcp(buf, start, Position { ssrc, index })
            .map_err(|TooLong| ProtectError::TooLong)
    }

    /// How many RTCP datagrams the key is still good for: ask for new keys before it is 0.
    pub const fn rtcp_packets_left(&self) -> u64 {
        MAX_RTCP_INDEX + 1 - self.rtcp_index
    }

    #[cfg(test)]
    pub(crate) fn set_rtcp_index(&mut self, index: u64) {
        self.rtcp_index = index;
    }

    #[cfg(test)]
    pub(crate) fn set_highest(&mut self, ssrc: Ssrc, index: u64) {
        let slot = crate::streams::Slot::New(crate::window::Window::new());
        self.streams.accept(ssrc, slot, index, LIMITS).unwrap();
    }
}

/// The sender's SSRC of an RTCP datagram, if it looks like one.
pub(crate) fn rtcp_ssrc(datagram: &[u8]) -> Option<Ssrc> {
    let &[first, _, _, _, a, b, c, d] = datagram.first_chunk::<RTCP_CLEAR>()?;
    (first >> 6 == 2).then(|| Ssrc::new(u32::from_be_bytes([a, b, c, d])))
}
