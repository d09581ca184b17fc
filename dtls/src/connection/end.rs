//! How a connection ends, and the alert that says so.

use std::time::Instant;

use super::{Connection, Phase};
use crate::handshake::Failure;
use crate::wire::{ContentType, DTLS_1_2};
use crate::{AlertDescription, Cause, CloseReason, Event, Initiator, Role};

/// An alert that has still to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alert {
    level: u8,
    description: AlertDescription,
    /// Whether the other side knows by now that we protect what we send.
    protected: bool,
}

impl Alert {
    pub(super) const WARNING: u8 = 1;
    pub(super) const FATAL: u8 = 2;
}

impl Connection {
    /// Ends the connection: `close_notify` waits in [`poll_transmit`](Self::poll_transmit), and the event `Closed`
    /// follows at once.
    pub fn close(&mut self, _now: Instant) {
        match &self.phase {
            Phase::Handshaking(_) | Phase::Established(_) => {
                self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            }
            Phase::New { .. } => {}
            Phase::Closed(_) => return,
        }
        self.end(Initiator::Local, Cause::CloseNotify);
    }

    /// Ends the connection with a fatal alert: the application does not like what it saw of the other side, its
    /// certificate for example where nothing was announced ([`PeerCertificate`](crate::PeerCertificate)).
    pub fn abort(&mut self, _now: Instant, alert: AlertDescription) {
        if let Phase::Handshaking(_) | Phase::Established(_) = &self.phase {
            self.say(Alert::FATAL, alert);
            self.end(Initiator::Local, Cause::Alert(alert));
        }
    }

    /// Has an alert leave, in the epoch that we write in by now. A server has keys before it writes with them: its
    /// ChangeCipherSpec leaves with its Finished.
    pub(super) fn say(&mut self, level: u8, description: AlertDescription) {
        let handshaking = matches!(self.phase, Phase::Handshaking(_));
        self.alert = Some(Alert {
            level,
            description,
            protected: !handshaking || self.role == Role::Client || self.records.epochs().is_some(),
        });
    }

    pub(super) fn write_alert(&mut self, buf: &mut Vec<u8>) -> Option<()> {
        let Alert {
            level,
            description,
            protected,
        } = self.alert.take()?;
        let epoch = if protected {
            self.records.write_epoch()
        } else {
            0
        };
        let written = self
            .records
            .write(epoch, ContentType::Alert, DTLS_1_2, buf, |buf| {
                buf.extend_from_slice(&[level, description.0]);
            });
        if matches!(self.phase, Phase::Closed(_)) {
            self.records.clear();
        }
        written.ok()?;
        self.stats.datagrams_sent += 1;
        Some(())
    }

    /// Gives up because of what the other side sent, and tells it.
    pub(super) fn fail(&mut self, _now: Instant, failure: Failure) {
        log::debug!("dtls: giving up: {:?}", failure.cause);
        self.say(Alert::FATAL, failure.alert);
        self.end(Initiator::Local, failure.cause);
    }

    /// The end. Secrets and unverified data go; an alert may still need the keys.
    pub(super) fn end(&mut self, initiator: Initiator, cause: Cause) {
        if !self.is_connected() {
            self.inbound.clear();
            self.events.clear();
        }
        let reason = CloseReason { initiator, cause };
        self.phase = Phase::Closed(reason);
        self.paths = None;
        if self.alert.is_none() {
            self.records.clear();
        }
        self.events.push_back(Event::Closed(reason));
    }
}
