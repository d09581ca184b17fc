//! TCP for ICE (RFC 6544): one reading and one writing task for each connection, so that a slow one holds up nobody.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ice::framing;
use net::{Path, StreamId, Transport};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::report::Report;

/// The most connections of one shard, and of those the most that have not proved themselves.
const MAX_STREAMS: usize = 1_024;
const MAX_STRANGERS: usize = 128;

/// Datagrams that wait for a connection that takes them slowly; more are dropped, as a full socket would.
const WRITE_QUEUE: usize = 64;

/// How long a connection may take to open, a stranger to say his first word, and anybody to say nothing.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

const READ_BYTES: usize = 16 << 10;

/// The connections of a shard.
#[derive(Debug)]
pub(crate) struct Streams {
    open: BTreeMap<StreamId, Stream>,
    next: u64,
    reports: mpsc::Sender<Report>,
    /// Datagrams that a slow connection had no room for, and connections that were not taken in.
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
}

#[derive(Debug)]
struct Stream {
    path: Path,
    frames: mpsc::Sender<Vec<u8>>,
    reader: AbortHandle,
    /// The connection that it belongs to, once it has proved itself or asked for it.
    owner: Option<usize>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The writing task ends with the queue, after what is in it.
        self.reader.abort();
    }
}

impl Streams {
    pub(crate) const fn new(reports: mpsc::Sender<Report>) -> Self {
        Self {
            open: BTreeMap::new(),
            next: 0,
            reports,
            dropped: 0,
            refused: 0,
        }
    }

    /// Opens a connection for an owner; a report follows.
    pub(crate) fn dial(&self, owner: super::slab::Key, local: IpAddr, remote: SocketAddr) {
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let opened = timeout(DIAL_TIMEOUT, connect(local, remote)).await;
            let report = match opened {
                Ok(Ok(stream)) => Report::Dialed {
                    owner,
                    stream,
                    remote,
                },
                Ok(Err(_)) | Err(_) => Report::Refused {
                    owner,
                    local,
                    remote,
                },
            };
            let _ = reports.send(report).await;
        });
    }

    /// Takes a connection in; its path, or nothing when there are too many or it is gone already.
    pub(crate) fn insert(&mut self, stream: TcpStream, owner: Option<usize>) -> Option<Path> {
        let strangers = self.open.values().filter(|it| it.owner.is_none()).count();
        if self.open.len() >= MAX_STREAMS || owner.is_none() && strangers >= MAX_STRANGERS {
            self.refused += 1;
            return None;
        }
        let (local, remote) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
        let _ = stream.set_nodelay(true);
        let id = self.next_id();
        let path = Path {
            local: canonical(local),
            remote: canonical(remote),
            transport: Transport::Stream(id),
        };
        let (read, write) = stream.into_split();
        let (frames, queue) = mpsc::channel(WRITE_QUEUE);
        let reports = self.reports.clone();
        let reader = tokio::spawn(read_frames(read, path, reports)).abort_handle();
        tokio::spawn(write_frames(write, queue));
        let stream = Stream {
            path,
            frames,
            reader,
            owner,
        };
        self.open.insert(id, stream);
        Some(path)
    }

    /// A number that no stream of this shard has had.
    pub(crate) const fn next_id(&mut self) -> StreamId {
        let id = StreamId::new(self.next);
        self.next += 1;
        id
    }

    /// A way to the shard for tasks beside it.
    pub(crate) fn reporter(&self) -> mpsc::Sender<Report> {
        self.reports.clone()
    }

    /// Whose a connection is.
    pub(crate) fn owner(&self, path: &Path) -> Option<usize> {
        self.of(path)?.owner
    }

    /// A connection has proved whose it is.
    pub(crate) fn adopt(&mut self, path: &Path, owner: usize) {
        if let Transport::Stream(id) = path.transport
            && let Some(stream) = self.open.get_mut(&id)
        {
            stream.owner = Some(owner);
        }
    }

    fn of(&self, path: &Path) -> Option<&Stream> {
        match path.transport {
            Transport::Stream(id) => self.open.get(&id).filter(|it| it.path == *path),
            Transport::Udp => None,
        }
    }

    /// Queues a datagram; without room it is dropped.
    pub(crate) fn send(&mut self, path: &Path, datagram: &[u8]) {
        let Some(stream) = self.of(path) else {
            self.dropped += 1;
            return;
        };
        let mut frame = Vec::with_capacity(datagram.len() + 2);
        let sent = framing::frame(&mut frame, datagram) && stream.frames.try_send(frame).is_ok();
        self.dropped += u64::from(!sent);
    }

    /// Closes a connection, after what is queued.
    pub(crate) fn close(&mut self, path: &Path) {
        if let Transport::Stream(id) = path.transport {
            self.open.remove(&id);
        }
    }

    /// Closes all connections of an owner.
    pub(crate) fn close_all_of(&mut self, owner: usize) {
        self.open.retain(|_, stream| stream.owner != Some(owner));
    }
}

/// Accepts connections until nobody listens any more.
pub(crate) async fn accept(listener: Arc<TcpListener>, reports: mpsc::Sender<Report>) {
    loop {
        let report = match listener.accept().await {
            Ok((stream, _)) => Report::Accepted(stream),
            Err(error) => {
                // Out of descriptors, most likely: others must close first.
                log::debug!("accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if reports.send(report).await.is_err() {
            return;
        }
    }
}

async fn connect(local: IpAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = match remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(local, 0))?;
    socket.connect(remote).await
}

/// Reads until the connection ends; a full shard holds it up, and with it the sender.
async fn read_frames(half: OwnedReadHalf, path: Path, reports: mpsc::Sender<Report>) {
    let mut reader = framing::Reader::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut patience = FIRST_FRAME_TIMEOUT;
    while let Ok(Ok(())) = timeout(patience, half.readable()).await {
        let length = match half.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        };
        let mut datagrams = Vec::new();
        reader.read(&mut buffer[..length], |datagram| {
            datagrams.push(datagram.to_vec());
        });
        for bytes in datagrams {
            patience = IDLE_TIMEOUT;
            if reports.send(Report::Frame { path, bytes }).await.is_err() {
                return;
            }
        }
    }
    let _ = reports.send(Report::Ended(path)).await;
}

/// Writes until the queue is closed or the connection breaks, which the reader notices.
async fn write_frames(half: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            if !matches!(timeout(IDLE_TIMEOUT, half.writable()).await, Ok(Ok(()))) {
                return;
            }
            match half.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
