use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::id_exchange::IdExchange;
use crate::crypto::Provider;
use crate::handshake::{Acks, Failure, Flight, Inbox, Inserted, Message};
use crate::record::{Epochs, Exhausted, RecordLayer};
use crate::ticket::Session;
use crate::timer::Retransmission;
use crate::tls13::{Agreed, Derivation, Secrets, protection};
use crate::wire::{Ack, Fragment, HandshakeType, KeyUpdate, NewSessionTicket, RecordNumber};
use crate::{Config, Role, Stats, Ticket};

/// What goes on behind a handshake of DTLS 1.3: the client's last flight until it is acknowledged, acknowledgements
/// of what the other side says, tickets, and updates of the keys.
pub(super) struct PostHandshake {
    role: Role,
    /// The number of our next message; `None` when there is none left.
    next_send: Option<u16>,
    is_exhausted: bool,
    inbox: Inbox,
    acks: Acks,
    timer: Retransmission,
    timeout: Duration,
    outgoing: Option<Box<Outgoing>>,
    /// A KeyUpdate has to be sent; whether it asks for one of the other side.
    update_wanted: Option<KeyUpdate>,
    /// The other side said what it has no business to say.
    violated: bool,
    /// The other side spoke in an epoch of data.
    heard: bool,
    /// Tickets that nobody took.
    tickets: Vec<Ticket>,
    pub(super) ids: IdExchange,
    /// Updates of the other side since `updates_since`, or since it last sent data.
    updates: u32,
    updates_since: Option<Instant>,
    /// Records under one key before it is updated.
    update_after: u64,
    /// Until when a repeated flight of the handshake is acknowledged.
    handshake_until: Option<Instant>,
    /// Until when the epoch before an update of the other side is read.
    previous_until: Option<Instant>,
}

/// A flight that the other side has to acknowledge.
struct Outgoing {
    flight: Flight,
    kind: Kind,
}

/// What is in such a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The end of the handshake.
    Finished,
    Tickets,
    Ids,
    /// Our keys are updated when it arrived.
    Update,
}

impl PostHandshake {
    /// Bytes of unfinished messages.
    const INBOX_BYTES: usize = 8 * 1024;
    /// Tickets that wait to be taken; a further one drives out the oldest.
    const MAX_TICKETS: usize = 4;
    /// No update leads beyond this epoch (RFC 9147 §4, as its erratum 8050 has it).
    const MAX_EPOCH: u64 = 0xffff;
    /// Records under one key before it is updated: a hundredth of what RFC 9147 §4.5.3 allows.
    const UPDATE_AFTER: u64 = 1 << 23;
    /// How often the other side may update its keys without a record of data between, and in what time; what exceeds
    /// it is not acknowledged and may be repeated later.
    const MAX_UPDATES: u32 = 16;
    const UPDATES_PERIOD: Duration = Duration::from_secs(16);
    /// How long keys are kept for what was sent under them and comes late, and those of the handshake for a client that
    /// repeats its last flight: twice the longest life of a segment.
    const EPOCH_LIFETIME: Duration = Duration::from_secs(240);

    /// `next` are the numbers of the next message of either side, ours first; `flight` is what of the handshake has
    /// still to be acknowledged.
    pub(super) fn new(
        now: Instant,
        role: Role,
        next: (u16, u16),
        flight: Flight,
        acks: Acks,
        timers: (Retransmission, Duration),
    ) -> Self {
        let (timer, timeout) = timers;
        let mut post = Self {
            role,
            next_send: Some(next.0),
            is_exhausted: false,
            inbox: Inbox::new(next.1, Self::INBOX_BYTES),
            acks,
            timer,
            timeout,
            outgoing: (!flight.is_empty()).then(|| {
                Box::new(Outgoing {
                    flight,
                    kind: Kind::Finished,
                })
            }),
            update_wanted: None,
            violated: false,
            heard: false,
            tickets: Vec::new(),
            ids: IdExchange::default(),
            updates: 0,
            updates_since: None,
            update_after: Self::UPDATE_AFTER,
            handshake_until: now.checked_add(Self::EPOCH_LIFETIME),
            previous_until: None,
        };
        if role == Role::Server {
            post.acks.send();
        }
        post
    }

    /// Sends tickets to a client.
    pub(super) fn send_tickets(&mut self, now: Instant, tickets: Vec<Vec<u8>>, stats: &mut Stats) {
        let mut flight = Flight::default();
        for body in tickets {
            let Some(message_seq) = self.next_send else {
                break;
            };
            flight.push_latest(Message {
                message_type: HandshakeType::NEW_SESSION_TICKET,
                message_seq,
                body,
            });
            self.next_send = message_seq.checked_add(1);
        }
        if !flight.is_empty() {
            self.send_flight(now, flight, Kind::Tickets, stats);
        }
    }

    fn send_flight(&mut self, now: Instant, mut flight: Flight, kind: Kind, stats: &mut Stats) {
        flight.send();
        self.timer.renew(now, self.timeout);
        self.timer.start(now);
        self.heard = false;
        stats.flights_sent += 1;
        self.outgoing = Some(Box::new(Outgoing { flight, kind }));
    }

    /// Says what there is to say about connection ids, behind what is under way.
    pub(super) fn start_ids(&mut self, now: Instant, stats: &mut Stats) {
        if self.outgoing.is_some() {
            return;
        }
        // Without a number there is nothing more to be said.
        let Some((message_type, body)) = self.next_send.and_then(|_| self.ids.next()) else {
            return;
        };
        let Some(message_seq) = self.next_send else {
            return;
        };
        self.next_send = message_seq.checked_add(1);
        let mut flight = Flight::default();
        flight.push_latest(Message {
            message_type,
            message_seq,
            body,
        });
        self.send_flight(now, flight, Kind::Ids, stats);
    }

    pub(super) const fn has_tickets(&self) -> bool {
        !self.tickets.is_empty()
    }

    /// The ticket that came last.
    pub(super) fn take_ticket(&mut self) -> Option<Ticket> {
        let ticket = self.tickets.pop();
        self.tickets.shrink_to_fit();
        ticket
    }

    /// Whether a flight of the handshake that is repeated may still come.
    pub(super) const fn reads_handshake(&self) -> bool {
        self.handshake_until.is_some()
    }

    /// Forgets the keys of the handshake, and those before an update, when their time is over.
    pub(super) fn expire_epochs(&mut self, now: Instant, records: &mut RecordLayer) {
        if self
            .handshake_until
            .take_if(|until| *until <= now)
            .is_some()
            && self.outgoing.is_none()
            && let Some(epochs) = records.epochs_mut()
        {
            epochs.retire_read(Epochs::APPLICATION);
        }
        if self.previous_until.take_if(|until| *until <= now).is_some()
            && let Some(epochs) = records.epochs_mut()
        {
            epochs.retire_read(epochs.read_epoch().unwrap_or(Epochs::APPLICATION));
        }
    }

    /// The timer of what is under way.
    pub(super) fn timer(&mut self) -> &mut Retransmission {
        &mut self.timer
    }

    /// Sends what is under way once more.
    pub(super) fn resend(&mut self, now: Instant, stats: &mut Stats) {
        if let Some(outgoing) = &mut self.outgoing
            && !outgoing.flight.is_pending()
        {
            outgoing.flight.send();
            self.timer.start(now);
            stats.flights_sent += 1;
        }
    }

    pub(super) fn on_data(&mut self) {
        self.heard = true;
        self.updates = 0;
    }

    /// The round trip became known, or another one.
    pub(super) fn set_round_trip(&mut self, round_trip: Duration) {
        let before = self.timer.ack_delay();
        self.timer.set_round_trip(round_trip);
        self.acks.rescale(before, self.timer.ack_delay());
    }

    /// An acknowledgement of the other side.
    pub(super) fn on_ack(
        &mut self,
        now: Instant,
        ack: &Ack,
        (secrets, config): (&mut Secrets, &Config),
        records: &mut RecordLayer,
        stats: &mut Stats,
    ) -> Result<(), Failure> {
        let Some(outgoing) = &mut self.outgoing else {
            return Ok(());
        };
        if !outgoing.flight.acknowledge(&ack.numbers) {
            return Ok(());
        }
        if !outgoing.flight.is_acknowledged() {
            if config.repeat_on_ack && !outgoing.flight.is_pending() {
                outgoing.flight.send();
                self.timer.start(now);
                stats.repeats += 1;
                stats.flights_sent += 1;
            }
            return Ok(());
        }
        let kind = outgoing.kind;
        self.outgoing = None;
        self.timer.stop();
        match (kind, records.epochs_mut()) {
            (Kind::Update, Some(epochs)) => {
                let keys = next_keys(secrets, &config.provider, self.role)?;
                let epoch = epochs.write_epoch().unwrap_or(Epochs::APPLICATION) + 1;
                epochs.install_write(epoch, keys);
                epochs.retire_write(epoch);
            }
            (Kind::Finished, Some(epochs)) => {
                epochs.retire_write(Epochs::APPLICATION);
                epochs.retire_read(Epochs::APPLICATION);
            }
            (Kind::Tickets | Kind::Ids, _) | (_, None) => {}
        }
        self.start_update(now, records, stats);
        self.start_ids(now, stats);
        Ok(())
    }

    /// A piece of a message that its record vouches for, with the record's epoch and the latest that we read. Whether
    /// it was put to use, now or before.
    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        (epoch, latest): (u64, u64),
        fragment: &Fragment<'_>,
        stats: &mut Stats,
    ) -> bool {
        if epoch < Epochs::APPLICATION {
            // Behind Finished there is nothing more to say in the epoch of the handshake.
            self.violated |= self.inbox.awaits(fragment.header.message_seq);
            match (self.role, &mut self.outgoing) {
                // The server repeats its flight: it has not seen ours.
                (Role::Client, Some(outgoing)) if self.timer.may_repeat(now) => {
                    outgoing.flight.send();
                    stats.repeats += 1;
                    stats.flights_sent += 1;
                }
                (Role::Client, _) => {}
                // The client repeats its flight: it has not seen our acknowledgement.
                (Role::Server, _) => return true,
            }
            return false;
        }
        self.heard = true;
        let next = fragment.header.message_seq == self.inbox.next_seq();
        // What follows an update comes under the new keys (RFC 8446 §4.6.3).
        if epoch < latest && self.inbox.awaits(fragment.header.message_seq) {
            self.violated = true;
            return false;
        }
        let update = fragment.header.message_type == HandshakeType::KEY_UPDATE;
        if update && next && !self.admits_update(now) {
            stats.dropped.fragments += 1;
            return false;
        }
        match self.inbox.insert(0, 0, fragment) {
            Inserted::Kept | Inserted::Old | Inserted::Replaced => true,
            Inserted::Refused => {
                stats.dropped.fragments += 1;
                false
            }
        }
    }

    /// A record of which no piece was thrown away.
    pub(super) fn note(&mut self, now: Instant, number: RecordNumber) {
        self.acks.note(number);
        if !self.timer.is_suspended() {
            self.acks.arm(now, self.timer.ack_delay());
        }
    }

    fn admits_update(&mut self, now: Instant) -> bool {
        let recent = |since| now.saturating_duration_since(since) < Self::UPDATES_PERIOD;
        if !self.updates_since.is_some_and(recent) {
            self.updates_since = Some(now);
            self.updates = 0;
        }
        self.updates < Self::MAX_UPDATES
    }

    /// Handles the messages that are whole by now. Whether tickets are there, and were not before.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        (agreed, provider): (&mut Agreed, &Provider),
        records: &mut RecordLayer,
        stats: &mut Stats,
    ) -> Result<bool, Failure> {
        if self.violated {
            return Err(Failure::unexpected());
        }
        let had_none = self.tickets.is_empty();
        while let Some(message) = self.inbox.take(0) {
            match (message.message_type, self.role) {
                (HandshakeType::KEY_UPDATE, _) => {
                    let update = KeyUpdate::decode(&message.body)?;
                    // What follows comes under the new keys.
                    if !self.inbox.is_empty() {
                        return Err(Failure::unexpected());
                    }
                    self.on_update(now, &mut agreed.secrets, provider, records)?;
                    if update.requested {
                        self.update(now, false, records, stats);
                    }
                }
                (HandshakeType::NEW_SESSION_TICKET, Role::Client) => {
                    let ticket = NewSessionTicket::decode(&message.body)?;
                    self.on_ticket(now, &ticket, agreed);
                }
                (
                    kind
                    @ (HandshakeType::REQUEST_CONNECTION_ID | HandshakeType::NEW_CONNECTION_ID),
                    _,
                ) => self
                    .ids
                    .on_message(kind, &message.body, records.ids_mut())?,
                _ => return Err(Failure::unexpected()),
            }
        }
        self.start_update(now, records, stats);
        Ok(had_none && !self.tickets.is_empty())
    }

    /// The other side uses new keys from here on.
    fn on_update(
        &mut self,
        now: Instant,
        secrets: &mut Secrets,
        provider: &Provider,
        records: &mut RecordLayer,
    ) -> Result<(), Failure> {
        self.updates += 1;
        let Some(epochs) = records.epochs_mut() else {
            return Ok(());
        };
        let epoch = epochs.read_epoch().unwrap_or(Epochs::APPLICATION);
        if epoch >= Self::MAX_EPOCH {
            return Err(Failure::unexpected());
        }
        let keys = next_keys(secrets, provider, self.role.reversed())?;
        epochs.install_read(epoch + 1, keys);
        // What was under way meanwhile is still read.
        epochs.retire_read(epoch);
        self.previous_until = now.checked_add(Self::EPOCH_LIFETIME);
        self.handshake_until = None;
        Ok(())
    }

    /// Keeps a ticket, if tickets are wanted.
    fn on_ticket(&mut self, now: Instant, message: &NewSessionTicket<'_>, agreed: &Agreed) {
        let Some(resumption) = &agreed.resumption else {
            return;
        };
        let hash = agreed.secrets.suite.hash;
        let session = Session {
            hash,
            key: Zeroizing::new(
                Derivation::new(hash)
                    .ticket_key(resumption, message.nonce)
                    .to_vec(),
            ),
            peer: agreed.peer.clone(),
            psk: agreed.psk,
            suite: None,
        };
        let Some(ticket) = Ticket::new(now, message, session) else {
            return;
        };
        if self.tickets.len() >= Self::MAX_TICKETS {
            self.tickets.remove(0);
        }
        self.tickets.push(ticket);
    }

    /// Wants new keys for what we say, and for what the other side says if `requested`.
    ///
    /// One that is under way is as good as another.
    pub(super) fn update(
        &mut self,
        now: Instant,
        requested: bool,
        records: &RecordLayer,
        stats: &mut Stats,
    ) {
        let under_way = self.outgoing.as_ref().map(|outgoing| outgoing.kind);
        if under_way == Some(Kind::Update) {
            return;
        }
        match &mut self.update_wanted {
            Some(wanted) => wanted.requested |= requested,
            None => self.update_wanted = Some(KeyUpdate { requested }),
        }
        self.start_update(now, records, stats);
    }

    /// A record was sealed: after many the keys are updated.
    pub(super) fn on_sealed(&mut self, now: Instant, records: &RecordLayer, stats: &mut Stats) {
        let written = records.epochs().map_or(0, Epochs::written);
        if written >= self.update_after && self.update_wanted.is_none() && self.outgoing.is_none() {
            self.update(now, false, records, stats);
        }
    }

    /// One flight at a time (RFC 9147 §5.8.4).
    fn start_update(&mut self, now: Instant, records: &RecordLayer, stats: &mut Stats) {
        if self.outgoing.is_some() {
            return;
        }
        let Some(update) = self.update_wanted.take() else {
            return;
        };
        // The numbers of messages are 16 bits wide and never return, nor do epochs.
        let epoch = records.epochs().and_then(Epochs::write_epoch);
        let last = epoch.is_some_and(|epoch| epoch >= Self::MAX_EPOCH);
        let Some(message_seq) = self.next_send.filter(|_| !last) else {
            self.is_exhausted = true;
            return;
        };
        let mut body = Vec::new();
        update.encode(&mut body);
        let mut flight = Flight::default();
        flight.push_latest(Message {
            message_type: HandshakeType::KEY_UPDATE,
            message_seq,
            body,
        });
        self.next_send = message_seq.checked_add(1);
        self.send_flight(now, flight, Kind::Update, stats);
    }

    /// Whether keys were to be updated and cannot be any more.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    pub(super) fn write(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        if let Some(()) = self.acks.write(records, mtu, buf)? {
            return Ok(Some(()));
        }
        match &mut self.outgoing {
            Some(outgoing) => outgoing.flight.write(records, self.timer.mtu(mtu), buf),
            None => Ok(None),
        }
    }

    #[cfg(test)]
    pub(super) const fn update_after(&mut self, records: u64) {
        self.update_after = records;
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let timer = self
            .outgoing
            .as_ref()
            .and_then(|_| self.timer.next_deadline());
        [timer, self.acks.deadline()].into_iter().flatten().min()
    }

    /// A deadline passed. `false` when the other side is gone.
    pub(super) fn handle_timeout(&mut self, now: Instant, stats: &mut Stats) -> bool {
        self.acks.expire(now);
        let Some(outgoing) = &mut self.outgoing else {
            return true;
        };
        if self.timer.limit_reached(now) {
            // Somebody who speaks but does not acknowledge is better than nobody; and nobody has to take a ticket.
            let heard = self.heard || matches!(outgoing.kind, Kind::Tickets | Kind::Ids);
            self.outgoing = None;
            self.timer.stop();
            return heard;
        }
        if self.timer.expire(now) {
            outgoing.flight.send();
            stats.timeouts += 1;
            stats.flights_sent += 1;
        }
        true
    }
}

/// The keys that follow those of `sender`.
fn next_keys(
    secrets: &mut Secrets,
    provider: &Provider,
    sender: Role,
) -> Result<crate::record::Protection13, Failure> {
    let derivation = Derivation::new(secrets.suite.hash);
    let index = match sender {
        Role::Client => 0,
        Role::Server => 1,
    };
    let next = derivation.next_traffic(&secrets.traffic[index]);
    let keys = protection(provider, secrets.suite, &next)?;
    secrets.traffic[index] = next;
    secrets.updates[index] = secrets.updates[index].saturating_add(1);
    Ok(keys)
}
