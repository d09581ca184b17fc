use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stun::{AddressFamily, ErrorCode};

use crate::{ChannelNumber, ConnectionId};

/// What the application of a client learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The allocation goes on from another socket: open one (a new local port, and a new connection for a stream)
    /// to this server, and call [`Client::allocate`](crate::Client::allocate) with it.
    SocketNeeded {
        /// The server to talk to.
        server: SocketAddr,
        /// The name that the server's certificate must have, when it is not the old one (RFC 8489 §14.16).
        domain: Option<String>,
        /// Why the old socket does not do.
        cause: SocketCause,
    },
    /// The relay stands. For ICE, `relayed` are relayed candidates and `mapped` is a server-reflexive one.
    Allocated {
        /// The relayed addresses, one per family.
        relayed: Vec<SocketAddr>,
        /// Where the server sees the client.
        mapped: Option<SocketAddr>,
        /// How long the allocation lives if it is not refreshed, which the client does.
        lifetime: Duration,
        /// The family that was asked for and not given, and why (RFC 8656 §18.12).
        refused: Option<(AddressFamily, ErrorCode)>,
    },
    /// The allocation stands on the new socket ([`Client::migrate`](crate::Client::migrate)).
    Migrated,
    /// The peer can be reached, and what it sends arrives; the client keeps it so.
    PermissionInstalled(IpAddr),
    /// The peer cannot be reached, or not any more.
    PermissionRefused(IpAddr, Refusal),
    /// Data to and from the peer goes in ChannelData from now on.
    ChannelBound(SocketAddr, ChannelNumber),
    /// There is no channel to the peer, or not any more: data goes in indications.
    ChannelRefused(SocketAddr, Refusal),
    /// The server has a connection with a peer (RFC 6062): open another stream to it, and take it up with
    /// [`Client::open`](crate::Client::open) within 30 s.
    ConnectionReady {
        /// Who is at the other end.
        peer: SocketAddr,
        /// Its name.
        id: ConnectionId,
        /// Who asked for it: we, by [`Client::connect`](crate::Client::connect), or the peer.
        initiator: Initiator,
    },
    /// The server has no connection with the peer: it could not be reached (447), there is one already (446), …
    ConnectRefused(SocketAddr, Refusal),
    /// It is over.
    Closed(CloseReason),
}

/// Why another socket is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketCause {
    /// The server still has an allocation for the old one (437, RFC 8656 §7.4).
    AllocationMismatch,
    /// The server names another one (300, RFC 8489 §10).
    Redirected,
}

/// Why a permission or a channel does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The server said so.
    Code(ErrorCode),
    /// The server did not answer, or nothing that can be understood, until what stood expired.
    TimedOut,
    /// The relay has no address of the peer's family.
    Family,
}

/// Why a client is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// Who started it.
    pub initiator: Initiator,
    /// Why.
    pub cause: Cause,
}

/// Who started the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The application.
    Local,
    /// The server.
    Remote,
    /// What lies between.
    Network,
}

/// Why a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The application closed it.
    Closed,
    /// The server refused the allocation, or to keep it.
    Refused(ErrorCode),
    /// The user or the password is wrong, or the server's challenge cannot be answered.
    Unauthenticated,
    /// The server sent one nonce after the other.
    StaleNonces,
    /// The server sent the client in a circle, or too far (RFC 8489 §10).
    Redirects,
    /// The server has lost the allocation (437 to a Refresh or later).
    AllocationLost,
    /// The server says that it has the allocation, and gives no address that can be used.
    Malformed,
    /// The server does not answer.
    TimedOut,
    /// The stream to the server carries something that is not TURN, or ended.
    StreamBroken,
}
