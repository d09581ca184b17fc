use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot};

use crate::PeerConnection;
use crate::connection::Link;
use crate::driver::{Command, Mailbox, Shard, Socket, candidates};
use crate::error::BindError;

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
    addresses: Arc<[SocketAddr]>,
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
        let mut addresses = Vec::new();
        for socket in &sockets {
            addresses.extend(candidates(socket.local()).map_err(BindError::Interfaces)?);
        }
        let certificate = match config.certificate {
            Some(certificate) => certificate,
            None => dtls::Certificate::generate(unix_time()).map_err(BindError::Certificate)?,
        };
        let (commands, queue) = mpsc::unbounded_channel();
        let shard = Shard::new(sockets, addresses.clone(), queue, seed()?);
        tokio::spawn(shard.run());
        Ok(Self {
            commands,
            certificate,
            announced: config.announced_addresses.into(),
            dtls_versions: config.dtls_versions,
            addresses: addresses.into(),
        })
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
        config: peer::Config,
    ) -> Result<PeerConnection, ConnectError> {
        let mailbox = Arc::new(Mailbox::default());
        let shared = Arc::clone(&mailbox);
        let (key_reply, key) = oneshot::channel();
        let (verdict_reply, verdict) = oneshot::channel();
        let make = Box::new(move |addresses: &[SocketAddr], now: Instant| {
            let mut peer = match peer::PeerConnection::new(config, now) {
                Ok(peer) => peer,
                Err(error) => {
                    let _ = verdict_reply.send(error);
                    return None;
                }
            };
            for address in addresses {
                // A host with more addresses than an agent takes offers the first ones.
                let _ = peer.add_local_address(now, *address);
            }
            Some((peer, shared, key_reply))
        });
        self.commands
            .send(Command::Add(make))
            .map_err(|_| ConnectError::Closed)?;
        match key.await {
            Ok(key) => Ok(PeerConnection::new(Link::new(
                mailbox,
                self.commands.clone(),
                key,
            ))),
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
