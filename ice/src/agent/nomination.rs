//! Choosing the pair that data takes (RFC 8445 §8).

use std::time::{Duration, Instant};

use super::pair::{Nomination, PairId, Trouble};
use super::{Agent, Pair};
use crate::{Event, Mode, PairState, Role, SelectionReason};

/// The shortest time that a better pair than the first valid one is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A controlled agent follows a nomination to a lesser pair when the peer has not asked for the present one for
/// this long: it has moved on.
const NOMINATION_STALE: Duration = Duration::from_secs(5);

/// Another pair must be faster than the selected one by this much, and by 15 %, to be worth a change.
const FASTER_BY: Duration = Duration::from_millis(10);

impl Agent {
    /// Controlling: decides whether it is time to nominate, and what. There are no waits by candidate type: a
    /// pair of host candidates, or one that no other can beat any more, is nominated at once; anything else
    /// waits for something better, one round trip or 100 ms at most, and no longer than a better pair would have
    /// taken to answer.
    pub(super) fn decide_nomination(&mut self, now: Instant) {
        if self.role != Role::Controlling || self.config.mode == Mode::Lite {
            self.forget_choice();
            return;
        }
        let current = self.current.number;
        let of_current = |pair: &Pair| pair.generation == current;
        let decided = self
            .checklist
            .iter()
            .any(|pair| of_current(pair) && pair.is_valid() && pair.nomination != Nomination::No);
        if decided {
            self.forget_choice();
            self.consider_improvement();
            return;
        }
        let Some(best) = self
            .checklist
            .best(|pair| of_current(pair) && pair.is_healthy())
        else {
            self.forget_choice();
            return;
        };
        let wait = best.round_trip.unwrap_or_default().max(PATIENCE);
        let latest = self.nominate_by.unwrap_or(now + wait);
        // What is not valid yet is compared as it stands in the checklist, where a NAT takes nothing off its priority.
        let hope = self
            .checklist
            .iter()
            .filter(|pair| of_current(pair) && pair.is_pending() && pair.priority > best.priority)
            .map(|pair| hope_for(pair, best).map_or(latest, |until| until.min(latest)))
            .max();
        let id = best.id;
        self.nominate_by = Some(latest);
        match hope.filter(|until| now < *until && !best.is_direct()) {
            Some(until) => self.nominate_at = Some(until),
            None => self.nominate(id),
        }
    }

    /// A pair that became valid after the choice was made, and is better beyond doubt, takes over.
    fn consider_improvement(&mut self) {
        let under_way = self
            .checklist
            .iter()
            .any(|pair| pair.nomination == Nomination::Wanted);
        let Some(selected) = self.selected_pair() else {
            return;
        };
        if under_way || selected.generation != self.current.number || !selected.is_healthy() {
            return;
        }
        let better = self.checklist.best(|pair| {
            pair.generation == selected.generation
                && pair.is_healthy()
                && pair.rank() > selected.rank()
                && pair.nomination == Nomination::No
                && is_improvement(pair, selected)
        });
        if let Some(id) = better.map(|pair| pair.id) {
            self.nominate(id);
        }
    }

    /// There is nothing to choose now.
    pub(super) const fn forget_choice(&mut self) {
        self.nominate_at = None;
        self.nominate_by = None;
    }

    fn nominate(&mut self, id: PairId) {
        self.forget_choice();
        self.nominations = self.nominations.wrapping_add(1);
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.nomination = Nomination::Wanted;
            pair.nomination_count = Some(self.nominations);
            self.checklist.trigger_first(id);
        }
    }

    /// Controlling: the peer has answered the nomination.
    pub(super) fn on_nominated(&mut self, now: Instant, id: PairId) {
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.nomination = Nomination::Done;
            pair.nominated_at = Some(now);
        }
        self.select(now, id);
    }

    /// A pair became valid.
    pub(super) fn on_valid(&mut self, now: Instant, id: PairId) {
        self.schedule_consent(now, id);
        if self.role == Role::Controlled {
            self.follow_nomination(now, id);
        }
    }

    /// Controlled: the peer asked for this pair, now or before it was valid. Browsers ask for several; the one
    /// of the highest priority that works is used, unless the peer has clearly moved on.
    pub(super) fn follow_nomination(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else {
            return;
        };
        if !pair.is_valid() || pair.nomination == Nomination::No {
            return;
        }
        pair.nomination = Nomination::Done;
        let (rank, asked) = (pair.rank(), pair.nominated_at);
        let count = pair.nomination_count.filter(|_| self.renomination);
        let current = self.current.number;
        let chosen = self
            .selected_pair()
            .filter(|selected| selected.generation == current && selected.id != id);
        if asked.is_none() && chosen.is_some() {
            // Only a repetition asked for it, of what another pair was chosen by.
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.nomination = Nomination::No;
            }
            return;
        }
        let follow = match self.selected_pair() {
            Some(selected) if selected.id == id => false,
            Some(selected) if count.is_some() && selected.nomination_count.is_some() => {
                count > selected.nomination_count
            }
            Some(selected) if selected.generation == self.current.number => {
                let moved_on = match (selected.nominated_at, asked) {
                    (Some(before), Some(after)) => {
                        after.saturating_duration_since(before) > NOMINATION_STALE
                    }
                    (None, _) => true,
                    _ => false,
                };
                !selected.is_healthy() || rank > selected.rank() || moved_on
            }
            _ => true,
        };
        if follow {
            self.select(now, id);
        }
    }

    /// Data takes this pair from now on.
    pub(super) fn select(&mut self, now: Instant, id: PairId) {
        if self.selected == Some(id) {
            return;
        }
        let Some(pair) = self.checklist.get(id) else {
            return;
        };
        let (path, round_trip, priority, generation) =
            (pair.path, pair.round_trip, pair.priority, pair.generation);
        let reason = self.selection_reason();
        self.selected = Some(id);
        self.measure(id);
        self.stats.selected_candidate_pair_changes += 1;
        self.tell(Event::Selected {
            path,
            round_trip,
            reason,
        });
        if generation == self.current.number {
            // The path of before a restart has served (RFC 8445 §12.1).
            let gone = |pair: &Pair| pair.generation != generation;
            self.checklist.retain(|pair| !gone(pair));
            let checklist = &self.checklist;
            self.transactions
                .retain(|transaction| checklist.get(transaction.pair).is_some());
        }
        self.rest_lesser_pairs(now, priority);
        self.schedule_consent(now, id);
    }

    /// Why another pair than the one of now is selected.
    fn selection_reason(&self) -> SelectionReason {
        match self.selected_pair() {
            None if self.stats.selected_candidate_pair_changes > 0 => SelectionReason::PathLost,
            None => SelectionReason::First,
            Some(before) if before.generation != self.current.number => SelectionReason::Restart,
            Some(before) if !before.is_healthy() => SelectionReason::PathLost,
            Some(_) if self.role == Role::Controlled => SelectionReason::PeerChose,
            Some(_) => SelectionReason::Better,
        }
    }

    /// Checks of pairs that could not beat the selected one stop (RFC 8445 §8.1.2); the pairs wait for the day
    /// that they are needed.
    fn rest_lesser_pairs(&mut self, now: Instant, priority: u64) {
        let resting: Vec<_> = self
            .checklist
            .iter_mut()
            .filter(|pair| {
                pair.state == PairState::InProgress
                    && pair.priority < priority
                    && pair.nomination == Nomination::No
            })
            .map(|pair| {
                pair.state = PairState::Waiting;
                pair.id
            })
            .collect();
        for id in resting {
            self.checklist.untrigger(id);
            self.cancel_checks(now, id);
        }
    }

    /// The selected pair is silent or lost, and another one has answered since the trouble began: data moves.
    pub(super) fn fail_over(&mut self, now: Instant) {
        let Some(selected) = self.selected_pair() else {
            return;
        };
        if selected.is_healthy() {
            return;
        }
        let since = selected.unanswered_since;
        let id = selected.id;
        let current = self.current.number;
        let backup = self.checklist.best(|pair| {
            pair.id != id
                && pair.generation == current
                && pair.is_valid()
                && pair.trouble == Trouble::None
                && (since.is_none() || pair.last_answer > since)
        });
        if let Some(backup) = backup.map(|pair| pair.id) {
            self.take_over(now, backup);
        }
    }

    /// Data moves to a pair that works, and the peer is told when that is for us to do.
    pub(super) fn take_over(&mut self, now: Instant, id: PairId) {
        if self.role == Role::Controlling && self.config.mode == Mode::Full {
            self.nominate(id);
        }
        self.select(now, id);
    }
}

/// Until when a better pair than one that works may be hoped for: a way that deserves to be preferred is hardly longer,
/// so its answer would be there after the round trip that was measured on the other, and a quarter. `None` means no
/// limit: it has not been asked, or the peer has been heard on it.
fn hope_for(pair: &Pair, best: &Pair) -> Option<Instant> {
    let asked = pair.first_checked.filter(|_| !pair.proved)?;
    let round_trip = best.round_trip?;
    Some(asked + round_trip + (round_trip / 4).max(FASTER_BY))
}

fn is_improvement(pair: &Pair, selected: &Pair) -> bool {
    if selected.is_relayed() != pair.is_relayed() {
        return selected.is_relayed();
    }
    match (pair.round_trip, selected.round_trip) {
        (Some(new), Some(old)) => new + FASTER_BY <= old && new * 100 <= old * 85,
        _ => false,
    }
}
