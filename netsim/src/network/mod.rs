mod link;
mod node;
mod packet;
mod route;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

pub use link::{Drops, LinkConfig, LinkId, Loss, Outage};
pub use node::NodeId;
pub use packet::{Packet, Verdict};

use link::Link;
use node::{Node, Role};
use route::Routes;

/// Nodes with addresses, links between them, and the packets under way. It has no clock: time is an argument.
///
/// A host is a node that sends and receives; a router only passes packets on. Whatever stands on the way and
/// changes packets (a NAT, a firewall) is one more kind of node: see [`Network::rebind`] for the simplest.
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
            self.launch(departure, host, packet);
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
                mut packet,
                ..
            }) = self.flight.pop()?;
            let destination = packet.path.remote;
            match self.nodes.get(node.0) {
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

    /// Passes a packet from a node to the next one on its way.
    fn forward(&mut self, now: Instant, node: NodeId, packet: Packet) {
        let destination: SocketAddr = packet.path.remote;
        if self
            .nodes
            .get(node.0)
            .is_some_and(|own| own.owns(destination.ip()))
        {
            self.launch(now, node, packet);
            return;
        }
        let hop = self
            .routes
            .next_hop(node, destination.ip(), &self.nodes, &self.links);
        let Some(link) = hop.and_then(|hop| self.links.get_mut(hop.0)) else {
            self.drops.unreachable += 1;
            return;
        };
        let next = link.opposite(node);
        let arrivals = link.direction(node).carry(now, packet, &mut self.drops);
        for (arrival, packet) in arrivals {
            self.launch(arrival, next, packet);
        }
    }

    fn launch(&mut self, at: Instant, node: NodeId, packet: Packet) {
        self.serial += 1;
        self.flight.push(Reverse(InFlight {
            at,
            serial: self.serial,
            node,
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
