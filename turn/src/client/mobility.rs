//! Moving an allocation to another socket (RFC 8016): the address on the server stays, with its permissions and channels.

use net::Path;
use stun::{FrameReader, Message};

use super::request::{Purpose, Request};
use super::{Client, State};
use crate::{MigrateError, measure_frame};

/// The longest ticket that is kept: it has to fit into a request.
const MAX_TICKET_BYTES: usize = 512;

impl Client {
    /// Whether the server lets the allocation move: it gave a ticket (see [`Config::mobility`](crate::Config::mobility)).
    pub const fn is_mobile(&self) -> bool {
        self.ticket.is_some()
    }

    /// The way to the server has changed: goes on from this socket with the same addresses on the server.
    /// [`Event::Migrated`](crate::Event::Migrated) follows, or [`Event::Closed`](crate::Event::Closed) when the server has
    /// other ideas. Until then nothing is sent to peers.
    pub fn migrate(&mut self, path: Path) -> Result<(), MigrateError> {
        if !matches!(self.state, State::Allocated | State::Moving) {
            return Err(MigrateError::NotAllocated);
        }
        if self.ticket.is_none() {
            return Err(MigrateError::NoTicket);
        }
        self.path = Some(path);
        self.reader = FrameReader::new(measure_frame);
        // Nobody will answer what was asked on the old way.
        self.transactions.retain(|_| false);
        self.intents.clear();
        self.permissions.ask_again();
        self.channels.ask_again();
        if let Some(allocation) = &mut self.allocation {
            allocation.refresh_at = None;
        }
        self.state = State::Moving;
        self.intents.push_back(Request::new(Purpose::Migrate));
        Ok(())
    }

    /// Keeps the ticket of an answer; each move needs a new one (RFC 8016 §3.2.2).
    pub(super) fn keep_ticket(&mut self, response: &Message<'_>) {
        let ticket = response.mobility_ticket();
        let usable = ticket.filter(|it| !it.is_empty() && it.len() <= MAX_TICKET_BYTES);
        if let (Some(ticket), true) = (usable, self.config.mobility) {
            self.ticket = Some(ticket.into());
        }
    }
}
