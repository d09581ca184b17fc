use std::time::{Duration, Instant};

use super::congestion::{Acked, Loss};
use super::{Progress, SackError, SackOutcome, Sender, Transmission};
use crate::chunk::SackChunk;
use crate::serial::Tsn;

/// How much was lost of late.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LossShare {
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

/// What is heard of what was sent.
impl Sender {
    /// T3 expired (RFC 9260 §6.3.3).
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        self.rto.back_off();
        if self.outstanding.has_full_in_flight(self.max_payload) {
            let next = self.outstanding.next_transmission();
            self.narrow.on_lost(next, next);
        }
        self.outstanding.on_timeout();
        self.forward.demand();
        if self.partial {
            let outcome = self.outstanding.abandon_lost(now);
            self.take_abandoned(now, &outcome);
        }
        self.reduced = self.outstanding.next_transmission();
        self.repair_at_once = false;
        self.probing = false;
        self.pacer.clear_release();
        // A probe of a closed window that went unheard says nothing about congestion.
        if self.advertised > 0 {
            self.congestion.on_timeout(self.was_heard());
        }
    }

    /// The peer says that it has no association yet: it took nothing of what was sent, which says nothing about the path. A round trip
    /// is measured anew, and nothing but one packet leaves before the peer is heard.
    pub(crate) fn on_cookie_repeated(&mut self) {
        if !self.was_heard() && self.has_outstanding() {
            self.outstanding.on_timeout();
        }
    }

    /// What was sent long ago and overtaken counts as lost now.
    pub(crate) fn on_loss_timer(&mut self, now: Instant) {
        let mut outcome = SackOutcome::default();
        let recovering = self.is_recovering();
        self.outstanding
            .find_overdue(now, recovering, self.rto.smoothed(), &mut outcome);
        self.take_losses(now, &outcome);
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

    /// Anything that was sent was ever acknowledged.
    fn was_heard(&self) -> bool {
        self.outstanding.newest_delivered() > Transmission::default()
    }

    pub(super) fn is_recovering(&self) -> bool {
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
        self.streams.note_peer_window(self.advertised);
        Ok(self.settle(now, outcome))
    }

    /// Whether the window is large and far from full: then it is not what holds anything back, whatever was so when
    /// [`may_leave`](Self::may_leave) was last asked. A driver that always has acknowledgements to hand in before it has polled the
    /// window full never asks when it is.
    fn window_is_idle(&self, newly_acked: usize) -> bool {
        let window = self.congestion.window();
        let used = self.outstanding.flight_bytes() + self.outstanding.lost_bytes() + newly_acked;
        window > LARGE_WINDOW_PACKETS * self.mtu && used < window / 4
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
        if let Some(latest) = outcome.latest_round_trip {
            self.rto.on_latest(latest);
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
        let (_, least_round_trip) = self.outstanding.round_trips();
        self.window_limited &= !self.window_is_idle(outcome.newly_acked_bytes);
        self.congestion.on_ack(&Acked {
            now,
            bytes: outcome.newly_acked_bytes,
            cumulative_advanced: outcome.cumulative_advanced,
            window_limited: self.window_limited,
            recovering: self.is_recovering(),
            sample: outcome.latest_round_trip,
            least_round_trip,
            smoothed: self.rto.smoothed(),
            round_ended,
        });
        if outcome.full_delivered {
            self.narrow.on_delivered();
        }
        self.take_losses(now, &outcome);
        self.held_bytes = self.held_bytes.saturating_sub(outcome.released_bytes);
        self.update_room();
        Progress {
            cumulative_advanced: outcome.cumulative_advanced,
        }
    }

    /// Takes the memory back of what was acknowledged or given up.
    pub(super) fn reclaim(&mut self) {
        let most = self.room_bytes().saturating_sub(self.held_bytes);
        self.arena.release(self.outstanding.spent_mut(), most);
        self.arena.release(self.streams.spent_mut(), most);
        debug_assert!(
            !self.is_drained() || self.arena.is_idle(),
            "memory was not given back"
        );
    }

    /// Some of the send buffer may have become free.
    pub(super) fn update_room(&mut self) {
        self.reclaim();
        if self.held_bytes == 0 && self.spare_bytes() <= LITTLE {
            self.release();
        }
        let capacity = self.room_bytes();
        let room = capacity.saturating_sub(self.held_bytes);
        let writable = self
            .refused
            .take_if(|cost| self.held_bytes == 0 || room >= (*cost).max(capacity / 4))
            .is_some();
        if writable {
            self.writable = self.streams.refused();
        }
    }

    /// Whether memory waits for messages that do not come.
    pub(crate) fn rests_on_memory(&self) -> bool {
        self.is_drained() && self.spare_bytes() > LITTLE
    }

    /// Lets go of memory that waits for messages.
    pub(crate) fn release(&mut self) {
        self.arena.clear_spare();
        self.outstanding.release();
        self.streams.release();
    }

    fn spare_bytes(&self) -> usize {
        self.arena.spare_bytes() + self.outstanding.spare_bytes()
    }

    /// Lets the window answer to losses, once for what was in flight together.
    fn take_losses(&mut self, now: Instant, outcome: &SackOutcome) {
        self.take_abandoned(now, outcome);
        self.losses.lost += outcome.lost_bytes;
        if let Some(lost) = outcome.full_lost {
            self.narrow
                .on_lost(lost, self.outstanding.next_transmission());
        }
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
}

/// How long a receiver may put an acknowledgement off (RFC 9260 §6.2).
const ACK_DELAY: Duration = Duration::from_millis(200);
/// The tail of a path without delay is not probed at once.
const LEAST_PROBE_TIMEOUT: Duration = Duration::from_millis(10);
/// A smaller window is soon full.
const LARGE_WINDOW_PACKETS: usize = 64;
/// So much is not worth keeping while nothing is sent.
const LITTLE: usize = 16 << 10;
/// Fewer packets say nothing about the share of losses.
const LEAST_EVIDENCE_PACKETS: usize = 64;
