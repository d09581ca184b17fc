use std::net::SocketAddr;

use net::Path;

/// Names one socket or connection to a TURN server, for as long as the peer connection lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub(crate) u64);

impl RelayId {
    /// The one before all others, for ordered tables.
    pub const FIRST: Self = Self(0);
}

/// What carries the messages between this host and a TURN server (RFC 8656 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RelayTransport {
    /// Datagrams: `turn:host`, `turn:host?transport=udp`.
    Udp,
    /// Datagrams within DTLS: `turns:host?transport=udp`.
    Dtls,
    /// A TCP connection: `turn:host?transport=tcp`.
    Tcp,
    /// TLS over TCP: `turns:host`.
    Tls,
}

impl RelayTransport {
    pub(crate) const fn of(uri: &stun::Uri) -> Self {
        match (uri.scheme().is_secure(), uri.transport()) {
            (false, stun::UriTransport::Udp) => Self::Udp,
            (false, stun::UriTransport::Tcp) => Self::Tcp,
            (true, stun::UriTransport::Udp) => Self::Dtls,
            (true, stun::UriTransport::Tcp) => Self::Tls,
        }
    }

    /// Whether messages keep their bounds on the way.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Udp | Self::Dtls)
    }

    /// The local preference of a relayed candidate (RFC 8445 §5.1.2.1): what is nearer to UDP is better.
    pub(crate) const fn local_preference(self) -> u16 {
        match self {
            Self::Udp => 65_535,
            Self::Dtls => 49_151,
            Self::Tcp => 32_767,
            Self::Tls => 16_383,
        }
    }
}

/// A socket of its own that the driver is asked for: an allocation belongs to the addresses and ports of both ends
/// (RFC 8656 §2.2), so the port that connections share does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySocket {
    /// Its name.
    pub id: RelayId,
    /// What is to be opened.
    pub transport: RelayTransport,
    /// Where to.
    pub server: SocketAddr,
    /// Whose certificate the server must show with TLS and DTLS: a host name, or the text of an address.
    pub domain: String,
}

/// What became of a socket that [`Event::OpenRelaySocket`](crate::Event::OpenRelaySocket) asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayFact {
    /// It is open, with TLS or DTLS established where that was asked for. Its path is what datagrams (`Transport::Udp`
    /// for UDP and DTLS) or pieces of the stream come and go under; no other path of the connection equals it.
    Opened(RelayId, Path),
    /// It could not be opened.
    Refused(RelayId),
    /// It was open and is not any more.
    Closed(RelayId),
}
