//! CreatePermission and ChannelBind (RFC 8656 §10.2, §12.2).

use std::net::SocketAddr;
use std::time::Instant;

use stun::{ErrorCode, Message};

use super::auth::Session;
use super::slab::Key;
use super::{RelayTransport, Server, Verdict};
use crate::ChannelNumber;

impl Server {
    /// All or nothing.
    pub(super) fn on_create_permission(
        &mut self,
        now: Instant,
        request: &Message<'_>,
        session: &Session,
    ) {
        let Some(key) = self.owned(session, None) else {
            return;
        };
        let reply = &session.reply;
        let peers: Result<Vec<SocketAddr>, _> = request.xor_peer_addresses().collect();
        let peers = match peers {
            Ok(peers) if !peers.is_empty() => peers,
            _ => return self.refuse(reply, ErrorCode::BAD_REQUEST),
        };
        for peer in &peers {
            if let Err(code) = self.may_reach(key, *peer) {
                return self.refuse(reply, code);
            }
        }
        let most = self.config.limits.permissions;
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        if allocation.permissions_with(&peers) > most {
            allocation.forget_expired(now);
        }
        if allocation.permissions_with(&peers) > most {
            return self.refuse(reply, ErrorCode::INSUFFICIENT_CAPACITY);
        }
        for peer in &peers {
            allocation.permit(now, peer.ip());
        }
        self.arm(key);
        self.succeed(reply);
    }

    pub(super) fn on_channel_bind(
        &mut self,
        now: Instant,
        request: &Message<'_>,
        session: &Session,
    ) {
        // RFC 6062 §5: channels are for datagrams.
        let Some(key) = self.owned(session, Some(RelayTransport::Udp)) else {
            return;
        };
        let reply = &session.reply;
        let number = request.channel_number().ok().flatten();
        let number = number.and_then(ChannelNumber::new);
        let peer = request.xor_peer_address().ok().flatten();
        let (Some(number), Some(peer)) = (number, peer) else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        if let Err(code) = self.may_reach(key, peer) {
            return self.refuse(reply, code);
        }
        if self.is_listener(peer) {
            return self.refuse(reply, ErrorCode::FORBIDDEN);
        }
        let limits = &self.config.limits;
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        let is_bound = allocation.channel_to(now, peer).is_some();
        if !is_bound {
            allocation.forget_expired(now);
        }
        let is_full = allocation.channels() >= limits.channels && !is_bound;
        if is_full || allocation.permissions_with(&[peer]) > limits.permissions {
            return self.refuse(reply, ErrorCode::INSUFFICIENT_CAPACITY);
        }
        if !allocation.bind(now, number.get(), peer) {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        }
        allocation.permit(now, peer.ip());
        self.arm(key);
        self.succeed(reply);
    }

    /// Whether an allocation may have that peer.
    pub(super) fn may_reach(&self, key: Key, peer: SocketAddr) -> Result<(), ErrorCode> {
        // What is denied is denied whatever the family of the relay: the answer must not depend on what it is dressed as.
        if self.verdict(peer.ip()) == Verdict::Denied {
            return Err(ErrorCode::FORBIDDEN);
        }
        let serves = self.allocations.get(key).is_some_and(|it| it.serves(peer));
        serves
            .then_some(())
            .ok_or(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH)
    }
}
