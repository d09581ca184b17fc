use std::net::IpAddr;
use std::time::{Duration, Instant};

use net::Path;

use crate::Machine;
use crate::driver::Driver;
use crate::network::{Network, NodeId};

/// Names a machine of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(usize);

/// Any number of machines on a network of any shape. For machines of several types, `M` is an enum of them.
#[derive(Debug)]
pub struct World<M> {
    machines: Vec<M>,
    driver: Driver,
}

impl<M: Machine> World<M> {
    /// A world without machines. Build the network first, or add to it as you go through [`World::network`].
    pub fn new(network: Network) -> Self {
        Self {
            machines: Vec::new(),
            driver: Driver::new(network),
        }
    }

    /// Puts a machine on a host of the network.
    ///
    /// A machine that does not know addresses needs the `path` on which its datagrams leave.
    pub fn add(&mut self, node: NodeId, path: Option<Path>, machine: M) -> HostId {
        self.driver.add_host(node, path);
        self.machines.push(machine);
        HostId(self.machines.len() - 1)
    }

    /// A machine.
    ///
    /// # Panics
    /// When the id comes from another world.
    pub fn machine(&self, host: HostId) -> &M {
        &self.machines[host.0]
    }

    /// A machine, for a command; it is polled when the world runs on.
    ///
    /// # Panics
    /// When the id comes from another world.
    pub fn machine_mut(&mut self, host: HostId) -> &mut M {
        self.driver.touch(host.0);
        &mut self.machines[host.0]
    }

    /// The virtual now.
    pub const fn now(&self) -> Instant {
        self.driver.now()
    }

    /// The network.
    pub const fn network(&mut self) -> &mut Network {
        &mut self.driver.network
    }

    /// Puts a host to sleep: nothing reaches its machine, no timer fires, and then its clock leaps.
    pub fn nap(&mut self, host: HostId, from: Instant, until: Instant) {
        self.driver.nap(host.0, from, until);
    }

    /// Moves a host to another address, as a roaming phone does: its default path leaves from there.
    pub fn roam(&mut self, host: HostId, from: IpAddr, to: IpAddr) {
        self.driver.roam(host.0, from, to);
    }

    /// Lets all machines speak, then lets time go on to the next thing that happens; false when nothing is
    /// left to happen.
    pub fn step(&mut self) -> bool {
        let went_on = self.driver.step(&mut every(&mut self.machines), None);
        self.driver.insist();
        went_on
    }

    /// Runs for a time; time passes even when nothing happens.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now() + duration;
        self.driver.run(&mut every(&mut self.machines), end);
        self.driver.insist();
    }

    /// Runs until a condition holds or `limit` has passed; tells whether it holds.
    #[must_use]
    pub fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now() + limit;
        loop {
            self.driver.serve(&mut every(&mut self.machines));
            self.driver.insist();
            if holds(self) {
                return true;
            }
            if !self.driver.step(&mut every(&mut self.machines), Some(end)) {
                self.driver.insist();
                return false;
            }
        }
    }

    /// The events of a machine so far, as text.
    pub fn events(&self, host: HostId) -> &[String] {
        self.driver.events(host.0)
    }

    /// What a machine's application has pulled so far.
    pub fn pulled(&self, host: HostId) -> &[Vec<u8>] {
        self.driver.pulled(host.0)
    }

    /// A hash over every datagram sent, with its sender and its time: the same for two runs that are the same.
    pub const fn trace_hash(&self) -> u64 {
        self.driver.trace_hash()
    }
}

fn every<M: Machine>(machines: &mut [M]) -> Vec<&mut dyn Machine> {
    machines
        .iter_mut()
        .map(|machine| machine as &mut dyn Machine)
        .collect()
}
