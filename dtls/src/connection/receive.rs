use std::time::Instant;

use super::{Alert, Connection, Established, Phase, Sink};
use crate::handshake::{EarlyRecord, Environment, Failure, Outcome};
use crate::record::{RecordLayer, Rejected};
use crate::wire::{ContentType, DTLS_1_2, DecodeError, Fragment, HandshakeType, RecordHeader};
use crate::{AlertDescription, Cause, Initiator, Refusal, Role};

/// The way in: datagram, record, fragment, message.
impl Connection {
    /// Records of one datagram that are looked at.
    const MAX_RECORDS: usize = 64;

    pub(super) fn receive(&mut self, now: Instant, datagram: &mut [u8], sink: &mut Sink<'_>) {
        match &mut self.phase {
            Phase::New { early, .. } => {
                // Only a client speaks unasked.
                if self.role == Role::Client || !early.push(datagram) {
                    self.stats.dropped.overflow += 1;
                }
                return;
            }
            Phase::Closed(_) => {
                self.stats.dropped.closed += 1;
                return;
            }
            Phase::Handshaking(_) | Phase::Established(_) => {}
        }
        let mut rest = datagram;
        for _ in 0..Self::MAX_RECORDS {
            if rest.is_empty() {
                return;
            }
            let decoded =
                RecordHeader::decode(&mut &*rest).map(|(header, body)| (header, body.len()));
            let Ok((header, length)) = decoded else {
                self.stats.dropped.malformed += 1;
                return;
            };
            let (record, behind) = rest.split_at_mut(RecordHeader::LENGTH + length);
            rest = behind;
            if let Some(body) = record.get_mut(RecordHeader::LENGTH..) {
                self.on_record(now, &header, body, sink);
                self.settle(now, sink);
            }
        }
        if !rest.is_empty() {
            self.stats.dropped.too_many += 1;
        }
    }

    fn on_record(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        body: &mut [u8],
        sink: &mut Sink<'_>,
    ) {
        match header.epoch {
            0 => self.on_plain_record(now, header, body),
            RecordLayer::PROTECTED => self.on_protected_record(now, header, body, sink),
            _ => self.stats.dropped.epoch += 1,
        }
    }

    fn on_plain_record(&mut self, now: Instant, header: &RecordHeader, body: &[u8]) {
        if header.version >> 8 != DTLS_1_2 >> 8 || body.len() > RecordHeader::MAX_PLAINTEXT {
            self.stats.dropped.malformed += 1;
            return;
        }
        match (&mut self.phase, header.content_type) {
            (phase, ContentType::ApplicationData) => {
                self.stats.dropped.plaintext_data += 1;
                let handshaking = matches!(phase, Phase::Handshaking(_));
                if handshaking && self.config.refusal == Refusal::Close {
                    self.fail(now, Failure::unexpected());
                }
            }
            (Phase::Handshaking(_), ContentType::Handshake) => self.on_fragments(now, 0, body),
            (Phase::Handshaking(handshake), ContentType::ChangeCipherSpec) => {
                if body == [1] {
                    handshake.on_change_cipher_spec();
                } else {
                    self.stats.dropped.malformed += 1;
                }
            }
            (Phase::Handshaking(handshake), ContentType::Alert) => {
                // Nobody vouches for it. It is not even worth remembering once keys exist.
                if let (&[level, description], false) = (body, self.records.has_keys()) {
                    if self.config.refusal == Refusal::Close {
                        self.on_alert(now, body);
                        return;
                    }
                    if level == Alert::FATAL {
                        handshake.suspect(AlertDescription(description));
                    }
                }
                self.stats.dropped.plaintext += 1;
            }
            _ => self.stats.dropped.plaintext += 1,
        }
    }

    fn on_protected_record(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        body: &mut [u8],
        sink: &mut Sink<'_>,
    ) {
        if header.version != DTLS_1_2 {
            self.stats.dropped.malformed += 1;
            return;
        }
        // Data waits for the Finished in front of it, everything for the keys.
        if let Phase::Handshaking(handshake) = &mut self.phase
            && (header.content_type == ContentType::ApplicationData
                || !handshake.can_read(&self.records))
        {
            if !handshake.early.push(*header, body) {
                self.stats.dropped.overflow += 1;
            }
            return;
        }
        let plaintext = match self.records.open(header, body) {
            Ok(plaintext) => &*plaintext,
            Err(Rejected::NoKeys) => {
                self.stats.dropped.epoch += 1;
                return;
            }
            Err(Rejected::Replayed) => {
                self.stats.dropped.replayed += 1;
                return;
            }
            Err(Rejected::Unauthentic) => {
                self.stats.dropped.unauthentic += 1;
                return;
            }
            Err(Rejected::TooLarge) => {
                self.fail(now, Failure::overflow());
                return;
            }
            Err(Rejected::TooManyFailures) => {
                self.stats.dropped.unauthentic += 1;
                self.end(Initiator::Local, Cause::Exhausted);
                return;
            }
        };
        self.stats.records_opened += 1;
        match header.content_type {
            ContentType::ApplicationData => self.on_data(plaintext, sink),
            ContentType::Handshake => self.on_fragments(now, RecordLayer::PROTECTED, plaintext),
            ContentType::Alert => self.on_alert(now, plaintext),
            ContentType::ChangeCipherSpec => self.stats.dropped.malformed += 1,
        }
    }

    fn on_data(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let Phase::Established(established) = &mut self.phase else {
            return;
        };
        established.on_data();
        let Established {
            verified,
            announced,
            ..
        } = **established;
        match sink {
            _ if bytes.is_empty() => {}
            Sink::Deliver(deliver) if verified && announced => deliver(bytes),
            Sink::Deliver(_) | Sink::Queue => {
                if !self.inbound.push(verified, bytes) {
                    self.stats.dropped.overflow += 1;
                }
            }
        }
    }

    /// An alert that is certain to be the other side's (or that the configuration takes for that).
    fn on_alert(&mut self, now: Instant, body: &[u8]) {
        let &[level, description] = body else {
            self.fail(now, DecodeError::Length.into());
            return;
        };
        if level != Alert::WARNING && level != Alert::FATAL {
            self.fail(now, Failure::illegal());
            return;
        }
        let description = AlertDescription(description);
        if description == AlertDescription::CLOSE_NOTIFY {
            self.say(Alert::WARNING, description);
            self.end(Initiator::Remote, Cause::CloseNotify);
        } else if level == Alert::FATAL {
            self.alert = None;
            self.end(Initiator::Remote, Cause::Alert(description));
        }
    }

    fn on_fragments(&mut self, now: Instant, epoch: u16, mut body: &[u8]) {
        while !body.is_empty() {
            let fragment = match Fragment::decode(&mut body) {
                Ok(fragment) => fragment,
                // An empty piece says nothing: what stands behind it may.
                Err(DecodeError::Value(_)) => {
                    self.stats.dropped.malformed += 1;
                    continue;
                }
                Err(error) => {
                    self.stats.dropped.malformed += 1;
                    let handshaking = matches!(self.phase, Phase::Handshaking(_));
                    if handshaking && self.config.refusal == Refusal::Close {
                        self.fail(now, error.into());
                    }
                    return;
                }
            };
            match &mut self.phase {
                Phase::Handshaking(handshake) => {
                    handshake.on_fragment(now, epoch, &fragment, &mut self.stats);
                }
                Phase::Established(established) => match fragment.header.message_type {
                    HandshakeType::FINISHED
                        if fragment.header.message_seq == established.peer_finished =>
                    {
                        established.on_repeated_finished(now, &mut self.stats);
                    }
                    // There is no renegotiation (RFC 8827 §6.5).
                    HandshakeType::CLIENT_HELLO => self.refuse_renegotiation(),
                    HandshakeType::HELLO_REQUEST => {}
                    // Nobody but the other side can have said that, and it has no business to.
                    _ if epoch == RecordLayer::PROTECTED => {
                        self.fail(now, Failure::unexpected());
                        return;
                    }
                    _ => {}
                },
                Phase::New { .. } | Phase::Closed(_) => return,
            }
        }
    }

    fn refuse_renegotiation(&mut self) {
        if self.alert.is_none() {
            self.say(Alert::WARNING, AlertDescription::NO_RENEGOTIATION);
        }
    }

    /// Brings everything up to date with what arrived.
    fn settle(&mut self, now: Instant, sink: &mut Sink<'_>) {
        while let Phase::Handshaking(handshake) = &mut self.phase {
            let mut environment = Environment {
                config: &self.config,
                announced: self.announced.as_deref(),
                records: &mut self.records,
                stats: &mut self.stats,
            };
            let due = match handshake.advance(now, &mut environment) {
                Outcome::Waiting if handshake.can_read(&self.records) => {
                    handshake.early.take_handshake()
                }
                Outcome::Waiting => return,
                Outcome::Completed(agreed) => {
                    let flight = std::mem::take(&mut handshake.flight);
                    let timer = handshake.timer.clone();
                    let due = handshake.early.take();
                    let finished = handshake.last_received();
                    let ahead = handshake.holds_protected();
                    let established = Established::new(now, agreed, flight, timer, finished);
                    self.phase = Phase::Established(Box::new(established));
                    if ahead {
                        self.fail(now, Failure::unexpected());
                        return;
                    }
                    self.check_announced(now);
                    due
                }
                Outcome::Failed(failure) => {
                    self.fail(now, failure);
                    return;
                }
            };
            if due.is_empty() {
                return;
            }
            for EarlyRecord { header, mut body } in due {
                self.on_protected_record(now, &header, &mut body, sink);
            }
        }
    }
}
