use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use tokio::io::Interest;

/// Buffers handed to one receive call. Each holds one offloaded batch of up to 64 KiB.
const RECEIVE_BUFFERS: usize = 8;
const RECEIVE_BUFFER_BYTES: usize = 65_535;
/// Socket buffers asked of the kernel (it may give less).
const KERNEL_BUFFER_BYTES: usize = 4 << 20;

/// A UDP socket with segmentation offload, ECN and the local address of every datagram.
#[derive(Debug)]
pub(crate) struct Socket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// The reusable buffers of a receive call, and what the kernel said about them.
pub(crate) struct ReceiveBatch {
    storage: Vec<Vec<u8>>,
    meta: [RecvMeta; RECEIVE_BUFFERS],
    filled: usize,
}

impl Socket {
    /// Binds an address; a wildcard is fine, every datagram tells its local address.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let domain = socket2::Domain::for_address(address);
        let socket =
            socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        Self::register(socket.into())
    }

    /// Puts a bound socket on the runtime.
    pub(crate) fn register(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // More room than the default saves bursts; what the kernel refuses is no error.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER_BYTES);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER_BYTES);
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    /// Binds an address that other sockets of this process are bound to as well: the kernel tells senders apart.
    #[cfg(feature = "turn-server")]
    pub(crate) fn shared(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
        let domain = socket2::Domain::for_address(address);
        let socket =
            socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        Ok(socket.into())
    }

    /// Whether what is sent from now on may not be fragmented on its way. It may not after [`bind`](Self::bind).
    #[cfg(feature = "turn-server")]
    pub(crate) fn forbid_fragments(&self, forbid: bool) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::net::sockopt;
            if self.local.is_ipv4() {
                let value = if forbid {
                    sockopt::Ipv4PathMtuDiscovery::PROBE
                } else {
                    sockopt::Ipv4PathMtuDiscovery::DONT
                };
                sockopt::set_ip_mtu_discover(&self.io, value)?;
            } else {
                let value = if forbid {
                    sockopt::Ipv6PathMtuDiscovery::PROBE
                } else {
                    sockopt::Ipv6PathMtuDiscovery::DONT
                };
                sockopt::set_ipv6_mtu_discover(&self.io, value)?;
            }
            Ok(())
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = forbid;
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// The bound address, perhaps a wildcard.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// How many equal-sized datagrams one send may carry.
    pub(crate) fn max_segments(&self) -> usize {
        self.state.max_gso_segments().max(1)
    }

    /// Whether datagrams from `local` leave through this socket.
    pub(crate) fn serves(&self, local: SocketAddr) -> bool {
        self.local.is_ipv4() == local.is_ipv4()
            && self.local.port() == local.port()
            && (self.local.ip().is_unspecified() || self.local.ip() == local.ip())
    }

    /// What this is made of.
    #[cfg(feature = "turn-server")]
    pub(crate) const fn io(&self) -> &tokio::net::UdpSocket {
        &self.io
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Receives what is there; `WouldBlock` when nothing is.
    pub(crate) fn receive(&self, batch: &mut ReceiveBatch) -> io::Result<()> {
        batch.filled = 0;
        let mut buffers = batch.storage.iter_mut();
        let mut slices: [IoSliceMut<'_>; RECEIVE_BUFFERS] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().map_or(&mut [], Vec::as_mut_slice))
        });
        batch.filled = self.io.try_io(Interest::READABLE, || {
            self.state
                .recv(UdpSockRef::from(&self.io), &mut slices, &mut batch.meta)
        })?;
        Ok(())
    }

    /// Sends one datagram, or several of `segment` bytes (the last may be shorter).
    pub(crate) fn try_send(
        &self,
        transmit: &net::Transmit,
        contents: &[u8],
        segment: Option<usize>,
    ) -> io::Result<()> {
        let pinned = self
            .local
            .ip()
            .is_unspecified()
            .then(|| transmit.path.local.ip());
        let datagram = quinn_udp::Transmit {
            destination: transmit.path.remote,
            ecn: quinn_udp::EcnCodepoint::from_bits(transmit.ecn.bits()),
            contents,
            segment_size: segment,
            src_ip: pinned,
        };
        let send = || self.state.try_send(UdpSockRef::from(&self.io), &datagram);
        // The kernel is asked first: of a socket that was opened a moment ago the runtime does not know yet that it is writable.
        match send() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.io.try_io(Interest::WRITABLE, send)
            }
            sent => sent,
        }
    }
}

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        Self {
            storage: vec![vec![0; RECEIVE_BUFFER_BYTES]; RECEIVE_BUFFERS],
            meta: [RecvMeta::default(); RECEIVE_BUFFERS],
            filled: 0,
        }
    }

    /// Splits the batch into its datagrams, in the order of arrival, without a copy.
    pub(crate) fn datagrams<'a>(
        &'a mut self,
        bound: SocketAddr,
    ) -> impl Iterator<Item = net::Datagram<'a>> + 'a {
        self.storage
            .iter_mut()
            .zip(&self.meta)
            .take(self.filled)
            .flat_map(move |(buffer, meta)| {
                let local = SocketAddr::new(
                    meta.dst_ip.map_or_else(|| bound.ip(), canonical),
                    bound.port(),
                );
                let path = net::Path::udp(local, meta.addr);
                let ecn = meta
                    .ecn
                    .map_or(net::Ecn::NotEct, |mark| net::Ecn::from_bits(mark as u8));
                let len = meta.len.min(buffer.len());
                let stride = meta.stride.max(1);
                let filled = buffer.get_mut(..len).unwrap_or_default();
                filled
                    .chunks_mut(stride)
                    .map(move |bytes| net::Datagram { path, ecn, bytes })
            })
    }
}

/// An IPv4 address that came dressed as IPv6 is an IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
