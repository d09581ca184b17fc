//! TCP between clients and peers (RFC 6062).

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use turn::server::{ConnectionId, RelayId};

use super::Shard;
use super::stream::BoxedStream;

/// RFC 6062 §5.2 gives a connection thirty seconds; the machine counts them too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes the connections of peers in.
pub(super) async fn accept(shard: Rc<Shard>, relay: RelayId, listener: TcpListener) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        shard.act(|core, now| {
            if let Some(connection) = core.server.on_peer_accepted(now, relay, peer) {
                core.connections.insert(connection, stream);
            }
        });
    }
}

/// Connects to a peer from the relay's address.
pub(super) async fn connect(
    shard: Rc<Shard>,
    connection: ConnectionId,
    local: Option<SocketAddr>,
    peer: SocketAddr,
) {
    let connected = match timeout(CONNECT_TIMEOUT, dial(local, peer)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(_)) | Err(_) => None,
    };
    shard.act(|core, now| {
        let succeeded = connected.is_some();
        core.connections
            .extend(connected.map(|stream| (connection, stream)));
        core.server.on_peer_connected(now, connection, succeeded);
    });
}

async fn dial(local: Option<SocketAddr>, peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    if let Some(local) = local {
        socket.bind(local)?;
    }
    let stream = socket.connect(peer).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

type Ends = (ReadHalf<BoxedStream>, WriteHalf<BoxedStream>);

/// Passes bytes on until either side ends, or the allocation.
pub(super) async fn splice(
    shard: &Rc<Shard>,
    changed: &Notify,
    connection: ConnectionId,
    ((mut reader, mut writer), mut peer): (Ends, TcpStream),
) {
    let (mut from_peer, mut to_peer) = peer.split();
    let out = copy(shard, (connection, true), &mut reader, &mut to_peer);
    let back = copy(shard, (connection, false), &mut from_peer, &mut writer);
    tokio::select! {
        _ = out => {}
        _ = back => {}
        () = changed.notified() => {}
    }
    let _ = timeout(Duration::from_secs(2), writer.shutdown()).await;
}

async fn copy(
    shard: &Rc<Shard>,
    (connection, to_peer): (ConnectionId, bool),
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut buf = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buf).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let wait = {
            let now = std::time::Instant::now();
            let server = &mut shard.core.borrow_mut().server;
            server.on_joined_data(now, connection, to_peer, length)
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        to.write_all(buf.get(..length).unwrap_or_default()).await?;
        to.flush().await?;
    }
}
