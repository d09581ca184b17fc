//! Allocations that go along when a client gets another address (RFC 8016).
//!
//! A ticket is chance, kept beside the allocation that it is for: there is nothing in it to seal, it is bound to user and relay
//! by where it is kept, and it opens once.

use std::time::{Duration, Instant};

use net::Transport;
use stun::{Class, ErrorCode};

use super::Server;
use super::allocation::TICKET_LENGTH;
use super::auth::Session;

impl Server {
    pub(super) fn move_here(
        &mut self,
        now: Instant,
        (ticket, asked): (&[u8], Option<Duration>),
        session: &Session,
    ) {
        let reply = &session.reply;
        if !self.config.mobility {
            return self.refuse(reply, ErrorCode::MOBILITY_FORBIDDEN);
        }
        let Ok(ticket) = <[u8; TICKET_LENGTH]>::try_from(ticket) else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        let key = self.tickets.get(&ticket).copied();
        let Some((key, allocation)) = key.and_then(|key| Some((key, self.allocations.get(key)?)))
        else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        let user = self.users.get(allocation.user);
        if user.is_none_or(|user| user.name != session.identity) {
            return self.refuse(reply, ErrorCode::WRONG_CREDENTIALS);
        }
        if allocation.rare.opening.is_some() || allocation.expires_at <= now {
            return self.refuse(reply, ErrorCode::ALLOCATION_MISMATCH);
        }
        if asked == Some(Duration::ZERO) {
            self.stats.released += 1;
            self.delete(now, key);
            return self.answer(reply, Class::Success, |builder| {
                builder.lifetime(Duration::ZERO);
            });
        }
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        let former = std::mem::replace(&mut allocation.path, reply.path);
        self.by_path.remove(&former);
        self.by_path.insert(reply.path, key);
        if let Transport::Stream(id) = former.transport {
            self.give_time(now, id);
        }
        self.issue_ticket(key);
        self.extend(now, key, asked, session);
    }
}
