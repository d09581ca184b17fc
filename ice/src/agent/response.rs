//! The answers to our checks (RFC 8445 §7.2.5).

use std::time::Instant;

use log::debug;
use net::Path;
use rand::Rng;
use stun::{AttributeType, Class, ErrorCode, Message};

use super::Agent;
use super::pair::{Nomination, PairId};
use super::transaction::{Purpose, Transaction};
use crate::{PairState, Role};

/// The comprehension-required attributes of an answer that this agent understands.
const KNOWN: &[AttributeType] = &[
    AttributeType::MAPPED_ADDRESS,
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
    AttributeType::XOR_MAPPED_ADDRESS,
];

impl Agent {
    pub(super) fn handle_response(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let id = message.transaction_id();
        let Some(transaction) = self.transactions.find(id) else {
            self.stats.dropped_unknown_transaction += 1;
            return;
        };
        let authentic = self
            .generation(transaction.generation)
            .and_then(|generation| generation.remote.as_ref())
            .is_some_and(|remote| message.verify_integrity(&remote.key));
        if !authentic {
            // As if it had never come (RFC 8489 §9.1.4): the true answer may still be on its way.
            self.stats.dropped_integrity += 1;
            return;
        }
        let Some(transaction) = self.transactions.remove(id) else {
            return;
        };
        self.stats.responses_received += 1;
        if let Some(pair) = self.checklist.get_mut(transaction.pair) {
            pair.responses_received += 1;
        }
        if path != transaction.path {
            // RFC 8445 §7.2.5.2.1: source and destination must be mirrored.
            self.stats.asymmetric_responses += 1;
            self.fail_check(now, &transaction);
            return;
        }
        if let (Purpose::Probe(size), Some(mtu)) = (transaction.purpose, &mut self.mtu) {
            // An answer that refuses the padding shows as well that it arrived.
            mtu.on_probe_acknowledged(now, size);
            if message.class() != Class::Success {
                return;
            }
        }
        let is_success = message.class() == Class::Success;
        self.read_carriage(path, message, is_success && transaction.carries);
        match message.class() {
            Class::Success => self.handle_success(now, &transaction, message),
            _ => self.handle_error(now, &transaction, message),
        }
    }

    fn handle_success(&mut self, now: Instant, transaction: &Transaction, message: &Message<'_>) {
        let is_understood = message.unknown_required(KNOWN).next().is_none();
        let mapped = match message.xor_mapped_address() {
            Ok(Some(mapped)) if is_understood => mapped,
            _ => {
                self.stats.dropped_malformed += 1;
                self.fail_check(now, transaction);
                return;
            }
        };
        let round_trip =
            transaction.round_trip(now, message.transmit_counter().map(|(sending, _)| sending));
        let id = transaction.pair;
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        let was_valid = pair.is_valid();
        pair.on_answer(now, round_trip);
        let path = pair.path;
        self.note_mapped(id, mapped);
        self.prove(path, Some(id));
        if !was_valid {
            self.checklist.untrigger(id);
            self.cancel_checks(now, id);
            self.on_learned_valid(&path);
            self.on_valid(now, id);
        }
        match transaction.purpose {
            Purpose::Nominate if self.role == Role::Controlling => self.on_nominated(now, id),
            Purpose::Recover => self.cancel(now, id, |purpose| purpose == Purpose::Recover),
            _ => {}
        }
    }

    fn handle_error(&mut self, now: Instant, transaction: &Transaction, message: &Message<'_>) {
        match message.error_code() {
            Ok(Some(ErrorCode::ROLE_CONFLICT)) => {
                self.stats.role_conflicts += 1;
                // If the role has changed since the request was made, the conflict is over.
                if transaction.role == self.role {
                    // RFC 8445 §16.1: after a 487 the tie-breaker must change, which ends a tie.
                    self.tie_breaker = self.rng.next_u64();
                    self.switch_role(self.role.opposite());
                }
                self.retry(transaction.pair);
            }
            code => {
                debug!("a check was refused: {code:?}");
                self.fail_check(now, transaction);
            }
        }
    }

    /// The check is made again, in its new role (RFC 8445 §7.2.5.1).
    fn retry(&mut self, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        if pair.is_valid() {
            // It was the nomination that was refused; if there is still something to nominate, it is decided anew.
            if pair.nomination == Nomination::Wanted {
                pair.nomination = Nomination::No;
            }
            return;
        }
        pair.state = PairState::Waiting;
        self.checklist.trigger(id);
    }

    /// A check came to a bad end. Consent is not a check: it lives on other answers, or expires.
    fn fail_check(&mut self, now: Instant, transaction: &Transaction) {
        if matches!(
            transaction.purpose,
            Purpose::Consent | Purpose::Recover | Purpose::Carry | Purpose::Probe(_)
        ) {
            return;
        }
        let id = transaction.pair;
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.state = PairState::Failed;
            pair.nomination = Nomination::No;
            pair.next_consent = None;
        }
        self.checklist.untrigger(id);
        self.cancel_checks(now, id);
    }
}
