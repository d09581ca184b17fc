use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use stun::AddressFamily;
use thiserror::Error;

use super::{Credentials, PeerPolicy, Rate};

/// How a server behaves. [`Config::new`] has the defaults; nothing in it opens what is not public.
#[derive(Clone)]
pub struct Config {
    /// Where all randomness of the server comes from: 32 bytes of a cryptographic source, never used twice.
    pub seed: [u8; 32],
    /// What makes nonces. Servers that share a listening address (the shards of one process) need the same; default: drawn from the
    /// seed.
    pub nonce_secret: Option<[u8; 32]>,
    /// One instant and the Unix time at it: nonces and time-limited credentials are about the time of day.
    pub clock: Clock,
    /// The realm of the credentials, 1 to 127 characters. It stands in every challenge, so a short one is a kindness.
    pub realm: String,
    /// Who may use the server. Without any, it answers Binding requests and nothing else.
    pub credentials: Credentials,
    /// From where it relays, one or more; the first of a family is for those who ask for that family. May be empty
    /// for a STUN server.
    pub relays: Vec<RelayAddress>,
    /// Every other address of the host: the listeners', those of its interfaces. They are never peers unless
    /// [`PeerPolicy::allow`] says so.
    pub own_addresses: Vec<IpAddr>,
    /// Where the server listens: never a peer, whatever the lists say, since that is how packets go in circles.
    pub listeners: Vec<SocketAddr>,
    /// The two addresses and ports that answers about NATs need (RFC 5780). Default: none.
    pub discovery: Option<Discovery>,
    /// Who may be a peer. Default: the public internet.
    pub peers: PeerPolicy,
    /// How much of everything.
    pub limits: Limits,
    /// How long a nonce is good, up to an hour (RFC 8656 §5). Default: an hour.
    pub nonce_lifetime: Duration,
    /// Offers SHA-256 beside SHA-1 and MD5 (RFC 8489 §9.2.1). It costs 25 bytes in each challenge. Default: yes.
    pub sha256: bool,
    /// Whether the driver can send without fragmentation: else DONT-FRAGMENT is refused with 420 (RFC 8656 §14).
    /// Default: no.
    pub dont_fragment: bool,
    /// Whether the driver does TCP relays (RFC 6062). Default: no.
    pub tcp_relays: bool,
    /// Whether clients may take allocations along to another address (RFC 8016). Default: yes.
    pub mobility: bool,
    /// Which of the servers behind one address this is: it stands in what clients bring back on other connections (reservation
    /// tokens, connection ids, mobility tickets), for [`shard_of`](super::shard_of). Default: 0.
    pub shard: u8,
}

impl Config {
    /// The defaults for a realm, with nobody allowed in and nothing to relay from.
    pub fn new(seed: [u8; 32], clock: Clock, realm: impl Into<String>) -> Self {
        Self {
            seed,
            nonce_secret: None,
            clock,
            realm: realm.into(),
            credentials: Credentials::default(),
            relays: Vec::new(),
            own_addresses: Vec::new(),
            listeners: Vec::new(),
            discovery: None,
            peers: PeerPolicy::default(),
            limits: Limits::default(),
            nonce_lifetime: Duration::from_secs(3_600),
            sha256: true,
            dont_fragment: false,
            tcp_relays: false,
            mobility: true,
            shard: 0,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let characters = self.realm.chars().count();
        if !(1..=127).contains(&characters) || self.realm.contains(['"', '\\', ':']) {
            return Err(ConfigError::Realm);
        }
        let hour = Duration::from_secs(3_600);
        if self.nonce_lifetime < Duration::from_secs(60) || self.nonce_lifetime > hour {
            return Err(ConfigError::NonceLifetime);
        }
        if self.credentials.secrets.iter().any(|it| it.is_empty()) {
            return Err(ConfigError::EmptySecret);
        }
        for relay in &self.relays {
            let same_family = relay.public.is_ipv4() == relay.bind.is_ipv4();
            if !same_family || relay.public.is_unspecified() || relay.bind.is_unspecified() {
                return Err(ConfigError::RelayAddress);
            }
            if relay.ports.is_empty() || *relay.ports.start() < 1_024 {
                return Err(ConfigError::RelayPorts);
            }
        }
        if let Some(discovery) = self.discovery {
            let [a, b] = [discovery.primary, discovery.alternate];
            if a.is_ipv4() != b.is_ipv4() || a.ip() == b.ip() || a.port() == b.port() {
                return Err(ConfigError::Discovery);
            }
        }
        self.limits.check()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("realm", &self.realm)
            .field("relays", &self.relays)
            .field("peers", &self.peers)
            .field("limits", &self.limits)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// An instant and the Unix time at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The instant.
    pub at: Instant,
    /// The time since 1970-01-01, UTC, then.
    pub unix: Duration,
}

impl Clock {
    pub(super) fn unix_at(&self, now: Instant) -> Duration {
        match now.checked_duration_since(self.at) {
            Some(since) => self.unix.saturating_add(since),
            None => self.unix.saturating_sub(self.at.duration_since(now)),
        }
    }
}

/// An address to relay from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// The address that sockets are bound to.
    pub bind: IpAddr,
    /// What the world sees of it: another one where the host stands behind a one-to-one NAT.
    pub public: IpAddr,
    /// The ports to relay from, none below 1024. Default of the RFC: 49152 to 65535 (RFC 8656 §7.2).
    pub ports: RangeInclusive<u16>,
    /// The ports of all servers that relay from this address, this one's among them: a relay of one may be the peer of a relay
    /// of another. Default: those of the RFC.
    pub shared_ports: RangeInclusive<u16>,
}

impl RelayAddress {
    /// The address with the ports of the RFC.
    pub const fn new(address: IpAddr) -> Self {
        Self {
            bind: address,
            public: address,
            ports: 49_152..=65_535,
            shared_ports: 49_152..=65_535,
        }
    }

    pub(super) fn family(&self) -> AddressFamily {
        AddressFamily::of(&SocketAddr::new(self.public, 0))
    }
}

/// The two addresses of a server for NAT behaviour discovery (RFC 5780 §3): it listens on all four combinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The one that clients are told.
    pub primary: SocketAddr,
    /// The other one: another address and another port.
    pub alternate: SocketAddr,
}

impl Discovery {
    /// The other address and port, as seen from a listener of the four.
    pub(super) fn other(&self, local: SocketAddr) -> Option<SocketAddr> {
        let [a, b] = [self.primary, self.alternate];
        let ip = match local.ip() {
            ip if ip == a.ip() => b.ip(),
            ip if ip == b.ip() => a.ip(),
            _ => return None,
        };
        let port = match local.port() {
            port if port == a.port() => b.port(),
            port if port == b.port() => a.port(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }
}

/// How much of everything there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Allocations. Default: 10,000.
    pub allocations: usize,
    /// Allocations of one user. Default: 10.
    pub allocations_per_user: usize,
    /// Allocations of one source: an IPv4 address or an IPv6 network of 64 bits. Default: 100.
    pub allocations_per_source: usize,
    /// Permissions of one allocation. Default: 50.
    pub permissions: usize,
    /// Channels of one allocation. Default: 50.
    pub channels: usize,
    /// Reserved ports. Default: 100.
    pub reservations: usize,
    /// TCP connections of one allocation to its peers. Default: 16.
    pub connections: usize,
    /// Streams (TCP, TLS) of clients. Default: 10,000.
    pub streams: usize,
    /// How long a stream may stay without an allocation. Default: 20 s.
    pub stream_idle: Duration,
    /// The longest lifetime of an allocation. Default: an hour; ten minutes at least (RFC 8656 §7.2).
    pub lifetime: Duration,
    /// How long a port rests between two allocations. Default: two minutes.
    pub port_rest: Duration,
    /// Bytes of one allocation, in each direction. Default: no limit.
    pub allocation_rate: Option<Rate>,
    /// Bytes of all allocations of one user, in each direction. Default: no limit.
    pub user_rate: Option<Rate>,
    /// Bytes of all allocations, in each direction. Default: no limit.
    pub total_rate: Option<Rate>,
    /// Answers to the unauthenticated of one network (24 bits of IPv4, 64 of IPv6). Default: 25 a second, 50 at once.
    pub strangers: Rate,
    /// Bytes of answers to all the unauthenticated, beside one and a half times the bytes of what they asked. Default: 100,000 a
    /// second.
    pub stranger_bytes: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allocations: 10_000,
            allocations_per_user: 10,
            allocations_per_source: 100,
            permissions: 50,
            channels: 50,
            reservations: 100,
            connections: 16,
            streams: 10_000,
            stream_idle: Duration::from_secs(20),
            lifetime: Duration::from_secs(3_600),
            port_rest: Duration::from_secs(120),
            allocation_rate: None,
            user_rate: None,
            total_rate: None,
            strangers: Rate {
                per_second: 25,
                burst: 50,
            },
            stranger_bytes: Rate::per_second(100_000),
        }
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        if self.lifetime < minutes(10) || self.lifetime > minutes(60) {
            return Err(ConfigError::Lifetime);
        }
        let idle = self.stream_idle;
        if idle < Duration::from_secs(1) || idle > minutes(10) {
            return Err(ConfigError::StreamIdle);
        }
        if self.permissions > 1_000 || self.channels > 1_000 || self.connections > 1_000 {
            return Err(ConfigError::PerAllocation);
        }
        if self.allocations > 1 << 24 {
            return Err(ConfigError::Allocations);
        }
        let rates = [self.allocation_rate, self.user_rate, self.total_rate];
        // A burst below the largest datagram would stop it for ever.
        if rates.into_iter().flatten().any(|rate| rate.burst < 65_536) {
            return Err(ConfigError::Rate);
        }
        Ok(())
    }
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The realm is empty, longer than 127 characters, or has a quote, a backslash or a colon.
    #[error("the realm must be 1 to 127 characters without quotes, backslashes and colons")]
    Realm,
    /// Nonces live for a minute to an hour.
    #[error("nonces must live for 60 s to 3600 s")]
    NonceLifetime,
    /// A shared secret is empty: everybody could make credentials.
    #[error("a shared secret is empty")]
    EmptySecret,
    /// A relay address is a wildcard, or its two forms are of different families.
    #[error("a relay needs two addresses of one family, and no wildcard")]
    RelayAddress,
    /// A relay has no ports, or ports below 1024.
    #[error("a relay needs ports, and none below 1024")]
    RelayPorts,
    /// The addresses for NAT discovery are not two addresses with two ports.
    #[error("NAT discovery needs two addresses of one family with two ports")]
    Discovery,
    /// Allocations live for ten minutes to an hour at most.
    #[error("the longest lifetime must be 600 s to 3600 s")]
    Lifetime,
    /// Streams wait for one second to ten minutes.
    #[error("streams must be given 1 s to 600 s")]
    StreamIdle,
    /// There are more than 1,000 permissions, channels or connections per allocation.
    #[error("an allocation has at most 1000 permissions, channels and connections")]
    PerAllocation,
    /// There are more than 2^24 allocations.
    #[error("there are at most 16777216 allocations")]
    Allocations,
    /// The burst of a rate is less than the largest datagram.
    #[error("the burst of a rate must be 65536 bytes or more")]
    Rate,
}
