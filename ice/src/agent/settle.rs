//! What follows from each input and from the time, and the state that results.

use std::time::Instant;

use log::debug;
use net::Path;

use super::generation::Generation;
use super::pair::{Nomination, Pair, PairId, Trouble};
use super::{Agent, Patience, generation_of};
use crate::{Event, Mode, PairState, Role, State};

impl Agent {
    /// Brings everything that follows from the last input and from the time into effect.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.is_inactive() {
            return;
        }
        self.held_until = self.held_until.filter(|until| now < *until);
        self.expire_transactions(now);
        self.watch_pairs(now);
        if let Patience::Until(at) = self.patience
            && at <= now
        {
            self.patience = Patience::Over;
        }
        self.fail_over(now);
        self.decide_nomination(now);
        if self.checklist.len() > 1 {
            // Another pair may be in use or in reserve now, whose consent check is overdue.
            self.watch_pairs(now);
        }
        self.forget_previous(now);
        self.settle_streams(now);
        self.settle_mtu(now);
        self.settle_gathering(now);
        if !self.checklist.has_triggered() {
            // Candidates that are not known yet matter more than ordinary checks, and are few.
            self.start_next_query(now);
        }
        self.start_next_carrier(now);
        self.start_next_check(now);
        self.start_next_query(now);
        self.update_state();
    }

    pub(super) const fn is_inactive(&self) -> bool {
        matches!(self.state, State::Failed | State::Closed)
    }

    pub(super) fn selected_pair(&self) -> Option<&Pair> {
        self.checklist.get(self.selected?)
    }

    /// The pair that data takes.
    pub(super) fn pair_in_use(&self) -> Option<&Pair> {
        if self.is_inactive() {
            return None;
        }
        self.selected_pair()
            .filter(|pair| pair.is_valid())
            .or_else(|| self.checklist.best(Pair::is_healthy))
            .or_else(|| self.checklist.best(Pair::is_valid))
    }

    pub(super) fn is_selected_current(&self) -> bool {
        self.selected_pair()
            .is_some_and(|pair| pair.generation == self.current.number)
    }

    pub(super) fn is_previous_in_use(&self) -> bool {
        let current = self.current.number;
        self.checklist.iter().any(|pair| pair.generation != current)
    }

    /// The state follows from what there is.
    pub(super) fn update_state(&mut self) {
        let state = match self.pair_in_use() {
            Some(pair) if pair.trouble == Trouble::Disconnected => State::Disconnected,
            Some(_) if self.is_complete() => State::Completed,
            Some(_) => State::Connected,
            None if self.was_connected => State::Failed,
            None if self.current.remote.is_none() => State::New,
            None if self.patience == Patience::Over && !self.may_still_connect() => State::Failed,
            None => State::Checking,
        };
        if self
            .pair_in_use()
            .is_some_and(|pair| pair.generation == self.current.number)
        {
            self.was_connected = true;
        }
        if state == State::Failed {
            self.silence();
        }
        self.set_state(state);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_selected_current()
            && (self.remote_candidates_ended || self.config.mode == Mode::Lite)
            && !self.checklist.has_triggered()
            && !self
                .checklist
                .iter()
                .any(|pair| pair.state == PairState::InProgress || self.is_ordinary(pair))
    }

    /// Whether a pair is still unproved, so that waiting makes sense.
    pub(super) fn may_still_connect(&self) -> bool {
        self.config.mode == Mode::Full
            && self
                .checklist
                .iter()
                .any(|pair| pair.is_pending() && pair.generation == self.current.number)
    }

    pub(super) fn set_state(&mut self, state: State) {
        if self.state != state {
            debug!("state {:?} -> {state:?}", self.state);
            self.state = state;
            self.tell(Event::StateChanged(state));
        }
    }

    pub(super) fn tell(&mut self, event: Event) -> bool {
        let told = self.events.push(event);
        if !told {
            self.stats.events_dropped += 1;
        }
        told
    }

    /// Marks a path as proved, and says so once. When the event found no room it stays unproved, and the next
    /// message tries again.
    pub(super) fn prove(&mut self, path: Path, pair: Option<PairId>) {
        self.note_open(&path);
        let proved = pair
            .and_then(|id| self.checklist.get(id))
            .is_some_and(|pair| pair.proved);
        if proved || !(self.is_proved(&path) || self.tell(Event::PathProved(path))) {
            return;
        }
        if let Some(pair) = pair.and_then(|id| self.checklist.get_mut(id)) {
            pair.proved = true;
        }
    }

    /// Stops everything that would send (RFC 7675 §5.1: without consent nothing is sent).
    pub(super) fn silence(&mut self) {
        self.transactions.retain(|_| false);
        self.checklist.clear_triggered();
        self.replies.clear();
        self.early.clear();
        self.unresolved.clear();
        self.close_all_streams();
        self.forget_choice();
        self.next_check = None;
        self.patience = Patience::NotStarted;
    }

    pub(super) fn generation(&self, number: u32) -> Option<&Generation> {
        generation_of(&self.current, self.previous.as_deref(), number)
    }

    /// Takes a role because of what the peer said.
    pub(super) fn switch_role(&mut self, role: Role) {
        if self.role != role {
            self.take_role(role);
            self.tell(Event::RoleChanged(role));
        }
    }

    pub(super) fn take_role(&mut self, role: Role) {
        debug!("role is now {role:?}");
        self.role = role;
        for pair in self.checklist.iter_mut() {
            pair.recompute_priority(role);
            if pair.nomination == Nomination::Wanted {
                pair.nomination = Nomination::No;
            }
        }
        self.forget_choice();
    }
}
