//! The sockets of relays.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use turn::server::{OpenError, RelayId, RelayTransport};

use super::out::Out;
use super::sockets::tcp_listener;
use super::{Door, Shard, icmp, splice};
use crate::driver::Socket;

/// A relay that is open.
pub(super) enum Open {
    Udp {
        socket: Rc<Socket>,
        task: AbortHandle,
    },
    Tcp {
        local: SocketAddr,
        task: AbortHandle,
    },
}

impl Open {
    pub(super) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Udp { .. } => None,
            Self::Tcp { local, .. } => Some(*local),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        match self {
            Self::Udp { task, .. } | Self::Tcp { task, .. } => task.abort(),
        }
    }
}

pub(super) fn open(
    shard: &Rc<Shard>,
    out: &mut Out,
    relay: RelayId,
    (transport, local): (RelayTransport, SocketAddr),
) -> Result<(), OpenError> {
    let open = match transport {
        RelayTransport::Udp => {
            let socket = Socket::bind(local).map_err(reason)?;
            // RFC 8656 §14: only what a client asks it for.
            let _ = socket.forbid_fragments(false);
            let _ = icmp::listen(&socket);
            let socket = Rc::new(socket);
            let serve = shard
                .clone()
                .receive_from(socket.clone(), Door::Relay(relay));
            let task = tokio::task::spawn_local(serve).abort_handle();
            Open::Udp { socket, task }
        }
        RelayTransport::Tcp => {
            let listener = tcp_listener(local, true).map_err(reason)?;
            let listener = TcpListener::from_std(listener).map_err(reason)?;
            let serve = splice::accept(shard.clone(), relay, listener);
            let task = tokio::task::spawn_local(serve).abort_handle();
            Open::Tcp { local, task }
        }
    };
    out.relays.insert(relay, open);
    Ok(())
}

fn reason(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => OpenError::InUse,
        _ => OpenError::Failed,
    }
}
