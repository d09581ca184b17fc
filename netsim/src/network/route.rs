use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::link::Link;
use super::node::{Node, Role};
use super::{LinkId, NodeId};

/// Which link leads from a node towards an address: shortest ways, worked out when first asked for.
#[derive(Default)]
pub(super) struct Routes {
    known: BTreeMap<(NodeId, IpAddr, Option<LinkId>), Option<LinkId>>,
}

impl Routes {
    /// The topology or an address changed.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The first link of the shortest way that does not begin with `avoid`. Routers are passed through; NATs from
    /// inside always, from outside only to addresses that they do not translate.
    pub(super) fn next_hop(
        &mut self,
        from: NodeId,
        to: IpAddr,
        avoid: Option<LinkId>,
        nodes: &[Node],
        links: &[Link],
    ) -> Option<LinkId> {
        *self
            .known
            .entry((from, to, avoid))
            .or_insert_with(|| search(from, to, avoid, nodes, links))
    }
}

/// Breadth first from `from`; each entry carries the link by which its branch left and the one by which it came.
fn search(
    from: NodeId,
    to: IpAddr,
    avoid: Option<LinkId>,
    nodes: &[Node],
    links: &[Link],
) -> Option<LinkId> {
    let mut seen = vec![false; nodes.len()];
    let mut queue = VecDeque::from([(from, None, None)]);
    while let Some((node, first, last)) = queue.pop_front() {
        let place = nodes.get(node.0)?;
        if *seen.get(node.0)? {
            continue;
        }
        if place.owns(to) {
            return first;
        }
        let ends_here = match &place.role {
            Role::Host => node != from,
            Role::Router => false,
            Role::Nat(nat) => last == Some(nat.uplink) && nat.translates(to),
        };
        if ends_here {
            // Not seen yet: a NAT may still be reached from inside.
            continue;
        }
        if let Some(seen) = seen.get_mut(node.0) {
            *seen = true;
        }
        for (index, link) in links.iter().enumerate() {
            let id = LinkId(index);
            if link.ends.contains(&node) && (node != from || avoid != Some(id)) {
                queue.push_back((link.opposite(node), first.or(Some(id)), Some(id)));
            }
        }
    }
    None
}
