use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::link::Link;
use super::node::{Node, Role};
use super::{LinkId, NodeId};

/// Which link leads from a node towards an address: shortest ways, worked out when first asked for.
#[derive(Default)]
pub(super) struct Routes {
    known: BTreeMap<(NodeId, IpAddr), Option<LinkId>>,
}

impl Routes {
    /// The topology or an address changed.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The first link of the shortest way; only routers are passed through.
    pub(super) fn next_hop(
        &mut self,
        from: NodeId,
        to: IpAddr,
        nodes: &[Node],
        links: &[Link],
    ) -> Option<LinkId> {
        *self
            .known
            .entry((from, to))
            .or_insert_with(|| search(from, to, nodes, links))
    }
}

/// Breadth first from `from`; each entry carries the link by which its branch left.
fn search(from: NodeId, to: IpAddr, nodes: &[Node], links: &[Link]) -> Option<LinkId> {
    let mut seen = vec![false; nodes.len()];
    let mut queue = VecDeque::from([(from, None)]);
    while let Some((node, first)) = queue.pop_front() {
        if std::mem::replace(seen.get_mut(node.0)?, true) {
            continue;
        }
        let place = nodes.get(node.0)?;
        if place.owns(to) {
            return first;
        }
        if node != from && place.role == Role::Host {
            continue;
        }
        for (index, link) in links.iter().enumerate() {
            if link.ends.contains(&node) {
                queue.push_back((link.opposite(node), first.or(Some(LinkId(index)))));
            }
        }
    }
    None
}
