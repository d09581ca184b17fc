//! Listening sockets: every shard has its own on each address, and the kernel tells clients apart.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpListener;

use crate::driver::Socket;
use crate::turn_server::{Listener, ListenerTransport, StartError};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Bound, and not yet on a runtime.
#[derive(Default)]
pub(in crate::turn_server) struct Sockets {
    udp: Vec<std::net::UdpSocket>,
    dtls: Vec<std::net::UdpSocket>,
    /// And whether TLS is spoken there.
    tcp: Vec<(std::net::TcpListener, bool)>,
}

/// On the runtime of a shard.
pub(super) struct Registered {
    pub(super) udp: Vec<Rc<Socket>>,
    pub(super) dtls: Vec<Rc<Socket>>,
    pub(super) tcp: Vec<(TcpListener, bool)>,
}

impl Sockets {
    pub(in crate::turn_server) fn bind(listeners: &[Listener]) -> Result<Self, StartError> {
        let mut sockets = Self::default();
        for listener in listeners {
            let address = listener.address;
            let error = |error| StartError::Bind { address, error };
            match listener.transport {
                ListenerTransport::Udp => {
                    sockets.udp.push(Socket::shared(address).map_err(error)?);
                }
                ListenerTransport::Dtls => {
                    sockets.dtls.push(Socket::shared(address).map_err(error)?);
                }
                ListenerTransport::Tcp | ListenerTransport::Tls => {
                    let is_tls = listener.transport == ListenerTransport::Tls;
                    let bound = tcp_listener(address, true).map_err(error)?;
                    sockets.tcp.push((bound, is_tls));
                }
            }
        }
        Ok(sockets)
    }

    pub(super) fn register(self) -> io::Result<Registered> {
        let register = |socket| {
            let socket = Socket::register(socket)?;
            let _ = socket.forbid_fragments(false);
            Ok::<_, io::Error>(Rc::new(socket))
        };
        Ok(Registered {
            udp: self
                .udp
                .into_iter()
                .map(register)
                .collect::<Result<_, _>>()?,
            dtls: self
                .dtls
                .into_iter()
                .map(register)
                .collect::<Result<_, _>>()?,
            tcp: self
                .tcp
                .into_iter()
                .map(|(listener, tls)| Ok((TcpListener::from_std(listener)?, tls)))
                .collect::<io::Result<_>>()?,
        })
    }
}

/// A listener whose address others of this process may listen on, and connect from.
pub(super) fn tcp_listener(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
