//! Sending checks: which comes next, when, and what it says (RFC 8445 §6.1.4, §7.2).

use std::time::{Duration, Instant};

use net::Transmit;
use rand::Rng;
use stun::{AttributeType, Class, MessageBuilder, Method, TransactionId};

use super::pair::{Nomination, Pair, PairId};
use super::streams::Dial;
use super::transaction::{Expiry, Purpose};
use super::{Agent, generation_of};
use crate::{Mode, PairState, Role};

/// The shortest retransmission timeout on a path whose round trip is known.
const MIN_RTO: Duration = Duration::from_millis(100);
const MAX_RTO: Duration = Duration::from_secs(3);

impl Agent {
    /// Starts the next check when the pace allows: a triggered one first, else the best pair that waits.
    pub(super) fn start_next_check(&mut self, now: Instant) {
        if !self.has_check_to_start() || self.next_check.is_some_and(|at| now < at) {
            return;
        }
        if self.transactions.is_full() {
            self.stats.transactions_refused += 1;
            self.next_check = Some(now + self.config.ta);
            return;
        }
        if let Some(pair) = self.checklist.pop_triggered() {
            let nominate = pair.nomination == Nomination::Wanted && self.role == Role::Controlling;
            let purpose = match (pair.is_valid(), nominate) {
                (true, true) => Purpose::Nominate,
                (true, false) => Purpose::Recover,
                (false, _) => Purpose::Check { triggered: true },
            };
            let id = pair.id;
            self.start_request(id, purpose);
            return;
        }
        if self.held_until.is_some_and(|until| now < until) {
            return;
        }
        let ordinary = self.checklist.best(|pair| self.is_startable(pair));
        match ordinary.map(|pair| (pair.id, pair.dial)) {
            Some((id, Dial::Wanted)) => self.dial(now, id),
            Some((id, _)) => self.start_request(id, Purpose::Check { triggered: false }),
            None => {}
        }
    }

    /// When the pace allows the next check, if one is wanted.
    pub(super) fn next_check_deadline(&self) -> Option<Instant> {
        if self.checklist.has_triggered() || self.has_carrier_to_start() {
            return self
                .next_check
                .filter(|_| self.has_check_to_start() || self.has_carrier_to_start());
        }
        let at = self.next_check.max(self.held_until);
        at.filter(|_| self.has_check_to_start())
    }

    /// A check that was started but not sent holds the others back: the pace is that of the wire.
    fn has_check_to_start(&self) -> bool {
        self.config.mode == Mode::Full
            && self.current.remote.is_some()
            && (self.checklist.has_triggered()
                || self.checklist.iter().any(|pair| self.is_startable(pair)))
            && !self.has_unsent_request()
    }

    /// Whether an ordinary check is wanted and nothing but the pace is in its way.
    fn is_startable(&self, pair: &Pair) -> bool {
        self.is_ordinary(pair) && (pair.dial != Dial::Wanted || self.may_dial())
    }

    /// Whether a paced request was started and not sent yet.
    pub(super) fn has_unsent_request(&self) -> bool {
        self.gathering.has_unsent()
            || self
                .transactions
                .iter()
                .any(|other| other.is_unsent() && other.is_paced())
    }

    /// Makes a request, to be sent at the next opportunity.
    pub(super) fn start_request(&mut self, id: PairId, purpose: Purpose) {
        let rto = self.rto(id);
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        if matches!(purpose, Purpose::Check { .. }) {
            pair.state = PairState::InProgress;
        }
        let target = (id, pair.generation, pair.path);
        let transaction = self.transaction_id();
        self.transactions
            .start(transaction, target, purpose, self.role, rto);
    }

    pub(super) fn transaction_id(&mut self) -> TransactionId {
        let mut bytes = [0; 12];
        self.rng.fill_bytes(&mut bytes);
        TransactionId::new(bytes)
    }

    /// RFC 8445 §14.3: `MAX (500 ms, Ta * N)` with N the pairs that wait or are in progress; where the round trip
    /// was measured, twice that. A pair on which the peer was heard, and that waits for our own check alone, is taken
    /// to be as long as the longest that was measured.
    fn rto(&self, id: PairId) -> Duration {
        let pair = self.checklist.get(id);
        let measured = pair.and_then(|pair| pair.round_trip);
        if let Some(round_trip) = measured {
            return (round_trip * 2).clamp(MIN_RTO, MAX_RTO);
        }
        let guess = self
            .config
            .initial_rto
            .max(self.config.ta * self.checklist.pending());
        let longest = match pair {
            Some(pair) if pair.proved => self.longest_round_trip(),
            _ => None,
        };
        longest.map_or(guess, |longest| (longest * 2).max(MIN_RTO).min(guess))
    }

    fn longest_round_trip(&self) -> Option<Duration> {
        let valid = self.checklist.iter().filter(|pair| pair.is_valid());
        valid.filter_map(|pair| pair.round_trip).max()
    }

    /// Appends the request that is due next, made now or, when it was sent before, the same bytes again.
    pub(super) fn transmit_check(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        loop {
            let transaction = self.transactions.next_due()?;
            let (mut id, path) = (transaction.id, transaction.path);
            let mut is_new = transaction.is_unsent();
            if !is_new && self.carriage.is_changed_since(transaction.epoch) {
                // Other contents are another request (RFC 8489 §6.2.1).
                let successor = self.transaction_id();
                if self.transactions.replace(now, id, successor) {
                    (id, is_new) = (successor, true);
                }
            }
            let transaction = self.transactions.find(id)?;
            if is_new || self.config.transmit_counter {
                if !self.encode_request(id, buf) {
                    self.transactions.remove(id);
                    continue;
                }
            } else {
                buf.extend_from_slice(&transaction.bytes);
            }
            let probe = self.note_sent(now, id);
            let mut transmit = Transmit::new(path);
            transmit.probe = probe;
            return Some(transmit);
        }
    }

    /// `false` when the pair or its generation is gone.
    fn encode_request(&mut self, id: TransactionId, buf: &mut Vec<u8>) -> bool {
        let role = self.role;
        let Some(transaction) = self.transactions.iter().find(|other| other.id == id) else {
            return false;
        };
        let Some(pair) = self.checklist.get(transaction.pair) else {
            return false;
        };
        let generation = generation_of(
            &self.current,
            self.previous.as_deref(),
            transaction.generation,
        );
        let Some(remote) = generation.and_then(|generation| generation.remote.as_ref()) else {
            return false;
        };
        let nominated = match transaction.purpose {
            Purpose::Nominate => true,
            // The pair was nominated before: saying so again helps a peer that lost it.
            Purpose::Consent | Purpose::Recover => {
                pair.nomination == Nomination::Done && self.selected == Some(pair.id)
            }
            Purpose::Check { .. } | Purpose::Carry | Purpose::Probe(_) => false,
        };
        let start = buf.len();
        let mut message = MessageBuilder::new(buf, Class::Request, Method::BINDING, id);
        message
            .username(&remote.username)
            .priority(pair.reflexive_priority());
        match role {
            Role::Controlling => message.ice_controlling(self.tie_breaker),
            Role::Controlled => message.ice_controlled(self.tie_breaker),
        };
        if nominated && role == Role::Controlling {
            message.use_candidate();
            if let Some(count) = pair.nomination_count.filter(|_| self.renomination) {
                message.attribute(AttributeType::NOMINATION, &count.to_be_bytes());
            }
        }
        if self.config.transmit_counter {
            message.transmit_counter(transaction.next_sending(), 0);
        }
        let carries = match transaction.purpose {
            Purpose::Probe(size) => {
                super::size::pad(&mut message, size);
                false
            }
            _ => self.carriage.write(&mut message),
        };
        let sealed = message.integrity(&remote.key).fingerprint().finish();
        if sealed.is_err() {
            return false;
        }
        let keep = !matches!(
            transaction.purpose,
            Purpose::Consent | Purpose::Carry | Purpose::Probe(_)
        );
        if let Some(transaction) = self.transactions.iter_mut().find(|other| other.id == id) {
            transaction.role = role;
            transaction.epoch = self.carriage.epoch();
            transaction.carries = carries;
            if keep {
                transaction.bytes = buf.get(start..).unwrap_or_default().to_vec();
            }
        }
        true
    }

    /// Takes note of a sending; whether it is a probe of the path's size.
    fn note_sent(&mut self, now: Instant, id: TransactionId) -> bool {
        let Some(transaction) = self.transactions.iter_mut().find(|other| other.id == id) else {
            return false;
        };
        transaction.on_sent(now);
        if self.config.transmit_counter {
            transaction.counted.push(now);
        }
        let (first, purpose, pair) = (
            transaction.sends == 1,
            transaction.purpose,
            transaction.pair,
        );
        let unproved = self.checklist.get(pair).is_some_and(|pair| !pair.proved);
        if first && unproved {
            self.stats.unproved_requests_sent += 1;
        }
        match (purpose, first) {
            (Purpose::Consent, _) => self.stats.consent_requests_sent += 1,
            (Purpose::Probe(_), _) => self.stats.path_mtu_probes_sent += 1,
            (_, true) => {
                self.stats.requests_sent += 1;
                self.next_check = Some(now + self.config.ta);
            }
            (_, false) => self.stats.retransmissions_sent += 1,
        }
        if let Some(pair) = self.checklist.get_mut(pair) {
            pair.requests_sent += u64::from(first);
            pair.retransmissions_sent += u64::from(!first && purpose != Purpose::Consent);
            pair.consent_requests_sent += u64::from(purpose == Purpose::Consent);
            pair.first_checked.get_or_insert(now);
            // The silence of a probe speaks of its size only.
            if pair.is_valid() && !matches!(purpose, Purpose::Probe(_)) {
                pair.unanswered_since.get_or_insert(now);
            }
        }
        matches!(purpose, Purpose::Probe(_))
    }

    /// Sends again what is due again, and gives up what nobody answered.
    pub(super) fn expire_transactions(&mut self, now: Instant) {
        while let Some((transaction, expiry)) = self.transactions.expire(now) {
            if expiry == Expiry::Forgotten {
                continue;
            }
            let Some(pair) = self.checklist.get_mut(transaction.pair) else {
                continue;
            };
            match transaction.purpose {
                Purpose::Check { .. } if pair.state == PairState::InProgress => {
                    pair.state = PairState::Failed;
                }
                Purpose::Nominate if pair.nomination == Nomination::Wanted => {
                    pair.nomination = Nomination::No;
                }
                // As long as consent lasts it is worth asking.
                Purpose::Recover if pair.is_valid() => {
                    let id = pair.id;
                    self.checklist.trigger(id);
                }
                _ => {}
            }
        }
    }

    /// No more sendings of a pair's checks; answers still count.
    pub(super) fn cancel_checks(&mut self, now: Instant, id: PairId) {
        self.cancel(now, id, |purpose| purpose != Purpose::Consent);
    }

    pub(super) fn cancel(&mut self, now: Instant, id: PairId, which: impl Fn(Purpose) -> bool) {
        for transaction in self.transactions.iter_mut() {
            if transaction.pair == id && which(transaction.purpose) {
                transaction.cancel(now);
            }
        }
        // What was never sent cannot be answered.
        self.transactions
            .retain(|other| !(other.pair == id && other.is_cancelled() && other.is_unsent()));
    }

    /// Queues a check with retransmissions on a valid pair that has become silent, unless one is out.
    pub(super) fn start_recovery(&mut self, id: PairId) {
        let under_way = self
            .transactions
            .iter()
            .any(|other| other.pair == id && other.purpose == Purpose::Recover);
        if !under_way {
            self.checklist.trigger(id);
        }
    }
}
