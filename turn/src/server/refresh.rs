//! Refresh (RFC 8656 §8.2).

use std::time::{Duration, Instant};

use stun::{Class, ErrorCode, Message};

use super::Server;
use super::allocation::{Allocation, later};
use super::auth::Session;

impl Server {
    pub(super) fn on_refresh(&mut self, now: Instant, request: &Message<'_>, session: &Session) {
        let reply = &session.reply;
        let Ok(asked) = request.lifetime() else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        if let Some(ticket) = request.mobility_ticket()
            && !self.by_path.contains_key(&reply.path)
        {
            let ticket = ticket.to_vec();
            return self.move_here(now, (&ticket, asked), session);
        }
        let Some(key) = self.owned(session, None) else {
            return;
        };
        let Ok(family) = request.requested_address_family() else {
            return self.refuse(reply, ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH);
        };
        let Some(allocation) = self.allocations.get(key) else {
            return;
        };
        // RFC 8656 §8.2: the family must be one that the allocation has.
        if family.is_some_and(|family| allocation.relay(family).is_none()) {
            return self.refuse(reply, ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        if asked == Some(Duration::ZERO) {
            let others = family.is_some() && allocation.relays.iter().flatten().count() > 1;
            let relay = family.and_then(|family| allocation.relay(family));
            match (family, relay) {
                (Some(family), Some(relay)) if others => {
                    self.close_relay(now, relay);
                    if let Some(allocation) = self.allocations.get_mut(key)
                        && let Some(slot) = allocation.relays.get_mut(Allocation::slot(family))
                    {
                        *slot = None;
                    }
                }
                _ => {
                    self.stats.released += 1;
                    self.delete(now, key);
                }
            }
            return self.answer(reply, Class::Success, |builder| {
                builder.lifetime(Duration::ZERO);
            });
        }
        self.extend(now, key, asked, session);
    }

    /// Makes an allocation live longer, and says how long.
    pub(super) fn extend(
        &mut self,
        now: Instant,
        key: super::slab::Key,
        asked: Option<Duration>,
        session: &Session,
    ) {
        let granted = self.grant(asked);
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        allocation.expires_at = later(now, granted);
        let ticket = allocation.rare.ticket;
        self.arm(key);
        self.answer(&session.reply, Class::Success, |builder| {
            builder.lifetime(granted);
            if let Some(ticket) = ticket {
                builder.mobility_ticket(&ticket);
            }
        });
    }
}
