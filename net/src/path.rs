use std::fmt;
use std::net::SocketAddr;

/// Names one stream transport (a TCP or TLS connection) of a driver.
///
/// The driver gives the numbers out; a machine only compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u64);

impl StreamId {
    /// Makes an id from the driver's number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The driver's number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What carries the bytes between two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]

pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream whose frames are already delimited by the layer that made them.
    Stream(StreamId),
}

/// Both ends of a way a datagram can take.
///
/// `local` is the address of this host that the datagram leaves from or arrived on, never a wildcard:
/// ICE needs to know it (RFC 8445 §7.2.5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// The address on this host.
    pub local: SocketAddr,
    /// The address of the other side.
    pub remote: SocketAddr,
    /// What lies between them.
    pub transport: Transport,
}

impl Path {
    /// A path of UDP datagrams.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            local,
            remote,
            transport: Transport::Udp,
        }
    }

    /// The same path as the other side sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            local: self.remote,
            remote: self.local,
            transport: self.transport,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Udp => write!(f, "udp {} -> {}", self.local, self.remote),
            Transport::Stream(id) => {
                write!(f, "stream {} {} -> {}", id.get(), self.local, self.remote)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversing_a_path_twice_gives_it_back() {
        let path = Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into());
        assert_eq!(path.reversed().local, path.remote);
        assert_eq!(path.reversed().reversed(), path);
        assert_eq!(path.to_string(), "udp 10.0.0.1:1 -> 10.0.0.2:2");
    }
}
