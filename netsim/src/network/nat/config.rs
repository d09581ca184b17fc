use std::time::Duration;

/// How a NAT or a firewall behaves, in the terms of RFC 4787. The default is what that document asks of a NAT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatConfig {
    /// When packets of one internal endpoint share an external one (§4.1). A firewall does not map.
    pub mapping: Mapping,
    /// Whose packets come in through a mapping (§5).
    pub filtering: Filtering,
    /// What becomes of packets from inside to an external address of the NAT itself (§6).
    pub hairpin: Hairpin,
    /// Which external port a new mapping gets (§4.2.1).
    pub ports: PortAssignment,
    /// Whether the external port is even when the internal one is, and odd when it is (§4.2.2). Off by default:
    /// with RTP and RTCP on one port nothing needs it, and few NATs do it.
    pub keeps_parity: bool,
    /// Which of several external addresses a mapping gets (§4.1).
    pub pooling: Pooling,
    /// How long a mapping, and the permission to answer through it, lives without being refreshed (§4.3).
    /// Outbound packets always refresh (REQ-6). Default 5 minutes, the recommendation of REQ-5; many
    /// NATs give 30 s.
    pub timeout: Duration,
    /// Whether inbound packets refresh too (REQ-6 a allows it). Off by default, the harder case.
    pub refreshed_by_inbound: bool,
    /// The most mappings at a time; a packet that needs one more is dropped. Default 65,536.
    pub max_mappings: usize,
    /// Whether UDP is dropped altogether, as strict firewalls do. Streams pass.
    pub blocks_udp: bool,
}

impl Default for NatConfig {
    fn default() -> Self {
        Self {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::AddressDependent,
            hairpin: Hairpin::ExternalSource,
            ports: PortAssignment::Preserve,
            keeps_parity: false,
            pooling: Pooling::Paired,
            timeout: Duration::from_secs(300),
            refreshed_by_inbound: false,
            max_mappings: 65_536,
            blocks_udp: false,
        }
    }
}

impl NatConfig {
    /// The default with another mapping and filtering.
    pub fn new(mapping: Mapping, filtering: Filtering) -> Self {
        Self {
            mapping,
            filtering,
            ..Self::default()
        }
    }

    /// What people call a symmetric NAT: everything depends on address and port, and ports tell nothing.
    pub fn symmetric() -> Self {
        Self {
            ports: PortAssignment::Random,
            ..Self::new(
                Mapping::AddressAndPortDependent,
                Filtering::AddressAndPortDependent,
            )
        }
    }

    /// No UDP in either direction.
    pub fn udp_blocked() -> Self {
        Self {
            blocks_udp: true,
            ..Self::default()
        }
    }
}

/// When packets of one internal endpoint leave from the same external one (RFC 4787 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mapping {
    /// Always: what REQ-1 demands.
    EndpointIndependent,
    /// When they go to the same address.
    AddressDependent,
    /// When they go to the same address and port.
    AddressAndPortDependent,
}

impl Mapping {
    /// All three.
    pub const ALL: [Self; 3] = [
        Self::EndpointIndependent,
        Self::AddressDependent,
        Self::AddressAndPortDependent,
    ];
}

/// Whose packets a mapping lets in (RFC 4787 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filtering {
    /// Everybody's.
    EndpointIndependent,
    /// Those from addresses to which the mapping has sent.
    AddressDependent,
    /// Those from endpoints to which the mapping has sent.
    AddressAndPortDependent,
}

impl Filtering {
    /// All three.
    pub const ALL: [Self; 3] = [
        Self::EndpointIndependent,
        Self::AddressDependent,
        Self::AddressAndPortDependent,
    ];
}

/// What happens to packets between two hosts behind one NAT that use its external address (RFC 4787 §6).
///
/// Filtering applies to them as if they came from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hairpin {
    /// They are dropped.
    Off,
    /// They arrive with the internal endpoint of the sender as their source, which REQ-9 a forbids.
    InternalSource,
    /// They arrive with the external endpoint of the sender as their source, as REQ-9 a demands.
    ExternalSource,
}

/// Which external port a mapping gets (RFC 4787 §4.2.1). No port serves two mappings at a time (REQ-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortAssignment {
    /// The internal one, else the next free one; ports below 1024 stay below it, the others above (REQ-3 b).
    Preserve,
    /// One after the other.
    Sequential,
    /// Any.
    Random,
}

/// Which external address a mapping gets when there are several (RFC 4787 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The same for all mappings of an internal address, as REQ-2 recommends.
    Paired,
    /// The next in turn.
    Arbitrary,
}
