use std::collections::VecDeque;

use rtp::{HeaderView, Ssrc};

use crate::cipher::{Failed, Position, RTCP_CLEAR};
use crate::header::{self, Coverage, Opaque, Plan};
use crate::index::{self, IndexError, MAX_INDEX};
use crate::receiver::MAX_STREAMS;
use crate::session_keys::SessionKeys;
use crate::streams::{Full, Limits, Streams};
use crate::{
    Config, Cryptex, Event, KeyError, MasterKey, Profile, ProtectError, RolloverError,
    RtcpProtection, Usage,
};

/// Protects what one side sends: RTP and RTCP of all its sources under one master key.
///
/// It refuses to protect two packets under one index, whatever its caller does: numbers may come out of order within
/// 1,024 packets, but a number that was used, or one further back, is an error. A source is never forgotten, because
/// a forgotten one could start over.
///
/// Everything that changes a packet, header extensions such as transport-wide sequence numbers included, comes before
/// it is protected: the whole header is authenticated, and with [`Cryptex`] it is not even readable afterwards.
#[derive(Debug)]
pub struct Sender {
    keys: SessionKeys,
    config: Config,
    streams: Streams<16>,
    /// One count for the RTCP of all sources: together with the SSRC it is unique, and 2³¹ packets end the context.
    rtcp_index: u64,
    /// The RTP packets of all sources under the key.
    rtp_packets: u64,
    warned: [bool; 2],
    events: VecDeque<Event>,
}

/// With so many packets left a key is said to expire. At 50 packets a second it is 22 minutes.
pub const KEY_MARGIN: u64 = 1 << 16;

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
    /// A sender with the keys of its side and the defaults of a profile.
    pub fn new(profile: Profile, key: MasterKey) -> Result<Self, KeyError> {
        Self::with_config(Config::new(profile), &key)
    }

    /// A sender with the keys of its side.
    pub fn with_config(config: Config, key: &MasterKey) -> Result<Self, KeyError> {
        Ok(Self {
            keys: SessionKeys::derive(&config, key)?,
            config,
            streams: Streams::new(),
            rtcp_index: 0,
            rtp_packets: 0,
            warned: [false; 2],
            events: VecDeque::new(),
        })
    }

    /// Protects the RTP packet at `buf[start..]` in place, and appends tag and master key identifier. What is in front
    /// of `start` is not read.
    pub fn protect_rtp(&mut self, buf: &mut Vec<u8>, start: usize) -> Result<(), ProtectError> {
        let packet = buf.get(start..).ok_or(ProtectError::Malformed)?;
        let header = HeaderView::parse(packet).map_err(|_| ProtectError::Malformed)?;
        let (ssrc, header_len) = (header.ssrc(), header.header_len());
        let csrcs = header.csrcs().len() * 4;
        let plan = Plan::of(&header, self.config.cryptex)
            .map_err(|Opaque| ProtectError::OpaqueExtension)?;
        if packet.len() + plan.growth() > MAX_PACKET {
            return Err(ProtectError::TooLong);
        }
        if self.rtp_packets > MAX_INDEX {
            return Err(ProtectError::KeyExhausted);
        }

        let slot = self.streams.find(ssrc);
        let index = match index::guess(self.streams.known(slot), header.sequence_number()) {
            Ok(index) => index,
            Err(IndexError::BelowZero) => return Err(ProtectError::IndexUsed),
            Err(IndexError::Exhausted) => return Err(ProtectError::KeyExhausted),
        };
        self.streams
            .check(slot, index)
            .map_err(|_| ProtectError::IndexUsed)?;

        // The index is taken first: were the cipher to fail, it must not be tried again with other bytes.
        self.streams
            .accept(ssrc, slot, index, LIMITS)
            .map_err(|Full| ProtectError::TooManyStreams)?;
        self.rtp_packets += 1;
        let left = MAX_INDEX - index.max(self.rtp_packets - 1);
        if left <= KEY_MARGIN {
            self.warn(Usage::Rtp, left);
        }

        let at = Position { ssrc, index };
        let coverage = plan.apply(buf, start, header_len, csrcs);
        if let (Some(cipher), Coverage::Payload { .. }, Some(packet)) =
            (&self.keys.header, coverage, buf.get_mut(start..))
            && header::mask_extensions(packet, self.config.encrypted_extensions, cipher, at)
                .is_none()
        {
            buf.truncate(start);
            return Err(ProtectError::Provider);
        }
        let sealed = self
            .keys
            .rtp
            .seal_rtp(buf, start, coverage, at, &self.keys.identifier);
        withdraw(sealed, buf, start)
    }

    /// Protects the RTCP datagram at `buf[start..]` in place, and appends tag, index and master key identifier. What is
    /// in front of `start` is not read.
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
        let left = MAX_RTCP_INDEX - index;
        if left <= KEY_MARGIN {
            self.warn(Usage::Rtcp, left);
        }
        let encrypted = self.config.rtcp == RtcpProtection::Encrypted;
        let at = Position { ssrc, index };
        let sealed = self
            .keys
            .rtcp
            .seal_rtcp(buf, start, at, encrypted, &self.keys.identifier);
        withdraw(sealed, buf, start)
    }

    /// What there is to say about the keys.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many RTCP datagrams the key is still good for: ask for new keys before it is 0.
    pub const fn rtcp_packets_left(&self) -> u64 {
        MAX_RTCP_INDEX + 1 - self.rtcp_index
    }

    /// Whether headers are encrypted from the next packet on.
    pub const fn set_cryptex(&mut self, cryptex: Cryptex) {
        self.config.cryptex = cryptex;
    }

    /// Takes another master key, which has an identifier as long as that of the present one.
    ///
    /// Indices go on from where they are (RFC 3711 §3.3.1): a stream begins anew only with a new sender. Nor does the
    /// index of RTCP: it ends at 2³¹ − 1 under whichever key.
    pub fn set_key(&mut self, key: &MasterKey) -> Result<(), KeyError> {
        let present = &self.keys.identifier;
        if present.is_empty()
            || present.len() != key.identifier().len()
            || **present == *key.identifier()
        {
            return Err(KeyError::Mki);
        }
        self.keys = SessionKeys::derive(&self.config, key)?;
        self.rtp_packets = 0;
        self.warned[0] = false;
        Ok(())
    }

    /// Continues a stream that another sender began: its rollover counter at the next packet.
    ///
    /// Two senders must never protect one index, so the first one has to have ended.
    pub fn set_rollover_counter(&mut self, ssrc: Ssrc, roc: u32) -> Result<(), RolloverError> {
        self.streams.supply(ssrc, roc, LIMITS)
    }

    /// The rollover counter of a source, to tell those who join late; `None` before its first packet.
    pub fn rollover_counter(&self, ssrc: Ssrc) -> Option<u32> {
        self.streams.rollover_counter(ssrc)
    }

    fn warn(&mut self, usage: Usage, packets_left: u64) {
        let [rtp, rtcp] = &mut self.warned;
        let warned = match usage {
            Usage::Rtp => rtp,
            Usage::Rtcp => rtcp,
        };
        if !std::mem::replace(warned, true) {
            self.events.push_back(Event::KeyExpiring {
                usage,
                packets_left,
            });
        }
    }

    #[cfg(test)]
    pub(crate) fn set_rtcp_index(&mut self, index: u64) {
        self.rtcp_index = index;
    }

    #[cfg(test)]
    pub(crate) fn set_rtp_packets(&mut self, packets: u64) {
        self.rtp_packets = packets;
    }

    #[cfg(test)]
    pub(crate) fn set_highest(&mut self, ssrc: Ssrc, index: u64) {
        let slot = crate::streams::Slot::New;
        self.streams.accept(ssrc, slot, index, LIMITS).unwrap();
    }
}

/// What a failed cipher leaves may be plaintext: it is taken off the buffer.
fn withdraw(
    sealed: Result<(), Failed>,
    buf: &mut Vec<u8>,
    start: usize,
) -> Result<(), ProtectError> {
    sealed.map_err(|Failed| {
        buf.truncate(start);
        ProtectError::Provider
    })
}

/// The sender's SSRC of an RTCP datagram, if it looks like one.
pub(crate) fn rtcp_ssrc(datagram: &[u8]) -> Option<Ssrc> {
    let &[first, _, _, _, a, b, c, d] = datagram.first_chunk::<RTCP_CLEAR>()?;
    (first >> 6 == 2).then(|| Ssrc::new(u32::from_be_bytes([a, b, c, d])))
}
