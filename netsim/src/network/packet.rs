use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Dscp, Ecn, Path};

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Packet {
    /// From whom (`local`) to whom (`remote`), as the network sees it at this point of the way.
    pub path: Path,
    /// The ECN codepoint.
    pub ecn: Ecn,
    /// The DSCP.
    pub dscp: Dscp,
    /// It probes the path MTU.
    pub probe: bool,
    /// When its sender let it go.
    pub sent: Instant,
    /// The UDP payload.
    pub bytes: Vec<u8>,
}

impl Packet {
    /// A best-effort packet.
    pub const fn new(path: Path, sent: Instant, bytes: Vec<u8>) -> Self {
        Self {
            path,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            probe: false,
            sent,
            bytes,
        }
    }

    /// Its size as an IP packet: what an MTU and a rate are measured against.
    pub const fn ip_size(&self) -> usize {
        let ip = match self.path.remote {
            SocketAddr::V4(_) => 20,
            SocketAddr::V6(_) => 40,
        };
        ip + 8 + self.bytes.len()
    }
}

/// What an interceptor wants done with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It travels on.
    Pass,
    /// It is lost.
    Drop,
    /// It sets out this much later.
    Delay(Duration),
    /// It sets out with another payload.
    Replace(Vec<u8>),
}
