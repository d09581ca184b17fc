use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::nat::Nat;

/// Names a node of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

/// What a node does with packets that are not for itself.
pub(super) enum Role {
    /// Nothing: it is an end.
    Host,
    /// It passes them on.
    Router,
    /// It passes on what it has a mapping for.
    Nat(Box<Nat>),
}

/// A place in the network.
pub(super) struct Node {
    pub(super) role: Role,
    pub(super) addresses: Vec<IpAddr>,
    /// By how much its ports differ outside, and which it has used; zero until it is rebound.
    shift: u16,
    used: BTreeSet<SocketAddr>,
}

impl Node {
    pub(super) fn new(role: Role, addresses: Vec<IpAddr>) -> Self {
        Self {
            role,
            addresses,
            shift: 0,
            used: BTreeSet::new(),
        }
    }

    pub(super) fn owns(&self, address: IpAddr) -> bool {
        match &self.role {
            Role::Nat(nat) => nat.owns(address),
            Role::Host | Role::Router => self.addresses.contains(&address),
        }
    }

    pub(super) fn nat_mut(&mut self) -> Option<&mut Nat> {
        match &mut self.role {
            Role::Nat(nat) => Some(nat),
            Role::Host | Role::Router => None,
        }
    }

    pub(super) fn rebind(&mut self) {
        self.shift = self.shift.wrapping_add(1_009);
    }

    /// The address from which a packet that the host sent from `inner` appears to come.
    pub(super) fn outward(&mut self, inner: SocketAddr) -> SocketAddr {
        self.used.insert(inner);
        let mut outer = inner;
        outer.set_port(inner.port().wrapping_add(self.shift));
        outer
    }

    /// The host's own address behind `outer`; `None` when nothing is behind it (any more).
    pub(super) fn inward(&self, outer: SocketAddr) -> Option<SocketAddr> {
        let mut inner = outer;
        inner.set_port(outer.port().wrapping_sub(self.shift));
        (self.shift == 0 || self.used.contains(&inner)).then_some(inner)
    }
}
