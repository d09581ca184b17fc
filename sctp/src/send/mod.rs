//! What leaves: queues, what is outstanding, and when it may be sent.

mod arena;
mod congestion;
mod forward;
mod limit;
mod outstanding;
mod plan;
mod progress;
mod queueing;
mod rto;
mod streams;

use std::time::{Duration, Instant};

use self::arena::Arena;
use self::congestion::{CongestionControl, Cubic, Ledbat, NewReno, Pacer};
use self::forward::Forward;
pub(crate) use self::forward::ForwardDue;
pub(crate) use self::outstanding::{Counts, SackError};
use self::outstanding::{Outstanding, SackOutcome, Transmission};
use self::progress::LossShare;
use self::rto::RetransmissionTimeout;
use self::streams::OutboundStreams;
use crate::chunk::{DataChunk, IDataChunk};
use crate::config::{Config, CongestionAlgorithm};
use crate::message::StreamId;
use crate::packet::HEADER_LENGTH;
use crate::serial::{Tsn, Unwrapped};

/// The sending half of an association.
#[derive(Debug)]
pub(crate) struct Sender {
    streams: OutboundStreams,
    outstanding: Outstanding,
    congestion: Box<dyn CongestionControl>,
    algorithm: CongestionAlgorithm,
    pacer: Pacer,
    losses: LossShare,
    rto: RetransmissionTimeout,
    arena: Arena,
    /// Everything taken from the application and not yet acknowledged, with the overhead.
    held_bytes: usize,
    capacity_bytes: usize,
    /// The smallest message that was refused for lack of room.
    refused: Option<usize>,
    /// There is room again for what was refused: so many streams are to be told.
    writable: usize,
    /// The window in the peer's last word.
    advertised: usize,
    /// The window was reduced when this was to be sent next: what left before says nothing new about congestion.
    reduced: Transmission,
    /// The round trip lasts until this arrives.
    round_end: Transmission,
    /// There was more to send than the window let out when last asked.
    window_limited: bool,
    /// A chunk was put into the present packet.
    filling: bool,
    /// When last asked, only the pacer held something back.
    held_by_pacer: bool,
    /// A tail loss probe is to be sent.
    probing: bool,
    /// The first chunk of a repair leaves whatever the window says.
    repair_at_once: bool,
    forward: Forward,
    narrow: NarrowPath,
    /// Messages travel in I-DATA chunks.
    interleaving: bool,
    /// The peer knows FORWARD-TSN.
    partial: bool,
    /// Messages with a lifetime were sent: somebody has to look at the time.
    has_lifetimes: bool,
    abandoned_messages: u64,
    payload_bytes: u64,
    last_sent: Option<Instant>,
    max_payload: usize,
    mtu: usize,
}

/// What the association has to do after an acknowledgement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The earliest outstanding chunk was acknowledged: T3 starts anew (RFC 9260 §6.3.2 R3).
    pub(crate) cumulative_advanced: bool,
}

/// A chunk that was put into a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transmitted {
    /// T3 starts even if it runs: the earliest outstanding chunk was sent again (RFC 9260 §7.2.4).
    pub(crate) restart_timer: bool,
}

/// Whether full packets get lost and nothing but full packets.
#[derive(Clone, Copy, Debug, Default)]
struct NarrowPath {
    /// Rounds in which full packets were lost since one last arrived.
    rounds: u32,
    /// The last such round ends here.
    round_end: Transmission,
    reported: bool,
}

impl NarrowPath {
    fn on_delivered(&mut self) {
        self.rounds = 0;
    }

    /// A full packet was lost that left as `lost`; the next packet to leave is `next`.
    fn on_lost(&mut self, lost: Transmission, next: Transmission) {
        if lost >= self.round_end {
            self.round_end = next;
            self.rounds += 1;
        }
    }

    fn take_report(&mut self) -> bool {
        let is_narrow = self.rounds >= FULL_LOSSES;
        if is_narrow {
            self.rounds = 0;
        }
        is_narrow && !std::mem::replace(&mut self.reported, true)
    }
}

impl Sender {
    pub(crate) fn new(config: &Config, initial: Tsn) -> Self {
        let max_payload = max_payload(config.mtu, DataChunk::OVERHEAD);
        Self {
            streams: OutboundStreams::new(config.scheduler),
            outstanding: Outstanding::new(initial, max_payload),
            congestion: controller(config.congestion, config.mtu),
            algorithm: config.congestion,
            pacer: Pacer::new(config.mtu),
            losses: LossShare::default(),
            rto: RetransmissionTimeout::new(config),
            arena: Arena::default(),
            held_bytes: 0,
            capacity_bytes: config.send_buffer_bytes,
            refused: None,
            writable: 0,
            advertised: 0,
            reduced: Transmission::default(),
            round_end: Transmission::default(),
            window_limited: false,
            filling: false,
            held_by_pacer: false,
            probing: false,
            repair_at_once: false,
            forward: Forward::default(),
            narrow: NarrowPath::default(),
            interleaving: false,
            partial: false,
            has_lifetimes: false,
            abandoned_messages: 0,
            payload_bytes: 0,
            last_sent: None,
            max_payload,
            mtu: config.mtu,
        }
    }

    /// The send buffer now: twice the congestion window keeps the path full while the application is told of room. What
    /// arrived beyond a gap is held until the gap is filled, and takes no room from what is to leave meanwhile.
    fn room_bytes(&self) -> usize {
        let wanted = self.congestion.window().saturating_mul(2);
        let wanted = wanted.saturating_add(self.outstanding.gap_acked_bytes());
        wanted.max(LEAST_CAPACITY).min(self.capacity_bytes)
    }

    pub(crate) fn streams(&self) -> &OutboundStreams {
        &self.streams
    }

    pub(crate) fn streams_mut(&mut self) -> &mut OutboundStreams {
        &mut self.streams
    }

    /// Sets the peer's window from its INIT or INIT ACK.
    pub(crate) fn set_advertised(&mut self, a_rwnd: u32) {
        self.advertised = a_rwnd as usize;
        self.streams.set_peer_window(self.advertised);
    }

    pub(crate) fn advertised(&self) -> usize {
        self.advertised
    }

    /// What was agreed with the peer: I-DATA, and FORWARD-TSN.
    pub(crate) fn set_extensions(&mut self, interleaving: bool, partial: bool) {
        self.interleaving = interleaving;
        self.partial = partial;
        self.outstanding.set_extensions(interleaving, partial);
        self.streams.set_interleaving(interleaving);
        self.set_packet_size(self.mtu);
    }

    /// Another size for packets that are not sent yet. The window keeps its bytes.
    pub(crate) fn set_packet_size(&mut self, mtu: usize) {
        self.mtu = mtu;
        self.max_payload = max_payload(mtu, self.overhead());
        self.outstanding.set_max_payload(self.max_payload);
        self.congestion.set_packet_size(mtu);
        self.pacer.set_packet_size(mtu);
        self.narrow = NarrowPath::default();
    }

    pub(crate) fn packet_size(&self) -> usize {
        self.mtu
    }

    /// What a chunk has before its payload.
    fn overhead(&self) -> usize {
        if self.interleaving {
            IDataChunk::OVERHEAD
        } else {
            DataChunk::OVERHEAD
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.outstanding.counts()
    }

    pub(crate) fn abandoned_messages(&self) -> u64 {
        self.abandoned_messages
    }

    pub(crate) fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Nothing waits and nothing is outstanding.
    pub(crate) fn is_drained(&self) -> bool {
        self.streams.is_empty() && self.outstanding.is_empty()
    }

    pub(crate) fn has_outstanding(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// More than one chunk is outstanding.
    pub(crate) fn has_many_outstanding(&self) -> bool {
        self.outstanding.count() > 1
    }

    /// The TSN that the next new chunk gets.
    pub(crate) fn next_tsn(&self) -> Unwrapped {
        self.outstanding.next()
    }

    /// The next stream with room for what was refused on it; says so once.
    pub(crate) fn take_writable(&mut self) -> Option<StreamId> {
        self.writable = self.writable.checked_sub(1)?;
        self.streams.next_refused()
    }

    /// Three full packets in a row were lost: their size. Says so once.
    pub(crate) fn take_black_hole(&mut self) -> Option<usize> {
        self.narrow.take_report().then_some(self.mtu)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.rto.current()
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.rto.smoothed()
    }

    pub(crate) fn congestion_window(&self) -> usize {
        self.congestion.window()
    }

    pub(crate) fn on_round_trip_hint(&mut self, round_trip: Duration) {
        self.rto.hint(round_trip);
    }

    /// A round trip that may have been shorter.
    pub(crate) fn on_round_trip_bound(&mut self, round_trip: Duration) {
        self.rto.bound(round_trip);
    }

    pub(crate) fn on_round_trip_sample(&mut self, round_trip: Duration) {
        self.rto.on_sample(round_trip);
    }

    pub(crate) fn on_handshake_timeout(&mut self) {
        self.rto.back_off();
        self.outstanding.on_timeout();
    }

    /// The handshake is over.
    pub(crate) fn on_established(&mut self) {
        self.rto.end_handshake();
    }

    /// A request other than data was not answered in time.
    pub(crate) fn on_request_timeout(&mut self) {
        self.rto.back_off();
    }

    /// When what the pacer holds back may leave.
    pub(crate) fn pacing_release(&self) -> Option<Instant> {
        self.pacer.release().filter(|_| self.held_by_pacer)
    }

    /// The most that may leave, in bytes per second.
    pub(crate) fn rate_limit(&self) -> Option<u64> {
        self.pacer.limit()
    }

    /// Sets the most that may leave, in bytes per second.
    pub(crate) fn set_rate_limit(&mut self, limit: Option<u64>) {
        self.pacer.set_limit(limit);
    }

    /// The packets take another path now: everything learnt of the old one is forgotten (RFC 9260 §7.2.5).
    pub(crate) fn on_path_change(&mut self, config: &Config) {
        self.set_packet_size(config.mtu);
        self.congestion = controller(self.algorithm, self.mtu);
        self.rto = RetransmissionTimeout::new(config);
        self.losses = LossShare::default();
        self.outstanding.forget_path();
        self.pacer.clear_release();
        self.reduced = self.outstanding.next_transmission();
    }
}

fn controller(algorithm: CongestionAlgorithm, mtu: usize) -> Box<dyn CongestionControl> {
    match algorithm {
        CongestionAlgorithm::NewReno => Box::new(NewReno::new(mtu)),
        CongestionAlgorithm::Cubic => Box::new(Cubic::new(mtu, false)),
        CongestionAlgorithm::Ledbat => Box::new(Ledbat::new(mtu)),
        CongestionAlgorithm::DelayAwareCubic => Box::new(Cubic::new(mtu, true)),
    }
}

/// Chunks are padded to four bytes, so a packet is only full at a multiple of four.
fn max_payload(mtu: usize, overhead: usize) -> usize {
    (mtu & !3).saturating_sub(HEADER_LENGTH + overhead)
}

/// What a message is charged beside its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// Less would refuse what applications write at once.
const LEAST_CAPACITY: usize = 2 << 20;
/// So many full packets lost in a row, in different rounds, speak of a path that became narrower (RFC 8899 §4.3).
const FULL_LOSSES: u32 = 3;
