use std::time::Instant;

use super::post_handshake::PostHandshake;
use super::{Alert, Connection, Established, Phase, Sink};
use crate::handshake::{Agreed, Environment, Failure, Outcome};
use crate::record::{Epochs, Opened, RecordLayer, Rejected};
use crate::wire::{
    Ack, ContentType, DTLS_1_2, DecodeError, Fragment, HandshakeType, RecordHeader, RecordNumber,
    UnifiedHeader,
};
use crate::{AlertDescription, Cause, ConnectionId, Event, Initiator, Refusal, Role};

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
            let Some(head) = Head::decode(rest, self.id_length()) else {
                self.stats.dropped.malformed += 1;
                return;
            };
            let (record, behind) = rest.split_at_mut(head.record_length());
            rest = behind;
            self.on_record(now, &head, record, sink);
            self.settle(now, sink);
        }
        if !rest.is_empty() {
            self.stats.dropped.too_many += 1;
        }
    }

    /// One record, its head and all.
    fn on_record(&mut self, now: Instant, head: &Head, record: &mut [u8], sink: &mut Sink<'_>) {
        let (header, id) = match head {
            Head::Unified(header) => {
                self.on_unified_record(now, header, record, sink);
                return;
            }
            Head::Record { header, id, .. } => (header, id),
        };
        match header.epoch {
            0 => {
                let body = record.get(RecordHeader::LENGTH + id.len()..);
                self.on_plain_record(now, header, body.unwrap_or_default());
            }
            RecordLayer::PROTECTED => self.on_protected_record(now, header, id, record, sink),
            _ => self.stats.dropped.epoch += 1,
        }
    }

    /// A protected record of DTLS 1.3.
    fn on_unified_record(
        &mut self,
        now: Instant,
        header: &UnifiedHeader,
        record: &mut [u8],
        sink: &mut Sink<'_>,
    ) {
        let bits = header.epoch_bits;
        let readable = |epochs: &Epochs| epochs.can_read(bits);
        // Data waits for the Finished in front of it, everything for the keys.
        if let Phase::Handshaking(handshake) = &mut self.phase
            && !self.records.epochs().is_some_and(readable)
        {
            let data = u64::from(bits) == Epochs::APPLICATION & 3;
            // A handshake has epochs 2 and 3 alone.
            if bits < 2 || !handshake.may_be_early() {
                self.stats.dropped.epoch += 1;
            } else if !handshake.early.push(record, data) {
                self.stats.dropped.overflow += 1;
            }
            return;
        }
        if header.id_length > 0 {
            let id = record.get(1..).and_then(|id| id.get(..header.id_length));
            let id = id.and_then(ConnectionId::new);
            if !id.is_some_and(|id| self.leads_here(&id)) {
                self.stats.dropped.connection_id += 1;
                return;
            }
        }
        if let Phase::Established(established) = &mut self.phase {
            established.expire_epochs(now, &mut self.records);
        }
        let of_handshake = u64::from(bits) == Epochs::HANDSHAKE;
        if let Phase::Established(established) = &mut self.phase
            && of_handshake
            && !self.records.epochs().is_some_and(readable)
        {
            established.reopen_handshake(&self.config.provider, &mut self.records);
        }
        let opened = match self.records.epochs_mut() {
            Some(epochs) => epochs.open(header, record),
            None => Err(Rejected::NoKeys),
        };
        let Opened {
            number,
            content_type,
            plaintext,
            is_newest,
        } = match opened {
            Ok(opened) => opened,
            Err(rejected) => {
                self.on_rejected(now, rejected);
                return;
            }
        };
        self.stats.records_opened += 1;
        self.on_authentic(is_newest && header.id_length > 0);
        if let Phase::Handshaking(handshake) = &mut self.phase {
            handshake.on_opened();
        }
        match content_type {
            ContentType::ApplicationData if number.epoch >= Epochs::APPLICATION => {
                self.on_data(plaintext, sink);
            }
            ContentType::Handshake => self.on_fragments(now, number, plaintext),
            ContentType::Alert => self.on_alert(now, plaintext),
            ContentType::Ack => self.on_ack(now, plaintext),
            // Nobody but the other side can have said that.
            ContentType::ApplicationData => self.fail(now, Failure::unexpected()),
            ContentType::ReturnRoutabilityCheck => self.on_path_message(plaintext),
            ContentType::ChangeCipherSpec | ContentType::Tls12Cid => {
                self.stats.dropped.malformed += 1;
            }
        }
    }

    /// How many bytes the connection ids have that lead to us.
    fn id_length(&self) -> usize {
        self.config.connection_id.unwrap_or(0)
    }

    /// Whether a connection id is one of ours.
    fn leads_here(&self, id: &ConnectionId) -> bool {
        self.connection_ids().contains(id)
    }

    /// A record was let in.
    fn on_authentic(&mut self, is_newest: bool) {
        if let Some(paths) = &mut self.paths {
            paths.on_opened(is_newest);
        }
    }

    fn on_rejected(&mut self, now: Instant, rejected: Rejected) {
        let established = matches!(self.phase, Phase::Established(_));
        let dropped = &mut self.stats.dropped;
        match rejected {
            Rejected::NoKeys => dropped.epoch += 1,
            Rejected::Malformed => dropped.malformed += 1,
            // Nobody but the other side can have said that (RFC 8446 §5). A handshake is more patient.
            Rejected::UnknownType if established => self.fail(now, Failure::unexpected()),
            Rejected::UnknownType => dropped.malformed += 1,
            Rejected::Replayed => dropped.replayed += 1,
            Rejected::Unauthentic => dropped.unauthentic += 1,
            Rejected::TooLarge => self.fail(now, Failure::overflow()),
            Rejected::TooManyFailures => {
                dropped.unauthentic += 1;
                self.end(Initiator::Local, Cause::Exhausted);
            }
        }
    }

    /// An acknowledgement that is certain to be the other side's.
    fn on_ack(&mut self, now: Instant, body: &[u8]) {
        let Ok(ack) = Ack::decode(body) else {
            self.stats.dropped.malformed += 1;
            return;
        };
        match &mut self.phase {
            Phase::Handshaking(handshake) => {
                handshake.on_ack(now, &ack, self.config.repeat_on_ack, &mut self.stats);
            }
            Phase::Established(established) => {
                let Some((post, agreed)) = established.post_and_agreed() else {
                    return;
                };
                let result = post.on_ack(
                    now,
                    &ack,
                    (&mut agreed.secrets, &self.config),
                    &mut self.records,
                    &mut self.stats,
                );
                if let Err(failure) = result {
                    self.fail(now, failure);
                }
            }
            Phase::New { .. } | Phase::Closed(_) => {}
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
            (Phase::Handshaking(_), ContentType::Handshake) => {
                let number = RecordNumber {
                    epoch: 0,
                    sequence_number: header.sequence_number,
                };
                self.on_fragments(now, number, body);
            }
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
            (Phase::Handshaking(handshake), ContentType::Ack) => match Ack::decode(body) {
                Ok(ack) if ack.numbers.iter().all(|number| number.epoch == 0) => {
                    handshake.on_ack_in_clear(&ack);
                }
                // Nothing that was protected is acknowledged in the clear.
                _ => {
                    self.stats.dropped.malformed += 1;
                    if handshake.is_13() && self.config.refusal == Refusal::Close {
                        self.fail(now, DecodeError::Value("epoch").into());
                    }
                }
            },
            _ => self.stats.dropped.plaintext += 1,
        }
    }

    fn on_protected_record(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        id: &ConnectionId,
        record: &mut [u8],
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
            let data = header.content_type == ContentType::ApplicationData;
            if !handshake.early.push(record, data) {
                self.stats.dropped.overflow += 1;
            }
            return;
        }
        // Where they were agreed on there is no record without (RFC 9146 §4).
        let expected = !self.connection_ids().is_empty();
        if expected == id.is_empty() || expected && !self.leads_here(id) {
            self.stats.dropped.connection_id += 1;
            return;
        }
        let head = RecordHeader::LENGTH + id.len();
        let body = record.get_mut(head..).unwrap_or_default();
        let opened = match self.records.open(header, id, body) {
            Ok(opened) => opened,
            Err(rejected) => {
                self.on_rejected(now, rejected);
                return;
            }
        };
        self.stats.records_opened += 1;
        self.on_authentic(opened.is_newest && expected);
        let plaintext = &*opened.plaintext;
        match opened.content_type {
            // Before the handshake is complete, where its type was not to be seen: it may get lost.
            ContentType::ApplicationData if matches!(self.phase, Phase::Handshaking(_)) => {
                self.stats.dropped.overflow += 1;
            }
            ContentType::ApplicationData => self.on_data(plaintext, sink),
            ContentType::Handshake => self.on_fragments(now, opened.number, plaintext),
            ContentType::Alert => self.on_alert(now, plaintext),
            ContentType::ReturnRoutabilityCheck => self.on_path_message(plaintext),
            ContentType::ChangeCipherSpec | ContentType::Ack | ContentType::Tls12Cid => {
                self.stats.dropped.malformed += 1;
            }
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

    fn on_fragments(&mut self, now: Instant, number: RecordNumber, mut body: &[u8]) {
        // A record is acknowledged if nothing in it was thrown away: what was has to come again.
        let mut whole = true;
        while !body.is_empty() {
            match Fragment::decode(&mut body) {
                Ok(fragment) => whole &= self.on_fragment(now, number, &fragment),
                // An empty piece says nothing: what stands behind it may.
                Err(DecodeError::Value(_)) => self.stats.dropped.malformed += 1,
                Err(error) => {
                    self.stats.dropped.malformed += 1;
                    let handshaking = matches!(self.phase, Phase::Handshaking(_));
                    if handshaking && self.config.refusal == Refusal::Close {
                        self.fail(now, error.into());
                    }
                    return;
                }
            }
        }
        match &mut self.phase {
            Phase::Handshaking(handshake) if whole => handshake.acks.note(number),
            Phase::Established(established) if whole => {
                if let Some(post) = &mut established.post {
                    post.note(now, number);
                }
            }
            _ => {}
        }
    }

    /// One piece of a message; whether it was put to use, now or before.
    fn on_fragment(&mut self, now: Instant, number: RecordNumber, fragment: &Fragment<'_>) -> bool {
        match &mut self.phase {
            Phase::Handshaking(handshake) => {
                handshake.on_fragment(now, number, fragment, &mut self.stats)
            }
            Phase::Established(established) => {
                if let Some(post) = &mut established.post {
                    let epochs = self.records.epochs();
                    let epoch = epochs.and_then(Epochs::read_epoch).unwrap_or(0);
                    return post.on_fragment(now, (number.epoch, epoch), fragment, &mut self.stats);
                }
                match fragment.header.message_type {
                    HandshakeType::FINISHED
                        if fragment.header.message_seq == established.peer_finished =>
                    {
                        established.on_repeated_finished(now, &mut self.stats);
                    }
                    // There is no renegotiation (RFC 8827 §6.5).
                    HandshakeType::CLIENT_HELLO => self.refuse_renegotiation(),
                    HandshakeType::HELLO_REQUEST => {}
                    // Nobody but the other side can have said that, and it has no business to.
                    _ if number.epoch == u64::from(RecordLayer::PROTECTED) => {
                        self.fail(now, Failure::unexpected());
                    }
                    _ => {}
                }
                true
            }
            Phase::New { .. } | Phase::Closed(_) => false,
        }
    }

    fn refuse_renegotiation(&mut self) {
        if self.alert.is_none() {
            self.say(Alert::WARNING, AlertDescription::NO_RENEGOTIATION);
        }
    }

    /// Tells of tickets, once the other side is verified.
    pub(super) fn announce_tickets(&mut self) {
        if self.is_connected() && !self.events.contains(&Event::Ticket) {
            self.events.push_back(Event::Ticket);
        }
    }

    /// Brings everything up to date with what arrived.
    fn settle(&mut self, now: Instant, sink: &mut Sink<'_>) {
        self.settle_handshake(now, sink);
        if let Phase::Established(established) = &mut self.phase
            && let Some((post, agreed)) = established.post_and_agreed()
        {
            let keys = (agreed, &self.config.provider);
            match post.advance(now, keys, &mut self.records, &mut self.stats) {
                Ok(false) => {}
                // Before the other side is verified nothing of it is told.
                Ok(true) => self.announce_tickets(),
                Err(failure) => self.fail(now, failure),
            }
            self.check_exhausted();
            self.settle_ids(now);
        }
    }

    fn settle_handshake(&mut self, now: Instant, sink: &mut Sink<'_>) {
        while let Phase::Handshaking(handshake) = &mut self.phase {
            let mut environment = Environment {
                now,
                ticket: self.ticket.as_deref(),
                config: &self.config,
                announced: self.announced.as_deref(),
                records: &mut self.records,
                stats: &mut self.stats,
            };
            let due = match handshake.advance(now, &mut environment) {
                Outcome::Waiting if handshake.can_read(&self.records) => {
                    let epochs = self.records.epochs();
                    handshake.early.take_handshake(|first| {
                        !UnifiedHeader::recognises(first)
                            || epochs.is_some_and(|epochs| {
                                epochs.can_read(UnifiedHeader::epoch_bits_of(first))
                            })
                    })
                }
                Outcome::Waiting => return,
                Outcome::Completed(agreed) => {
                    let flight = std::mem::take(&mut handshake.flight);
                    let timer = handshake.timer.clone();
                    let due = handshake.early.take();
                    let finished = handshake.last_received();
                    let ahead = handshake.holds_protected();
                    let established = match *agreed {
                        Agreed::Tls12(_) => Established::new(now, agreed, flight, timer, finished),
                        Agreed::Tls13(mut left) => {
                            let next = handshake.next_messages();
                            let acks = std::mem::take(&mut handshake.acks);
                            let timers = (timer, self.config.handshake_timeout);
                            let tickets = std::mem::take(&mut left.tickets);
                            let mut post =
                                PostHandshake::new(now, self.role, next, flight, acks, timers);
                            post.send_tickets(now, tickets, &mut self.stats);
                            Established::new_13(Box::new(Agreed::Tls13(left)), post, finished)
                        }
                    };
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
            for mut record in due {
                // It was whole when it came.
                if let Some(head) = Head::decode(&record, self.id_length()) {
                    self.on_record(now, &head, &mut record, sink);
                }
            }
        }
    }
}

/// The head of a record, of either form.
enum Head {
    Unified(UnifiedHeader),
    Record {
        header: RecordHeader,
        id: ConnectionId,
        body_length: usize,
    },
}

impl Head {
    /// Reads the one at the beginning of a datagram; `None` when nothing can be found any more.
    fn decode(bytes: &[u8], id_length: usize) -> Option<Self> {
        if UnifiedHeader::recognises(*bytes.first()?) {
            return UnifiedHeader::decode(bytes, id_length)
                .ok()
                .map(Self::Unified);
        }
        let (header, id, body) = RecordHeader::decode_with_id(&mut &*bytes, id_length).ok()?;
        Some(Self::Record {
            header,
            id,
            body_length: body.len(),
        })
    }

    /// How long the record is, its head included.
    const fn record_length(&self) -> usize {
        match self {
            Self::Unified(header) => header.header_length + header.body_length,
            Self::Record {
                id, body_length, ..
            } => RecordHeader::LENGTH + id.len() + *body_length,
        }
    }
}
