use std::time::Instant;

use super::Association;
use super::control::Farewell;
use super::state::State;
use crate::chunk::{AbortChunk, CauseCode, ShutdownChunk};
use crate::error::{CloseCause, CloseReason, Initiator};
use crate::send::SackError;
use crate::timer::Timer;

impl Association {
    /// Ends the association once all is delivered (RFC 9260 §9.2). [`Event::Closed`](crate::Event::Closed) follows, at the latest
    /// five times [`Config::rto_max`](crate::Config::rto_max) after the peer last acknowledged something.
    ///
    /// Before the handshake is done there is nothing to deliver: it ends at once.
    pub fn shutdown(&mut self, now: Instant) {
        match self.state {
            State::Closed | State::CookieWait | State::CookieEchoed { .. } => {
                self.say_farewell(CauseCode::USER_ABORT, None);
                self.end(Initiator::Local, CloseCause::Shutdown);
            }
            State::Established => {
                self.state = State::ShutdownPending;
                self.start_shutdown_guard(now);
                self.settle(now);
            }
            _ => {}
        }
    }

    /// Ends the association at once; one ABORT is left to transmit (RFC 9260 §9.1).
    pub fn abort(&mut self, now: Instant) {
        // An end depends on no instant; the face is that of every command of a machine.
        let _ = now;
        self.abort_with(
            Initiator::Local,
            CloseCause::Abort { code: None },
            CauseCode::USER_ABORT,
        );
    }

    /// Gives the peer up, with a cause for it.
    pub(super) fn abort_with(&mut self, initiator: Initiator, cause: CloseCause, code: CauseCode) {
        self.say_farewell(code, None);
        self.end(initiator, cause);
    }

    pub(super) fn say_farewell(&mut self, code: CauseCode, value: Option<[u8; 4]>) {
        if let Some(peer) = self.peer
            && !matches!(self.state, State::Ended { .. })
        {
            let tag = peer.tag;
            self.control.farewell = Some(Farewell::Abort { tag, code, value });
        }
    }

    pub(super) fn on_abort(&mut self, abort: &AbortChunk<'_>) {
        let code = abort.causes.flatten().next();
        let code = code.map(|cause| cause.code.0);
        self.end(Initiator::Remote, CloseCause::Abort { code });
    }

    pub(super) fn on_shutdown(&mut self, now: Instant, shutdown: ShutdownChunk) {
        if !self.state.is_synchronized() {
            self.counts.dropped.unexpected += 1;
            return;
        }
        match self.sender.on_cumulative(now, shutdown.cumulative_tsn_ack) {
            Ok(progress) => self.on_progress(now, progress),
            // Some implementations put another number here, of what they sent themselves: no reason to lose what is under way.
            Err(SackError::NeverSent) => self.counts.dropped.malformed_sacks += 1,
            Err(_) => self.counts.dropped.stale_sacks += 1,
        }
        match self.state {
            State::Established | State::ShutdownPending => {
                self.state = State::ShutdownReceived;
                self.start_shutdown_guard(now);
            }
            // Both sides began at once.
            State::ShutdownSent => self.acknowledge_shutdown(now, Initiator::Local),
            State::ShutdownAckSent { .. } => self.control.shutdown_ack = true,
            _ => {}
        }
    }

    pub(super) fn on_shutdown_ack(&mut self) {
        let initiator = match self.state {
            State::ShutdownSent => Initiator::Local,
            State::ShutdownAckSent { initiator } => initiator,
            State::Ended {
                reason:
                    CloseReason {
                        cause: CloseCause::Shutdown,
                        ..
                    },
            } => {
                // Our SHUTDOWN COMPLETE was lost.
                self.complete_shutdown();
                return;
            }
            _ => {
                self.counts.dropped.unexpected += 1;
                return;
            }
        };
        self.complete_shutdown();
        self.end(initiator, CloseCause::Shutdown);
    }

    pub(super) fn on_shutdown_complete(&mut self) {
        match self.state {
            State::ShutdownAckSent { initiator } => self.end(initiator, CloseCause::Shutdown),
            _ => self.counts.dropped.unexpected += 1,
        }
    }

    /// Goes on with a shutdown when all data is acknowledged.
    pub(super) fn settle_shutdown(&mut self, now: Instant) {
        if !self.sender.is_drained() {
            return;
        }
        match self.state {
            State::ShutdownPending => {
                self.state = State::ShutdownSent;
                self.control.shutdown = true;
                self.liveness.attempts = 0;
                self.timers
                    .set(Timer::Shutdown, now + self.sender.timeout());
            }
            State::ShutdownReceived => self.acknowledge_shutdown(now, Initiator::Remote),
            _ => {}
        }
    }

    /// T2 expired: SHUTDOWN or SHUTDOWN ACK once more.
    pub(super) fn on_shutdown_timer(&mut self, now: Instant) {
        self.sender.on_handshake_timeout();
        match self.state {
            State::ShutdownSent => self.control.shutdown = true,
            State::ShutdownAckSent { .. } => self.control.shutdown_ack = true,
            _ => return,
        }
        self.timers
            .set(Timer::Shutdown, now + self.sender.timeout());
        self.on_path_error();
    }

    /// T5 expired.
    pub(super) fn on_shutdown_guard(&mut self) {
        if let State::ShutdownAckSent { initiator } = self.state {
            // Both sides have everything; only the last word was lost, and the peer may be gone already.
            self.end(initiator, CloseCause::Shutdown);
        } else {
            self.abort_with(
                Initiator::Network,
                CloseCause::ShutdownTimeout,
                CauseCode::USER_ABORT,
            );
        }
    }

    pub(super) fn start_shutdown_guard(&mut self, now: Instant) {
        let due = now + self.config.rto_max.saturating_mul(5);
        self.timers.set(Timer::ShutdownGuard, due);
    }

    fn acknowledge_shutdown(&mut self, now: Instant, initiator: Initiator) {
        self.state = State::ShutdownAckSent { initiator };
        self.control.shutdown = false;
        self.control.shutdown_ack = true;
        self.liveness.attempts = 0;
        self.timers
            .set(Timer::Shutdown, now + self.sender.timeout());
    }

    fn complete_shutdown(&mut self) {
        if let Some(peer) = self.peer {
            self.control.farewell = Some(Farewell::ShutdownComplete { tag: peer.tag });
        }
    }
}
