//! Addresses that come and go while a session lives.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::Agent;
use crate::{Candidate, InterfaceFact};

impl Agent {
    /// An address of this host came up or went away. A new one becomes a host candidate, to be signalled like any
    /// other, and forms pairs without a restart; what left from one that is gone ends at once, and data moves to
    /// another pair that works.
    pub fn on_interface(&mut self, now: Instant, fact: InterfaceFact) {
        match fact {
            InterfaceFact::Up(address) => {
                if let Err(reason) = self.add_local_candidate(now, Candidate::host(address)) {
                    log::debug!("a new address is of no use: {reason}");
                }
            }
            InterfaceFact::Down(ip) => self.lose_address(now, ip),
        }
        self.settle(now);
    }

    /// A base is gone, such as the address on a relay whose allocation ended: its candidates and pairs go with it, and
    /// data moves to another pair that works.
    pub fn remove_base(&mut self, now: Instant, base: SocketAddr) {
        self.remove_gate(base);
        self.lose_bases(now, |other| other == base);
        self.settle(now);
    }

    fn lose_address(&mut self, now: Instant, ip: IpAddr) {
        self.gathering.forget_base(ip);
        self.lose_bases(now, |base| base.ip() == ip);
    }

    fn lose_bases(&mut self, now: Instant, is_lost: impl Fn(SocketAddr) -> bool) {
        self.locals
            .retain(|candidate| !candidate.base().is_some_and(&is_lost));
        self.checklist.retain(|pair| !is_lost(pair.path.local));
        let checklist = &self.checklist;
        self.transactions
            .retain(|transaction| checklist.get(transaction.pair).is_some());
        self.replies.retain(|reply| !is_lost(reply.path.local));
        if self
            .selected
            .is_some_and(|id| self.checklist.get(id).is_none())
        {
            self.selected = None;
            self.select_successor(now);
        }
        self.on_path_lost(now);
    }

    /// The selected pair has vanished: the best that works takes over, if there is one.
    fn select_successor(&mut self, now: Instant) {
        let best = self.pair_in_use().map(|pair| pair.id);
        if let Some(id) = best {
            self.take_over(now, id);
        }
    }
}
