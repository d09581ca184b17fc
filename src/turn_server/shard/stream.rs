//! Clients on TCP and TLS.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use log::debug;
use net::{Datagram, Path, StreamId, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use turn::server::{ConnectionId, shard_of};

use super::{Control, Core, Shard, splice};

/// What waits for a client that reads slowly; beyond, datagrams are dropped, whole ones.
const MAX_WAITING: usize = 256 * 1024;

const READ_BYTES: usize = 16 * 1024;

/// How long a TLS handshake may take, and the last words of a stream.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const LAST_WORDS: Duration = Duration::from_secs(2);

/// TLS handshakes at one time in a shard; who comes then is sent away. Streams are counted by the machine.
const MAX_HANDSHAKES: usize = 1_000;

/// A stream of any kind.
pub(in crate::turn_server) trait Duplex:
    AsyncRead + AsyncWrite + Send + Unpin
{
}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(in crate::turn_server) type BoxedStream = Box<dyn Duplex>;

/// What is to be written to a stream, and what is to become of it.
#[derive(Default)]
pub(super) struct Outlet {
    waiting: RefCell<Vec<u8>>,
    joined: RefCell<Option<(ConnectionId, TcpStream)>>,
    is_closing: Cell<bool>,
    /// Something of the above changed: for the task that writes, and for the one that reads.
    written: Notify,
    changed: Notify,
}

impl Outlet {
    /// Takes whole messages; false when there is no room.
    pub(super) fn push(&self, bytes: &[u8]) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let fits = waiting.len() + bytes.len() <= MAX_WAITING;
        if fits {
            waiting.extend_from_slice(bytes);
            self.written.notify_one();
        }
        fits
    }

    pub(super) fn close(&self) {
        self.is_closing.set(true);
        self.changed.notify_one();
    }

    pub(super) fn join(&self, connection: ConnectionId, peer: TcpStream) {
        *self.joined.borrow_mut() = Some((connection, peer));
        self.changed.notify_one();
    }
}

/// Takes connections in.
pub(super) async fn accept(shard: Rc<Shard>, listener: TcpListener, tls: bool) {
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            // Out of descriptors, most likely.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(local) = stream.local_addr() else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let addresses = (local, remote);
        if !tls {
            let task = serve(shard.clone(), Box::new(stream), addresses, Vec::new());
            tokio::task::spawn_local(task);
            continue;
        }
        let Some(certificates) = &shard.certificates else {
            continue;
        };
        let handshakes = shard.handshakes.get();
        if handshakes >= MAX_HANDSHAKES {
            shard.core.borrow_mut().out.counts.tls_refused += 1;
            continue;
        }
        shard.handshakes.set(handshakes + 1);
        let acceptor = certificates.acceptor();
        let shard = shard.clone();
        tokio::task::spawn_local(async move {
            let secured = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
            shard.handshakes.set(shard.handshakes.get() - 1);
            match secured {
                Ok(Ok(stream)) => serve(shard, Box::new(stream), addresses, Vec::new()).await,
                Ok(Err(error)) => debug!("TLS with {}: {error}", shard.shown(remote)),
                Err(_) => debug!("TLS with {}: too slow", shard.shown(remote)),
            }
        });
    }
}

/// How the reading of a stream ended.
enum End {
    Closed,
    Joined,
    /// Another shard has what it asks for.
    Elsewhere(u8, Vec<u8>),
}

/// Serves a stream to its end.
pub(super) async fn serve(
    shard: Rc<Shard>,
    stream: BoxedStream,
    (local, remote): (SocketAddr, SocketAddr),
    read: Vec<u8>,
) {
    let number = shard.next_stream.get();
    shard.next_stream.set(number + 1);
    let id = StreamId::new(number);
    let path = Path {
        local,
        remote,
        transport: Transport::Stream(id),
    };
    let outlet = Rc::new(Outlet::default());
    shard.act(|core, now| {
        core.out.streams.insert(id, outlet.clone());
        core.server.on_stream_opened(now, path);
    });
    if !read.is_empty() {
        feed(&shard, path, &mut read.clone());
    }
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut pen = Pen::default();
    let end = tokio::select! {
        end = read_on(&shard, &outlet, path, &mut reader) => end,
        () = pen.write_on(&outlet, &mut writer) => End::Closed,
    };
    match end {
        End::Joined => {
            let _ = timeout(LAST_WORDS, pen.finish(&outlet, &mut writer)).await;
            let joined = outlet.joined.borrow_mut().take();
            if let Some((connection, peer)) = joined {
                let ends = (reader, writer);
                splice::splice(&shard, &outlet.changed, connection, (ends, peer)).await;
                shard.act(|core, now| core.server.on_connection_closed(now, connection));
            }
            shard.outlet_closed(path);
        }
        End::Elsewhere(other, read) => {
            shard.outlet_closed(path);
            let stream = reader.unsplit(writer);
            if let Some(link) = shard.links.other(other) {
                let _ = link.send(Control::Stream(local, remote, stream, read));
            }
        }
        End::Closed => {
            let _ = timeout(LAST_WORDS, pen.finish(&outlet, &mut writer)).await;
            shard.outlet_closed(path);
        }
    }
}

async fn read_on(
    shard: &Rc<Shard>,
    outlet: &Outlet,
    path: Path,
    reader: &mut ReadHalf<BoxedStream>,
) -> End {
    let mut buf = vec![0; READ_BYTES];
    loop {
        tokio::select! {
            biased;
            () = outlet.changed.notified() => {
                if outlet.is_closing.get() {
                    return End::Closed;
                }
                if outlet.joined.borrow().is_some() {
                    return End::Joined;
                }
            }
            read = reader.read(&mut buf) => {
                let bytes = match read {
                    Ok(0) | Err(_) => return End::Closed,
                    Ok(length) => buf.get_mut(..length).unwrap_or_default(),
                };
                let named = shard_of(bytes);
                if let Some(other) = named.filter(|it| shard.links.other(*it).is_some()) {
                    return End::Elsewhere(other, bytes.to_vec());
                }
                feed(shard, path, bytes);
            }
        }
    }
}

fn feed(shard: &Rc<Shard>, path: Path, bytes: &mut [u8]) {
    shard.act(|core, now| {
        let Core { server, out, .. } = core;
        server.handle_datagram_with(now, Datagram::new(path, bytes), |it| out.push(&it));
    });
}

/// What is being written, and how far: it outlives the future that writes.
#[derive(Default)]
struct Pen {
    bytes: Vec<u8>,
    at: usize,
}

impl Pen {
    async fn write_on(&mut self, outlet: &Outlet, writer: &mut WriteHalf<BoxedStream>) {
        loop {
            if self.write(outlet, writer).await.is_err() {
                return;
            }
            outlet.written.notified().await;
        }
    }

    /// Writes all that waits.
    async fn write(
        &mut self,
        outlet: &Outlet,
        writer: &mut WriteHalf<BoxedStream>,
    ) -> std::io::Result<()> {
        loop {
            while let Some(rest) = self.bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
                match writer.write(rest).await? {
                    0 => return Err(std::io::ErrorKind::WriteZero.into()),
                    written => self.at += written,
                }
            }
            self.bytes.clear();
            self.at = 0;
            std::mem::swap(&mut self.bytes, &mut outlet.waiting.borrow_mut());
            if self.bytes.is_empty() {
                return writer.flush().await;
            }
        }
    }

    /// Writes what is left.
    async fn finish(
        &mut self,
        outlet: &Outlet,
        writer: &mut WriteHalf<BoxedStream>,
    ) -> std::io::Result<()> {
        self.write(outlet, writer).await
    }
}
