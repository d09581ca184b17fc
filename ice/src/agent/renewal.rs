//! Credentials of both sides, and starting over with new ones (RFC 8445 §9).

use std::time::Instant;

use log::debug;

use super::generation::Generation;
use super::{Agent, PREVIOUS_LIFETIME, Pair, Patience, Previous};
use crate::{Credentials, Mode, Role, State};

impl Agent {
    /// The peer's credentials and mode. Checks start when there are candidates; those that came earlier and say
    /// that they belong to other credentials are forgotten, and checks that the peer sent before are made up for.
    ///
    /// Other credentials later mean that the peer restarted. An agent that follows a restart calls
    /// [`restart`](Self::restart) first (RFC 8839 §4.4.1.1.1 asks both sides for new ones), but need not.
    /// Credentials that RFC 8839 §5.4 forbids are ignored.
    pub fn set_remote_credentials(
        &mut self,
        now: Instant,
        credentials: Credentials,
        remote_mode: Mode,
    ) {
        if self.state == State::Closed || credentials.validate().is_err() {
            debug!("remote credentials ignored");
            return;
        }
        match &mut self.current.remote {
            Some(remote) if remote.credentials == credentials => remote.mode = remote_mode,
            Some(_) => {
                let local = self.current.local.clone();
                self.begin_generation(now, local);
                self.current.set_remote(credentials, remote_mode);
            }
            None => self.current.set_remote(credentials, remote_mode),
        }
        match (self.config.mode, remote_mode) {
            // RFC 8445 §6.1.1: the full agent controls the lite one.
            (Mode::Full, Mode::Lite) => self.switch_role(Role::Controlling),
            (Mode::Lite, Mode::Full) => self.switch_role(Role::Controlled),
            _ => {}
        }
        self.start_patience(now);
        self.pair_everything(now);
        self.replay_early_checks(now);
        self.settle(now);
    }

    /// Starts over with new local credentials (RFC 8445 §9). The path in use, if any, carries data until a pair
    /// of the new generation is selected; everything else is forgotten, remote candidates and credentials
    /// included.
    pub fn restart(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        let local = Credentials::generate(&mut self.rng);
        // What was sealed with the password of before says nothing any more.
        self.seen_nominations = None;
        self.begin_generation(now, local);
        self.settle(now);
    }

    /// A new generation: the selected pair stays while it works, all else goes.
    pub(super) fn begin_generation(&mut self, now: Instant, local: Credentials) {
        let keep = self
            .selected
            .filter(|_| !self.is_inactive())
            .filter(|id| self.checklist.get(*id).is_some_and(Pair::is_valid));
        self.checklist.retain(|pair| Some(pair.id) == keep);
        self.checklist.clear_triggered();
        self.transactions
            .retain(|transaction| Some(transaction.pair) == keep);
        self.selected = keep;
        self.remotes.clear();
        self.early.clear();
        self.unresolved.clear();
        self.gathering.renew();
        self.forget_choice();
        self.next_check = None;
        self.was_connected = false;
        self.remote_candidates_ended = false;
        self.patience = Patience::NotStarted;
        let number = self.current.number.wrapping_add(1);
        let old = std::mem::replace(&mut self.current, Generation::new(number, local));
        // A second restart before the first one came to anything: the path in use belongs to the one before.
        let in_use = keep.and_then(|id| self.checklist.get(id));
        let is_older_in_use = match (&self.previous, in_use) {
            (Some(previous), Some(pair)) => previous.generation.number == pair.generation,
            _ => false,
        };
        if !is_older_in_use {
            self.previous = Some(Box::new(Previous {
                generation: old,
                until: now + PREVIOUS_LIFETIME,
            }));
        }
        if self.state == State::Failed {
            self.set_state(State::New);
        }
    }

    /// The old credentials go when nothing uses them any more.
    pub(super) fn forget_previous(&mut self, now: Instant) {
        if self
            .previous
            .as_ref()
            .is_some_and(|previous| previous.until <= now)
            && !self.is_previous_in_use()
        {
            self.previous = None;
        }
    }

    pub(super) fn start_patience(&mut self, now: Instant) {
        if self.current.remote.is_some() && !self.was_connected {
            self.patience = Patience::Until(now + self.config.patience);
        }
    }
}
