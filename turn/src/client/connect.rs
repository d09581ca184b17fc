//! Connections through a TCP allocation (RFC 6062): the control connection arranges them, each then has one of its own.

use std::net::SocketAddr;

use net::{Path, Transport};
use rand::RngExt;
use stun::{ErrorCode, Message, TransactionId};

use super::request::{Purpose, Request};
use super::{Client, State};
use crate::data_connection::MAX_RETRIES;
use crate::{
    Allocation, ConnectError, ConnectionId, DataConnection, Event, Initiator, OpenError, Refusal,
};

/// The most connections that are being asked for.
const MAX_CONNECTS: usize = 8;

impl Client {
    /// Asks the server to open a TCP connection to a peer (RFC 6062 §4.3). [`Event::ConnectionReady`] follows, or
    /// [`Event::ConnectRefused`]. Only for [`Allocation::Tcp`]; connections of peers come by themselves, where there is a
    /// permission.
    pub fn connect(&mut self, peer: SocketAddr) -> Result<(), ConnectError> {
        if self.config.allocation != Allocation::Tcp {
            return Err(ConnectError::Datagrams);
        }
        if self.state != State::Allocated {
            return Err(ConnectError::NotAllocated);
        }
        if !self.reaches(peer.ip()) {
            return Err(ConnectError::Family);
        }
        let of_peer =
            |request: &Request| matches!(request.purpose, Purpose::Connect(to) if to == peer);
        if self.connecting.contains(&peer) || self.intents.iter().any(of_peer) {
            return Err(ConnectError::AlreadyAsked);
        }
        if self.connecting.len() >= MAX_CONNECTS {
            return Err(ConnectError::Full);
        }
        self.connecting.push(peer);
        self.intents.push_back(Request::new(Purpose::Connect(peer)));
        Ok(())
    }

    /// Takes up a connection that [`Event::ConnectionReady`] told of, on a new TCP or TLS connection to the same server.
    /// The server waits 30 s for it (RFC 6062 §5.2, §5.3).
    pub fn open(&mut self, id: ConnectionId, path: Path) -> Result<DataConnection, OpenError> {
        if self.state != State::Allocated {
            return Err(OpenError::NotAllocated);
        }
        if path.transport == Transport::Udp {
            return Err(OpenError::Datagrams);
        }
        let credentials = self.config.credentials.clone();
        let mut fresh = || TransactionId::new(self.rng.random());
        let ids = (0..=MAX_RETRIES).map(|_| fresh()).collect();
        let auth = (credentials, self.auth.clone());
        Ok(DataConnection::new(id, path, ids, auth))
    }

    pub(super) fn on_connected(&mut self, peer: SocketAddr, response: &Message<'_>) {
        self.connecting.retain(|asked| *asked != peer);
        match response.connection_id() {
            Ok(Some(id)) => self.push(Event::ConnectionReady {
                peer,
                id: ConnectionId(id),
                initiator: Initiator::Local,
            }),
            // The server has it, and gives no means to use it.
            Ok(None) | Err(_) => self.push(Event::ConnectRefused(peer, Refusal::TimedOut)),
        }
    }

    pub(super) fn on_connect_refused(&mut self, peer: SocketAddr, code: Option<ErrorCode>) {
        self.connecting.retain(|asked| *asked != peer);
        let refusal = code.map_or(Refusal::TimedOut, Refusal::Code);
        self.push(Event::ConnectRefused(peer, refusal));
    }

    /// A peer has connected to the relayed address (RFC 6062 §4.4).
    pub(super) fn on_connection_attempt(&mut self, message: &Message<'_>) {
        let peer = message.xor_peer_address().ok().flatten();
        let id = message.connection_id().ok().flatten();
        let (Some(peer), Some(id)) = (peer, id) else {
            self.stats.drops.malformed += 1;
            return;
        };
        let is_welcome = self.state == State::Allocated
            && self.config.allocation == Allocation::Tcp
            && self.permissions.admits(peer.ip());
        if !is_welcome {
            self.stats.drops.no_permission += 1;
            return;
        }
        self.push(Event::ConnectionReady {
            peer,
            id: ConnectionId(id),
            initiator: Initiator::Remote,
        });
    }
}
