use std::time::{Duration, Instant};

use crate::crypto::Provider;
use crate::handshake::{Acks, Failure, Flight, Inbox, Inserted, Message};
use crate::record::{Epochs, Exhausted, RecordLayer};
use crate::timer::Retransmission;
use crate::tls13::{Derivation, Secret, Secrets, protection};
use crate::wire::{Ack, Fragment, HandshakeType, KeyUpdate, RecordNumber};
use crate::{Role, Stats};

/// What goes on behind a handshake of DTLS 1.3: the client's last flight until it is acknowledged, acknowledgements
/// of what the other side says, and updates of the keys.
pub(super) struct PostHandshake {
    role: Role,
    /// The number of our next message.
    next_send: u16,
    inbox: Inbox,
    acks: Acks,
    timer: Retransmission,
    timeout: Duration,
    outgoing: Option<Outgoing>,
    /// A KeyUpdate has to be sent; whether it asks for one of the other side.
    update_wanted: Option<KeyUpdate>,
    /// The other side said what it has no business to say.
    violated: bool,
    /// The other side spoke in an epoch of data.
    heard: bool,
    /// Updates of the other side since `updates_since`.
    updates: u32,
    updates_since: Option<Instant>,
    /// Records under one key before it is updated.
    update_after: u64,
    /// Until when a repeated flight of the handshake is acknowledged.
    handshake_until: Option<Instant>,
}

/// A flight that the other side has to acknowledge.
struct Outgoing {
    flight: Flight,
    /// Our keys are updated when it arrived.
    is_update: bool,
}

impl PostHandshake {
    /// Bytes of unfinished messages.
    const INBOX_BYTES: usize = 8 * 1024;
    /// Records under one key before it is updated: a hundredth of what RFC 9147 §4.5.3 allows.
    const UPDATE_AFTER: u64 = 1 << 23;
    /// How often the other side may update its keys, and in what time; what exceeds it is not acknowledged and may be
    /// repeated later.
    const MAX_UPDATES: u32 = 16;
    const UPDATES_PERIOD: Duration = Duration::from_secs(16);
    /// How long the keys of the handshake are kept for a client that repeats its last flight: twice the longest life
    /// of a segment.
    const HANDSHAKE_LIFETIME: Duration = Duration::from_secs(240);

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
            next_send: next.0,
            inbox: Inbox::new(next.1, Self::INBOX_BYTES),
            acks,
            timer,
            timeout,
            outgoing: (!flight.is_empty()).then_some(Outgoing {
                flight,
                is_update: false,
            }),
            update_wanted: None,
            violated: false,
            heard: false,
            updates: 0,
            updates_since: None,
            update_after: Self::UPDATE_AFTER,
            handshake_until: now.checked_add(Self::HANDSHAKE_LIFETIME),
        };
        if role == Role::Server {
            post.acks.send();
        }
        post
    }

    /// Opens the epoch of the handshake once more, for a client that repeats its flight. The keys are made when they
    /// are needed: few connections need them.
    pub(super) fn reopen_handshake(
        &self,
        now: Instant,
        (secret, secrets, provider): (&mut Option<Secret>, &Secrets, &Provider),
        records: &mut RecordLayer,
    ) {
        secret.take_if(|_| self.handshake_until.is_none_or(|until| until <= now));
        let Some(secret) = secret else {
            return;
        };
        if let (Ok(keys), Some(epochs)) = (
            protection(provider, secrets.suite, secret),
            records.epochs_mut(),
        ) {
            epochs.reinstall_read(Epochs::HANDSHAKE, keys);
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
    }

    /// An acknowledgement of the other side.
    pub(super) fn on_ack(
        &mut self,
        now: Instant,
        ack: &Ack,
        (secrets, provider): (&mut Secrets, &Provider),
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
            if !outgoing.flight.is_pending() {
                outgoing.flight.send();
                self.timer.start(now);
                stats.repeats += 1;
                stats.flights_sent += 1;
            }
            return Ok(());
        }
        let is_update = outgoing.is_update;
        self.outgoing = None;
        self.timer.stop();
        if is_update {
            let keys = next_keys(secrets, provider, self.role)?;
            if let Some(epochs) = records.epochs_mut() {
                let epoch = epochs.write_epoch().unwrap_or(Epochs::APPLICATION) + 1;
                epochs.install_write(epoch, keys);
                epochs.retire_write(epoch);
            }
        } else if let Some(epochs) = records.epochs_mut() {
            epochs.retire_write(Epochs::APPLICATION);
            epochs.retire_read(Epochs::APPLICATION);
        }
        self.start_update(now, stats);
        Ok(())
    }

    /// A piece of a message that its record vouches for.
    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        number: RecordNumber,
        fragment: &Fragment<'_>,
        stats: &mut Stats,
    ) {
        if number.epoch < Epochs::APPLICATION {
            // Behind Finished there is nothing more to say in the epoch of the handshake.
            self.violated |= fragment.header.message_seq >= self.inbox.next_seq();
            match (self.role, &mut self.outgoing) {
                // The server repeats its flight: it has not seen ours.
                (Role::Client, Some(outgoing)) if self.timer.may_repeat(now) => {
                    outgoing.flight.send();
                    stats.repeats += 1;
                    stats.flights_sent += 1;
                }
                (Role::Client, _) => {}
                // The client repeats its flight: it has not seen our acknowledgement.
                (Role::Server, _) => {
                    self.acks.note(number);
                    if self.timer.may_repeat(now) {
                        self.acks.send();
                    }
                }
            }
            return;
        }
        self.heard = true;
        let update = fragment.header.message_type == HandshakeType::KEY_UPDATE;
        let next = fragment.header.message_seq == self.inbox.next_seq();
        if update && next && !self.admits_update(now) {
            stats.dropped.fragments += 1;
            return;
        }
        match self.inbox.insert(0, 0, fragment) {
            Inserted::Kept | Inserted::Old | Inserted::Replaced => {
                self.acks.note(number);
                self.acks.send();
            }
            Inserted::Refused => stats.dropped.fragments += 1,
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

    /// Handles the messages that are whole by now.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        (secrets, provider): (&mut Secrets, &Provider),
        records: &mut RecordLayer,
        stats: &mut Stats,
    ) -> Result<(), Failure> {
        if self.violated {
            return Err(Failure::unexpected());
        }
        while let Some(message) = self.inbox.take(0) {
            match (message.message_type, self.role) {
                (HandshakeType::KEY_UPDATE, _) => {
                    let update = KeyUpdate::decode(&message.body)?;
                    self.updates += 1;
                    let keys = next_keys(secrets, provider, self.role.reversed())?;
                    if let Some(epochs) = records.epochs_mut() {
                        let epoch = epochs.read_epoch().unwrap_or(Epochs::APPLICATION);
                        epochs.install_read(epoch + 1, keys);
                        // What was under way meanwhile is still read.
                        epochs.retire_read(epoch);
                        self.handshake_until = None;
                    }
                    if update.requested {
                        self.update_wanted
                            .get_or_insert(KeyUpdate { requested: false });
                    }
                }
                // Nothing is resumed yet.
                (HandshakeType::NEW_SESSION_TICKET, Role::Client) => {}
                _ => return Err(Failure::unexpected()),
            }
        }
        self.start_update(now, stats);
        Ok(())
    }

    /// Wants new keys for what we say, and for what the other side says if `requested`.
    pub(super) fn update(&mut self, now: Instant, requested: bool, stats: &mut Stats) {
        match &mut self.update_wanted {
            Some(wanted) => wanted.requested |= requested,
            None => self.update_wanted = Some(KeyUpdate { requested }),
        }
        self.start_update(now, stats);
    }

    /// A record was sealed: after many the keys are updated.
    pub(super) fn on_sealed(&mut self, now: Instant, records: &RecordLayer, stats: &mut Stats) {
        let written = records.epochs().map_or(0, Epochs::written);
        if written >= self.update_after && self.update_wanted.is_none() && self.outgoing.is_none() {
            self.update(now, false, stats);
        }
    }

    /// One flight at a time (RFC 9147 §5.8.4).
    fn start_update(&mut self, now: Instant, stats: &mut Stats) {
        if self.outgoing.is_some() {
            return;
        }
        // The numbers of messages are 16 bits wide and never return.
        let Some(following) = self.next_send.checked_add(1) else {
            return;
        };
        let Some(update) = self.update_wanted.take() else {
            return;
        };
        let mut body = Vec::new();
        update.encode(&mut body);
        let mut flight = Flight::default();
        flight.push_latest(Message {
            message_type: HandshakeType::KEY_UPDATE,
            message_seq: self.next_send,
            body,
        });
        flight.send();
        self.next_send = following;
        self.timer.renew(now, self.timeout);
        self.timer.start(now);
        self.heard = false;
        stats.flights_sent += 1;
        self.outgoing = Some(Outgoing {
            flight,
            is_update: true,
        });
    }

    pub(super) fn write(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        if let Some(outgoing) = &mut self.outgoing
            && let Some(()) = outgoing.flight.write(records, self.timer.mtu(mtu), buf)?
        {
            return Ok(Some(()));
        }
        self.acks.write(records, buf)
    }

    #[cfg(test)]
    pub(super) const fn update_after(&mut self, records: u64) {
        self.update_after = records;
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.outgoing.as_ref().map(|_| self.timer.next_deadline())
    }

    /// A deadline passed. `false` when the other side is gone.
    pub(super) fn handle_timeout(&mut self, now: Instant, stats: &mut Stats) -> bool {
        let Some(outgoing) = &mut self.outgoing else {
            return true;
        };
        if self.timer.limit_reached(now) {
            // Somebody who speaks but does not acknowledge is better than nobody.
            self.outgoing = None;
            self.timer.stop();
            return self.heard;
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
    let derivation = Derivation::new(provider, secrets.suite.hash);
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
