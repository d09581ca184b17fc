use rtp::HeaderView;

use crate::cipher::{Cipher, ENCRYPTED, Position, Usage};
use crate::index::{self, IndexError};
use crate::sender::{MAX_PACKET, rtcp_ssrc};
use crate::streams::{Full, Limits, Room, Streams};
use crate::window::Stale;
use crate::{KeyError, MasterKey, Profile, Stats, UnprotectError};

/// The sources that have state under one key, RTP and RTCP each.
///
/// A genuine packet of one more source takes the place of the source idle for longest, if that one is idle
/// ([`IDLE_PACKETS`]); else it is dropped and counted. The last index of up to as many evicted sources is kept, so that
/// they can come back and their old packets cannot.
pub const MAX_STREAMS: usize = 1024;

/// A source is idle when so many packets of other sources were accepted since its last one. There is no clock here;
/// this is about a minute of one audio stream.
pub const IDLE_PACKETS: u64 = 3000;

/// How many RTP packets the replay window of a source spans.
pub const SRTP_WINDOW: u64 = 64 * SRTP_WORDS as u64;

/// How many RTCP datagrams the replay window of a source spans.
pub const SRTCP_WINDOW: u64 = 64 * SRTCP_WORDS as u64;

const SRTP_WORDS: usize = 16;
const SRTCP_WORDS: usize = 2;

const LIMITS: Limits = Limits {
    streams: MAX_STREAMS,
    retired: MAX_STREAMS,
    idle_packets: IDLE_PACKETS,
};

/// Verifies and decrypts what the other side sends, RTP and RTCP of all its sources under one master key.
///
/// A packet is checked for replay, then authenticated, and only then does anything change (RFC 3711 §3.3): a forged
/// packet leaves nothing behind but a count in [`stats`](Self::stats).
#[derive(Debug)]
pub struct Receiver {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams<SRTP_WORDS>,
    rtcp_streams: Streams<SRTCP_WORDS>,
    stats: Stats,
}

impl Receiver {
    /// A receiver with the keys of the other side.
    pub fn new(profile: Profile, key: MasterKey) -> Result<Self, KeyError> {
        if key.profile() != profile {
            return Err(KeyError::Length);
        }
        Ok(Self {
            rtp: Cipher::new(&key, Usage::Rtp)?,
            rtcp: Cipher::new(&key, Usage::Rtcp)?,
            rtp_streams: Streams::new(),
            rtcp_streams: Streams::new(),
            stats: Stats::default(),
        })
    }

    /// Opens a protected RTP packet in place: what comes back is header and payload.
    ///
    /// After an error the bytes are worthless; they may have been overwritten.
    pub fn unprotect_rtp<'a>(
        &mut self,
        packet: &'a mut [u8],
    ) -> Result<&'a mut [u8], UnprotectError> {
        let result = self.open_rtp(packet);
        self.count(result.as_ref().err());
        result
    }

    /// Opens a protected RTCP datagram in place: what comes back is the plaintext.
    ///
    /// After an error the bytes are worthless; they may have been overwritten.
    pub fn unprotect_rtcp<'a>(
        &mut self,
        packet: &'a mut [u8],
    ) -> Result<&'a mut [u8], UnprotectError> {
        let result = self.open_rtcp(packet);
        self.count(result.as_ref().err());
        result
    }

    /// What was accepted and dropped so far.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// How many sources have state: RTP, RTCP.
    pub const fn streams(&self) -> (usize, usize) {
        (self.rtp_streams.len(), self.rtcp_streams.len())
    }

    fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], UnprotectError> {
        let header = HeaderView::parse(packet).map_err(|_| UnprotectError::Malformed)?;
        let (ssrc, header_len) = (header.ssrc(), header.header_len());

        let slot = self.rtp_streams.find(ssrc);
        let window = self
            .rtp_streams
            .window(&slot)
            .ok_or(UnprotectError::Malformed)?;
        let index = index::guess(window.highest(), header.sequence_number())?;
        window.check(index)?;
        if packet.len() < header_len + self.rtp.tag_length() || packet.len() > MAX_PACKET {
            return Err(UnprotectError::Malformed);
        }
        let plaintext = self
            .rtp
            .open_rtp(packet, header_len, Position { ssrc, index })
            .ok_or(UnprotectError::Unauthenticated)?;
        let room = self.rtp_streams.accept(ssrc, slot, index, LIMITS)?;
        self.note(room);
        Ok(plaintext)
    }

    fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], UnprotectError> {
        let ssrc = rtcp_ssrc(packet)
            .filter(|_| packet.len() <= MAX_PACKET)
            .ok_or(UnprotectError::Malformed)?;
        let word = self
            .rtcp
            .rtcp_index(packet)
            .ok_or(UnprotectError::Malformed)?;
        if word & ENCRYPTED == 0 {
            return Err(UnprotectError::Unencrypted);
        }
        let index = u64::from(word & !ENCRYPTED);

        let slot = self.rtcp_streams.find(ssrc);
        self.rtcp_streams
            .window(&slot)
            .ok_or(UnprotectError::Malformed)?
            .check(index)?;
        let plaintext = self
            .rtcp
            .open_rtcp(packet, Position { ssrc, index })
            .ok_or(UnprotectError::Unauthenticated)?;
        let room = self.rtcp_streams.accept(ssrc, slot, index, LIMITS)?;
        self.note(room);
        Ok(plaintext)
    }

    fn note(&mut self, room: Room) {
        self.stats.streams_evicted += u64::from(room.evicted);
        self.stats.streams_forgotten += u64::from(room.forgotten);
    }

    fn count(&mut self, error: Option<&UnprotectError>) {
        let stats = &mut self.stats;
        *match error {
            None => &mut stats.accepted,
            Some(UnprotectError::Malformed) => &mut stats.malformed,
            Some(UnprotectError::Replayed) => &mut stats.replayed,
            Some(UnprotectError::TooOld) => &mut stats.too_old,
            Some(UnprotectError::Unauthenticated) => &mut stats.unauthenticated,
            Some(UnprotectError::Unencrypted) => &mut stats.unencrypted,
            Some(UnprotectError::KeyExhausted) => &mut stats.key_exhausted,
            Some(UnprotectError::TooManyStreams) => &mut stats.too_many_streams,
        } += 1;
    }
}

impl From<Stale> for UnprotectError {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Replayed => Self::Replayed,
            Stale::TooOld => Self::TooOld,
        }
    }
}

impl From<IndexError> for UnprotectError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::BelowZero => Self::TooOld,
            IndexError::Exhausted => Self::KeyExhausted,
        }
    }
}

impl From<Full> for UnprotectError {
    fn from(_: Full) -> Self {
        Self::TooManyStreams
    }
}
