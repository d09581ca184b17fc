//! What a shard is made from, and what is asked of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use peer::PeerConnection;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::challenges::Challenges;
use super::mailbox::Mailbox;
use super::names::Responder;
use super::slab::Key;
use super::socket::Socket;

/// A piece of work for a shard, done between two datagrams.
pub(crate) type Call = Box<dyn FnOnce(&mut PeerConnection, Instant) + Send>;

/// What a handle asks of its shard.
pub(crate) enum Command {
    /// Take a connection in and answer with its key.
    Add(Make),
    /// Run something on a connection.
    Call(Key, Call),
    /// Its mailbox holds something.
    Wake(Key),
    /// It ends, once what was written is with it: somebody asked for it, or its last handle is gone.
    Close(Key),
}

/// Builds a connection on the shard, with the addresses that its candidates are made of.
pub(crate) type Make =
    Box<dyn FnOnce(&Addresses, Instant) -> Option<(PeerConnection, Arc<Mailbox>, KeyReply)> + Send>;

/// What the candidates of an endpoint are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// Where the UDP sockets are reached.
    pub(crate) udp: Vec<SocketAddr>,
    /// Where TCP connections are accepted.
    pub(crate) tcp: Vec<SocketAddr>,
    /// Whether TCP connections may be opened.
    pub(crate) dials: bool,
    /// The names that UDP addresses are shown under, when they are hidden.
    pub(crate) names: Vec<(IpAddr, String)>,
}

impl Addresses {
    /// Gives them to a connection. A host with more addresses than an agent takes offers the first ones.
    pub(crate) fn offer_to(&self, peer: &mut PeerConnection, now: Instant) {
        for address in &self.udp {
            self.offer(peer, now, *address);
        }
        for address in &self.tcp {
            let _ = peer.add_local_tcp_address(now, *address);
        }
        if self.dials {
            for address in &self.udp {
                let _ = peer.add_local_tcp_dialer(now, address.ip());
            }
        }
    }

    fn offer(&self, peer: &mut PeerConnection, now: Instant, address: SocketAddr) {
        let hidden = self.names.iter().find(|(ip, _)| *ip == address.ip());
        let _ = match hidden {
            Some((_, name)) => peer.add_local_address_as(now, address, name),
            None => peer.add_local_address(now, address),
        };
    }
}

/// What an endpoint counts, for all to read.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_refused: AtomicU64,
    pub(crate) stream_datagrams_dropped: AtomicU64,
    pub(crate) streams_refused: AtomicU64,
    pub(crate) checks_held: AtomicU64,
}

/// What a shard is made from.
pub(crate) struct Setup {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) listeners: Vec<Arc<TcpListener>>,
    pub(crate) addresses: Addresses,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) seed: [u8; 32],
    pub(crate) counters: Arc<Counters>,
    pub(crate) checks_per_second: u32,
    pub(crate) watch_interfaces: Option<Duration>,
    pub(crate) trust: crate::ServerTrust,
    pub(crate) challenges: Arc<Challenges>,
    /// Kept as long as the names are answered for.
    pub(crate) responder: Option<Responder>,
}

/// Gives the one who asked a handle of the new connection; false when nobody waits for it any more.
pub(crate) type KeyReply = Box<dyn FnOnce(Key) -> bool + Send>;
