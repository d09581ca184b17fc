//! What leaves: queues, what is outstanding, and when it may be sent.

mod arena;
mod congestion;
mod outstanding;
mod rto;
mod streams;

use std::time::{Duration, Instant};

use self::arena::Arena;
use self::congestion::{Acked, NewReno};
use self::outstanding::Outstanding;
pub(crate) use self::outstanding::SackError;
use self::rto::RetransmissionTimeout;
use self::streams::OutboundStreams;
use crate::chunk::{DataChunk, SackChunk};
use crate::config::Config;
use crate::error::SendError;
use crate::message::{Ordering, Ppid, StreamId};
use crate::packet::HEADER_LENGTH;
use crate::serial::{Tsn, Unwrapped};

/// The sending half of an association.
#[derive(Debug)]
pub(crate) struct Sender {
    streams: OutboundStreams,
    outstanding: Outstanding,
    congestion: NewReno,
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
    /// A loss is being repaired until this TSN is acknowledged (RFC 9260 §7.2.4).
    recovery_until: Option<Unwrapped>,
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

impl Sender {
    pub(crate) fn new(config: &Config, initial: Tsn) -> Self {
        // Chunks are padded to four bytes, so a packet is only full at a multiple of four.
        let max_payload = (config.mtu & !3) - HEADER_LENGTH - DataChunk::OVERHEAD;
        Self {
            streams: OutboundStreams::new(),
            outstanding: Outstanding::new(initial, max_payload),
            congestion: NewReno::new(config.mtu),
            rto: RetransmissionTimeout::new(config),
            arena: Arena::default(),
            held_bytes: 0,
            capacity_bytes: config.send_buffer_bytes,
            refused: None,
            writable: false,
            advertised: 0,
            recovery_until: None,
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
        if self.held_bytes > 0 && self.held_bytes.saturating_add(cost) > limit {
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
        self.recovery_until = None;
        self.repair_at_once = false;
        // A probe of a closed window that went unheard says nothing about congestion.
        if self.advertised > 0 {
            self.congestion.on_timeout();
        }
    }

    /// Takes an acknowledgement.
    pub(crate) fn on_sack(
        &mut self,
        now: Instant,
        sack: &SackChunk<'_>,
    ) -> Result<Progress, SackError> {
        let flight_before = self.outstanding.flight_bytes();
        let recovering = self.recovery_until.is_some();
        let outcome = self.outstanding.on_sack(now, sack, recovering)?;
        self.advertised = sack.a_rwnd as usize;
        Ok(self.settle(flight_before, outcome))
    }

    /// Takes the cumulative TSN of a SHUTDOWN.
    pub(crate) fn on_cumulative(
        &mut self,
        now: Instant,
        cumulative: Tsn,
    ) -> Result<Progress, SackError> {
        let flight_before = self.outstanding.flight_bytes();
        let outcome = self.outstanding.on_cumulative(now, cumulative)?;
        Ok(self.settle(flight_before, outcome))
    }

    fn settle(&mut self, flight_before: usize, outcome: outstanding::SackOutcome) -> Progress {
        if let Some(sample) = outcome.round_trip {
            self.rto.on_sample(sample);
        }
        if outcome.cumulative_advanced {
            self.rto.on_progress();
            self.recovery_until
                .take_if(|until| self.outstanding.first() > *until);
        }
        self.congestion.on_ack(Acked {
            bytes: outcome.newly_acked_bytes,
            cumulative_advanced: outcome.cumulative_advanced,
            flight_before,
            recovering: self.recovery_until.is_some(),
        });
        if outcome.found_losses && self.recovery_until.is_none() {
            self.congestion.on_loss();
            self.recovery_until = Some(self.outstanding.next().previous());
            self.repair_at_once = true;
        }
        self.held_bytes = self.held_bytes.saturating_sub(outcome.released_bytes);
        if self.held_bytes == 0 {
            self.arena.release();
        }
        let room = self.capacity_bytes.saturating_sub(self.held_bytes);
        let writable = self
            .refused
            .take_if(|cost| self.held_bytes == 0 || room >= (*cost).max(self.capacity_bytes / 4))
            .is_some();
        self.writable |= writable;
        Progress {
            cumulative_advanced: outcome.cumulative_advanced,
        }
    }

    /// Whether a chunk may be sent that fits into `room` bytes.
    pub(crate) fn can_transmit(&mut self, room: usize) -> bool {
        self.plan(room).is_some()
    }

    /// Appends the next chunk, if one may be sent and fits into `room` bytes.
    pub(crate) fn transmit(
        &mut self,
        now: Instant,
        room: usize,
        buf: &mut Vec<u8>,
    ) -> Option<Transmitted> {
        self.decay_when_idle(now);
        let plan = self.plan(room)?;
        let flight = self.outstanding.flight_bytes();
        self.last_sent = Some(now);
        match plan {
            Plan::Again { tsn, length } => {
                self.repair_at_once = false;
                self.congestion.on_sent(length, flight);
                let immediate = self.wants_immediate_ack(flight + length, false);
                self.outstanding.send_again(tsn, immediate, buf);
                let restart_timer = tsn == self.outstanding.first();
                Some(Transmitted { restart_timer })
            }
            Plan::New { length } => {
                let piece = self.streams.take(length)?;
                self.congestion.on_sent(length, flight);
                let immediate = self.wants_immediate_ack(flight + length, piece.ending);
                self.outstanding.send(now, piece, immediate, buf);
                Some(Transmitted {
                    restart_timer: false,
                })
            }
        }
    }

    fn plan(&mut self, room: usize) -> Option<Plan> {
        let room = (room & !3).checked_sub(DataChunk::OVERHEAD)?;
        let flight = self.outstanding.flight_bytes();
        let window = self.advertised.saturating_sub(flight);
        let open = self.congestion.allows(flight);
        if let Some((tsn, length)) = self.outstanding.next_lost() {
            // What fills the peer's first gap takes no room from it, and must get through when the window is closed.
            let fits = length <= window || flight == 0 || tsn == self.outstanding.first();
            let allowed = length <= room && fits && (open || self.repair_at_once);
            return allowed.then_some(Plan::Again { tsn, length });
        }
        if !open {
            return None;
        }
        let length = self.piece_length(self.streams.upcoming()?, room)?;
        // With nothing outstanding one chunk may go whatever the peer's window: it probes it (RFC 9260 §6.1 A).
        (length <= window || self.outstanding.is_empty()).then_some(Plan::New { length })
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

/// The next chunk to send.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Again { tsn: Unwrapped, length: usize },
    New { length: usize },
}

/// What a message is charged beside its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// The smallest piece worth a chunk of its own at the end of a packet.
const LEAST_PIECE: usize = 256;
