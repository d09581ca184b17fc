use rtp::{HeaderView, SequenceNumber, Ssrc};

use crate::cipher::{Cipher, ENCRYPTED, Position};
use crate::header::{self, Coverage, Unexpected};
use crate::index::{self, IndexError};
use crate::sender::{MAX_PACKET, rtcp_ssrc};
use crate::session_keys::SessionKeys;
use crate::streams::{Full, Limits, Room, Slot, Streams};
use crate::window::Stale;
use crate::{
    Config, Cryptex, KeyError, MasterKey, Profile, RolloverError, RtcpProtection, Stats,
    UnprotectError,
};

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

/// How many master keys a receiver holds, told apart by their identifiers.
pub const MAX_KEYS: usize = 16;

/// After so many RTP packets that do not verify, or are too old, the next one of the same source as the last of them is
/// tried under the neighbouring rollover counters too.
///
/// That is how a stream is found again that was not seen for half a cycle, or joined after its first rollover. It is
/// counted over all sources, so that nothing is kept for a forged one, and adds a sixteenth to what forgery costs.
pub const ROLLOVER_TRIAL_INTERVAL: u64 = 50;

const SRTP_WORDS: usize = 16;
const SRTCP_WORDS: usize = 2;

const LIMITS: Limits = Limits {
    streams: MAX_STREAMS,
    retired: MAX_STREAMS,
    idle_packets: IDLE_PACKETS,
};

/// Verifies and decrypts what the other side sends, RTP and RTCP of all its sources.
///
/// A packet is checked for replay, then authenticated, and only then does anything change (RFC 3711 §3.3): a forged
/// packet leaves nothing behind but a count in [`stats`](Self::stats).
#[derive(Debug)]
pub struct Receiver {
    /// The one key, or those that are told apart by identifiers of equal length.
    keys: Vec<SessionKeys>,
    config: Config,
    rtp_streams: Streams<SRTP_WORDS>,
    rtcp_streams: Streams<SRTCP_WORDS>,
    stats: Stats,
    /// The source whose next packet, if it fails too, is tried under other rollover counters. Counted, in a way: it is
    /// the source of one failed packet in fifty.
    suspect: Option<Ssrc>,
}

/// An RTP packet of which everything is known but whether it is genuine.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    ssrc: Ssrc,
    sequence_number: SequenceNumber,
    coverage: Coverage,
    /// Which key.
    key: usize,
}

impl Receiver {
    /// A receiver with the keys of the other side and the defaults of a profile.
    pub fn new(profile: Profile, key: MasterKey) -> Result<Self, KeyError> {
        Self::with_config(Config::new(profile), &key)
    }

    /// A receiver with the keys of the other side.
    pub fn with_config(config: Config, key: &MasterKey) -> Result<Self, KeyError> {
        Ok(Self {
            keys: vec![SessionKeys::derive(&config, key)?],
            config,
            rtp_streams: Streams::new(),
            rtcp_streams: Streams::new(),
            stats: Stats::default(),
            suspect: None,
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

    /// Takes one more master key. All keys have identifiers of one length; streams and their indices are common to them.
    pub fn add_key(&mut self, key: &MasterKey) -> Result<(), KeyError> {
        let length = self.identifier_length();
        let taken = |keys: &SessionKeys| *keys.identifier == *key.identifier();
        if length == 0 || length != key.identifier().len() || self.keys.iter().any(taken) {
            return Err(KeyError::Mki);
        }
        if self.keys.len() >= MAX_KEYS {
            return Err(KeyError::Count);
        }
        self.keys.push(SessionKeys::derive(&self.config, key)?);
        Ok(())
    }

    /// Forgets a master key by its identifier. The last one stays.
    pub fn remove_key(&mut self, identifier: &[u8]) -> Result<(), KeyError> {
        let place = self
            .keys
            .iter()
            .position(|keys| *keys.identifier == *identifier)
            .ok_or(KeyError::Mki)?;
        if self.keys.len() == 1 {
            return Err(KeyError::Count);
        }
        self.keys.remove(place);
        Ok(())
    }

    /// Which encrypted headers are taken from the next packet on.
    pub const fn set_cryptex(&mut self, cryptex: Cryptex) {
        self.config.cryptex = cryptex;
    }

    /// Says which rollover counter a source has of which no packet was seen: to join a stream late (RFC 3711 §3.3.1).
    pub fn set_rollover_counter(&mut self, ssrc: Ssrc, roc: u32) -> Result<(), RolloverError> {
        self.rtp_streams.supply(ssrc, roc, LIMITS)
    }

    /// The rollover counter of a source; `None` before its first packet.
    pub fn rollover_counter(&self, ssrc: Ssrc) -> Option<u32> {
        self.rtp_streams.rollover_counter(ssrc)
    }

    fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], UnprotectError> {
        let arrival = self.read(packet)?;
        let ssrc = arrival.ssrc;
        let slot = self.rtp_streams.find(ssrc);
        let guess = self.guess(arrival, slot);
        let (index, length) = if self.suspect == Some(ssrc) {
            self.suspect = None;
            self.open_suspect(packet, arrival, slot, guess)?
        } else {
            self.open_at(packet, arrival, guess)
                .inspect_err(|error| self.note_miss(*error, ssrc))?
        };
        let room = self.rtp_streams.accept(ssrc, slot, index, LIMITS)?;
        self.note(room);
        packet.get_mut(..length).ok_or(UnprotectError::Malformed)
    }

    /// The index that a packet most likely has, if it may still be accepted.
    fn guess(&self, arrival: Arrival, slot: Slot) -> Result<u64, UnprotectError> {
        let index = index::guess(self.rtp_streams.known(slot), arrival.sequence_number)?;
        self.rtp_streams.check(slot, index)?;
        Ok(index)
    }

    /// Opens a packet under an index if it has one; gives both the index and the length of what is left.
    fn open_at(
        &self,
        packet: &mut [u8],
        arrival: Arrival,
        guess: Result<u64, UnprotectError>,
    ) -> Result<(u64, usize), UnprotectError> {
        let index = guess?;
        let length = self.decrypt(packet, arrival, index);
        Ok((index, length.ok_or(UnprotectError::Unauthenticated)?))
    }

    /// After so many packets that were not genuine or too old the source of this one is looked at more closely.
    #[cold]
    fn note_miss(&mut self, error: UnprotectError, ssrc: Ssrc) {
        let missed = self.stats.unauthenticated + self.stats.too_old + 1;
        if is_miss(error) && missed.is_multiple_of(ROLLOVER_TRIAL_INTERVAL) {
            self.suspect = Some(ssrc);
        }
    }

    /// Opens a packet under the guess, or else under one of the rollover counters around the known one.
    #[cold]
    fn open_suspect(
        &mut self,
        packet: &mut [u8],
        arrival: Arrival,
        slot: Slot,
        guess: Result<u64, UnprotectError>,
    ) -> Result<(u64, usize), UnprotectError> {
        // Whoever fails may leave anything behind.
        let copy = packet.to_vec();
        match self.open_at(packet, arrival, guess) {
            Err(error) if is_miss(error) => {
                self.stats.rollover_trials += 1;
                self.try_neighbours(packet, &copy, arrival, slot, guess.ok())
                    .ok_or(error)
            }
            other => other,
        }
    }

    /// What a packet says of itself, and whether it can be one at all.
    fn read(&self, packet: &[u8]) -> Result<Arrival, UnprotectError> {
        let header = HeaderView::parse(packet).map_err(|_| UnprotectError::Malformed)?;
        let coverage = header::arrived(&header, self.config.cryptex)
            .map_err(|Unexpected| UnprotectError::Cryptex)?;
        let first = self.keys.first().ok_or(UnprotectError::UnknownKey)?;
        let behind = first.rtp.tag_length() + self.identifier_length();
        if packet.len() < coverage.least() + behind || packet.len() > MAX_PACKET {
            return Err(UnprotectError::Malformed);
        }
        Ok(Arrival {
            ssrc: header.ssrc(),
            sequence_number: header.sequence_number(),
            coverage,
            key: self.key_of(&first.rtp, packet)?,
        })
    }

    /// Verifies and decrypts a packet under an index, and gives the length of what is left.
    fn decrypt(&self, packet: &mut [u8], arrival: Arrival, index: u64) -> Option<usize> {
        let keys = self.keys.get(arrival.key)?;
        let (ssrc, coverage) = (arrival.ssrc, arrival.coverage);
        let at = Position { ssrc, index };
        let plaintext = keys
            .rtp
            .open_rtp(packet, coverage, at, keys.identifier.len())?;
        header::restore(plaintext, coverage);
        if let (Some(cipher), Coverage::Payload { .. }) = (&keys.header, coverage) {
            header::mask_extensions(plaintext, self.config.encrypted_extensions, cipher, at)?;
        }
        Some(plaintext.len())
    }

    /// Tries the rollover counters around the known one, the guess excepted.
    fn try_neighbours(
        &mut self,
        packet: &mut [u8],
        copy: &[u8],
        arrival: Arrival,
        slot: Slot,
        guess: Option<u64>,
    ) -> Option<(u64, usize)> {
        let known = self.rtp_streams.known(slot);
        for index in index::neighbours(known, arrival.sequence_number) {
            if Some(index) == guess || self.rtp_streams.check(slot, index).is_err() {
                continue;
            }
            if let Some(packet) = packet.get_mut(..copy.len()) {
                packet.copy_from_slice(copy);
            }
            if let Some(length) = self.decrypt(packet, arrival, index) {
                self.stats.rollovers_found += 1;
                return Some((index, length));
            }
        }
        None
    }

    fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], UnprotectError> {
        let ssrc = rtcp_ssrc(packet)
            .filter(|_| packet.len() <= MAX_PACKET)
            .ok_or(UnprotectError::Malformed)?;
        let first = self.keys.first().ok_or(UnprotectError::UnknownKey)?;
        let identifier = self.identifier_length();
        let word = first
            .rtcp
            .rtcp_index(packet, identifier)
            .ok_or(UnprotectError::Malformed)?;
        let encrypted = word & ENCRYPTED != 0;
        let required = self.config.rtcp == RtcpProtection::Encrypted && !first.rtcp.is_null();
        if !encrypted && required {
            return Err(UnprotectError::Unencrypted);
        }
        let key = self.key_of(&first.rtcp, packet)?;
        let index = u64::from(word & !ENCRYPTED);

        let slot = self.rtcp_streams.find(ssrc);
        self.rtcp_streams.check(slot, index)?;
        let at = Position { ssrc, index };
        let keys = self.keys.get(key).ok_or(UnprotectError::UnknownKey)?;
        let plaintext = keys
            .rtcp
            .open_rtcp(packet, at, encrypted, identifier)
            .ok_or(UnprotectError::Unauthenticated)?;
        let length = plaintext.len();
        let room = self.rtcp_streams.accept(ssrc, slot, index, LIMITS)?;
        self.note(room);
        packet.get_mut(..length).ok_or(UnprotectError::Malformed)
    }

    /// Whose key a packet is under, by its identifier.
    fn key_of(&self, cipher: &Cipher, packet: &[u8]) -> Result<usize, UnprotectError> {
        let length = self.identifier_length();
        if length == 0 {
            return Ok(0);
        }
        let identifier = cipher
            .identifier(packet, length)
            .ok_or(UnprotectError::Malformed)?;
        self.keys
            .iter()
            .position(|keys| *keys.identifier == *identifier)
            .ok_or(UnprotectError::UnknownKey)
    }

    fn identifier_length(&self) -> usize {
        self.keys.first().map_or(0, |keys| keys.identifier.len())
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
            Some(UnprotectError::UnknownKey) => &mut stats.unknown_key,
            Some(UnprotectError::Unencrypted) => &mut stats.unencrypted,
            Some(UnprotectError::Cryptex) => &mut stats.cryptex,
            Some(UnprotectError::KeyExhausted) => &mut stats.key_exhausted,
            Some(UnprotectError::TooManyStreams) => &mut stats.too_many_streams,
        } += 1;
    }
}

/// Whether a packet may have failed because its rollover counter is not the one that was guessed.
const fn is_miss(error: UnprotectError) -> bool {
    matches!(
        error,
        UnprotectError::Unauthenticated | UnprotectError::TooOld
    )
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
