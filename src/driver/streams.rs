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
use tokio::time::{Instant, timeout, timeout_at};

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
        let reader =
            tokio::spawn(read_frames(read, path, reports, FIRST_FRAME_TIMEOUT)).abort_handle();
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

/// Reads until the connection ends; a full shard holds it up, and with it the sender. The first frame has to be whole
/// in its time, however it trickles in.
async fn read_frames(
    half: OwnedReadHalf,
    path: Path,
    reports: mpsc::Sender<Report>,
    first_frame: Duration,
) {
    let mut reader = framing::Reader::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut has_spoken = false;
    let mut until = Instant::now() + first_frame;
    while let Ok(Ok(())) = timeout_at(until, half.readable()).await {
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
        has_spoken |= !datagrams.is_empty();
        if has_spoken {
            until = Instant::now() + IDLE_TIMEOUT;
        }
        for bytes in datagrams {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Both ends of a connection on loopback.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (dialed, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (dialed.unwrap(), accepted.unwrap().0)
    }

    /// I-29, catalogue I-11: bytes that come one by one do not put off the end of a stranger's time.
    #[tokio::test]
    async fn a_stranger_who_trickles_is_shown_the_door_in_his_time() {
        let (stranger, ours) = connection().await;
        let path = Path {
            local: ours.local_addr().unwrap(),
            remote: ours.peer_addr().unwrap(),
            transport: Transport::Stream(StreamId::new(1)),
        };
        let (reports, mut told) = mpsc::channel(8);
        let (read, _write) = ours.into_split();
        tokio::spawn(read_frames(read, path, reports, Duration::from_millis(200)));
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let ended = async {
            loop {
                tokio::select! {
                    report = told.recv() => return report.unwrap(),
                    _ = ticks.tick() => {
                        let _ = stranger.try_write(&[1]);
                    }
                }
            }
        };
        let report = timeout(PATIENCE, ended).await.unwrap();
        assert!(matches!(report, Report::Ended(of) if of == path));
    }

    /// I-28: who does not read loses its own datagrams; others get theirs.
    #[tokio::test]
    async fn a_connection_that_is_not_read_holds_up_nobody() {
        let (reports, _told) = mpsc::channel(8);
        let mut streams = Streams::new(reports);
        let (deaf, to_deaf) = connection().await;
        let (eager, to_eager) = connection().await;
        let to_deaf = streams.insert(to_deaf, Some(1)).unwrap();
        let to_eager = streams.insert(to_eager, Some(2)).unwrap();
        // None of these waits, whatever the buffers of the kernel take.
        while streams.dropped < 1_000 {
            streams.send(&to_deaf, &[7; 1_200]);
            tokio::task::yield_now().await;
        }
        let dropped = streams.dropped;
        streams.send(&to_eager, b"still here");
        let heard = async {
            let mut heard = [0; 12];
            loop {
                eager.readable().await.unwrap();
                match eager.try_read(&mut heard) {
                    Ok(length) => return heard[..length].to_vec(),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
        };
        let heard = timeout(PATIENCE, heard).await.unwrap();
        assert_eq!(heard, b"\x00\x0astill here");
        assert_eq!(streams.dropped, dropped);
        drop(deaf);
    }
}
