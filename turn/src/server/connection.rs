//! Connections between clients and peers over TCP (RFC 6062).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Ecn, Path, Transport};
use rand::RngExt;
use stun::{Class, ErrorCode, Message, MessageBuilder, Method, TransactionId};

use super::allocation::later;
use super::answer::Reply;
use super::auth::Session;
use super::data::{Direction, of};
use super::relay::RelayState;
use super::slab::Key;
use super::timer::Timer;
use super::{ConnectionId, Destination, Event, RelayId, RelayTransport, Server, Transmit};

/// A connection to a peer.
#[derive(Debug)]
pub(super) struct Connection {
    allocation: Key,
    peer: SocketAddr,
    state: State,
    /// When it has waited long enough.
    until: Instant,
}

#[derive(Debug)]
enum State {
    /// It is being made; the answer waits.
    Dialing(Box<Reply>),
    /// It stands, and waits for the client's stream.
    Waiting,
    /// It carries bytes from and to this stream.
    Joined(Path),
}

/// How long it may take to make a connection, and then to want it (RFC 6062 §5.2, §5.3).
const PATIENCE: Duration = Duration::from_secs(30);

impl Server {
    pub(super) fn on_connect(&mut self, now: Instant, request: &Message<'_>, session: &Session) {
        let Some(key) = self.owned(session, Some(RelayTransport::Tcp)) else {
            return;
        };
        let reply = &session.reply;
        let Ok(Some(peer)) = request.xor_peer_address() else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        if self.is_listener(peer) {
            return self.refuse(reply, ErrorCode::FORBIDDEN);
        }
        if let Err(code) = self.may_reach(key, peer) {
            return self.refuse(reply, code);
        }
        let family = stun::AddressFamily::of(&peer);
        let relay = self.allocations.get(key).and_then(|it| it.relay(family));
        let Some(relay) = relay else { return };
        if self.connections_of(key).any(|it| it.peer == peer) {
            return self.refuse(reply, ErrorCode::CONNECTION_ALREADY_EXISTS);
        }
        let state = State::Dialing(Box::new(reply.clone()));
        let Some(connection) = self.connection(now, key, peer, state) else {
            return self.refuse(reply, ErrorCode::INSUFFICIENT_CAPACITY);
        };
        self.events.push_back(Event::ConnectPeer {
            connection,
            relay: RelayId(relay),
            peer,
        });
    }

    /// A connection to a peer stands, or could not be made.
    pub fn on_peer_connected(&mut self, now: Instant, id: ConnectionId, succeeded: bool) {
        let Some(connection) = self.connections.get_mut(&id) else {
            self.stats.drops.stale += 1;
            return;
        };
        if !matches!(connection.state, State::Dialing(_)) {
            return;
        }
        let state = std::mem::replace(&mut connection.state, State::Waiting);
        connection.until = later(now, PATIENCE);
        let State::Dialing(reply) = state else { return };
        if !succeeded {
            self.forget_connection(id);
            return self.refuse(&reply, ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE);
        }
        self.timers
            .insert((later(now, PATIENCE), Timer::Connection(id)));
        self.answer(&reply, Class::Success, |builder| {
            builder.connection_id(id.get());
        });
    }

    /// A peer connected to a relay. `None` when it may not: close the connection.
    pub fn on_peer_accepted(
        &mut self,
        now: Instant,
        relay: RelayId,
        peer: SocketAddr,
    ) -> Option<ConnectionId> {
        let relay = self.relays.get(relay.0)?;
        let RelayState::Owned(key) = relay.state else {
            return None;
        };
        let allocation = self.allocations.get(key)?;
        if !allocation.permits(now, peer.ip()) || self.is_listener(peer) {
            self.stats.drops.no_permission += 1;
            return None;
        }
        let transmit = Transmit {
            destination: Destination::Client(allocation.path),
            ecn: Ecn::NotEct,
        };
        let id = self.connection(now, key, peer, State::Waiting)?;
        let transaction = TransactionId::new(self.rng.random());
        let pushed = self.outbox.push(transmit, |buf| {
            let (class, method) = (Class::Indication, Method::CONNECTION_ATTEMPT);
            let mut builder = MessageBuilder::new(buf, class, method, transaction);
            builder.xor_peer_address(peer).connection_id(id.get());
            let _ = builder.finish();
        });
        self.stats.drops.overflow += u64::from(!pushed);
        Some(id)
    }

    /// The client wants a connection on the stream that the request came on.
    pub(super) fn on_connection_bind(
        &mut self,
        now: Instant,
        request: &Message<'_>,
        session: &Session,
    ) {
        let (reply, path) = (&session.reply, session.reply.path);
        let id = request.connection_id().ok().flatten().map(ConnectionId);
        let is_fresh = !self.by_path.contains_key(&path);
        let (Some(id), Transport::Stream(stream), true) = (id, path.transport, is_fresh) else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        let Some(connection) = self.connections.get(&id) else {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        };
        let owner = self.allocations.get(connection.allocation);
        let user = owner.and_then(|it| self.users.get(it.user));
        if user.is_none_or(|user| user.name != session.identity) {
            return self.refuse(reply, ErrorCode::WRONG_CREDENTIALS);
        }
        if !matches!(connection.state, State::Waiting) {
            return self.refuse(reply, ErrorCode::BAD_REQUEST);
        }
        let Some(stream) = self.streams.get_mut(&stream) else {
            return;
        };
        stream.joined = Some(id);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.state = State::Joined(path);
        }
        // The deadline finds it joined.
        let _ = now;
        self.answer(reply, Class::Success, |builder| {
            builder.connection_id(id.get());
        });
        self.events.push_back(Event::Join {
            connection: id,
            path,
        });
    }

    /// Bytes passed through a joined connection: how long to wait until more is read from where they came.
    pub fn on_joined_data(
        &mut self,
        now: Instant,
        id: ConnectionId,
        to_peer: bool,
        bytes: usize,
    ) -> Duration {
        let Some(connection) = self.connections.get(&id) else {
            return Duration::ZERO;
        };
        let direction = if to_peer {
            self.stats.bytes_to_peers += bytes as u64;
            Direction::ToPeer
        } else {
            self.stats.bytes_to_clients += bytes as u64;
            Direction::ToClient
        };
        let limits = &self.config.limits;
        let Some(allocation) = self.allocations.get_mut(connection.allocation) else {
            return Duration::ZERO;
        };
        let amount = bytes as u64;
        let own = limits
            .allocation_rate
            .map(|rate| of(&mut allocation.buckets, direction).charge(now, rate, amount));
        let user = self.users.get(allocation.user).map(|it| &it.bandwidth);
        let shared = [
            (limits.user_rate, user),
            (limits.total_rate, Some(&self.total)),
        ];
        let waits = shared
            .into_iter()
            .filter_map(|(rate, bandwidth)| Some(bandwidth?.charge(now, direction, rate?, amount)));
        waits.chain(own).max().unwrap_or_default()
    }

    /// A connection to a peer has ended.
    pub fn on_connection_closed(&mut self, _now: Instant, id: ConnectionId) {
        if let Some(State::Joined(path)) = self.forget_connection(id)
            && let Transport::Stream(stream) = path.transport
            && self.streams.contains_key(&stream)
        {
            self.events.push_back(Event::CloseStream { path });
        }
    }

    pub(super) fn on_connection_timeout(&mut self, now: Instant, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id).filter(|it| it.until <= now) else {
            return;
        };
        let reply = match &connection.state {
            State::Joined(_) => return,
            State::Waiting => None,
            State::Dialing(reply) => Some(reply.clone()),
        };
        self.forget_connection(id);
        self.events
            .push_back(Event::CloseConnection { connection: id });
        if let Some(reply) = reply {
            self.refuse(&reply, ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE);
        }
    }

    /// Ends a connection with its allocation.
    pub(super) fn close_connection(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        self.events
            .push_back(Event::CloseConnection { connection: id });
        if let State::Joined(path) = connection.state {
            self.events.push_back(Event::CloseStream { path });
        }
    }

    fn connections_of(&self, key: Key) -> impl Iterator<Item = &Connection> {
        let ids = self.allocations.get(key).map(|it| &it.rare.connections);
        ids.into_iter()
            .flatten()
            .filter_map(|id| self.connections.get(id))
    }

    fn connection(
        &mut self,
        now: Instant,
        allocation: Key,
        peer: SocketAddr,
        state: State,
    ) -> Option<ConnectionId> {
        let most = self.config.limits.connections;
        let mut number: u32 = self.rng.random();
        while self.connections.contains_key(&self.connection_id(number)) {
            number = self.rng.random();
        }
        let id = self.connection_id(number);
        let owner = self.allocations.get_mut(allocation)?;
        if owner.rare.connections.len() >= most {
            return None;
        }
        owner.rare.connections.push(id);
        let connection = Connection {
            allocation,
            peer,
            state,
            until: later(now, PATIENCE),
        };
        self.connections.insert(id, connection);
        self.timers
            .insert((later(now, PATIENCE), Timer::Connection(id)));
        Some(id)
    }

    const fn connection_id(&self, number: u32) -> ConnectionId {
        ConnectionId((self.config.shard as u32) << 24 | number & 0x00ff_ffff)
    }

    fn forget_connection(&mut self, id: ConnectionId) -> Option<State> {
        let connection = self.connections.remove(&id)?;
        if let Some(allocation) = self.allocations.get_mut(connection.allocation) {
            allocation.rare.connections.retain(|it| *it != id);
        }
        Some(connection.state)
    }
}
