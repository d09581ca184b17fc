use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::connection::Link;
use crate::driver::{
    Addresses, Challenges, Command, Counters, KeyReply, Mailbox, Request, Responder, Setup, Shard,
    Socket, candidates, responder,
};
use crate::error::BindError;
use crate::{PeerConnection, ServerTrust};

/// What an [`Endpoint`] is told at its birth.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// The UDP port that all connections share; 0 lets the operating system choose. Default: 0.
    pub port: u16,
    /// The addresses to bind, wildcards for all interfaces. Default: `0.0.0.0` and `::` (the latter only where the
    /// host has IPv6).
    pub addresses: Vec<IpAddr>,
    /// Addresses that the world sees in place of ours behind a one-to-one NAT. Default: none.
    pub announced_addresses: Vec<IpAddr>,
    /// Whether TCP connections are accepted for ICE (RFC 6544), and on which port; 0 lets the operating system choose.
    /// Peers whose networks drop UDP may reach a server so. Default: none are.
    pub tcp_port: Option<u16>,
    /// Whether TCP connections are opened to peers that accept them. Default: no.
    pub tcp_dial: bool,
    /// Whether peers are shown names of multicast DNS in place of the addresses of this host
    /// (draft-ietf-mmusic-mdns-ice-candidates). Default: no.
    pub hide_host_addresses: bool,
    /// STUN and TURN servers that all connections use. Default: none.
    pub ice_servers: Vec<peer::IceServer>,
    /// Which candidates all connections may use. Default: all.
    pub ice_policy: ice::Policy,
    /// Whose certificates are believed of TURN servers behind TLS and DTLS. Default: those that the operating system
    /// believes.
    pub server_trust: ServerTrust,
    /// How many connectivity checks a second may go to addresses that have not proved themselves, over all
    /// connections. Default: 10,000.
    pub checks_per_second: u32,
    /// How often the addresses of this host are looked at, where the sockets are bound to wildcards: connections move
    /// to a new one, and away from one that is gone, without a restart. Default: 5 s; `None` means never.
    pub watch_interfaces: Option<Duration>,
    /// What all connections prove themselves with. Default: none, and one is generated.
    pub certificate: Option<dtls::Certificate>,
    /// The versions of DTLS. Default: 1.3, and 1.2 with peers that lack it.
    pub dtls_versions: dtls::Versions,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            port: 0,
            addresses: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            announced_addresses: Vec::new(),
            tcp_port: None,
            tcp_dial: false,
            hide_host_addresses: false,
            ice_servers: Vec::new(),
            ice_policy: ice::Policy::All,
            server_trust: ServerTrust::System,
            checks_per_second: ice::CheckBudget::DEFAULT_PER_SECOND,
            watch_interfaces: Some(Duration::from_secs(5)),
            certificate: None,
            dtls_versions: dtls::Versions::ALL,
        }
    }
}

/// Sockets, and the task that drives every connection on them. A cheap handle.
///
/// The task ends when the last handle and the last connection are gone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    commands: mpsc::UnboundedSender<Command>,
    certificate: dtls::Certificate,
    announced: Arc<[IpAddr]>,
    dtls_versions: dtls::Versions,
    servers: Arc<[peer::IceServer]>,
    challenges: Arc<Challenges>,
    policy: ice::Policy,
    addresses: Arc<[SocketAddr]>,
    tcp_addresses: Arc<[SocketAddr]>,
    counters: Arc<Counters>,
}

/// What an endpoint counted, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointStats {
    /// Datagrams that the operating system refused for good: no route, or too large.
    pub datagrams_refused: u64,
    /// Datagrams that a TCP connection was too slow for.
    pub stream_datagrams_dropped: u64,
    /// TCP connections that were not taken in because there were too many.
    pub streams_refused: u64,
    /// How often a connection had to wait because the checks of all had used up their budget.
    pub checks_held: u64,
}

impl Endpoint {
    /// Binds the sockets and starts the task on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// A socket cannot be bound. An IPv6 wildcard on a host without IPv6 is no error.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O and time enabled.
    pub fn bind(config: EndpointConfig) -> Result<Self, BindError> {
        let sockets = bind_all(&config)?;
        let mut addresses = Addresses {
            dials: config.tcp_dial,
            ..Addresses::default()
        };
        for socket in &sockets {
            let found = candidates(socket.local()).map_err(BindError::Interfaces)?;
            addresses.udp.extend(found);
        }
        let listeners = listen_all(&config, &mut addresses.tcp)?;
        let responder = hide(&config, &mut addresses)?;
        let certificate = match config.certificate {
            Some(certificate) => certificate,
            None => dtls::Certificate::generate(unix_time()).map_err(BindError::Certificate)?,
        };
        let (commands, queue) = mpsc::unbounded_channel();
        let is_wild = sockets
            .iter()
            .any(|socket| socket.local().ip().is_unspecified());
        let counters = Arc::new(Counters::default());
        let challenges = Arc::new(Challenges::default());
        let endpoint = Self {
            commands,
            certificate,
            announced: config.announced_addresses.into(),
            dtls_versions: config.dtls_versions,
            servers: config.ice_servers.into(),
            challenges: Arc::clone(&challenges),
            policy: config.ice_policy,
            addresses: addresses.udp.clone().into(),
            tcp_addresses: addresses.tcp.clone().into(),
            counters: Arc::clone(&counters),
        };
        let shard = Shard::new(Setup {
            sockets,
            listeners,
            addresses,
            commands: queue,
            seed: seed()?,
            counters,
            checks_per_second: config.checks_per_second,
            watch_interfaces: config.watch_interfaces.filter(|_| is_wild),
            trust: config.server_trust,
            challenges,
            responder,
        });
        tokio::spawn(shard.run());
        Ok(endpoint)
    }

    /// Where TCP connections are accepted.
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.tcp_addresses
    }

    /// What was counted by now.
    pub fn stats(&self) -> EndpointStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EndpointStats {
            datagrams_refused: read(&self.counters.datagrams_refused),
            stream_datagrams_dropped: read(&self.counters.stream_datagrams_dropped),
            streams_refused: read(&self.counters.streams_refused),
            checks_held: read(&self.counters.checks_held),
        }
    }

    /// The addresses that candidates are made of.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The configuration that [`Self::peer_connection`] uses, with a fresh seed: to change and to hand to
    /// [`Self::peer_connection_with`]. A seed serves one connection only.
    ///
    /// # Errors
    ///
    /// The operating system gives no randomness.
    pub fn connection_config(&self) -> Result<peer::Config, BindError> {
        let clock = session::ClockAnchor {
            instant: Instant::now(),
            unix: unix_time(),
        };
        let mut config = peer::Config::new(seed()?, self.certificate.clone(), clock);
        config.announced_addresses = self.announced.to_vec();
        config.dtls_versions = self.dtls_versions;
        config.ice_servers = self.servers.to_vec();
        config.ice_policy = self.policy;
        // The sockets set DF.
        config.path_mtu = Some(ice::path_mtu::PathMtuConfig::default());
        Ok(config)
    }

    /// A new connection with default settings.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn peer_connection(&self) -> Result<PeerConnection, ConnectError> {
        self.peer_connection_with(self.connection_config()?).await
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn peer_connection_with(
        &self,
        mut config: peer::Config,
    ) -> Result<PeerConnection, ConnectError> {
        for server in &mut config.ice_servers {
            if server.challenge().is_none() {
                *server = self.challenges.add_to(server.clone());
            }
        }
        let mailbox = Arc::new(Mailbox::default());
        let shared = Arc::clone(&mailbox);
        let commands = self.commands.clone();
        let (reply, connection) = oneshot::channel();
        // The handle is made by the shard: when nobody waits for it any more, it is dropped, and the connection closes.
        let reply: KeyReply = Box::new(move |key| {
            let link = Link::new(mailbox, commands, key);
            reply.send(PeerConnection::new(link)).is_ok()
        });
        let (verdict_reply, verdict) = oneshot::channel();
        let make = Box::new(move |addresses: &Addresses, now: Instant| {
            let mut peer = match peer::PeerConnection::new(config, now) {
                Ok(peer) => peer,
                Err(error) => {
                    let _ = verdict_reply.send(error);
                    return None;
                }
            };
            addresses.offer_to(&mut peer, now);
            Some((peer, shared, reply))
        });
        self.commands
            .send(Command::Add(make))
            .map_err(|_| ConnectError::Closed)?;
        match connection.await {
            Ok(connection) => Ok(connection),
            Err(_) => Err(verdict
                .await
                .map_or(ConnectError::Closed, ConnectError::Config)),
        }
    }
}

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(peer::ConfigError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Seed(#[from] BindError),
    /// The endpoint's task is gone with its runtime.
    #[error("the endpoint is closed")]
    Closed,
}

fn listen_all(
    config: &EndpointConfig,
    addresses: &mut Vec<SocketAddr>,
) -> Result<Vec<Arc<TcpListener>>, BindError> {
    let mut listeners = Vec::new();
    let Some(mut port) = config.tcp_port else {
        return Ok(listeners);
    };
    for ip in &config.addresses {
        let address = SocketAddr::new(*ip, port);
        match listen(address) {
            Ok((listener, bound)) => {
                port = bound.port();
                addresses.extend(candidates(bound).map_err(BindError::Interfaces)?);
                listeners.push(Arc::new(listener));
            }
            Err(_) if ip.is_ipv6() && ip.is_unspecified() && !listeners.is_empty() => {}
            Err(source) => return Err(BindError::Socket { address, source }),
        }
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let domain = socket2::Domain::for_address(address);
    let kind = socket2::Type::STREAM;
    let socket = socket2::Socket::new(domain, kind, Some(socket2::Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    let listener = TcpListener::from_std(socket.into())?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Finds names for the addresses, and somebody who answers for them.
fn hide(
    config: &EndpointConfig,
    addresses: &mut Addresses,
) -> Result<Option<Responder>, BindError> {
    if !config.hide_host_addresses {
        return Ok(None);
    }
    let responder = responder();
    for address in &addresses.udp {
        let random = seed()?.first_chunk::<16>().copied().unwrap_or_default();
        let name = ice::mdns::unique_name(random);
        let _ = responder.send(Request::Register(name.clone(), address.ip()));
        addresses.names.push((address.ip(), name));
    }
    Ok(Some(responder))
}

fn bind_all(config: &EndpointConfig) -> Result<Vec<Socket>, BindError> {
    let mut sockets = Vec::new();
    let mut port = config.port;
    for ip in &config.addresses {
        let address = SocketAddr::new(*ip, port);
        match Socket::bind(address) {
            Ok(socket) => {
                // The families share a port, so that one firewall rule serves both.
                port = socket.local().port();
                sockets.push(socket);
            }
            Err(_) if ip.is_ipv6() && ip.is_unspecified() && !sockets.is_empty() => {}
            Err(source) => return Err(BindError::Socket { address, source }),
        }
    }
    if sockets.is_empty() {
        Err(BindError::NoAddress)
    } else {
        Ok(sockets)
    }
}

/// The time since 1970, zero on a host whose clock stands before that.
fn unix_time() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

fn seed() -> Result<[u8; 32], BindError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| BindError::Randomness)?;
    Ok(seed)
}
