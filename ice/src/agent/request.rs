//! The peer's checks (RFC 8445 §7.3).

use std::time::Instant;

use net::Path;
use stun::{AttributeType, DecodeError, ErrorCode, Message, TransactionId};

use super::Agent;
use super::early::Early;
use super::pair::{Nomination, PairId};
use super::reply::{Reply, ReplyKind};
use super::transaction::{Hurry, Purpose};
use crate::{Event, Mode, PairState, Role};

/// The comprehension-required attributes of a check that this agent understands.
const KNOWN: &[AttributeType] = &[
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::PRIORITY,
    AttributeType::USE_CANDIDATE,
    AttributeType::PADDING,
];

/// How long an unsealed error answer is: header, ERROR-CODE without a phrase, FINGERPRINT.
const REFUSAL_BYTES: usize = 20 + 8 + 8;

/// What a check asks, once it is known to be the peer's.
#[derive(Clone, Copy, Debug)]
struct Check {
    id: TransactionId,
    priority: u32,
    use_candidate: bool,
    /// The counter of nominations (draft-thatcher-ice-renomination).
    nomination: Option<u32>,
    /// The role that the peer believes to have, with its tie-breaker.
    claim: Option<(Role, u64)>,
}

impl Agent {
    /// The order is that of cost and of trust: nothing has an effect before the integrity is right.
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        length: usize,
    ) {
        let username = match message.username() {
            Ok(Some(username)) if message.has_integrity() => username,
            _ => {
                self.stats.dropped_bad_request += 1;
                // Nobody is told more than he said, least of all one who may have said it in another's name.
                if length < REFUSAL_BYTES {
                    return;
                }
                self.refuse(now, path, message, ErrorCode::BAD_REQUEST);
                return;
            }
        };
        let Some((local_ufrag, remote_ufrag)) = username.split_once(':') else {
            self.stats.dropped_bad_request += 1;
            self.refuse(now, path, message, ErrorCode::BAD_REQUEST);
            return;
        };
        let Some(generation) = self.addressed_generation(local_ufrag, remote_ufrag) else {
            // Not a word to those who do not even know the name.
            self.stats.dropped_unknown_username += 1;
            return;
        };
        let authentic = super::key_of(&self.current, self.previous.as_deref(), generation)
            .is_some_and(|key| message.verify_integrity(key));
        if !authentic {
            self.stats.dropped_integrity += 1;
            self.refuse(now, path, message, ErrorCode::UNAUTHENTICATED);
            return;
        }
        self.stats.requests_received += 1;

        let kinds: Vec<_> = message.unknown_required(KNOWN).collect();
        if !kinds.is_empty() {
            self.stats.unknown_attribute_errors += 1;
            self.reply(
                path,
                message,
                ReplyKind::UnknownAttributes { generation, kinds },
            );
            return;
        }
        let Some(check) = read_check(message) else {
            self.stats.dropped_bad_request += 1;
            let code = ErrorCode::BAD_REQUEST.get();
            self.reply(path, message, ReplyKind::Error { generation, code });
            return;
        };
        // What names the credentials of before a restart says nothing about the roles of now.
        let is_current = generation == self.current.number;
        if is_current && self.settle_role_conflict(&check) == Conflict::Theirs {
            let code = ErrorCode::ROLE_CONFLICT.get();
            self.reply(path, message, ReplyKind::Error { generation, code });
            return;
        }
        self.reply(path, message, ReplyKind::Success { generation });
        if is_current {
            self.accept_check(now, path, &check, remote_ufrag);
        } else if let Some(pair) = self.checklist.find(generation, &path) {
            pair.requests_received += 1;
            if self.config.mode == Mode::Lite {
                pair.on_answer(now, None);
            }
        }
        self.read_carriage(path, message, false);
    }

    /// The generation whose fragments a request names: both if possible, else ours alone, because the peer may be
    /// ahead of its signalling.
    fn addressed_generation(&self, local_ufrag: &str, remote_ufrag: &str) -> Option<u32> {
        let previous = self.previous.as_ref().map(|previous| &previous.generation);
        let mut named = [Some(&self.current), previous]
            .into_iter()
            .flatten()
            .filter(|generation| generation.local.ufrag == local_ufrag);
        let first = named.clone().next()?;
        let exact = named.find(|generation| generation.is_remote_ufrag(remote_ufrag));
        Some(exact.unwrap_or(first).number)
    }

    /// RFC 8445 §7.3.1.1: the larger tie-breaker keeps its role. One side answers 487 or one side switches, never
    /// both.
    fn settle_role_conflict(&mut self, check: &Check) -> Conflict {
        let Some((claimed, their_tie_breaker)) = check.claim else {
            return Conflict::None;
        };
        if claimed != self.role {
            return Conflict::None;
        }
        self.stats.role_conflicts += 1;
        // A lite agent cannot control a full one (RFC 8445 §6.1.1), whatever the numbers say.
        let ours_is_larger = self.tie_breaker >= their_tie_breaker;
        let keep = match (self.config.mode, self.role) {
            (Mode::Lite, Role::Controlled) => true,
            (_, Role::Controlling) => ours_is_larger,
            (_, Role::Controlled) => !ours_is_larger,
        };
        if keep {
            return Conflict::Theirs;
        }
        self.switch_role(self.role.opposite());
        Conflict::Ours
    }

    fn accept_check(&mut self, now: Instant, path: Path, check: &Check, remote_ufrag: &str) {
        if !self.current.is_remote_ufrag(remote_ufrag) {
            if check.use_candidate {
                self.is_first_sight(check.id);
            }
            let remembered = self.early.remember(Early {
                path,
                priority: check.priority,
                use_candidate: check.use_candidate,
                ufrag: self.hash.of(&remote_ufrag),
                told: false,
            });
            if remembered {
                self.prove_early(path);
            }
            return;
        }
        let Some(id) = self.learn_pair(now, path, check.priority) else {
            return;
        };
        self.prove(path, Some(id));
        let wish = self.wish_of(check);
        if wish != Wish::None
            && self.renomination
            && let Some(pair) = self.checklist.get_mut(id)
        {
            pair.nomination_count = pair.nomination_count.max(check.nomination);
        }
        self.apply_check(now, id, wish);
    }

    /// What a check asks for besides an answer. STUN has no protection from replays, so a nomination that was recorded
    /// and is played again must not take data off the pair that was chosen since. One that is sent again because its
    /// answer was lost has had its effect. Before anything is chosen a repetition does no harm, and may be the first
    /// that comes by the way that it was meant for. Numbered ones can be compared, which is better.
    fn wish_of(&mut self, check: &Check) -> Wish {
        if !check.use_candidate || self.role != Role::Controlled {
            return Wish::None;
        }
        if self.is_first_sight(check.id) {
            return Wish::Nominate;
        }
        let current = self.current.number;
        let chosen = self
            .selected_pair()
            .filter(|selected| selected.generation == current);
        let is_numbered = self.renomination && check.nomination.is_some();
        match chosen {
            None => Wish::NominateAgain,
            Some(chosen) if is_numbered && chosen.nomination_count.is_some() => Wish::Nominate,
            Some(_) => {
                self.stats.repeated_nominations += 1;
                Wish::None
            }
        }
    }

    /// Remembers a request that nominates; `false` when it was seen before.
    fn is_first_sight(&mut self, id: TransactionId) -> bool {
        let seen = self.seen_nominations.get_or_insert_default();
        seen.insert(self.hash, id)
    }

    /// A path that only early checks came on is told of once: when it is remembered for the first time.
    fn prove_early(&mut self, path: Path) {
        let told = self.is_proved(&path) || self.tell(Event::PathProved(path));
        self.early.set_told(&path, told);
    }

    /// What a check does to its pair (RFC 8445 §7.3.1.4, §7.3.1.5).
    fn apply_check(&mut self, now: Instant, id: PairId, wish: Wish) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        pair.requests_received += 1;
        if self.config.mode == Mode::Lite {
            // A lite agent asks nothing itself: the peer's checks are all it has, for consent too.
            pair.on_answer(now, None);
            let path = pair.path;
            self.on_learned_valid(&path);
        } else {
            self.trigger_check(now, id, wish);
        }
        if wish != Wish::None {
            self.on_use_candidate(now, id, wish);
        }
    }

    fn trigger_check(&mut self, now: Instant, id: PairId, wish: Wish) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        let is_first_nomination = wish != Wish::None && pair.nomination == Nomination::No;
        match pair.state {
            PairState::Succeeded => {}
            PairState::InProgress => {
                // The check that was sent before the peer's came may have died in a NAT that the peer's has now
                // opened. One that the peer's own check caused is only hurried, ten times a second at most, except
                // that nothing is waited for any more when the peer has chosen this pair.
                let mut cancelled = false;
                for transaction in self
                    .transactions
                    .iter_mut()
                    .filter(|other| other.pair == id && !other.is_cancelled())
                {
                    let is_over = match transaction.purpose {
                        Purpose::Check { triggered } if !triggered || is_first_nomination => {
                            !transaction.is_unsent()
                        }
                        Purpose::Check { .. } => transaction.hurry(now) == Hurry::Spent,
                        _ => false,
                    };
                    if is_over {
                        transaction.cancel(now);
                        cancelled = true;
                    }
                }
                if cancelled {
                    self.checklist.trigger(id);
                }
            }
            PairState::Waiting | PairState::Failed => {
                pair.state = PairState::Waiting;
                self.checklist.trigger(id);
            }
        }
    }

    /// What the peer asked before its credentials were known.
    pub(super) fn replay_early_checks(&mut self, now: Instant) {
        let Some(remote) = &self.current.remote else {
            return;
        };
        let ufrag = self.hash.of(&remote.credentials.ufrag.as_str());
        for early in self.early.take(ufrag) {
            if let Some(id) = self.learn_pair(now, early.path, early.priority) {
                if let Some(pair) = self.checklist.get_mut(id) {
                    pair.proved |= early.told;
                }
                self.prove(early.path, Some(id));
                let wish = match early.use_candidate && self.role == Role::Controlled {
                    true => Wish::Nominate,
                    false => Wish::None,
                };
                self.apply_check(now, id, wish);
            }
        }
    }

    /// Answers somebody who did not authenticate, within limits. The answer is smaller than the request.
    fn refuse(&mut self, now: Instant, path: Path, message: &Message<'_>, code: ErrorCode) {
        if self.limiter.allow(now, self.hash, path.remote.ip()) {
            let code = code.get();
            self.reply(path, message, ReplyKind::Refusal { code });
        } else {
            self.stats.rate_limited += 1;
        }
    }

    fn reply(&mut self, path: Path, message: &Message<'_>, kind: ReplyKind) {
        let reply = Reply {
            path,
            id: message.transaction_id(),
            kind,
            sending: message.transmit_counter().map(|(sending, _)| sending),
        };
        if !self.replies.push(reply) {
            self.stats.replies_dropped += 1;
        }
    }

    /// USE-CANDIDATE on a pair: followed at once when the pair works, else when it does.
    fn on_use_candidate(&mut self, now: Instant, id: PairId, wish: Wish) {
        if let Some(pair) = self.checklist.get_mut(id) {
            if pair.nomination == Nomination::No {
                pair.nomination = Nomination::Wanted;
            }
            if wish == Wish::Nominate {
                pair.nominated_at = Some(now);
            }
        }
        self.follow_nomination(now, id);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    None,
    /// Data shall take this pair.
    Nominate,
    /// That was asked before, here or elsewhere.
    NominateAgain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    None,
    /// We switched.
    Ours,
    /// The peer must switch.
    Theirs,
}

/// Reads the attributes of a check; `None` when one is missing, malformed or contradicts another. A check without
/// a role is let pass: it is no conflict.
fn read_check(message: &Message<'_>) -> Option<Check> {
    let read = || -> Result<Option<Check>, DecodeError> {
        let controlling = message.ice_controlling()?;
        let controlled = message.ice_controlled()?;
        let claim = match (controlling, controlled) {
            (Some(_), Some(_)) => return Ok(None),
            (Some(tie_breaker), None) => Some((Role::Controlling, tie_breaker)),
            (None, Some(tie_breaker)) => Some((Role::Controlled, tie_breaker)),
            (None, None) => None,
        };
        let use_candidate = message.use_candidate()?;
        let nomination = message
            .attribute(AttributeType::NOMINATION)
            .and_then(|value| value.try_into().ok())
            .map(u32::from_be_bytes);
        Ok(message.priority()?.map(|priority| Check {
            id: message.transaction_id(),
            priority,
            use_candidate,
            nomination,
            claim,
        }))
    };
    read().ok().flatten()
}
