use std::net::SocketAddr;

use net::{Ecn, Path};

use super::slab::Key;

/// What a server asks its driver to do, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Open a relay, and report with [`on_relay_opened`](super::Server::on_relay_opened).
    OpenRelay {
        /// Its name from now on.
        relay: RelayId,
        /// A UDP socket, or a TCP listener that peers may connect to and that connections to peers leave from.
        transport: RelayTransport,
        /// The address to bind, never a wildcard.
        local: SocketAddr,
    },
    /// Close a relay, whether it was opened or is about to be.
    CloseRelay {
        /// Which.
        relay: RelayId,
    },
    /// Close a stream of a client after what is to be sent on it.
    CloseStream {
        /// Which.
        path: Path,
    },
    /// Connect a TCP relay to a peer, and report with
    /// [`on_peer_connected`](super::Server::on_peer_connected) (RFC 6062 §5.2).
    ConnectPeer {
        /// The name of the connection from now on.
        connection: ConnectionId,
        /// Whose address the connection leaves from.
        relay: RelayId,
        /// Where it goes.
        peer: SocketAddr,
    },
    /// From now on pass bytes between a stream of a client and a connection to a peer, in both directions and untouched, after
    /// what is to be sent on the stream (RFC 6062 §5.4). When either ends, end the other, and report both.
    Join {
        /// The connection.
        connection: ConnectionId,
        /// The stream.
        path: Path,
    },
    /// Close a connection to a peer.
    CloseConnection {
        /// Which.
        connection: ConnectionId,
    },
}

/// What a relay is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelayTransport {
    /// Datagrams.
    Udp,
    /// Connections (RFC 6062).
    Tcp,
}

/// Names a relay: a socket of the driver. No two relays of a server have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(pub(super) Key);

/// Names a TCP connection to a peer: what CONNECTION-ID says (RFC 6062 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) u32);

impl ConnectionId {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a client, from where it talks to.
    Client(Path),
    /// To a peer, through the socket of a relay.
    Peer {
        /// The socket.
        relay: RelayId,
        /// The peer.
        peer: SocketAddr,
        /// It must not be fragmented (RFC 8656 §14).
        dont_fragment: bool,
    },
}

/// What `poll_transmit` says about the message that it appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where it goes.
    pub destination: Destination,
    /// The ECN codepoint to set.
    pub ecn: Ecn,
}

/// The longest header in front of a payload: a Data indication from an IPv6 peer.
const MAX_HEADER: usize = 48;

/// A message that is passed on where it stands.
#[derive(Debug)]
pub struct Relayed<'a> {
    /// Where it goes.
    pub destination: Destination,
    /// The ECN codepoint to set.
    pub ecn: Ecn,
    header: [u8; MAX_HEADER],
    header_length: usize,
    payload: &'a [u8],
    padding: usize,
}

impl<'a> Relayed<'a> {
    pub(super) const fn bare(destination: Destination, ecn: Ecn, payload: &'a [u8]) -> Self {
        Self {
            destination,
            ecn,
            header: [0; MAX_HEADER],
            header_length: 0,
            payload,
            padding: 0,
        }
    }

    pub(super) fn framed(mut self, header: &[u8], padding: usize) -> Self {
        self.header_length = header.len().min(MAX_HEADER);
        self.header
            .iter_mut()
            .zip(header)
            .for_each(|(to, from)| *to = *from);
        self.padding = padding;
        self
    }

    /// What goes in front of the payload; nothing towards a peer.
    pub fn header(&self) -> &[u8] {
        self.header.get(..self.header_length).unwrap_or_default()
    }

    /// The payload, in the received bytes.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// How many bytes the message has.
    pub const fn length(&self) -> usize {
        self.header_length + self.payload.len() + self.padding
    }

    /// Appends the message.
    pub fn append(&self, buf: &mut Vec<u8>) {
        buf.extend_from_slice(self.header());
        buf.extend_from_slice(self.payload);
        let zeros = [0; 4];
        buf.extend_from_slice(zeros.get(..self.padding).unwrap_or_default());
    }

    pub(super) const fn transmit(&self) -> Transmit {
        Transmit {
            destination: self.destination,
            ecn: self.ecn,
        }
    }
}

/// Why a relay could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Somebody else on the host has the port: another one may do.
    InUse,
    /// It is hopeless: no sockets are left, or the address is not the host's.
    Failed,
}

/// An ICMP error about what a relay sent (RFC 8656 §11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// The type, of ICMP or ICMPv6.
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// The four bytes that say more, such as the MTU.
    pub data: [u8; 4],
}
