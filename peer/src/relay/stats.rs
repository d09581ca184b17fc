use std::net::SocketAddr;
use std::time::Duration;

use super::RelayTransport;

/// What one client of a TURN server has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayStats {
    /// How the server is reached.
    pub transport: RelayTransport,
    /// Where it is.
    pub server: SocketAddr,
    /// The addresses on it, none before it has granted any.
    pub relayed: Vec<SocketAddr>,
    /// The round trip to the server.
    pub round_trip_time: Option<Duration>,
    /// What the client counted.
    pub client: turn::Stats,
}
