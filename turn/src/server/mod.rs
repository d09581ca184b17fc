//! The server of TURN and STUN: see [`Server`].

mod allocate;
mod allocation;
mod answer;
mod auth;
mod bandwidth;
mod binding;
mod bucket;
mod config;
mod connection;
mod credentials;
mod data;
mod event;
mod mobility;
mod network;
mod nonce;
mod outbox;
mod peers;
mod policy;
mod ports;
mod quota;
mod refresh;
mod relay;
mod request;
mod slab;
mod stats;
mod strangers;
mod stream;
mod timer;

pub use bandwidth::Bandwidth;
pub use bucket::Rate;
pub use config::{Clock, Config, ConfigError, Discovery, Limits, RelayAddress};
pub use credentials::{Credentials, SecretHash, SharedSecret};
pub use event::{
    ConnectionId, Destination, Event, IcmpError, OpenError, RelayId, RelayTransport, Relayed,
    Transmit,
};
pub use network::{Network, NetworkError};
pub use policy::PeerPolicy;
pub use quota::Quota;
pub use request::shard_of;
pub use stats::{Answers, Drops, Stats};

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use net::{Datagram, Path, StreamId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use allocation::Allocation;
use connection::Connection;
use credentials::Keyring;
use nonce::Nonces;
use outbox::Outbox;
use policy::forms;
use ports::Ports;
use relay::Relay;
use slab::{Key, Slab};
use strangers::{Keyed, Strangers};
use stream::Stream;
use timer::Timer;

/// A TURN and STUN server (RFC 8656, RFC 8489): it relays between clients that proved who they are and peers on the
/// public internet, and tells anybody his address.
///
/// **In**: [`handle_datagram_with`](Self::handle_datagram_with) for what clients send to a listener, datagrams and pieces of
/// streams alike; [`handle_relayed_with`](Self::handle_relayed_with) for what peers send to a relay. Both pass data on where it
/// stands, without a copy or an allocation: the closure gets it. [`handle_datagram`](Self::handle_datagram) and
/// [`handle_relayed`](Self::handle_relayed) queue it instead.
///
/// **Out**: [`poll_transmit`](Self::poll_transmit) for answers and what was queued, [`poll_event`](Self::poll_event) for what
/// the driver must do: open and close relays, connect them.
///
/// **Facts**: [`on_relay_opened`](Self::on_relay_opened), [`on_stream_opened`](Self::on_stream_opened),
/// [`on_stream_closed`](Self::on_stream_closed), [`on_icmp`](Self::on_icmp), and those of TCP relays.
///
/// One server holds one listening address, or one share of it: a client's datagrams must all come to the same server, and
/// servers that share an address share [`Config::nonce_secret`] and no ports.
#[derive(Debug)]
pub struct Server {
    config: Config,
    rng: StdRng,
    keyed: Keyed,
    keyring: Keyring,
    nonces: Nonces,
    strangers: Strangers,
    /// One for each relay address.
    ports: Vec<Ports>,
    allocations: Slab<Allocation>,
    by_path: HashMap<Path, Key, Keyed>,
    relays: Slab<Relay>,
    by_relayed: HashMap<SocketAddr, Key, Keyed>,
    users: Slab<User>,
    by_name: HashMap<String, Key, Keyed>,
    sources: HashMap<u64, usize, Keyed>,
    reservations: BTreeMap<[u8; 8], Key>,
    tickets: HashMap<[u8; allocation::TICKET_LENGTH], Key, Keyed>,
    streams: HashMap<StreamId, Stream, Keyed>,
    connections: HashMap<ConnectionId, Connection, Keyed>,
    timers: BTreeSet<(Instant, Timer)>,
    total: Bandwidth,
    outbox: Outbox,
    events: VecDeque<Event>,
    drain: Option<Drain>,
    quota: Option<Box<dyn Quota>>,
    /// Where headers are written.
    scratch: Vec<u8>,
    stats: Stats,
}

/// Who has allocations.
#[derive(Debug)]
struct User {
    name: String,
    allocations: usize,
    bandwidth: Bandwidth,
}

/// No more allocations are made.
#[derive(Clone, Copy, Debug)]
struct Drain {
    /// Where to go instead.
    alternate: Option<SocketAddr>,
}

/// Events that wait; beyond, no allocations are made, so that those that must not be lost are as many as what stands.
const MAX_EVENTS: usize = 4_096;

impl Server {
    /// A server without clients.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = StdRng::from_seed(config.seed);
        let keyed = Keyed {
            secret: rng.random(),
        };
        let drawn = rng.random();
        let secret = config.nonce_secret.unwrap_or(drawn);
        let limits = &config.limits;
        let ports = |relay: &RelayAddress| Ports::new(relay.ports.clone(), limits.port_rest);
        Ok(Self {
            rng,
            keyed,
            keyring: Keyring::new(config.credentials.clone(), &config.realm),
            nonces: Nonces::new(secret, config.nonce_lifetime, config.sha256),
            strangers: Strangers::new(limits.strangers, limits.stranger_bytes),
            ports: config.relays.iter().map(ports).collect(),
            allocations: Slab::new(),
            by_path: HashMap::with_hasher(keyed),
            relays: Slab::new(),
            by_relayed: HashMap::with_hasher(keyed),
            users: Slab::new(),
            by_name: HashMap::with_hasher(keyed),
            sources: HashMap::with_hasher(keyed),
            reservations: BTreeMap::new(),
            tickets: HashMap::with_hasher(keyed),
            streams: HashMap::with_hasher(keyed),
            connections: HashMap::with_hasher(keyed),
            timers: BTreeSet::new(),
            total: Bandwidth::new(config.clock.at),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            drain: None,
            quota: None,
            scratch: Vec::with_capacity(64),
            stats: Stats::default(),
            config,
        })
    }

    /// Lets somebody else count the allocations of users and sources, in place of
    /// [`Limits::allocations_per_user`] and [`Limits::allocations_per_source`], and perhaps the bytes of users and of all. To be
    /// called before there are any.
    #[must_use]
    pub fn with_quota(mut self, mut quota: Box<dyn Quota>) -> Self {
        if let Some(total) = quota.bandwidth(None) {
            self.total = total;
        }
        self.quota = Some(quota);
        self
    }

    /// A datagram or a piece of a stream from a client; data for peers is queued for
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let mut outbox = std::mem::take(&mut self.outbox);
        let mut overflow = 0;
        // What is answered meanwhile goes behind what is passed on.
        self.handle_datagram_with(now, datagram, |relayed| {
            let pushed = outbox.push(relayed.transmit(), |buf| relayed.append(buf));
            overflow += u64::from(!pushed && relayed.length() > 0);
        });
        self.rejoin(outbox, overflow);
    }

    /// A datagram from a peer to a relay; what it becomes is queued for [`poll_transmit`](Self::poll_transmit).
    pub fn handle_relayed(&mut self, now: Instant, relay: RelayId, peer: SocketAddr, bytes: &[u8]) {
        let mut outbox = std::mem::take(&mut self.outbox);
        let mut overflow = 0;
        let datagram = (peer, net::Ecn::NotEct);
        self.handle_relayed_with(now, relay, datagram, bytes, |relayed| {
            let pushed = outbox.push(relayed.transmit(), |buf| relayed.append(buf));
            overflow += u64::from(!pushed);
        });
        self.rejoin(outbox, overflow);
    }

    fn rejoin(&mut self, mut outbox: Outbox, overflow: u64) {
        self.stats.drops.overflow += overflow;
        let mut answers = std::mem::take(&mut self.outbox);
        let mut message = Vec::new();
        while let Some(transmit) = answers.pop(&mut message) {
            let kept = outbox.push(transmit, |buf| buf.extend_from_slice(&message));
            self.stats.drops.overflow += u64::from(!kept);
            message.clear();
        }
        self.outbox = outbox;
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Appends the next message and says where it goes.
    pub fn poll_transmit(&mut self, _now: Instant, buf: &mut Vec<u8>) -> Option<Transmit> {
        self.outbox.pop(buf)
    }

    /// The next thing for the driver to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Makes no more allocations: whoever asks is sent to `alternate` (300), or told that there is no room (508). What
    /// stands is kept; the server is empty when [`Stats::allocations`] is zero.
    pub const fn drain(&mut self, alternate: Option<SocketAddr>) {
        self.drain = Some(Drain { alternate });
    }

    /// Takes other users and secrets. Allocations stay; to refresh one, its user must still be there.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.keyring = Keyring::new(credentials, &self.config.realm);
    }

    /// Takes other lists. Permissions and channels that would not be given any more are taken back at once.
    pub fn set_peer_policy(&mut self, policy: PeerPolicy) {
        self.config.peers = policy;
        let denied: Vec<Key> = self.by_path.values().copied().collect();
        for key in denied {
            let config = &self.config;
            if let Some(allocation) = self.allocations.get_mut(key) {
                allocation.revoke(|ip| verdict(config, ip) == Verdict::Denied);
            }
        }
    }

    /// Makes nonces with another secret; those of the last one stay good as long as they live.
    pub fn set_nonce_secret(&mut self, secret: [u8; 32]) {
        self.nonces.replace_secret(secret);
    }

    /// Whether a client has an allocation, or one that is being made.
    pub fn has_allocation(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        Stats {
            allocations: self.by_path.len() as u64,
            streams: self.streams.len() as u64,
            ..self.stats
        }
    }

    /// What the lists say about a peer.
    fn verdict(&self, peer: IpAddr) -> Verdict {
        verdict(&self.config, peer)
    }

    /// Whether this is where the server itself listens: nothing is relayed there, nor from there.
    fn is_listener(&self, peer: SocketAddr) -> bool {
        self.config.listeners.contains(&peer)
    }

    fn is_relay_address(&self, ip: IpAddr) -> bool {
        self.config.relays.iter().any(|relay| relay.public == ip)
    }
}

/// Who may be a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    /// Only as the relayed address of an allocation.
    Hairpin,
    Denied,
}

fn verdict(config: &Config, peer: IpAddr) -> Verdict {
    match config.peers.listed(peer) {
        Some(true) => return Verdict::Allowed,
        Some(false) => return Verdict::Denied,
        None => {}
    }
    let is_own = |ip: IpAddr| {
        let is_bound = config.relays.iter().any(|relay| relay.bind == ip);
        let is_listening = config.listeners.iter().any(|listener| listener.ip() == ip);
        is_bound || is_listening || config.own_addresses.contains(&ip)
    };
    if PeerPolicy::is_special(peer) {
        Verdict::Denied
    } else if config.relays.iter().any(|relay| relay.public == peer) {
        Verdict::Hairpin
    } else if forms(peer).into_iter().flatten().any(is_own) {
        Verdict::Denied
    } else {
        Verdict::Allowed
    }
}
