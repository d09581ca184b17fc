mod parse;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use parse::ParseCandidateError;

/// A transport address that may reach an agent (RFC 8445 §5.1), with what is signalled about it
/// (RFC 8839 §5.1).
///
/// `FromStr` reads the value of a candidate attribute with or without its `candidate:` prefix; `Display` writes
/// it with the prefix. Extensions that are not understood are kept and written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    foundation: String,
    component: u16,
    transport: CandidateTransport,
    priority: u32,
    address: Address,
    kind: CandidateKind,
    related: Option<SocketAddr>,
    extensions: Vec<(String, String)>,
    /// Where packets of a local candidate leave from; equals the address unless a NAT or a relay stands between.
    base: Option<SocketAddr>,
}

/// The connection-address of a candidate: only addresses take part in checks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Ip(SocketAddr),
    Name { host: String, port: u16 },
}

/// How a candidate came to be known (RFC 8445 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CandidateKind {
    /// An address of the host itself.
    Host,
    /// An address that a peer's check came from, or that a peer saw ours come from.
    PeerReflexive,
    /// The address that a STUN server saw.
    ServerReflexive,
    /// An address on a TURN server.
    Relayed,
}

impl CandidateKind {
    /// The recommended type preference (RFC 8445 §5.1.2.2).
    pub const fn type_preference(self) -> u8 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed => 0,
        }
    }

    /// The word of the candidate attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::PeerReflexive => "prflx",
            Self::ServerReflexive => "srflx",
            Self::Relayed => "relay",
        }
    }
}

/// The transport of a candidate (RFC 8839 §5.1, RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CandidateTransport {
    /// UDP.
    Udp,
    /// TCP, with the direction in which it is opened.
    Tcp(TcpType),
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpType {
    /// The candidate's owner; its port is the discard port.
    Active,
    /// The other side.
    Passive,
    /// Both at once.
    SimultaneousOpen,
}

impl TcpType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }
}

/// The highest local preference (RFC 8445 §5.1.2.1), for hosts with one address.
const MAX_LOCAL_PREFERENCE: u16 = 65_535;

impl Candidate {
    /// A host candidate. Its priority is that of a host with a single address; the agent lowers it where it is
    /// taken already.
    pub fn host(address: SocketAddr) -> Self {
        Self::local(CandidateKind::Host, address, address)
    }

    /// A host candidate that is announced with another address than it has on this host, as behind a NAT that
    /// maps one address to one (RFC 8445 §5.1.1.1 leaves it open how an agent learns its addresses).
    pub fn host_announced(address: SocketAddr, base: SocketAddr) -> Self {
        Self::local(CandidateKind::Host, address, base)
    }

    /// A host candidate that is shown under a name of multicast DNS, so that the peer does not learn the address
    /// unless it is on the same link (draft-ietf-mmusic-mdns-ice-candidates §3.1). Whoever shows it must answer for
    /// the name: see [`mdns`](crate::mdns).
    pub fn host_named(name: &str, base: SocketAddr) -> Self {
        Self {
            address: Address::Name {
                host: name.to_owned(),
                port: base.port(),
            },
            ..Self::local(CandidateKind::Host, base, base)
        }
    }

    /// A host candidate for TCP (RFC 6544 §4.1): passive with the address that is listened on; active with the
    /// address that connections will come from, whose port does not matter and is written as 9.
    pub fn tcp_host(address: SocketAddr, tcp_type: TcpType) -> Self {
        let address = match tcp_type {
            TcpType::Active => SocketAddr::new(address.ip(), DISCARD_PORT),
            TcpType::Passive | TcpType::SimultaneousOpen => address,
        };
        let transport = CandidateTransport::Tcp(tcp_type);
        let kind = CandidateKind::Host;
        Self {
            transport,
            priority: tcp_priority(kind, tcp_type, MAX_OTHER_PREFERENCE),
            foundation: foundation(kind, transport, address.ip(), None),
            ..Self::local(kind, address, address)
        }
    }

    /// An address that a STUN server saw packets of `base` come from.
    pub fn server_reflexive(address: SocketAddr, base: SocketAddr) -> Self {
        Self {
            related: Some(base),
            ..Self::local(CandidateKind::ServerReflexive, address, base)
        }
    }

    /// The same candidate, learned from this server: candidates of one base that different servers gave have
    /// different foundations (RFC 8445 §5.1.1.3).
    #[must_use]
    pub fn from_server(mut self, server: IpAddr) -> Self {
        let base = self.base.or_else(|| self.address()).map(|base| base.ip());
        if let Some(base) = base {
            self.foundation = foundation(self.kind, self.transport, base, Some(server));
        }
        self
    }

    /// The same candidate with a related address that says nothing (draft-ietf-mmusic-mdns-ice-candidates §3.1.2.2:
    /// where host addresses are hidden they must not come out here).
    #[must_use]
    pub fn without_related(mut self) -> Self {
        self.related = self.related.map(|related| match related {
            SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
        });
        self
    }

    /// An address on a relay, reached by packets that leave with it as their local address; `mapped` is how the
    /// relay sees us.
    pub fn relayed(address: SocketAddr, mapped: SocketAddr) -> Self {
        Self {
            related: Some(mapped),
            ..Self::local(CandidateKind::Relayed, address, address)
        }
    }

    pub(crate) fn peer_reflexive(address: SocketAddr, priority: u32) -> Self {
        Self {
            priority,
            ..Self::local(CandidateKind::PeerReflexive, address, address)
        }
    }

    fn local(kind: CandidateKind, address: SocketAddr, base: SocketAddr) -> Self {
        Self {
            foundation: foundation(kind, CandidateTransport::Udp, base.ip(), None),
            component: 1,
            transport: CandidateTransport::Udp,
            priority: priority(kind, MAX_LOCAL_PREFERENCE, 1),
            address: Address::Ip(address),
            kind,
            related: None,
            extensions: Vec::new(),
            base: Some(base),
        }
    }

    /// The same candidate with a local preference, from which its priority follows (RFC 8445 §5.1.2.1).
    #[must_use]
    pub fn with_local_preference(mut self, preference: u16) -> Self {
        self.priority = match self.transport {
            CandidateTransport::Udp => priority(self.kind, preference, self.component),
            CandidateTransport::Tcp(tcp_type) => {
                tcp_priority(self.kind, tcp_type, preference & MAX_OTHER_PREFERENCE)
            }
        };
        self
    }

    /// How it came to be known.
    pub const fn kind(&self) -> CandidateKind {
        self.kind
    }

    /// Its address; `None` when it is a name.
    pub const fn address(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Ip(address) => Some(address),
            Address::Name { .. } => None,
        }
    }

    /// The address that it is reached at, once its name was resolved.
    pub(crate) fn at(mut self, ip: IpAddr) -> Self {
        if let Address::Name { port, .. } = self.address {
            self.address = Address::Ip(SocketAddr::new(ip, port));
        }
        self
    }

    /// Its name and port, when it has no address.
    pub fn host_name(&self) -> Option<(&str, u16)> {
        match &self.address {
            Address::Ip(_) => None,
            Address::Name { host, port } => Some((host, *port)),
        }
    }

    /// Where packets of a local candidate leave from (RFC 8445 §3, "base").
    pub const fn base(&self) -> Option<SocketAddr> {
        self.base
    }

    /// Its transport.
    pub const fn transport(&self) -> CandidateTransport {
        self.transport
    }

    /// What candidates of one kind, base and server have in common (RFC 8445 §5.1.1.3).
    pub fn foundation(&self) -> &str {
        &self.foundation
    }

    /// Its priority (RFC 8445 §5.1.2).
    pub const fn priority(&self) -> u32 {
        self.priority
    }

    /// Its component: 1, or 2 for RTCP of its own.
    pub const fn component(&self) -> u16 {
        self.component
    }

    /// The related address (`raddr`, `rport`).
    pub const fn related(&self) -> Option<SocketAddr> {
        self.related
    }

    /// The value of an extension attribute.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The username fragment that the candidate belongs to, when it says so (RFC 8838 §8).
    pub fn ufrag(&self) -> Option<&str> {
        self.extension("ufrag")
    }

    pub(crate) fn lower_priority(&mut self) {
        self.priority = self.priority.saturating_sub(1 << 8);
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            CandidateTransport::Udp => "udp",
            CandidateTransport::Tcp(_) => "tcp",
        };
        write!(
            f,
            "candidate:{} {} {transport} {} ",
            self.foundation, self.component, self.priority
        )?;
        match &self.address {
            Address::Ip(address) => write!(f, "{} {}", address.ip(), address.port())?,
            Address::Name { host, port } => write!(f, "{host} {port}")?,
        }
        write!(f, " typ {}", self.kind.as_str())?;
        if let Some(related) = self.related {
            write!(f, " raddr {} rport {}", related.ip(), related.port())?;
        }
        if let CandidateTransport::Tcp(tcp_type) = self.transport {
            write!(f, " tcptype {}", tcp_type.as_str())?;
        }
        self.extensions
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

/// `2^24·type + 2^8·local + (256 − component)` (RFC 8445 §5.1.2.1).
pub(crate) const fn priority(kind: CandidateKind, local_preference: u16, component: u16) -> u32 {
    ((kind.type_preference() as u32) << 24)
        | ((local_preference as u32) << 8)
        | 256_u32.saturating_sub(component as u32)
}

/// The priority of a TCP candidate (RFC 6544 §4.2): a type preference below that of any UDP candidate that needs no
/// relay, and a local preference of `2^13·direction + other`.
const fn tcp_priority(kind: CandidateKind, tcp_type: TcpType, other: u16) -> u32 {
    let direction: u32 = match (kind, tcp_type) {
        (CandidateKind::Host, TcpType::Active) => 6,
        (CandidateKind::Host, TcpType::Passive) => 4,
        (CandidateKind::Host, TcpType::SimultaneousOpen) => 2,
        (_, TcpType::SimultaneousOpen) => 6,
        (_, TcpType::Active) => 4,
        (_, TcpType::Passive) => 2,
    };
    let local = (direction << 13) | other as u32;
    ((tcp_type_preference(kind) as u32) << 24) | (local << 8) | 255
}

/// The type preference over TCP: each kind some way below its UDP counterpart.
pub(crate) const fn tcp_type_preference(kind: CandidateKind) -> u8 {
    match kind {
        CandidateKind::Host => 90,
        CandidateKind::PeerReflexive => 80,
        CandidateKind::ServerReflexive => 70,
        CandidateKind::Relayed => 0,
    }
}

/// The bits of a TCP candidate's local preference that are not its direction.
const MAX_OTHER_PREFERENCE: u16 = 0x1fff;

/// The port of an active candidate (RFC 6544 §4.5).
pub(crate) const DISCARD_PORT: u16 = 9;

/// Equal for equal kind, transport, base address and server (RFC 8445 §5.1.1.3). It tells no more than the candidate
/// line itself does, except that a server's address goes into it, hashed.
fn foundation(
    kind: CandidateKind,
    transport: CandidateTransport,
    base: IpAddr,
    server: Option<IpAddr>,
) -> String {
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let transport = u32::from(transport != CandidateTransport::Udp) << 8;
    let bytes = server.into_iter().fold(octets(base), |mut bytes, server| {
        bytes.extend(octets(server));
        bytes
    });
    // FNV-1a: only equality matters.
    let hash = bytes.iter().fold(
        0x811c_9dc5 ^ u32::from(kind.type_preference()) ^ transport,
        |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193),
    );
    hash.to_string()
}

#[cfg(test)]
mod tests;
