mod link;
mod nat;
mod node;
mod packet;
mod route;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

pub use link::{Drops, LinkConfig, LinkId, Loss, Outage};
pub use nat::{Filtering, Hairpin, Mapping, NatConfig, Pooling, PortAssignment};
pub use node::NodeId;
pub use packet::{Packet, Verdict};

use link::Link;
use nat::Nat;
use node::{Node, Role};
use route::Routes;

/// Nodes with addresses, links between them, and the packets under way. It has no clock: time is an argument.
///
/// A host is a node that sends and receives; a router only passes packets on; a NAT or a firewall passes on what
/// it has let out before, under other addresses or the same ([`Network::nat`], [`Network::firewall`]). An
/// [`Internet`](crate::Internet) builds the usual shape. Where no NAT is wanted but a change of ports is,
/// [`Network::rebind`] makes one.
pub struct Network {
    seed: u64,
    nodes: Vec<Node>,
    links: Vec<Link>,
    routes: Routes,
    flight: BinaryHeap<Reverse<InFlight>>,
    serial: u64,
    interceptor: Option<Interceptor>,
    drops: Drops,
    record: Option<Vec<Packet>>,
}

type Interceptor = Box<dyn FnMut(&Packet) -> Verdict + Send>;

impl Network {
    /// An empty network; everything random in it follows from the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            nodes: Vec::new(),
            links: Vec::new(),
            routes: Routes::default(),
            flight: BinaryHeap::new(),
            serial: 0,
            interceptor: None,
            drops: Drops::default(),
            record: None,
        }
    }

    /// Adds a host with its addresses.
    pub fn host(&mut self, addresses: impl IntoIterator<Item = IpAddr>) -> NodeId {
        self.node(Role::Host, addresses.into_iter().collect())
    }

    /// Adds a node that only passes packets on: a switch, or the Internet in the middle of a star.
    pub fn router(&mut self) -> NodeId {
        self.node(Role::Router, Vec::new())
    }

    /// Adds a NAT (RFC 4787) with its external addresses and lays its link to the outside, `uplink`; every link
    /// that is laid to it later leads inside. Of an address family in which it has no external address it is a
    /// stateful firewall that filters and does not translate, as home routers do with IPv6 (RFC 6092).
    pub fn nat(
        &mut self,
        external: impl IntoIterator<Item = IpAddr>,
        config: NatConfig,
        uplink: NodeId,
        link: &LinkConfig,
    ) -> NodeId {
        let node = self.node(Role::Router, Vec::new());
        let link = self.link(node, uplink, link);
        let seed = self.seed ^ (node.0 as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f);
        if let Some(place) = self.nodes.get_mut(node.0) {
            let external = external.into_iter().collect();
            place.role = Role::Nat(Box::new(Nat::new(config, external, link, seed)));
        }
        self.routes.forget();
        node
    }

    /// Adds a stateful firewall: a NAT that translates nothing. Only its filtering, its timeout, its bound and
    /// whether it blocks UDP matter.
    pub fn firewall(&mut self, config: NatConfig, uplink: NodeId, link: &LinkConfig) -> NodeId {
        self.nat([], config, uplink, link)
    }

    /// The link to the outside of a NAT or a firewall.
    pub fn uplink(&self, nat: NodeId) -> Option<LinkId> {
        match &self.nodes.get(nat.0)?.role {
            Role::Nat(nat) => Some(nat.uplink),
            Role::Host | Role::Router => None,
        }
    }

    /// Lets a NAT lose every mapping, as when it was restarted.
    pub fn forget_mappings(&mut self, nat: NodeId) {
        if let Some(nat) = self.nodes.get_mut(nat.0).and_then(Node::nat_mut) {
            nat.forget();
        }
    }

    /// Gives a NAT other external addresses, as a provider does overnight; every mapping is lost.
    pub fn renumber(&mut self, nat: NodeId, external: impl IntoIterator<Item = IpAddr>) {
        if let Some(nat) = self.nodes.get_mut(nat.0).and_then(Node::nat_mut) {
            nat.renumber(external.into_iter().collect());
        }
        self.routes.forget();
    }

    /// The mappings of a NAT that are alive at `now`: internal and external endpoints.
    pub fn mappings(&mut self, now: Instant, nat: NodeId) -> Vec<(SocketAddr, SocketAddr)> {
        match self.nodes.get_mut(nat.0).and_then(Node::nat_mut) {
            Some(nat) => nat.mappings(now).collect(),
            None => Vec::new(),
        }
    }

    /// Gives a host one more address.
    pub fn add_address(&mut self, host: NodeId, address: IpAddr) {
        if let Some(node) = self.nodes.get_mut(host.0) {
            node.addresses.push(address);
        }
        self.routes.forget();
    }

    /// Takes an address from a host: what is under way to it does not arrive.
    pub fn remove_address(&mut self, host: NodeId, address: IpAddr) {
        if let Some(node) = self.nodes.get_mut(host.0) {
            node.addresses.retain(|own| *own != address);
        }
        self.routes.forget();
    }

    /// Lays a link between two nodes, the same in both directions.
    pub fn link(&mut self, a: NodeId, b: NodeId, config: &LinkConfig) -> LinkId {
        let id = LinkId(self.links.len());
        let seed = self
            .seed
            .wrapping_add(id.0 as u64 + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.links.push(Link::new([a, b], config, seed));
        self.routes.forget();
        id
    }

    /// Changes the direction of a link that leaves from `from`.
    ///
    /// # Panics
    /// When the network has no such link.
    pub fn direction(&mut self, link: LinkId, from: NodeId) -> &mut LinkConfig {
        &mut self.links[link.0].direction(from).config
    }

    /// Changes both directions of a link.
    pub fn configure(&mut self, link: LinkId, config: &LinkConfig) {
        if let Some(link) = self.links.get_mut(link.0) {
            for direction in &mut link.directions {
                direction.config = config.clone();
            }
        }
    }

    /// Lets a host appear from other ports than before, as when the NAT before it was restarted: packets to
    /// its old ports are lost.
    pub fn rebind(&mut self, host: NodeId) {
        if let Some(node) = self.nodes.get_mut(host.0) {
            node.rebind();
        }
    }

    /// Shows every packet to `interceptor` when it is sent, before any link takes it.
    pub fn intercept(&mut self, interceptor: impl FnMut(&Packet) -> Verdict + Send + 'static) {
        self.interceptor = Some(Box::new(interceptor));
    }

    /// Ends interception.
    pub fn pass_all(&mut self) {
        self.interceptor = None;
    }

    /// Keeps a copy of every packet that is sent from now on.
    pub fn start_recording(&mut self) {
        self.record.get_or_insert_default();
    }

    /// The packets kept since [`Network::start_recording`], in the order of sending.
    pub fn recorded(&self) -> &[Packet] {
        self.record.as_deref().unwrap_or_default()
    }

    /// Why packets did not arrive, so far.
    pub const fn drops(&self) -> Drops {
        self.drops
    }

    /// A host lets a packet go.
    pub fn send(&mut self, now: Instant, host: NodeId, mut packet: Packet) {
        if let Some(record) = &mut self.record {
            record.push(packet.clone());
        }
        let mut departure = now;
        if let Some(interceptor) = &mut self.interceptor {
            match interceptor(&packet) {
                Verdict::Pass => {}
                Verdict::Drop => {
                    self.drops.intercepted += 1;
                    return;
                }
                Verdict::Delay(delay) => departure += delay,
                Verdict::Replace(bytes) => packet.bytes = bytes,
            }
        }
        if let Some(node) = self.nodes.get_mut(host.0) {
            packet.path.local = node.outward(packet.path.local);
        }
        if departure > now {
            self.launch(departure, host, None, packet);
        } else {
            self.forward(now, host, packet);
        }
    }

    /// When the next packet reaches a node.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.flight.peek().map(|Reverse(next)| next.at)
    }

    /// The next packet that has reached a host by `now`, with the path as that host sees it.
    pub fn receive(&mut self, now: Instant) -> Option<(NodeId, Packet)> {
        while self.next_arrival()? <= now {
            let Reverse(InFlight {
                at,
                node,
                via,
                mut packet,
                ..
            }) = self.flight.pop()?;
            let destination = packet.path.remote;
            match self.nodes.get(node.0) {
                Some(Node {
                    role: Role::Nat(_), ..
                }) => self.cross(at, node, via, packet),
                Some(host) if host.owns(destination.ip()) => match host.inward(destination) {
                    Some(inner) => {
                        packet.path.remote = inner;
                        packet.path = packet.path.reversed();
                        return Some((node, packet));
                    }
                    None => self.drops.unreachable += 1,
                },
                _ => self.forward(at, node, packet),
            }
        }
        None
    }

    /// A packet reached a host that sleeps.
    pub(crate) const fn lose_asleep(&mut self) {
        self.drops.outage += 1;
    }

    fn node(&mut self, role: Role, addresses: Vec<IpAddr>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node::new(role, addresses));
        self.routes.forget();
        id
    }

    /// A packet reached a NAT; it goes on, outside or inside, or it does not.
    fn cross(&mut self, now: Instant, node: NodeId, via: Option<LinkId>, mut packet: Packet) {
        let Some(place) = self.nodes.get(node.0) else {
            return;
        };
        let Role::Nat(nat) = &place.role else {
            return;
        };
        let uplink = nat.uplink;
        let destination = packet.path.remote.ip();
        let (from_outside, for_itself) = (via == Some(uplink), nat.owns(destination));
        let inside =
            self.routes
                .next_hop(node, destination, Some(uplink), &self.nodes, &self.links);
        let Some(nat) = self.nodes.get_mut(node.0).and_then(Node::nat_mut) else {
            return;
        };
        let (crossed, outward) = match (from_outside, for_itself, inside) {
            (true, ..) => (nat.inbound(now, &mut packet), None),
            (false, true, _) => (nat.hairpin(now, &mut packet), None),
            // A NAT with several hosts on it is their switch too.
            (false, false, Some(_)) => (Ok(()), None),
            (false, false, None) => (nat.outbound(now, &mut packet), Some(uplink)),
        };
        if let Err(refusal) = crossed {
            refusal.count(&mut self.drops);
            return;
        }
        let inner = packet.path.remote.ip();
        let hop = outward.or_else(|| {
            self.routes
                .next_hop(node, inner, Some(uplink), &self.nodes, &self.links)
        });
        self.carry(now, node, hop, packet);
    }

    /// Passes a packet from a node to the next one on its way.
    fn forward(&mut self, now: Instant, node: NodeId, packet: Packet) {
        let destination: SocketAddr = packet.path.remote;
        if self
            .nodes
            .get(node.0)
            .is_some_and(|own| own.owns(destination.ip()))
        {
            self.launch(now, node, None, packet);
            return;
        }
        let hop = self
            .routes
            .next_hop(node, destination.ip(), None, &self.nodes, &self.links);
        self.carry(now, node, hop, packet);
    }

    /// Puts a packet on a link.
    fn carry(&mut self, now: Instant, node: NodeId, hop: Option<LinkId>, packet: Packet) {
        let Some((via, link)) = hop.and_then(|hop| Some((hop, self.links.get_mut(hop.0)?))) else {
            self.drops.unreachable += 1;
            return;
        };
        let next = link.opposite(node);
        let arrivals = link.direction(node).carry(now, packet, &mut self.drops);
        for (arrival, packet) in arrivals {
            self.launch(arrival, next, Some(via), packet);
        }
    }

    fn launch(&mut self, at: Instant, node: NodeId, via: Option<LinkId>, packet: Packet) {
        self.serial += 1;
        self.flight.push(Reverse(InFlight {
            at,
            serial: self.serial,
            node,
            via,
            packet,
        }));
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("nodes", &self.nodes.len())
            .field("links", &self.links.len())
            .field("in_flight", &self.flight.len())
            .field("drops", &self.drops)
            .finish_non_exhaustive()
    }
}

/// A packet between two nodes; ordered by arrival, then by the order of sending.
struct InFlight {
    at: Instant,
    serial: u64,
    node: NodeId,
    /// The link that it came by.
    via: Option<LinkId>,
    packet: Packet,
}

impl PartialEq for InFlight {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for InFlight {}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}
