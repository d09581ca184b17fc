//! Addresses that come and go while a session lives.

use std::net::IpAddr;
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

    fn lose_address(&mut self, now: Instant, ip: IpAddr) {
        let is_on = |candidate: &Candidate| candidate.base().is_some_and(|base| base.ip() == ip);
        self.locals.retain(|candidate| !is_on(candidate));
        self.gathering.forget_base(ip);
        self.checklist.retain(|pair| pair.path.local.ip() != ip);
        let checklist = &self.checklist;
        self.transactions
            .retain(|transaction| checklist.get(transaction.pair).is_some());
        self.replies.retain(|reply| reply.path.local.ip() != ip);
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
