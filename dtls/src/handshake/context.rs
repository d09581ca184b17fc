use std::time::Instant;

use rand::Rng as _;
use rand::rngs::StdRng;

use super::{Failure, Flight, Message, Transcript};
use crate::crypto::SecretSource;
use crate::record::RecordLayer;
use crate::wire::HandshakeType;
use crate::{Config, ConnectionId, Fingerprint, PeerCertificate, Ticket};

/// What a state of a handshake may look at and change while it handles a message.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    /// What the other side shall put into its records, if anything is to be agreed on about that.
    pub(crate) connection_id: Option<ConnectionId>,
    /// What a client has from an earlier connection with the server.
    pub(crate) ticket: Option<&'a Ticket>,
    /// The fingerprints that signalling announced, if it has.
    pub(crate) announced: Option<&'a [Fingerprint]>,
    pub(crate) records: &'a mut RecordLayer,
    pub(crate) transcript: &'a mut Transcript,
    pub(crate) flight: &'a mut Flight,
    pub(crate) secrets: &'a mut SecretSource,
    pub(super) next_send: &'a mut u16,
    pub(super) random: &'a mut StdRng,
    pub(super) change: FlightChange,
}

/// By what a hello is judged.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    pub(crate) announced: Option<&'a [Fingerprint]>,
}

/// What a message did to the flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlightChange {
    None,
    Started,
    Ended,
}

impl<'a> Context<'a> {
    pub(crate) const fn circumstances(&self) -> Circumstances<'a> {
        Circumstances {
            now: self.now,
            config: self.config,
            announced: self.announced,
        }
    }

    /// A random of a hello.
    pub(crate) fn random(&mut self) -> [u8; 32] {
        let mut random = [0; 32];
        self.random.fill_bytes(&mut random);
        random
    }

    /// What was sent before is answered; what is sent from here on is one flight.
    pub(crate) fn begin_flight(&mut self) {
        *self.flight = Flight::in_bursts(self.config.repeat_on_ack);
        self.change = FlightChange::Started;
    }

    /// What was sent is answered, and there is nothing more to say.
    pub(crate) fn end_flight(&mut self) {
        *self.flight = Flight::default();
        self.change = FlightChange::Ended;
    }

    /// Adds a message to the flight and the transcript.
    pub(crate) fn send(&mut self, message_type: HandshakeType, body: Vec<u8>) {
        self.send_in(0, message_type, body);
    }

    /// The same, protected.
    pub(crate) fn send_protected(&mut self, message_type: HandshakeType, body: Vec<u8>) {
        self.send_in(RecordLayer::PROTECTED.into(), message_type, body);
    }

    /// The same, in an epoch of DTLS 1.3.
    pub(crate) fn send_in(&mut self, epoch: u64, message_type: HandshakeType, body: Vec<u8>) {
        #[cfg(test)]
        if self.config.omit == Some(message_type) {
            return;
        }
        #[cfg(test)]
        let message_type = match self.config.rename {
            Some((from, to)) if from == message_type => to,
            _ => message_type,
        };
        #[cfg(test)]
        let Some(body) = self.meddle(epoch, message_type, body) else {
            return;
        };
        self.push(epoch, message_type, body);
        #[cfg(test)]
        if let Some((epoch, message_type, body)) = self.flight.held.take() {
            self.push(epoch, message_type, body);
        }
    }

    fn push(&mut self, epoch: u64, message_type: HandshakeType, body: Vec<u8>) {
        let message = Message {
            message_type,
            message_seq: *self.next_send,
            body,
        };
        // A handshake has a dozen messages.
        *self.next_send = self.next_send.saturating_add(1);
        self.transcript.push(&message);
        self.flight.push(epoch, message);
    }

    /// What a test has its rogue say instead; `None` if that is for later.
    #[cfg(test)]
    fn meddle(&mut self, epoch: u64, which: HandshakeType, mut body: Vec<u8>) -> Option<Vec<u8>> {
        use crate::config::Meddling;
        let meddling = self.config.meddling.clone();
        let how = meddling.filter(|(it, _)| *it == which).map(|(_, how)| how);
        match how {
            None => {}
            Some(Meddling::Twice) => self.push(epoch, which, body.clone()),
            Some(Meddling::Late) => {
                self.flight.held = Some((epoch, which, body));
                return None;
            }
            Some(Meddling::Instead(other)) => body = other,
            Some(Meddling::Flipped) => *body.last_mut()? ^= 1,
            Some(Meddling::Short) => drop(body.pop()),
            Some(Meddling::Long) => body.push(0),
        }
        Some(body)
    }

    /// The certificates behind the other side's own, where a fingerprint does not say all there is to know.
    pub(crate) fn keep_issuers(&self, issuers: &[&[u8]]) -> Vec<Vec<u8>> {
        match self.config.peer_certificate {
            PeerCertificate::Announced => Vec::new(),
            _ => issuers.iter().map(|der| der.to_vec()).collect(),
        }
    }

    /// Fails early if the certificate is not an announced one.
    pub(crate) fn check_announced(&self, certificate: &[u8]) -> Result<(), Failure> {
        let judged = self.config.peer_certificate == PeerCertificate::Announced;
        match self.announced.filter(|_| judged) {
            Some(announced) if !Fingerprint::any_matches(announced, certificate) => {
                Err(Failure::fingerprint())
            }
            _ => Ok(()),
        }
    }
}
