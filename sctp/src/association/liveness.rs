use std::time::Instant;

use super::Association;
use crate::chunk::{CauseCode, Parameter, ParameterType, Parameters};
use crate::error::{CloseCause, Initiator};
use crate::timer::Timer;

/// What is known about whether the peer lives (RFC 9260 §8).
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// Timeouts in a row.
    errors: u32,
    /// How often the present step of the handshake or the shutdown was repeated.
    pub(super) attempts: u32,
    /// When INIT was sent, for as long as it was sent once.
    pub(super) init_sent: Option<Instant>,
    /// The HEARTBEAT without an answer: its nonce, and when it was sent.
    heartbeat: Option<(u64, Option<Instant>)>,
    /// Something was sent since the last heartbeat interval began.
    pub(super) active: bool,
}

impl Liveness {
    /// The nonce of the HEARTBEAT to send, which is sent now.
    pub(super) fn send_heartbeat(&mut self, now: Instant) -> u64 {
        let (nonce, sent) = self.heartbeat.get_or_insert((0, None));
        *sent = Some(now);
        *nonce
    }

    /// A packet came that bears our tag. The RFC resets its counter only for what is acknowledged (§8.1); here anything
    /// shows that the peer lives, because a path that works one way is for ICE to find, and at heavy loss the
    /// right acknowledgement may be missing ten times in a row.
    pub(super) fn on_heard(&mut self) {
        self.errors = 0;
    }
}

impl Association {
    /// Counts a timeout, and ends the association when there were too many in a row (RFC 9260 §8.1).
    pub(super) fn on_path_error(&mut self) {
        self.liveness.errors += 1;
        let limit = self.config.max_retransmissions;
        if limit.is_some_and(|limit| self.liveness.errors > limit) {
            // The peer may hear us all the same.
            let cause = CloseCause::PeerSilent;
            self.abort_with(Initiator::Network, cause, CauseCode::USER_ABORT);
        }
    }

    pub(super) fn start_heartbeat_timer(&mut self, now: Instant) {
        // RFC 9260 §8.3: the interval, the timeout, and half a timeout either way by chance.
        let timeout = self.sender.timeout();
        let jitter = timeout.mul_f64(f64::from(self.secret.next_u32()) / f64::from(u32::MAX));
        let due = now + self.config.heartbeat_interval + timeout / 2 + jitter;
        self.timers.set(Timer::Heartbeat, due);
    }

    pub(super) fn on_heartbeat_timer(&mut self, now: Instant) {
        if self.liveness.heartbeat.take().is_some() {
            self.on_path_error();
        }
        if !self.state.is_synchronized() {
            return;
        }
        self.start_heartbeat_timer(now);
        if std::mem::take(&mut self.liveness.active) || self.sender.has_outstanding() {
            return;
        }
        self.liveness.heartbeat = Some((self.secret.next_u64(), None));
        self.control.heartbeat = true;
    }

    /// Takes the answer to a HEARTBEAT; one that we did not ask for says nothing.
    pub(super) fn on_heartbeat_ack(&mut self, now: Instant, info: &[u8]) {
        let echoed = match Parameters(info).next() {
            Some(Ok(Parameter {
                kind: ParameterType::HEARTBEAT_INFO,
                value,
            })) if self.on_probe_ack(value) => return,
            Some(Ok(Parameter {
                kind: ParameterType::HEARTBEAT_INFO,
                value,
            })) => <[u8; 8]>::try_from(value).map(u64::from_be_bytes).ok(),
            _ => None,
        };
        let asked = self
            .liveness
            .heartbeat
            .take_if(|(nonce, _)| Some(*nonce) == echoed);
        match asked {
            Some((_, Some(sent))) => {
                let sample = now.saturating_duration_since(sent);
                self.sender.on_round_trip_sample(sample);
            }
            _ => self.counts.dropped.unexpected += 1,
        }
    }
}
