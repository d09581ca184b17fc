//! Consent freshness (RFC 7675) and what is noticed when answers stop coming.
//!
//! Consent checks double as keepalives (RFC 8445 §11): they are more frequent than the 15 s that a NAT needs.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::pair::{Nomination, PairId, Trouble};
use super::transaction::Purpose;
use super::{Agent, Pair};
use crate::{Mode, PairState};

/// RFC 7675 §5.1: 5 s, "randomized from between 0.8 and 1.2 times the basic period".
const IN_USE: (u64, u64) = (4_000, 6_000);

/// A pair that is kept in reserve is asked less often, but often enough that its consent never expires.
const RESERVE: (u64, u64) = (15_000, 25_000);

/// How many pairs are kept in reserve.
const MAX_RESERVES: usize = 2;

/// An answer is overdue after this time, or after four round trips.
const OVERDUE: Duration = Duration::from_secs(1);

impl Agent {
    /// Looks at every valid pair: asks for consent when it is time, notices silence, and ends what has expired.
    pub(super) fn watch_pairs(&mut self, now: Instant) {
        let in_use = self.pair_in_use().map(|pair| pair.id);
        let reserves = self.reserves(in_use);
        // No pair comes or goes on the way, and none becomes valid.
        for at in 0..self.checklist.len() {
            let valid = self.checklist.at(at).filter(|pair| pair.is_valid());
            let Some(id) = valid.map(|pair| pair.id) else {
                continue;
            };
            self.expire_consent(now, id);
            if self.config.mode == Mode::Lite {
                continue;
            }
            let is_in_use = in_use == Some(id);
            if self.notice_silence(now, id) && is_in_use {
                self.start_recovery(id);
                // Whether a reserve is alive must be known before it is needed.
                let reserves = reserves.iter().flatten();
                reserves.for_each(|id| self.start_recovery(*id));
            }
            if is_in_use || reserves.contains(&Some(id)) {
                let range = if is_in_use { IN_USE } else { RESERVE };
                self.ask_for_consent(now, id, range);
            }
        }
    }

    /// The best valid pairs that are not in use.
    fn reserves(&self, in_use: Option<PairId>) -> [Option<PairId>; MAX_RESERVES] {
        let current = self.current.number;
        let kept =
            |pair: &&Pair| pair.is_valid() && Some(pair.id) != in_use && pair.generation == current;
        let mut best = [None; MAX_RESERVES];
        for pair in self.checklist.iter().filter(kept) {
            let mut next = Some((pair.rank(), Reverse(pair.id)));
            for place in &mut best {
                if next > *place {
                    std::mem::swap(place, &mut next);
                }
            }
        }
        best.map(|place| place.map(|(_, Reverse(id))| id))
    }

    /// The next consent check of a pair that has just begun to be used.
    pub(super) fn schedule_consent(&mut self, now: Instant, id: PairId) {
        if self.config.mode == Mode::Lite {
            return;
        }
        let at = now + self.interval(IN_USE);
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.next_consent = Some(pair.next_consent.map_or(at, |next| next.min(at)));
        }
    }

    fn interval(&mut self, (low, high): (u64, u64)) -> Duration {
        Duration::from_millis(self.rng.random_range(low..=high))
    }

    fn ask_for_consent(&mut self, now: Instant, id: PairId, range: (u64, u64)) {
        let Some(pair) = self.checklist.get(id) else {
            return;
        };
        // A pair that was in reserve until now may have been scheduled for much later.
        let latest = now + Duration::from_millis(range.1);
        if pair.next_consent.is_some_and(|at| now < at && at <= latest) {
            return;
        }
        let is_due = pair.next_consent.is_some_and(|at| at <= now);
        let at = now + self.interval(range);
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.next_consent = Some(at);
        }
        let unsent = self.transactions.iter().any(|other| {
            other.pair == id && other.purpose == Purpose::Consent && other.is_unsent()
        });
        if !is_due || unsent {
            return;
        }
        if self.transactions.is_full() {
            self.stats.transactions_refused += 1;
            return;
        }
        self.start_request(id, Purpose::Consent);
    }

    /// Takes the next step when answers are missing; `true` when that step is the first.
    fn notice_silence(&mut self, now: Instant, id: PairId) -> bool {
        let disconnected_after = self.config.disconnected_after;
        let Some(pair) = self.checklist.get_mut(id) else {
            return false;
        };
        let Some(since) = pair.unanswered_since else {
            return false;
        };
        let silent = now.saturating_duration_since(since);
        let noticed = pair.trouble == Trouble::None && silent >= overdue(pair);
        if noticed {
            pair.trouble = Trouble::Suspected;
        }
        if pair.trouble == Trouble::Suspected && silent >= disconnected_after {
            pair.trouble = Trouble::Disconnected;
        }
        noticed
    }

    fn expire_consent(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        if pair.consent_expires().is_none_or(|at| now < at) {
            return;
        }
        // What nobody asked for any more has merely lapsed, and may be checked again.
        let was_asked = pair.unanswered_since.is_some() || self.config.mode == Mode::Lite;
        pair.state = if was_asked {
            PairState::Failed
        } else {
            PairState::Waiting
        };
        pair.nomination = Nomination::No;
        pair.next_consent = None;
        pair.unanswered_since = None;
        pair.trouble = Trouble::None;
        self.checklist.untrigger(id);
        self.transactions.retain(|other| other.pair != id);
    }

    /// The earliest instant at which a valid pair needs attention.
    pub(super) fn next_consent_deadline(&self) -> Option<Instant> {
        let in_use = self.pair_in_use().map(|pair| pair.id);
        let reserves = self.reserves(in_use);
        let full = self.config.mode == Mode::Full;
        self.checklist
            .iter()
            .filter(|pair| pair.is_valid())
            .flat_map(|pair| {
                let asked = full && (in_use == Some(pair.id) || reserves.contains(&Some(pair.id)));
                let consent = pair.next_consent.filter(|_| asked);
                let silence =
                    pair.unanswered_since
                        .filter(|_| full)
                        .and_then(|since| match pair.trouble {
                            Trouble::None => Some(since + overdue(pair)),
                            Trouble::Suspected => Some(since + self.config.disconnected_after),
                            Trouble::Disconnected => None,
                        });
                [pair.consent_expires(), consent, silence]
            })
            .flatten()
            .min()
    }
}

fn overdue(pair: &Pair) -> Duration {
    let four = pair.round_trip.unwrap_or_default() * 4;
    four.clamp(OVERDUE, Duration::from_secs(5))
}
