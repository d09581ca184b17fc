//! What checks and their answers carry besides themselves (draft-hancke-webrtc-sped): datagrams of a handshake, which
//! this crate does not look into, and the acknowledgements of those that arrived.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use net::Path;
use stun::{AttributeType, Message, MessageBuilder};

use super::Agent;
use super::pair::PairId;
use super::transaction::Purpose;
use crate::{Event, State};

/// The largest message that carries something: the base of every path (RFC 8899 §5.1.2).
const MAX_MESSAGE: usize = 1_200;

/// What integrity and FINGERPRINT take behind the payload.
const SEAL: usize = 24 + 8;

/// The most datagrams of one flight. A ClientHello takes two, a server's flight with a certificate three.
const MAX_PAYLOADS: usize = 8;

/// The most acknowledgements in one message.
const MAX_ACKS: usize = 4;

/// The most payloads that arrived and were not taken; the peer sends again what was not acknowledged.
const MAX_ARRIVED: usize = 8;

/// Whether anything is carried, and what.
#[derive(Debug, Default)]
pub(super) struct Carriage {
    /// Goes up with each attachment: requests of an older one are not sent again as they are.
    epoch: u32,
    load: Option<Box<Load>>,
}

/// What is carried, and what arrived.
#[derive(Debug, Default)]
struct Load {
    payloads: Vec<Payload>,
    /// Which payload the next message takes.
    next: usize,
    /// The CRC-32s of what arrived, newest last.
    received: VecDeque<u32>,
    /// The peer has shown that it does not know what it was sent.
    is_refused: bool,
}

#[derive(Debug)]
struct Payload {
    bytes: Bytes,
    crc: u32,
    is_sent: bool,
}

impl Carriage {
    pub(super) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether something has not been in any message yet.
    fn has_unsent(&self) -> bool {
        let load = self.load.as_ref();
        load.is_some_and(|load| load.payloads.iter().any(|payload| !payload.is_sent))
    }

    /// Whether a request of this epoch would say something else if it were made anew.
    pub(super) fn is_changed_since(&self, epoch: u32) -> bool {
        let load = self.load.as_ref();
        self.epoch != epoch || load.is_some_and(|load| load.payloads.len() > 1)
    }

    /// Appends the acknowledgements, and the next payload if the message stays small enough with it; `true` when it
    /// was appended.
    pub(super) fn write(&mut self, message: &mut MessageBuilder<'_>) -> bool {
        self.load.as_mut().is_some_and(|load| load.write(message))
    }
}

impl Load {
    fn write(&mut self, message: &mut MessageBuilder<'_>) -> bool {
        let mut acks = [0; 4 * MAX_ACKS];
        let count = self.received.len().min(MAX_ACKS);
        let newest = self.received.iter().rev();
        for (slot, crc) in acks.chunks_exact_mut(4).zip(newest) {
            slot.copy_from_slice(&crc.to_be_bytes());
        }
        let acks = acks.get(..4 * count).unwrap_or_default();
        message.attribute(AttributeType::DTLS_IN_STUN_ACK, acks);
        // One that was never sent goes before those that were.
        let unsent = self.payloads.iter().position(|payload| !payload.is_sent);
        let count = self.payloads.len();
        let at = unsent.unwrap_or(if count == 0 { 0 } else { self.next % count });
        let length = message.length();
        let Some(payload) = self.payloads.get_mut(at) else {
            return false;
        };
        let padded = payload.bytes.len().next_multiple_of(4);
        payload.is_sent = true;
        self.next = at.wrapping_add(1);
        if length + 4 + padded + SEAL > MAX_MESSAGE {
            return false;
        }
        message.attribute(AttributeType::DTLS_IN_STUN, &payload.bytes);
        true
    }

    /// Takes note of what the peer says has arrived; the payloads that it speaks of.
    fn acknowledge(&mut self, acks: &[u8]) -> Vec<Bytes> {
        let mut done = Vec::new();
        for ack in acks.chunks_exact(4).take(MAX_ACKS) {
            let is_meant = |payload: &Payload| payload.crc.to_be_bytes() == *ack;
            if let Some(at) = self.payloads.iter().position(is_meant) {
                done.push(self.payloads.remove(at).bytes);
            }
        }
        done
    }

    fn is_received(&self, crc: u32) -> bool {
        self.received.contains(&crc)
    }

    fn on_received(&mut self, crc: u32) {
        self.received.retain(|known| *known != crc);
        if self.received.len() >= 2 * MAX_ACKS {
            self.received.pop_front();
        }
        self.received.push_back(crc);
    }
}

impl Agent {
    /// What checks and their answers carry from now on: the datagrams of the current flight of a handshake, which are
    /// opaque here (draft-hancke-webrtc-sped). At most 8; each message takes the next one of them, as long as it stays
    /// within 1,200 bytes: datagrams of at most 900 bytes fit always. With nothing to carry, messages still
    /// acknowledge what arrives, until [`detach`](Self::detach).
    ///
    /// What the peer's messages carry comes as [`Event::PayloadArrived`], only after the message has passed its
    /// integrity check; what it acknowledges as [`Event::PayloadAcknowledged`], and is not carried any more.
    ///
    /// A check that is out with other payloads is not repeated as it is (RFC 8489 §6.2.1 has retransmissions be
    /// identical): at its time a new one takes its place, at once on paths that the peer has proved.
    pub fn attach(&mut self, now: Instant, payloads: impl IntoIterator<Item = Bytes>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        let load = self.carriage.load.get_or_insert_default();
        let mut fresh: Vec<Payload> = Vec::new();
        for bytes in payloads.into_iter().take(MAX_PAYLOADS) {
            let known = load.payloads.iter().find(|it| it.bytes == bytes);
            fresh.push(Payload {
                crc: stun::crc32(&bytes),
                is_sent: known.is_some_and(|known| known.is_sent),
                bytes,
            });
        }
        let is_changed = fresh.iter().any(|payload| !payload.is_sent);
        load.is_refused = false;
        load.payloads = fresh;
        load.next = 0;
        if is_changed {
            self.carriage.epoch = self.carriage.epoch.wrapping_add(1);
            self.hurry_proved_checks();
        }
        self.settle(now);
    }

    /// Nothing is carried any more, and what still arrives is ignored.
    pub fn detach(&mut self, now: Instant) {
        self.carriage = Carriage {
            epoch: self.carriage.epoch.wrapping_add(1),
            load: None,
        };
        self.settle(now);
    }

    /// Whether there is something to carry that the peer has not acknowledged.
    pub fn is_carrying(&self) -> bool {
        let load = self.carriage.load.as_ref();
        load.is_some_and(|load| !load.payloads.is_empty())
    }

    /// What an authenticated message of the peer carried and acknowledged. `ours` says that it answers a request of
    /// ours that carried something: then silence about it means that the peer does not know of such things.
    pub(super) fn read_carriage(&mut self, path: Path, message: &Message<'_>, ours: bool) {
        let Some(load) = &mut self.carriage.load else {
            return;
        };
        let acks = message.attribute(AttributeType::DTLS_IN_STUN_ACK);
        match acks {
            Some(acks) => {
                load.is_refused = false;
                for payload in load.acknowledge(acks) {
                    self.tell(Event::PayloadAcknowledged(payload));
                }
            }
            None if ours && !load.is_refused => {
                load.is_refused = true;
                self.tell(Event::PayloadsRefused);
            }
            None => {}
        }
        let Some(payload) = message
            .attribute(AttributeType::DTLS_IN_STUN)
            .filter(|payload| !payload.is_empty())
        else {
            return;
        };
        let crc = stun::crc32(payload);
        let load = self.carriage.load.as_ref();
        if !load.is_some_and(|load| load.is_received(crc)) {
            let waiting = self.events.count_arrived();
            let payload = Bytes::copy_from_slice(payload);
            if waiting >= MAX_ARRIVED || !self.tell(Event::PayloadArrived { path, payload }) {
                self.stats.payloads_dropped += 1;
                return;
            }
        }
        if let Some(load) = &mut self.carriage.load {
            load.on_received(crc);
        }
    }

    /// What is new goes out at once where the peer has been heard and no answer has come yet.
    fn hurry_proved_checks(&mut self) {
        let proved: Vec<PairId> = self
            .checklist
            .iter()
            .filter(|pair| pair.proved && pair.is_pending())
            .map(|pair| pair.id)
            .collect();
        for id in proved {
            for transaction in self.transactions.iter_mut() {
                if transaction.pair == id && matches!(transaction.purpose, Purpose::Check { .. }) {
                    transaction.renew();
                }
            }
        }
    }

    /// A flight of several datagrams does not wait for retransmissions: each datagram that was in no message yet gets
    /// a request of its own, sent once, on the best pair that is being checked.
    pub(super) fn start_next_carrier(&mut self, now: Instant) {
        if !self.has_carrier_to_start() || self.next_check.is_some_and(|at| now < at) {
            return;
        }
        if let Some(id) = self.carrier_pair() {
            self.start_request(id, Purpose::Carry);
        }
    }

    fn carrier_pair(&self) -> Option<PairId> {
        let is_out = |id: PairId| {
            self.transactions
                .iter()
                .any(|other| other.pair == id && !other.is_unsent() && !other.is_cancelled())
        };
        self.checklist
            .iter()
            .filter(|pair| pair.state == crate::PairState::InProgress && is_out(pair.id))
            .max_by_key(|pair| (pair.proved, pair.priority))
            .map(|pair| pair.id)
    }

    pub(super) fn has_carrier_to_start(&self) -> bool {
        self.carriage.has_unsent()
            && !self.transactions.is_full()
            && !self.has_unsent_request()
            && self.best_path().is_none()
            && self.carrier_pair().is_some()
    }
}
