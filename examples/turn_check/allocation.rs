//! One client of a server on sockets of its own, for what no connection of ICE asks for.

use std::net::SocketAddr;
use std::time::Instant;

use avocet::net::{Datagram, Path, StreamId, Transport};
use avocet::stun::{LongTermCredentials, Uri, UriTransport};
use avocet::turn::{
    Allocation, Client, Config, ConnectionId, DataConnection, DataState, Event, Initiator,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{Options, PATIENCE, Result};

/// Bytes each way on a connection: more than the buffers on the way hold.
const BYTES: usize = 1 << 20;

enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Wire {
    async fn open(server: SocketAddr, transport: UriTransport, id: u64) -> Result<(Self, Path)> {
        let (wire, local, transport) = match transport {
            UriTransport::Udp => {
                let any = SocketAddr::new([0, 0, 0, 0].into(), 0);
                let socket = UdpSocket::bind(any).await?;
                socket.connect(server).await?;
                let local = socket.local_addr()?;
                (Self::Udp(socket), local, Transport::Udp)
            }
            UriTransport::Tcp => {
                let stream = TcpStream::connect(server).await?;
                let local = stream.local_addr()?;
                let transport = Transport::Stream(StreamId::new(id));
                (Self::Tcp(stream), local, transport)
            }
        };
        let path = Path {
            local,
            remote: server,
            transport,
        };
        Ok((wire, path))
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Udp(socket) => drop(socket.send(bytes).await?),
            Self::Tcp(stream) => stream.write_all(bytes).await?,
        }
        Ok(())
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Ok(match self {
            Self::Udp(socket) => socket.recv(buffer).await?,
            Self::Tcp(stream) => stream.read(buffer).await?,
        })
    }
}

/// A client with its socket.
struct Session {
    client: Client,
    wire: Wire,
    path: Path,
    transport: UriTransport,
    streams: u64,
}

impl Session {
    /// Asks the first server for an allocation.
    async fn allocate(options: &Options, change: impl Fn(&mut Config)) -> Result<Self> {
        let uri: Uri = options.uris.first().ok_or("no server")?.parse()?;
        let server = SocketAddr::new(uri.host().parse()?, uri.port());
        let credentials = LongTermCredentials::new(&options.user, &options.password)?;
        let mut config = Config::new(seed()?, credentials);
        change(&mut config);
        let (wire, path) = Wire::open(server, uri.transport(), 0).await?;
        let mut session = Self {
            client: Client::new(config)?,
            wire,
            path,
            transport: uri.transport(),
            streams: 0,
        };
        session.client.allocate(path)?;
        session
            .until("an allocation", |event| {
                matches!(event, Event::Allocated { .. })
            })
            .await?;
        Ok(session)
    }

    async fn flush(&mut self) -> Result<()> {
        let mut buf = Vec::new();
        while self
            .client
            .poll_transmit(Instant::now(), &mut buf)
            .is_some()
        {
            self.wire.write(&buf).await?;
            buf.clear();
        }
        Ok(())
    }

    /// Reads once, or lets the time pass that the client waits for.
    async fn turn(&mut self) -> Result<()> {
        self.flush().await?;
        let mut buffer = vec![0; 64 << 10];
        let deadline = self
            .client
            .poll_timeout()
            .unwrap_or_else(|| Instant::now() + PATIENCE);
        match tokio::time::timeout_at(deadline.into(), self.wire.read(&mut buffer)).await {
            Ok(length) => {
                let bytes = match length? {
                    0 => return Err("the server closed the connection".into()),
                    length => &mut buffer[..length],
                };
                self.client
                    .handle_datagram(Instant::now(), Datagram::new(self.path, bytes));
            }
            Err(_) => self.client.handle_timeout(Instant::now()),
        }
        self.flush().await
    }

    /// The first event of a kind; refusals and the end are errors.
    async fn until(&mut self, what: &str, is_it: impl Fn(&Event) -> bool) -> Result<Event> {
        let found = async {
            loop {
                while let Some(event) = self.client.poll_event() {
                    match event {
                        event if is_it(&event) => return Ok(event),
                        Event::Closed(_)
                        | Event::PermissionRefused(..)
                        | Event::ChannelRefused(..)
                        | Event::ConnectRefused(..) => {
                            return Err(format!("waiting for {what}: {event:?}").into());
                        }
                        _ => {}
                    }
                }
                self.turn().await?;
            }
        };
        timeout(PATIENCE, found)
            .await
            .map_err(|_| format!("no {what}"))?
    }

    async fn ready(&mut self, by: Initiator) -> Result<ConnectionId> {
        let is_it = |event: &Event| matches!(event, Event::ConnectionReady { initiator, .. } if *initiator == by);
        match self.until("a connection", is_it).await? {
            Event::ConnectionReady { id, .. } => Ok(id),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Takes a connection up on a stream of its own (RFC 6062 §4.3); what came behind the answer comes with it.
    async fn take(&mut self, id: ConnectionId) -> Result<(TcpStream, Vec<u8>)> {
        self.streams += 1;
        let (wire, path) = Wire::open(self.path.remote, UriTransport::Tcp, self.streams).await?;
        let Wire::Tcp(mut stream) = wire else {
            return Err("not a stream".into());
        };
        let mut connection: DataConnection = self.client.open(id, path)?;
        let mut early = Vec::new();
        let mut buffer = vec![0; 2_048];
        loop {
            let mut request = Vec::new();
            if connection.poll_transmit(&mut request).is_some() {
                stream.write_all(&request).await?;
            }
            let length = timeout(PATIENCE, stream.read(&mut buffer)).await??;
            let piece = Datagram::new(path, &mut buffer[..length]);
            connection.handle_datagram_with(piece, |bytes| early.extend_from_slice(bytes));
            match connection.state() {
                DataState::Bound => return Ok((stream, early)),
                DataState::Binding if length > 0 => {}
                state => return Err(format!("the connection is {state:?}").into()),
            }
        }
    }

    /// The allocation goes on from another socket (RFC 8016).
    async fn migrate(&mut self) -> Result<()> {
        self.streams += 1;
        let (wire, path) = Wire::open(self.path.remote, self.transport, self.streams).await?;
        self.client.migrate(path)?;
        let former = std::mem::replace(&mut self.wire, wire);
        self.path = path;
        self.until("a move", |event| matches!(event, Event::Migrated))
            .await?;
        drop(former);
        Ok(())
    }

    /// So many datagrams to a peer and back.
    async fn echo(&mut self, peer: &UdpSocket, count: usize) -> Result<usize> {
        let relayed = *self.client.relayed().first().ok_or("no address")?;
        let (address, mut returned) = (peer.local_addr()?, 0);
        for number in 0..count {
            let payload = number.to_be_bytes();
            let mut buf = Vec::new();
            let _ = self.client.send(&mut buf, address, &payload)??;
            self.wire.write(&buf).await?;
            let mut buffer = [0; 64];
            let (length, from) = timeout(PATIENCE, peer.recv_from(&mut buffer)).await??;
            if from != relayed || buffer[..length] != payload {
                return Err("the peer got something else".into());
            }
            peer.send_to(&buffer[..length], relayed).await?;
            let mut back = Vec::new();
            let deadline = Instant::now() + PATIENCE;
            while self.client.recv(&mut back).is_none() && Instant::now() < deadline {
                self.turn().await?;
            }
            returned += usize::from(back == payload);
        }
        Ok(returned)
    }
}

/// What the operating system gives.
fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
    Ok(seed)
}

/// The same bytes one way and then the other: a relay with buffers of its own may wait for itself when both ends only write.
/// `early` is what we have read already.
async fn exchange(ours: &mut TcpStream, theirs: &mut TcpStream, early: Vec<u8>) -> Result<()> {
    let sent: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8).collect();
    let one_way = async |from: &mut TcpStream, to: &mut TcpStream, mut read: Vec<u8>| {
        let start = read.len();
        read.resize(BYTES, 0);
        tokio::try_join!(from.write_all(&sent), to.read_exact(&mut read[start..]))?;
        Result::Ok(read == sent)
    };
    let there = timeout(PATIENCE, one_way(ours, theirs, Vec::new())).await??;
    let back = timeout(PATIENCE, one_way(theirs, ours, early)).await??;
    match (there, back) {
        (true, true) => Ok(()),
        other => Err(format!("other bytes arrived: {other:?}").into()),
    }
}

/// A TCP allocation, a connection to a peer and one from a peer, a megabyte each way on both (RFC 6062).
pub(crate) async fn connections(options: &Options) -> Result<Value> {
    let mut session =
        Session::allocate(options, |config| config.allocation = Allocation::Tcp).await?;
    let relayed = *session.client.relayed().first().ok_or("no address")?;
    let ours = session.path.local.ip();
    session.client.create_permission(ours)?;
    session
        .until("a permission", |event| {
            matches!(event, Event::PermissionInstalled(_))
        })
        .await?;

    let listener = TcpListener::bind((ours, 0)).await?;
    session.client.connect(listener.local_addr()?)?;
    let id = session.ready(Initiator::Local).await?;
    let (mut peer, from) = timeout(PATIENCE, listener.accept()).await??;
    let (mut stream, early) = session.take(id).await?;
    exchange(&mut stream, &mut peer, early).await?;

    let mut peer = timeout(PATIENCE, TcpStream::connect(relayed)).await??;
    let id = session.ready(Initiator::Remote).await?;
    let (mut stream, early) = session.take(id).await?;
    exchange(&mut stream, &mut peer, early).await?;
    Ok(json!({
        "relayed": relayed.to_string(),
        "peerSaw": from.to_string(),
        "connections": 2,
        "bytesEachWay": BYTES,
    }))
}

/// An allocation that moves to other sockets, and datagrams before and behind each move (RFC 8016).
pub(crate) async fn moves(options: &Options) -> Result<Value> {
    let mut session = Session::allocate(options, |config| config.mobility = true).await?;
    if !session.client.is_mobile() {
        return Err("the server gave no ticket".into());
    }
    let relayed = session.client.relayed().to_vec();
    let peer = UdpSocket::bind((session.path.local.ip(), 0)).await?;
    session.client.bind_channel(peer.local_addr()?)?;
    session
        .until("a channel", |event| {
            matches!(event, Event::ChannelBound(..))
        })
        .await?;
    let mut returned = session.echo(&peer, options.count).await?;
    const MOVES: usize = 3;
    for _ in 0..MOVES {
        session.migrate().await?;
        if session.client.relayed() != relayed {
            return Err("the address changed".into());
        }
        returned += session.echo(&peer, options.count).await?;
    }
    Ok(json!({ "moves": MOVES, "sent": options.count * (MOVES + 1), "returned": returned }))
}
