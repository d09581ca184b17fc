mod parse;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

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

    /// An address that a STUN server saw packets of `base` come from.
    pub fn server_reflexive(address: SocketAddr, base: SocketAddr) -> Self {
        Self {
            related: Some(base),
            ..Self::local(CandidateKind::ServerReflexive, address, base)
        }
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
            foundation: foundation(kind, base.ip()),
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
        self.priority = priority(self.kind, preference, self.component);
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

/// Equal for equal kind and base address. It tells no more than the candidate line itself does.
fn foundation(kind: CandidateKind, base: IpAddr) -> String {
    let octets: &[u8] = match &base {
        IpAddr::V4(ip) => &ip.octets(),
        IpAddr::V6(ip) => &ip.octets(),
    };
    // FNV-1a: only equality matters.
    let hash = octets.iter().fold(
        0x811c_9dc5 ^ u32::from(kind.type_preference()),
        |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193),
    );
    hash.to_string()
}

#[cfg(test)]
mod tests;
