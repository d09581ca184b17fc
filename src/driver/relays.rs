//! Sockets of their own that lead to TURN servers: UDP, DTLS, TCP and TLS, with a task each.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use net::{Path, StreamId, Transport};
use peer::{RelayId, RelaySocket, RelayTransport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig};

use super::report::Report;
use super::slab::Key;
use crate::ServerTrust;
use crate::trust::Chain;

/// The most of them in one shard.
const MAX_RELAYS: usize = 4_096;

/// Datagrams that wait for a server that takes them slowly; more are dropped.
pub(super) const WRITE_QUEUE: usize = 256;

/// How long a connection may take to open, handshakes included.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may take nothing.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) const READ_BYTES: usize = 64 << 10;

/// The sockets of a shard.
#[derive(Debug)]
pub(crate) struct Relays {
    open: BTreeMap<(usize, RelayId), Relay>,
    paths: BTreeMap<Path, (usize, RelayId)>,
    trust: Arc<Trust>,
    reports: mpsc::Sender<Report>,
    /// Datagrams that a server was too slow for.
    pub(crate) dropped: u64,
}

#[derive(Debug)]
struct Relay {
    task: AbortHandle,
    path: Option<Path>,
    way: Option<Way>,
}

/// How bytes leave.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// At once.
    Socket(Arc<UdpSocket>),
    /// Through the task.
    Queue(mpsc::Sender<Vec<u8>>),
}

/// A socket that is open.
#[derive(Debug)]
pub(crate) struct OpenRelay {
    pub(crate) id: RelayId,
    pub(crate) path: Path,
    pub(crate) way: Way,
}

/// Who is believed, read when it is wanted first.
#[derive(Debug)]
struct Trust {
    of: ServerTrust,
    verifier: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

impl Trust {
    fn verifier(&self) -> io::Result<Arc<WebPkiServerVerifier>> {
        let verifier = self.verifier.get_or_init(|| self.of.verifier());
        verifier
            .clone()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// What a task knows of itself.
pub(super) struct Task {
    owner: Key,
    socket: RelaySocket,
    /// For the path of a stream.
    stream: StreamId,
    trust: Arc<Trust>,
    reports: mpsc::Sender<Report>,
}

impl Relays {
    pub(crate) fn new(trust: ServerTrust, reports: mpsc::Sender<Report>) -> Self {
        let trust = Trust {
            of: trust,
            verifier: OnceLock::new(),
        };
        Self {
            open: BTreeMap::new(),
            paths: BTreeMap::new(),
            trust: Arc::new(trust),
            reports,
            dropped: 0,
        }
    }

    /// Opens a socket for an owner, a report follows; `false` when there are too many.
    pub(crate) fn open(&mut self, owner: Key, socket: RelaySocket, stream: StreamId) -> bool {
        if self.open.len() >= MAX_RELAYS {
            return false;
        }
        let place = (owner.index, socket.id);
        let task = Task {
            owner,
            socket,
            stream,
            trust: Arc::clone(&self.trust),
            reports: self.reports.clone(),
        };
        let task = tokio::spawn(task.run()).abort_handle();
        let relay = Relay {
            task,
            path: None,
            way: None,
        };
        self.open.insert(place, relay);
        true
    }

    /// It is open; `false` when nobody waits for it any more.
    pub(crate) fn on_open(&mut self, owner: usize, opened: OpenRelay) -> bool {
        let Some(relay) = self.open.get_mut(&(owner, opened.id)) else {
            return false;
        };
        relay.path = Some(opened.path);
        relay.way = Some(opened.way);
        self.paths.insert(opened.path, (owner, opened.id));
        true
    }

    /// Whether a path is one of these.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        !self.paths.is_empty() && self.paths.contains_key(path)
    }

    /// Sends a datagram, or a piece of a stream; what there is no room for is dropped.
    pub(crate) fn send(&mut self, path: &Path, bytes: &[u8]) {
        let relay = self.paths.get(path).and_then(|place| self.open.get(place));
        let sent = match relay.and_then(|relay| relay.way.as_ref()) {
            Some(Way::Socket(socket)) => socket.try_send(bytes).is_ok(),
            Some(Way::Queue(queue)) => queue.try_send(bytes.to_vec()).is_ok(),
            None => false,
        };
        self.dropped += u64::from(!sent);
    }

    /// Closes a socket, after what is queued.
    pub(crate) fn close(&mut self, owner: usize, id: RelayId) {
        if let Some(relay) = self.open.remove(&(owner, id)) {
            self.forget(relay);
        }
    }

    /// Closes all sockets of an owner.
    pub(crate) fn close_all_of(&mut self, owner: usize) {
        let places: Vec<_> = self.open.range((owner, RelayId::FIRST)..).collect();
        let ids: Vec<_> = places
            .iter()
            .map(|(place, _)| **place)
            .take_while(|(of, _)| *of == owner)
            .collect();
        for (owner, id) in ids {
            self.close(owner, id);
        }
    }

    fn forget(&mut self, relay: Relay) {
        if let Some(path) = relay.path {
            self.paths.remove(&path);
        }
        match relay.way {
            // The task ends with its queue, after what is in it.
            Some(Way::Queue(_)) => {}
            Some(Way::Socket(_)) | None => relay.task.abort(),
        }
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        for relay in std::mem::take(&mut self.open).into_values() {
            self.forget(relay);
        }
    }
}

impl Task {
    async fn run(self) {
        let ended = match self.socket.transport {
            RelayTransport::Udp => self.udp().await,
            RelayTransport::Tcp => self.tcp().await,
            RelayTransport::Tls => self.tls().await,
            RelayTransport::Dtls => super::relay_dtls::run(&self).await,
        };
        if let Err(error) = &ended {
            log::debug!("a way to a TURN server: {error}");
        }
        let report = Report::RelayEnded {
            owner: self.owner,
            id: self.socket.id,
        };
        let _ = self.reports.send(report).await;
    }

    async fn udp(&self) -> io::Result<()> {
        let socket = Arc::new(self.bind_udp().await?);
        let path = Path::udp(socket.local_addr()?, self.socket.server);
        // Nothing can be sent at once before the runtime knows the socket.
        socket.writable().await?;
        self.opened(path, Way::Socket(Arc::clone(&socket))).await?;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match socket.recv(&mut buffer).await {
                Ok(length) => self.received(path, &buffer[..length]).await?,
                // An ICMP error, which anybody can forge: the client's timers say what is dead.
                Err(error) => {
                    log::debug!("receive from a TURN server: {error}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    async fn tcp(&self) -> io::Result<()> {
        let stream = within(OPEN_TIMEOUT, self.connect()).await?;
        let path = self.stream_path(&stream)?;
        self.serve(path, stream).await
    }

    async fn tls(&self) -> io::Result<()> {
        let (path, stream) = within(OPEN_TIMEOUT, async {
            let stream = self.connect().await?;
            let path = self.stream_path(&stream)?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .dangerous()
                .with_custom_certificate_verifier(self.verifier().await?)
                .with_no_client_auth();
            let connector = TlsConnector::from(Arc::new(config));
            let stream = connector.connect(self.server_name()?, stream).await?;
            io::Result::Ok((path, stream))
        })
        .await?;
        self.serve(path, stream).await
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = match self.socket.server {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        let stream = socket.connect(self.socket.server).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn stream_path(&self, stream: &TcpStream) -> io::Result<Path> {
        Ok(Path {
            local: stream.local_addr()?,
            remote: self.socket.server,
            transport: Transport::Stream(self.stream),
        })
    }

    /// Reads and writes until either end has had enough.
    async fn serve(
        &self,
        path: Path,
        stream: impl AsyncRead + AsyncWrite + Send,
    ) -> io::Result<()> {
        let (queue, mut waiting) = mpsc::channel::<Vec<u8>>(WRITE_QUEUE);
        self.opened(path, Way::Queue(queue)).await?;
        let (mut reads, mut writes) = tokio::io::split(stream);
        let read = async {
            let mut buffer = vec![0; READ_BYTES];
            loop {
                match reads.read(&mut buffer).await? {
                    0 => return io::Result::Ok(()),
                    length => self.received(path, &buffer[..length]).await?,
                }
            }
        };
        let write = async {
            while let Some(bytes) = waiting.recv().await {
                within(STALL_TIMEOUT, async {
                    writes.write_all(&bytes).await?;
                    // TLS keeps what is not flushed.
                    writes.flush().await
                })
                .await?;
            }
            writes.shutdown().await
        };
        tokio::select! {
            ended = read => ended,
            ended = write => ended,
        }
    }

    /// A socket that is connected to the server.
    pub(super) async fn bind_udp(&self) -> io::Result<UdpSocket> {
        let any: IpAddr = match self.socket.server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
        socket.connect(self.socket.server).await?;
        Ok(socket)
    }

    /// Whose certificate the server has to show.
    pub(super) fn server_name(&self) -> io::Result<ServerName<'static>> {
        let domain = &self.socket.domain;
        let bare = domain.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(bare.to_owned()).map_err(io::Error::other)
    }

    /// Reading what the operating system believes takes a while, so it happens beside the runtime.
    pub(super) async fn verifier(&self) -> io::Result<Arc<WebPkiServerVerifier>> {
        let trust = Arc::clone(&self.trust);
        let found = tokio::task::spawn_blocking(move || trust.verifier()).await;
        found.map_err(io::Error::other)?
    }

    /// Whether a certificate is the server's, and those behind it lead to one that is believed: as TLS does it.
    pub(super) async fn check(&self, certificate: &[u8], issuers: &[Vec<u8>]) -> io::Result<()> {
        let verifier = self.verifier().await?;
        let chain = Chain::new(certificate, issuers);
        chain.verify(&verifier, &self.server_name()?, UnixTime::now())
    }

    pub(super) const fn server(&self) -> SocketAddr {
        self.socket.server
    }

    pub(super) async fn opened(&self, path: Path, way: Way) -> io::Result<()> {
        let opened = OpenRelay {
            id: self.socket.id,
            path,
            way,
        };
        let owner = self.owner;
        self.report(Report::RelayOpened { owner, opened }).await
    }

    pub(super) async fn received(&self, path: Path, bytes: &[u8]) -> io::Result<()> {
        let report = Report::Relayed {
            owner: self.owner,
            path,
            bytes: bytes.to_vec(),
        };
        self.report(report).await
    }

    /// Tells the shard; an error when it is gone.
    async fn report(&self, report: Report) -> io::Result<()> {
        let told = self.reports.send(report).await;
        told.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
