//! What the tasks beside a shard tell it.

use std::net::{IpAddr, SocketAddr};

use net::Path;
use tokio::net::TcpStream;

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
    /// The addresses of the interfaces, looked up anew.
    Interfaces(Vec<SocketAddr>),
}
