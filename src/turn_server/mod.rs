//! A TURN and STUN server for the open internet: [`turn::Server`] with sockets, threads and a configuration file.
//!
//! Each thread is a shard: it has its own sockets on every listening address (the kernel tells clients apart), its own relays, and its
//! own [`turn::Server`]. Nothing on the way of a packet is shared, so nothing is locked; what users have is counted
//! together when an allocation begins or ends.

mod metrics;
mod quota;
mod settings;
mod shard;
mod tls;

pub use settings::{
    CertificateFiles, Listener, ListenerTransport, RelaySettings, Settings, SettingsError,
};

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use log::warn;
use thiserror::Error;
use tokio::sync::mpsc;
use turn::server::{Clock, Config, ConfigError, Limits, RelayAddress, Stats};

use quota::SharedQuota;
use settings::Settings as Given;
use shard::{Control, Links, Setup};
use tls::Certificates;

/// Why a server cannot start, or not take other settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A certificate or its key cannot be used.
    #[error("cannot use {}: {what}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The settings do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system gives no threads, runtimes or random numbers.
    #[error("the system gives no thread, runtime or randomness: {0}")]
    System(io::Error),
}

/// A server that runs. Dropping it ends it at once; [`drain`](Self::drain) lets its clients finish.
#[derive(Debug)]
pub struct TurnServer {
    shards: Vec<mpsc::UnboundedSender<Control>>,
    threads: Vec<JoinHandle<()>>,
    certificates: Option<Arc<Certificates>>,
    addresses: Vec<Listener>,
    metrics: Option<(SocketAddr, tokio::task::AbortHandle)>,
}

impl TurnServer {
    /// Binds everything and starts to serve. Must be called in a tokio runtime, which shows the counters; clients are served by
    /// threads of the server's own.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let certificates = settings.certificate.as_ref().map(Certificates::load);
        let certificates = certificates.transpose()?.map(Arc::new);
        let count = match settings.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            given => given,
        };
        // Each shard has ports of its own, two of them at least.
        let ports = settings.relays.iter().map(|it| it.ports.len() / 2).min();
        let count = count.clamp(1, ports.unwrap_or(64).clamp(1, 64));
        let listeners = bind_ports(&settings.listeners)?;
        let nonce_secret = random()?;
        let clock = Clock {
            at: Instant::now(),
            unix: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        };
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..count).map(|_| mpsc::unbounded_channel()).unzip();
        let mut threads = Vec::new();
        let quota = SharedQuota::new(&settings.limits, clock.at);
        for (index, controls) in receivers.into_iter().enumerate() {
            let mut config = config(settings, &listeners, (index, count), clock)?;
            config.nonce_secret = Some(nonce_secret);
            let setup = Setup {
                server: turn::Server::new(config)?.with_quota(Box::new(quota.clone())),
                sockets: shard::Sockets::bind(&listeners)?,
                relays: settings.relays.clone(),
                certificates: certificates.clone(),
                links: Links::new(index, senders.clone()),
                controls,
                seed: random()?,
                log_addresses: settings.log_addresses,
            };
            let thread = std::thread::Builder::new()
                .name(format!("turn-{index}"))
                .spawn(move || shard::run(setup))
                .map_err(StartError::System)?;
            threads.push(thread);
        }
        let metrics = match settings.metrics {
            Some(address) => Some(metrics::serve(address, senders.clone()).await?),
            None => None,
        };
        Ok(Self {
            shards: senders,
            threads,
            certificates,
            addresses: listeners,
            metrics,
        })
    }

    /// Where clients are listened to, with the ports that the operating system chose.
    pub fn listeners(&self) -> &[Listener] {
        &self.addresses
    }

    /// Where the counters are shown.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// What was counted, over all shards.
    pub async fn stats(&self) -> Stats {
        let all = metrics::collect(&self.shards).await;
        metrics::sum(all.iter().map(|counts| &counts.server))
    }

    /// Makes no more allocations, and sends new clients to `alternate`. What stands is kept.
    pub fn drain(&self, alternate: Option<SocketAddr>) {
        for shard in &self.shards {
            let _ = shard.send(Control::Drain(alternate));
        }
    }

    /// Waits until no allocation is left, but not longer than `limit`. True when none was.
    pub async fn drained(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            if self.stats().await.allocations == 0 {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            tokio::time::sleep(left.min(Duration::from_millis(200))).await;
        }
    }

    /// Takes the users, secrets and lists of peers of other settings, and reads the certificates again. Listeners, relays and limits
    /// stay as they are. When a certificate cannot be used, nothing is changed at all.
    pub fn reload(&self, settings: &Settings) -> Result<(), StartError> {
        if let Some(certificates) = &self.certificates {
            certificates
                .reload()
                .inspect_err(|error| warn!("nothing was changed: {error}"))?;
        }
        for shard in &self.shards {
            let credentials = settings.credentials.clone();
            let peers = settings.peers.clone();
            let _ = shard.send(Control::Reload(Box::new((credentials, peers))));
        }
        Ok(())
    }

    /// Ends everything, at once.
    pub async fn stop(mut self) {
        let threads = std::mem::take(&mut self.threads);
        drop(self);
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
    }
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        for shard in &self.shards {
            let _ = shard.send(Control::Stop);
        }
        if let Some((_, task)) = &self.metrics {
            task.abort();
        }
    }
}

/// Asks the operating system for ports where the settings leave them open: all shards need the same.
fn bind_ports(listeners: &[Listener]) -> Result<Vec<Listener>, StartError> {
    let choose = |listener: &Listener| {
        let mut listener = *listener;
        if listener.address.port() == 0 {
            let address = listener.address;
            let error = |error| StartError::Bind { address, error };
            listener.address = match listener.transport {
                ListenerTransport::Udp | ListenerTransport::Dtls => {
                    std::net::UdpSocket::bind(address).and_then(|it| it.local_addr())
                }
                ListenerTransport::Tcp | ListenerTransport::Tls => {
                    std::net::TcpListener::bind(address).and_then(|it| it.local_addr())
                }
            }
            .map_err(error)?;
        }
        Ok(listener)
    };
    listeners.iter().map(choose).collect()
}

fn random() -> Result<[u8; 32], StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| StartError::System(io::Error::other(error.to_string())))?;
    Ok(bytes)
}

/// The configuration of one shard: its own share of the ports and of what counts allocations.
fn config(
    settings: &Given,
    listeners: &[Listener],
    (index, count): (usize, usize),
    clock: Clock,
) -> Result<Config, StartError> {
    let mut config = Config::new(random()?, clock, settings.realm.clone());
    config.credentials = settings.credentials.clone();
    config.relays = settings
        .relays
        .iter()
        .map(|relay| RelayAddress {
            bind: relay.address,
            public: relay.public,
            ports: share(&relay.ports, index, count),
            shared_ports: relay.ports.clone(),
        })
        .collect();
    let own: Vec<IpAddr> = if_addrs::get_if_addrs()
        .map(|all| all.into_iter().map(|it| it.ip()).collect())
        .unwrap_or_default();
    for listener in listeners {
        let at = |ip: IpAddr| SocketAddr::new(ip, listener.address.port());
        if listener.address.ip().is_unspecified() {
            let same = own
                .iter()
                .filter(|ip| ip.is_ipv4() == listener.address.is_ipv4());
            config.listeners.extend(same.map(|ip| at(*ip)));
            let public = settings.relays.iter().map(|relay| at(relay.public));
            config.listeners.extend(public);
        } else {
            config.listeners.push(listener.address);
        }
    }
    config.listeners.sort_unstable();
    config.listeners.dedup();
    config.own_addresses = own;
    config.discovery = settings.discovery;
    config.peers = settings.peers.clone();
    config.tcp_relays = settings.tcp_relays;
    config.mobility = settings.mobility;
    config.sha256 = settings.sha256;
    config.dont_fragment = cfg!(target_os = "linux");
    config.shard = u8::try_from(index).unwrap_or(u8::MAX);
    let part = |all: usize| all.div_ceil(count);
    let limits = &settings.limits;
    config.limits = Limits {
        allocations: part(limits.allocations),
        reservations: part(limits.reservations),
        streams: part(limits.streams),
        ..limits.clone()
    };
    Ok(config)
}

/// A part of a range of ports, beginning with an even one.
fn share(
    ports: &std::ops::RangeInclusive<u16>,
    index: usize,
    count: usize,
) -> std::ops::RangeInclusive<u16> {
    let (first, last) = (u32::from(*ports.start()), u32::from(*ports.end()));
    let (index, count) = (index as u32, count as u32);
    let total = last - first + 1;
    let even = |at: u32| {
        if at == 0 {
            first
        } else {
            (first + total * at / count) & !1
        }
    };
    let begin = even(index).max(first);
    let end = if index + 1 == count {
        last
    } else {
        even(index + 1).saturating_sub(1)
    };
    u16::try_from(begin).unwrap_or(u16::MAX)..=u16::try_from(end).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shards_share_the_ports_without_a_gap_and_without_splitting_a_pair() {
        for count in 1..=16 {
            let mut next = 50_001;
            for index in 0..count {
                let part = share(&(50_001..=50_999), index, count);
                assert_eq!(*part.start(), next);
                assert!(index == 0 || next % 2 == 0);
                next = part.end() + 1;
            }
            assert_eq!(next, 51_000);
        }
    }
}
