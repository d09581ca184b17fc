//! What the tasks beside a shard tell it.

use std::net::{IpAddr, SocketAddr};

use net::Path;
use peer::RelayId;
use tokio::net::TcpStream;

use super::relays::OpenRelay;
use super::slab::Key;

/// How many reports wait; a task that has more to tell waits.
pub(crate) const QUEUE: usize = 1_024;

/// A report.
#[derive(Debug)]
pub(crate) enum Report {
    /// A name was resolved, or has no address.
    Resolved {
        /// Who asked.
        owner: Key,
        /// The name.
        name: String,
        /// Its addresses.
        addresses: Vec<IpAddr>,
    },
    /// A connection that somebody asked for is open.
    Dialed {
        /// Who asked.
        owner: Key,
        /// The connection.
        stream: TcpStream,
        /// Where it was opened to.
        remote: SocketAddr,
    },
    /// It could not be opened.
    Refused {
        /// Who asked.
        owner: Key,
        /// From where.
        local: IpAddr,
        /// To where.
        remote: SocketAddr,
    },
    /// Somebody opened a connection to us.
    Accepted(TcpStream),
    /// A datagram arrived on a connection.
    Frame {
        /// The connection.
        path: Path,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// A connection ended.
    Ended(Path),
    /// A way to a TURN server is open.
    RelayOpened {
        /// Who asked.
        owner: Key,
        /// The way.
        opened: OpenRelay,
    },
    /// It could not be opened, or has ended.
    RelayEnded {
        /// Who asked.
        owner: Key,
        /// Which.
        id: RelayId,
    },
    /// A TURN server sent a datagram, or a piece of a stream.
    Relayed {
        /// Whose it is.
        owner: Key,
        /// The way.
        path: Path,
        /// What came.
        bytes: Vec<u8>,
    },
    /// The addresses of the interfaces, looked up anew.
    Interfaces(Vec<SocketAddr>),
}
