use std::time::{Duration, Instant};

use super::request::{Purpose, Request};
use super::{Client, State, later};
use crate::{Cause, CloseReason, Event, Initiator};

/// How long the server has to answer that it deleted the allocation; it expires by itself anyway.
const FAREWELL: Duration = Duration::from_secs(4);

impl Client {
    /// Deletes the allocation and ends; [`Event::Closed`] follows within four seconds.
    pub fn close(&mut self, now: Instant) {
        self.wind_up(now, Initiator::Local, Cause::Closed);
    }

    /// Tells the server to delete what stands, or what it may have made without our knowing yet, and then ends.
    pub(super) fn wind_up(&mut self, now: Instant, initiator: Initiator, cause: Cause) {
        if matches!(self.state, State::Closing | State::Closed) {
            return;
        }
        self.intents.clear();
        self.transactions.retain_unsent(|_| false);
        self.transactions
            .retain(|it| matches!(it.purpose, Purpose::Allocate));
        if self.allocation.take().is_some() {
            self.intents.push_back(Request::new(Purpose::Delete));
        } else if self.transactions.is_empty() {
            self.end(initiator, cause);
            return;
        }
        self.forget_peers();
        self.state = State::Closing;
        let reason = CloseReason { initiator, cause };
        self.server_history.closing = Some((reason, later(now, FAREWELL)));
    }

    /// The end, with the reason that was given when it began.
    pub(super) fn end(&mut self, initiator: Initiator, cause: Cause) {
        if self.state == State::Closed {
            return;
        }
        let given = self.server_history.closing.take().map(|(reason, _)| reason);
        let reason = given.unwrap_or(CloseReason { initiator, cause });
        self.state = State::Closed;
        self.allocation = None;
        self.intents.clear();
        self.transactions.retain(|_| false);
        self.forget_peers();
        self.push(Event::Closed(reason));
    }

    fn forget_peers(&mut self) {
        self.connecting.clear();
        let refresh = self.config.refresh;
        self.permissions = super::Permissions::new(refresh.permission);
        self.channels = super::Channels::new(refresh.channel);
    }
}
