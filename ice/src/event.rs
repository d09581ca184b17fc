use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use net::Path;

use crate::Role;

/// What an [`Agent`](crate::Agent) tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state changed.
    StateChanged(State),
    /// A message with valid integrity arrived on this path for the first time: the other side holds the
    /// credentials, so the path may be bound to this session and data on it may be believed to be its.
    PathProved(Path),
    /// Data goes this way from now on. It is a new path for congestion control and path MTU.
    Selected {
        /// The pair's two ends.
        path: Path,
        /// The round trip of its checks, when one was measured without ambiguity.
        round_trip: Option<Duration>,
        /// Why it is this one now.
        reason: SelectionReason,
    },
    /// A role conflict was settled against us, or the peer turned out to be lite.
    RoleChanged(Role),
    /// A STUN server showed how `base` looks from outside: there is a new local candidate with this address, to
    /// be signalled.
    ServerReflexive {
        /// The address that the server saw.
        address: SocketAddr,
        /// The host candidate behind it.
        base: SocketAddr,
    },
    /// Every STUN server has answered for every base, or was given up.
    GatheringComplete,
    /// Datagrams of this many bytes of UDP payload pass on the path in use: see
    /// [`Agent::path_budget`](crate::Agent::path_budget).
    PathMtu(usize),
    /// A remote candidate has this name of multicast DNS: to be resolved, and
    /// [`Agent::on_resolved`](crate::Agent::on_resolved) to be told.
    ResolveName(String),
    /// A TCP connection is wanted from this address of ours to there (RFC 6544 §7.1), for frames of RFC 4571 (see
    /// [`framing`](crate::framing)): to be opened, and [`Agent::on_stream`](crate::Agent::on_stream) to be told.
    OpenStream {
        /// The address to open it from; any port will do.
        local: IpAddr,
        /// The peer's passive candidate.
        remote: SocketAddr,
    },
    /// This stream serves nothing any more: to be closed.
    CloseStream(Path),
    /// A message with valid integrity carried a datagram (see [`Agent::attach`](crate::Agent::attach)). Each comes
    /// once, however often the peer repeats it.
    PayloadArrived {
        /// The path that it came on, which is proved.
        path: Path,
        /// What the peer attached.
        payload: Bytes,
    },
    /// The peer has got this attached datagram; it is not carried any more.
    PayloadAcknowledged(Bytes),
    /// The peer answered a message that carried something as if it had carried nothing: it does not know of such
    /// things. Told once for each attachment.
    PayloadsRefused,
}

/// Why data takes another path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SelectionReason {
    /// It is the first one.
    First,
    /// It is the first one of a restart.
    Restart,
    /// The one before is silent or gone.
    PathLost,
    /// It is better than the one before.
    Better,
    /// The controlling side says so.
    PeerChose,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFact {
    /// It is open; the path has its number and the local address that it came to have.
    Opened(Path),
    /// It could not be opened.
    Refused {
        /// Where from.
        local: IpAddr,
        /// Where to.
        remote: SocketAddr,
    },
    /// It was open and is not any more.
    Closed(Path),
}

/// What happened to an address of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterfaceFact {
    /// There is a socket at this new address.
    Up(SocketAddr),
    /// The address is gone, with everything that left from it.
    Down(IpAddr),
}

/// Where an agent stands (W3C `RTCIceTransportState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// No remote credentials yet.
    #[default]
    New,
    /// Pairs are checked; none works yet.
    Checking,
    /// A pair works; it may not be the last word.
    Connected,
    /// A pair is selected, no check is outstanding, and no candidate is expected any more.
    Completed,
    /// Checks of the path in use stay unanswered. It may recover by itself.
    Disconnected,
    /// No pair works, or consent expired (RFC 7675). Nothing is sent any more; only a restart helps.
    Failed,
    /// Closed by its owner.
    Closed,
}
