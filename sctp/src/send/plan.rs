use std::time::Instant;

use super::{Sender, Transmitted};
use crate::message::StreamId;
use crate::serial::Unwrapped;

/// What leaves next.
impl Sender {
    /// What is sent from now on is in another packet.
    pub(crate) fn begin_packet(&mut self) {
        self.filling = false;
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
        self.filling = true;
        let flight = self.outstanding.flight_bytes();
        self.last_sent = Some(now);
        match plan {
            Plan::Tail { length } => {
                self.probing = false;
                self.payload_bytes += length as u64;
                self.pacer.on_sent(length);
                self.outstanding.send_tail(now, &self.arena, buf);
                Some(Transmitted {
                    restart_timer: true,
                })
            }
            Plan::Again {
                tsn,
                length,
                stream,
            } => {
                self.repair_at_once = false;
                self.payload_bytes += length as u64;
                self.streams.counts_mut(stream).retransmitted_chunks += 1;
                self.pacer.on_sent(length);
                let immediate = self.wants_immediate_ack(flight + length, false);
                self.outstanding
                    .send_again(now, tsn, immediate, &self.arena, buf);
                let restart_timer = tsn == self.outstanding.first();
                Some(Transmitted { restart_timer })
            }
            Plan::New { length } => {
                let piece = self.streams.take(length, &mut self.arena)?;
                self.payload_bytes += length as u64;
                self.pacer.on_sent(length);
                let probing = std::mem::take(&mut self.probing);
                let immediate = probing || self.wants_immediate_ack(flight + length, piece.ending);
                self.outstanding
                    .send(now, piece, immediate, &self.arena, buf);
                if probing {
                    self.outstanding.note_tail_probe(false);
                }
                Some(Transmitted {
                    restart_timer: probing,
                })
            }
        }
    }

    #[inline]
    fn plan(&mut self, now: Instant, room: usize) -> Option<Plan> {
        self.held_by_pacer = false;
        let room = (room & !3).checked_sub(self.overhead())?;
        if self.has_lifetimes {
            self.drop_expired(now);
        }
        let flight = self.outstanding.flight_bytes();
        if let Some((tsn, length, stream)) = self.outstanding.next_lost() {
            // What was sent when packets were larger goes alone, and may be split below.
            let alone = length > self.max_payload && room >= self.max_payload;
            // The peer's window had room for it when it was sent first, and only new data waits for the window (RFC 9260
            // §6.1 A). One that is closed is opened by what fills the first gap.
            let fits = self.advertised > 0 || flight == 0 || tsn == self.outstanding.first();
            let too_large = length > room && !alone;
            if too_large || !fits || !(self.repair_at_once || self.may_leave(now, flight)) {
                return None;
            }
            return Some(Plan::Again {
                tsn,
                length,
                stream,
            });
        }
        // What is lost still has to fit.
        let window = self
            .advertised
            .saturating_sub(flight + self.outstanding.lost_bytes());
        let upcoming = self.streams.upcoming(self.max_payload, &mut self.arena);
        // The peer can acknowledge no TSN further ahead.
        let upcoming = upcoming.filter(|_| self.outstanding.count() < MAX_OUTSTANDING);
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
            let length = self.outstanding.tail_length(now)?;
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
    #[inline]
    fn may_leave(&mut self, now: Instant, flight: usize) -> bool {
        // After T3 one packet leaves until something is acknowledged (RFC 9260 §6.3.3 E3); the window alone would let a second one begin.
        let waits = self.outstanding.has_timed_out() && flight > 0 && !self.filling;
        if waits || flight >= self.congestion.window() {
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

    /// The I bit on what ends a burst while the window is small, and on the one packet after T3, where waiting for a delayed
    /// acknowledgement would cost the most (RFC 9260 §3.3.1).
    fn wants_immediate_ack(&self, flight: usize, ending: bool) -> bool {
        let window = self.congestion.window();
        let ends_burst = flight >= window || (ending && self.streams.is_empty());
        self.outstanding.has_timed_out() || (window < 10 * self.mtu && ends_burst)
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
    Tail {
        length: usize,
    },
    Again {
        tsn: Unwrapped,
        length: usize,
        stream: StreamId,
    },
    New {
        length: usize,
    },
}

/// The smallest piece worth a chunk of its own at the end of a packet.
const LEAST_PIECE: usize = 256;
/// Gap ack blocks count 65,535 TSNs, and the numbers of ordered DATA messages as many.
const MAX_OUTSTANDING: usize = 60_000;
