//! Bases from which a peer can be reached only after something was opened for it: a relay, which wants a permission
//! for each address of the peer (RFC 8656 §9).

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use net::Path;

use super::Agent;
use crate::PairState;

/// The most addresses that are let through one gate: as many as remote candidates are kept.
const MAX_ADMITTED: usize = 80;

/// A base, and the addresses that it reaches.
#[derive(Debug)]
pub(super) struct Gate {
    base: SocketAddr,
    admitted: Vec<IpAddr>,
}

impl Agent {
    /// Checks from this base wait until [`admit`](Self::admit) lets their destination through: what is sent earlier would
    /// be dropped by the relay, and cost the time of a retransmission. To be called before the candidate is added.
    pub fn gate(&mut self, base: SocketAddr) {
        if self.gates.iter().all(|gate| gate.base != base) {
            self.gates.push(Gate {
                base,
                admitted: Vec::new(),
            });
        }
    }

    /// What leaves from a base that [`gate`](Self::gate) named reaches this address of the peer now.
    pub fn admit(&mut self, now: Instant, base: SocketAddr, remote: IpAddr) {
        self.let_through(base, remote);
        self.settle(now);
    }

    /// The relay does not let anything through to this address: pairs that were not checked yet fail, those that work
    /// go on until their consent ends.
    pub fn deny(&mut self, now: Instant, base: SocketAddr, remote: IpAddr) {
        if let Some(gate) = self.gates.iter_mut().find(|gate| gate.base == base) {
            gate.admitted.retain(|ip| *ip != remote);
        }
        let refused = |path: &Path| path.local == base && path.remote.ip() == remote;
        for pair in self.checklist.iter_mut() {
            if refused(&pair.path) && pair.state == PairState::Waiting {
                pair.state = PairState::Failed;
            }
        }
        self.settle(now);
    }

    /// The addresses of the peer that it has signalled or shown: what a relay needs permissions for.
    pub fn remote_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.remotes.addresses()
    }

    fn let_through(&mut self, base: SocketAddr, remote: IpAddr) {
        if let Some(gate) = self.gates.iter_mut().find(|gate| gate.base == base)
            && !gate.admitted.contains(&remote)
            && gate.admitted.len() < MAX_ADMITTED
        {
            gate.admitted.push(remote);
        }
    }

    /// A message of the peer came this way, so the way is open.
    pub(super) fn note_open(&mut self, path: &Path) {
        if !self.gates.is_empty() {
            self.let_through(path.local, path.remote.ip());
        }
    }

    /// Whether a check on this path would arrive.
    pub(super) fn is_open(&self, path: &Path) -> bool {
        let gate = self.gates.iter().find(|gate| gate.base == path.local);
        gate.is_none_or(|gate| gate.admitted.contains(&path.remote.ip()))
    }

    pub(super) fn remove_gate(&mut self, base: SocketAddr) {
        self.gates.retain(|gate| gate.base != base);
    }
}
