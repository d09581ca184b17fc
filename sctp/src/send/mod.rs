//! What leaves: queues, what is outstanding, and when it may be sent.

mod arena;
mod congestion;
mod outstanding;
mod rto;
mod streams;

use std::time::{Duration, Instant};

use self::arena::Arena;
use self::congestion::{Acked, CongestionControl, Cubic, Loss, NewReno, Pacer};
pub(crate) use self::outstanding::SackError;
use self::outstanding::{Outstanding, SackOutcome, Transmission};
use self::rto::RetransmissionTimeout;
use self::streams::OutboundStreams;
use crate::chunk::{DataChunk, SackChunk};
use crate::config::{Config, CongestionAlgorithm};
use crate::error::SendError;
use crate::message::{Ordering, Ppid, StreamId};
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
    /// There is room again for what was refused, and nobody was told yet.
    writable: bool,
    /// The window in the peer's last word.
    advertised: usize,
    /// The window was reduced when this was to be sent next: what left before says nothing new about congestion.
    reduced: Transmission,
    /// The round trip lasts until this arrives.
    round_end: Transmission,
    /// There was more to send than the window let out when last asked.
    window_limited: bool,
    /// When last asked, only the pacer held something back.
    held_by_pacer: bool,
    /// A tail loss probe is to be sent.
    probing: bool,
    /// The first chunk of a repair leaves whatever the window says.
    repair_at_once: bool,
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

/// How much was lost of late.
#[derive(Clone, Copy, Debug, Default)]
struct LossShare {
    lost: usize,
    arrived: usize,
}

impl LossShare {
    /// In percent; 0 as long as too little is known.
    fn percent(self, mtu: usize) -> u32 {
        let total = self.lost + self.arrived;
        if total < LEAST_EVIDENCE_PACKETS * mtu {
            return 0;
        }
        u32::try_from(self.lost.saturating_mul(100) / total).unwrap_or(100)
    }

    /// A round trip is over: older ones count half.
    fn fade(&mut self, mtu: usize) {
        if self.lost + self.arrived > 2 * LEAST_EVIDENCE_PACKETS * mtu {
            self.lost /= 2;
            self.arrived /= 2;
        }
    }
}

impl Sender {
    pub(crate) fn new(config: &Config, initial: Tsn) -> Self {
        // Chunks are padded to four bytes, so a packet is only full at a multiple of four.
        let max_payload = (config.mtu & !3) - HEADER_LENGTH - DataChunk::OVERHEAD;
        Self {
            streams: OutboundStreams::new(),
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
            writable: false,
            advertised: 0,
            reduced: Transmission::default(),
            round_end: Transmission::default(),
            window_limited: false,
            held_by_pacer: false,
            probing: false,
            repair_at_once: false,
            last_sent: None,
            max_payload,
            mtu: config.mtu,
        }
    }

    /// Queues a message.
    pub(crate) fn push(
        &mut self,
        stream: StreamId,
        ppid: Ppid,
        ordering: Ordering,
        data: &[u8],
    ) -> Result<(), SendError> {
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        let cost = data.len().saturating_add(MESSAGE_OVERHEAD);
        let limit = self.capacity_bytes;
        if data.len() > limit {
            return Err(SendError::TooLarge { limit });
        }
        // A message of any permitted size fits into an empty buffer, whatever the overhead.
        if self.held_bytes > 0 && self.held_bytes.saturating_add(cost) > self.room_bytes() {
            self.refused = Some(self.refused.map_or(cost, |refused| refused.min(cost)));
            return Err(SendError::Full);
        }
        if self.streams.is_resetting(stream) {
            return Err(SendError::Resetting);
        }
        self.held_bytes += cost;
        let data = self.arena.copy(data);
        self.streams.push(stream, ppid, ordering, data);
        Ok(())
    }

    /// The send buffer now: twice the congestion window keeps the path full while the application is told of room.
    fn room_bytes(&self) -> usize {
        let wanted = self.congestion.window().saturating_mul(2);
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
    }

    /// Nothing waits and nothing is outstanding.
    pub(crate) fn is_drained(&self) -> bool {
        self.streams.is_empty() && self.outstanding.is_empty()
    }

    pub(crate) fn has_outstanding(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// The first TSN that the peer has not acknowledged cumulatively.
    pub(crate) fn first_outstanding(&self) -> Unwrapped {
        self.outstanding.first()
    }

    /// The TSN that the next new chunk gets.
    pub(crate) fn next_tsn(&self) -> Unwrapped {
        self.outstanding.next()
    }

    /// Whether there is room again for what was refused; says so once.
    pub(crate) fn take_writable(&mut self) -> bool {
        std::mem::take(&mut self.writable)
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

    /// T3 expired (RFC 9260 §6.3.3).
    pub(crate) fn on_timeout(&mut self) {
        self.rto.back_off();
        self.outstanding.on_timeout();
        self.reduced = self.outstanding.next_transmission();
        self.repair_at_once = false;
        self.probing = false;
        self.pacer.clear_release();
        // A probe of a closed window that went unheard says nothing about congestion.
        if self.advertised > 0 {
            self.congestion.on_timeout();
        }
    }

    /// What was sent long ago and overtaken counts as lost now.
    pub(crate) fn on_loss_timer(&mut self, now: Instant) {
        let mut outcome = SackOutcome::default();
        let recovering = self.is_recovering();
        self.outstanding
            .find_overdue(now, recovering, self.rto.smoothed(), &mut outcome);
        self.take_losses(outcome);
    }

    /// When [`on_loss_timer`](Self::on_loss_timer) has something to do.
    pub(crate) fn loss_due(&self) -> Option<Instant> {
        self.outstanding.loss_due()
    }

    /// Nothing was heard of the tail for a while: something is sent so that the peer reports what it has (RFC 8985 §7.3).
    pub(crate) fn on_tail_probe_timer(&mut self) {
        self.probing = self.outstanding.wants_tail_probe();
    }

    /// How long to wait for news of the tail before it is probed (RFC 8985 §7.2).
    pub(crate) fn tail_probe_timeout(&self) -> Option<Duration> {
        if self.advertised == 0 || self.is_recovering() || !self.outstanding.wants_tail_probe() {
            return None;
        }
        let patience = self.rto.smoothed()?.saturating_mul(2);
        // A lone packet's acknowledgement may be put off.
        let delay = if self.outstanding.count() == 1 {
            ACK_DELAY
        } else {
            Duration::ZERO
        };
        Some((patience + delay).max(LEAST_PROBE_TIMEOUT))
    }

    /// When what the pacer holds back may leave.
    pub(crate) fn pacing_release(&self) -> Option<Instant> {
        self.pacer.release().filter(|_| self.held_by_pacer)
    }

    /// Sets the most that may leave, in bytes per second.
    pub(crate) fn set_rate_limit(&mut self, limit: Option<u64>) {
        self.pacer.set_limit(limit);
    }

    /// The packets take another path now: everything learnt of the old one is forgotten (RFC 9260 §7.2.5).
    pub(crate) fn on_path_change(&mut self, config: &Config) {
        self.congestion = controller(self.algorithm, self.mtu);
        self.rto = RetransmissionTimeout::new(config);
        self.losses = LossShare::default();
        self.outstanding.forget_path();
        self.pacer.clear_release();
        self.reduced = self.outstanding.next_transmission();
    }

    fn is_recovering(&self) -> bool {
        self.outstanding.newest_delivered() < self.reduced
    }

    /// Takes an acknowledgement.
    pub(crate) fn on_sack(
        &mut self,
        now: Instant,
        sack: &SackChunk<'_>,
    ) -> Result<Progress, SackError> {
        let recovering = self.is_recovering();
        let smoothed = self.rto.smoothed();
        let outcome = self.outstanding.on_sack(now, sack, recovering, smoothed)?;
        self.advertised = sack.a_rwnd as usize;
        Ok(self.settle(now, outcome))
    }

    /// Takes the cumulative TSN of a SHUTDOWN.
    pub(crate) fn on_cumulative(
        &mut self,
        now: Instant,
        cumulative: Tsn,
    ) -> Result<Progress, SackError> {
        let outcome = self.outstanding.on_cumulative(now, cumulative)?;
        Ok(self.settle(now, outcome))
    }

    fn settle(&mut self, now: Instant, outcome: SackOutcome) -> Progress {
        if let Some(sample) = outcome.round_trip {
            self.rto.on_sample(sample);
        }
        if outcome.cumulative_advanced {
            self.rto.on_progress();
        }
        if outcome.timeout_was_spurious {
            self.congestion.on_spurious_timeout();
            self.reduced = Transmission::default();
        }
        let newest = self.outstanding.newest_delivered();
        let round_ended = newest >= self.round_end;
        if round_ended {
            self.round_end = self.outstanding.next_transmission();
            self.losses.fade(self.mtu);
        }
        self.losses.arrived += outcome.newly_acked_bytes;
        self.congestion.on_ack(&Acked {
            now,
            bytes: outcome.newly_acked_bytes,
            cumulative_advanced: outcome.cumulative_advanced,
            window_limited: self.window_limited,
            recovering: self.is_recovering(),
            sample: outcome.latest_round_trip,
            smoothed: self.rto.smoothed(),
            round_ended,
        });
        self.take_losses(outcome);
        self.held_bytes = self.held_bytes.saturating_sub(outcome.released_bytes);
        if self.held_bytes == 0 {
            self.arena.release();
        }
        let capacity = self.room_bytes();
        let room = capacity.saturating_sub(self.held_bytes);
        let writable = self
            .refused
            .take_if(|cost| self.held_bytes == 0 || room >= (*cost).max(capacity / 4))
            .is_some();
        self.writable |= writable;
        Progress {
            cumulative_advanced: outcome.cumulative_advanced,
        }
    }

    /// Lets the window answer to losses, once for what was in flight together.
    fn take_losses(&mut self, outcome: SackOutcome) {
        self.losses.lost += outcome.lost_bytes;
        if !outcome.found_losses || outcome.latest_lost < Some(self.reduced) {
            return;
        }
        let (round_trip, least_round_trip) = self.outstanding.round_trips();
        self.congestion.on_loss(&Loss {
            round_trip,
            least_round_trip,
            percent: self.losses.percent(self.mtu),
        });
        self.reduced = self.outstanding.next_transmission();
        self.repair_at_once = true;
    }

    /// Whether a chunk may be sent that fits into `room` bytes.
    pub(crate) fn can_transmit(&mut self, now: Instant, room: usize) -> bool {
        self.plan(now, room).is_some()
    }

    /// Appends the next chunk, if one may be sent and fits into `room` bytes.
    pub(crate) fn transmit(
        &mut self,
        now: Instant,
        room: usize,
        buf: &mut Vec<u8>,
    ) -> Option<Transmitted> {
        self.decay_when_idle(now);
        let plan = self.plan(now, room)?;
        let flight = self.outstanding.flight_bytes();
        self.last_sent = Some(now);
        match plan {
            Plan::Tail { length } => {
                self.probing = false;
                self.pacer.on_sent(length);
                self.outstanding.send_tail(now, buf);
                Some(Transmitted {
                    restart_timer: true,
                })
            }
            Plan::Again { tsn, length } => {
                self.repair_at_once = false;
                self.pacer.on_sent(length);
                let immediate = self.wants_immediate_ack(flight + length, false);
                self.outstanding.send_again(now, tsn, immediate, buf);
                let restart_timer = tsn == self.outstanding.first();
                Some(Transmitted { restart_timer })
            }
            Plan::New { length } => {
                let piece = self.streams.take(length)?;
                self.pacer.on_sent(length);
                let probing = std::mem::take(&mut self.probing);
                let immediate = probing || self.wants_immediate_ack(flight + length, piece.ending);
                self.outstanding.send(now, piece, immediate, buf);
                if probing {
                    self.outstanding.note_tail_probe(false);
                }
                Some(Transmitted {
                    restart_timer: probing,
                })
            }
        }
    }

    fn plan(&mut self, now: Instant, room: usize) -> Option<Plan> {
        self.held_by_pacer = false;
        let room = (room & !3).checked_sub(DataChunk::OVERHEAD)?;
        let flight = self.outstanding.flight_bytes();
        let window = self.advertised.saturating_sub(flight);
        if let Some((tsn, length)) = self.outstanding.next_lost() {
            // What fills the peer's first gap takes no room from it, and must get through when the window is closed.
            let fits = length <= window || flight == 0 || tsn == self.outstanding.first();
            if length > room || !fits || !(self.repair_at_once || self.may_leave(now, flight)) {
                return None;
            }
            return Some(Plan::Again { tsn, length });
        }
        let upcoming = self.streams.upcoming();
        let length = upcoming.map(|upcoming| self.piece_length(upcoming, room));
        // With nothing outstanding one chunk may go whatever the peer's window: it probes it (RFC 9260 §6.1 A).
        let open = |length: usize| length <= window || self.outstanding.is_empty();
        self.probing = self.probing && self.outstanding.wants_tail_probe();
        if self.probing {
            if let Some(Some(length)) = length
                && open(length)
            {
                return Some(Plan::New { length });
            }
            let length = self.outstanding.tail_length()?;
            return (length <= room).then_some(Plan::Tail { length });
        }
        let Some(length) = length else {
            self.window_limited = false;
            return None;
        };
        let length = length?;
        if !open(length) {
            self.window_limited = false;
            return None;
        }
        self.may_leave(now, flight).then_some(Plan::New { length })
    }

    /// Whether the congestion window (RFC 9260 §6.1 B) and the pacer let another chunk go.
    fn may_leave(&mut self, now: Instant, flight: usize) -> bool {
        if flight >= self.congestion.window() {
            self.window_limited = true;
            return false;
        }
        let rate = self
            .rto
            .smoothed()
            .and_then(|round_trip| self.congestion.pacing_rate(round_trip));
        let allowed = self.pacer.allows(now, rate);
        self.held_by_pacer = !allowed;
        if !allowed && 2 * flight > self.congestion.window() {
            self.window_limited = true;
        }
        allowed
    }

    /// How much of a message to put into `room` bytes. A message that fits into one packet is not cut.
    fn piece_length(&self, remaining: usize, room: usize) -> Option<usize> {
        if remaining <= room {
            Some(remaining)
        } else if remaining > self.max_payload && room >= LEAST_PIECE.min(self.max_payload) {
            Some(room)
        } else {
            None
        }
    }

    /// The I bit on what ends a burst while the window is small, where waiting for a delayed acknowledgement would
    /// cost the most (RFC 9260 §3.3.1).
    fn wants_immediate_ack(&self, flight: usize, ending: bool) -> bool {
        let window = self.congestion.window();
        window < 10 * self.mtu && (flight >= window || (ending && self.streams.is_empty()))
    }

    fn decay_when_idle(&mut self, now: Instant) {
        let Some(last) = self.last_sent else { return };
        if !self.outstanding.is_empty() {
            return;
        }
        let timeout = self.rto.current().as_micros().max(1);
        let timeouts = now.saturating_duration_since(last).as_micros() / timeout;
        if timeouts > 0 {
            self.congestion
                .on_idle(u32::try_from(timeouts).unwrap_or(u32::MAX));
        }
    }
}

fn controller(algorithm: CongestionAlgorithm, mtu: usize) -> Box<dyn CongestionControl> {
    match algorithm {
        CongestionAlgorithm::NewReno => Box::new(NewReno::new(mtu)),
        CongestionAlgorithm::Cubic => Box::new(Cubic::new(mtu, false)),
        CongestionAlgorithm::DelayAwareCubic => Box::new(Cubic::new(mtu, true)),
    }
}

/// The next chunk to send.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Tail { length: usize },
    Again { tsn: Unwrapped, length: usize },
    New { length: usize },
}

/// What a message is charged beside its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// Less would refuse what applications write at once.
const LEAST_CAPACITY: usize = 2 << 20;
/// The smallest piece worth a chunk of its own at the end of a packet.
const LEAST_PIECE: usize = 256;
/// How long a receiver may put an acknowledgement off (RFC 9260 §6.2).
const ACK_DELAY: Duration = Duration::from_millis(200);
/// The tail of a path without delay is not probed at once.
const LEAST_PROBE_TIMEOUT: Duration = Duration::from_millis(10);
/// Fewer packets say nothing about the share of losses.
const LEAST_EVIDENCE_PACKETS: usize = 64;
