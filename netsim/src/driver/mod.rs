mod habit;
mod host;

use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit};

pub(crate) use habit::Habit;
use host::{Doze, Host};

use crate::laws::Law;
use crate::network::{Network, NodeId, Packet};
use crate::{Machine, Outgoing, epoch, pcap, since_epoch};

/// How much a machine may say after one input before it counts as a busy loop.
const MAX_OUTPUTS: usize = 1_000;

/// A deadline further away than this is a sentinel in disguise.
const FAR_FUTURE: Duration = Duration::from_secs(366 * 86_400);

/// A law that a machine was seen to break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) law: Law,
    pub(crate) text: String,
}

/// What drives machines through simulated time: their driver, sockets and timer queue in one.
///
/// The machines stand outside and are lent for each call, so that a pair can have two types and a world one.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) network: Network,
    pub(crate) habit: Habit,
    /// Whether machines that nobody touched are asked, before time reaches them, if they have something to say.
    pub(crate) listens_for_whispers: bool,
    now: Instant,
    /// The latest instant that machines have seen: `now`, unless the clock was turned back.
    latest: Instant,
    hosts: Vec<Host>,
    buf: Vec<u8>,
    sent: u64,
    hash: u64,
    findings: Vec<Finding>,
}

impl Driver {
    pub(crate) fn new(mut network: Network) -> Self {
        if pcap::is_wanted() {
            network.start_recording();
        }
        Self {
            network,
            habit: Habit::diligent(),
            listens_for_whispers: false,
            now: epoch(),
            latest: epoch(),
            hosts: Vec::new(),
            buf: Vec::new(),
            sent: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            findings: Vec::new(),
        }
    }

    pub(crate) fn add_host(&mut self, node: NodeId, path: Option<Path>) {
        self.hosts.push(Host::new(node, path));
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) const fn trace_hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn node(&self, host: usize) -> NodeId {
        self.hosts[host].node
    }

    pub(crate) fn events(&self, host: usize) -> &[String] {
        &self.hosts[host].events
    }

    pub(crate) fn pulled(&self, host: usize) -> &[Vec<u8>] {
        &self.hosts[host].pulled
    }

    pub(crate) fn take_pulled(&mut self, host: usize) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.hosts[host].pulled)
    }

    pub(crate) fn set_pulling(&mut self, host: usize, pulling: bool) {
        self.hosts[host].pulls = pulling;
        self.touch(host);
    }

    /// Stops polling a machine.
    pub(crate) fn mute(&mut self, host: usize) {
        self.hosts[host].muted = true;
    }

    pub(crate) fn path(&self, host: usize) -> Option<Path> {
        self.hosts[host].path
    }

    pub(crate) fn touch(&mut self, host: usize) {
        self.hosts[host].touch();
    }

    pub(crate) fn nap(&mut self, host: usize, from: Instant, until: Instant) {
        self.hosts[host].doze = Some(Doze { from, until });
    }

    pub(crate) fn roam(&mut self, host: usize, from: std::net::IpAddr, to: std::net::IpAddr) {
        let host = &mut self.hosts[host];
        self.network.remove_address(host.node, from);
        self.network.add_address(host.node, to);
        if let Some(path) = &mut host.path {
            path.local.set_ip(to);
        }
    }

    /// The first broken law that was seen.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.findings.first()
    }

    /// Fails the test when a machine broke a law.
    pub(crate) fn insist(&self) {
        if let Some(finding) = self.findings.first() {
            panic!("{}: {}", finding.law, finding.text);
        }
    }

    /// Polls every machine that was touched.
    pub(crate) fn serve(&mut self, machines: &mut [&mut dyn Machine]) {
        for (index, machine) in machines.iter_mut().enumerate() {
            let host = &self.hosts[index];
            let idle = host.muted || host.is_asleep(self.now);
            if host.touched && host.poll_at <= self.now && !idle {
                self.poll(index, *machine);
            }
        }
    }

    /// Serves, then goes on to the next thing that happens, unless that lies after `end`.
    pub(crate) fn step(&mut self, machines: &mut [&mut dyn Machine], end: Option<Instant>) -> bool {
        self.serve(machines);
        let Some(next) = self.next(machines) else {
            return false;
        };
        if end.is_some_and(|end| next > end) {
            return false;
        }
        self.set_now(self.now.max(next));
        self.wake();
        if self.listens_for_whispers {
            self.listen(machines);
        }
        for (index, machine) in machines.iter_mut().enumerate() {
            let host = &self.hosts[index];
            let due = machine
                .poll_timeout()
                .is_some_and(|deadline| deadline <= self.now);
            if due && !host.stuck && !host.is_asleep(self.now) {
                self.fire(index, *machine);
            }
        }
        while let Some((node, packet)) = self.network.receive(self.now) {
            let found = self.hosts.iter().position(|host| host.node == node);
            let Some(index) = found else { continue };
            if self.hosts[index].is_asleep(self.now) {
                self.network.lose_asleep();
            } else if let Some(machine) = machines.get_mut(index) {
                self.hand_over(index, *machine, packet);
            }
        }
        true
    }

    /// Runs until `end`.
    pub(crate) fn run(&mut self, machines: &mut [&mut dyn Machine], end: Instant) {
        while self.step(machines, Some(end)) {}
        self.set_now(self.now.max(end));
    }

    /// Whether nothing is left to happen.
    pub(crate) fn at_rest(&self, machines: &[&dyn Machine]) -> bool {
        let timers = machines
            .iter()
            .any(|machine| machine.poll_timeout().is_some());
        !timers && self.network.next_arrival().is_none()
    }

    /// Hands a datagram to a machine.
    pub(crate) fn hand_over(&mut self, index: usize, machine: &mut dyn Machine, packet: Packet) {
        let mut bytes = packet.bytes;
        let datagram = Datagram {
            path: packet.path,
            ecn: packet.ecn,
            bytes: &mut bytes,
        };
        machine.handle_datagram(self.now, datagram);
        self.hosts[index].touch();
    }

    /// Calls `handle_timeout` and holds the machine to the law of deadlines.
    pub(crate) fn fire(&mut self, index: usize, machine: &mut dyn Machine) {
        machine.handle_timeout(self.now);
        self.hosts[index].touch();
        let stands = machine
            .poll_timeout()
            .filter(|deadline| *deadline <= self.now);
        if let Some(deadline) = stands {
            self.hosts[index].stuck = true;
            let deadline = since_epoch(deadline);
            let what = format!("after handle_timeout its deadline, {deadline:?}, is not later");
            self.find(Law::DeadlinesProgress, index, &what);
        }
    }

    /// Moves the clock, in either direction, without anything happening.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = now;
        self.latest = self.latest.max(now);
    }

    /// Notes a broken law, once per law.
    pub(crate) fn find(&mut self, law: Law, index: usize, what: &str) {
        if self.findings.iter().any(|finding| finding.law == law) {
            return;
        }
        let name = if index == 0 {
            "A".to_owned()
        } else if index == 1 {
            "B".to_owned()
        } else {
            format!("#{index}")
        };
        let text = format!("at {:?}, machine {name}: {what}", since_epoch(self.now));
        self.findings.push(Finding { law, text });
    }

    fn next(&self, machines: &[&mut dyn Machine]) -> Option<Instant> {
        let timers = self
            .hosts
            .iter()
            .zip(machines)
            .filter_map(|(host, machine)| host.next(self.now, machine.poll_timeout()));
        timers.chain(self.network.next_arrival()).min()
    }

    /// Ends the naps that are over; the sleeper comes back behind other ports.
    fn wake(&mut self) {
        for host in &mut self.hosts {
            if host.doze.is_some_and(|doze| doze.until <= self.now) {
                host.doze = None;
                host.touch();
                self.network.rebind(host.node);
            }
        }
    }

    /// Law 4: nothing is said without an input, a command or a due deadline.
    fn listen(&mut self, machines: &mut [&mut dyn Machine]) {
        for (index, machine) in machines.iter_mut().enumerate() {
            let due = machine
                .poll_timeout()
                .is_some_and(|deadline| deadline <= self.now);
            if due || self.hosts[index].touched {
                continue;
            }
            if self.transmit(index, *machine) || machine.poll_event().is_some() {
                self.find(
                    Law::DeadlinesProgress,
                    index,
                    "it speaks although nothing came in and no deadline is due",
                );
            }
        }
    }

    /// Polls a machine as far as the habit of the driver goes.
    pub(crate) fn poll(&mut self, index: usize, machine: &mut dyn Machine) {
        let plan = self.habit.next_plan();
        if plan.early_timeout {
            self.fire(index, machine);
        }
        let host = &mut self.hosts[index];
        host.touched = plan.stall.is_some();
        host.poll_at = self.now + plan.stall.unwrap_or_default();
        if plan.events_first {
            self.take_events(index, machine);
        }
        let mut outputs = 0;
        let mut again = true;
        while again {
            again = false;
            while outputs < plan.datagrams && self.transmit(index, machine) {
                outputs += 1;
                if outputs >= MAX_OUTPUTS {
                    let what = format!("{MAX_OUTPUTS} datagrams after one input: a busy loop");
                    self.find(Law::DeadlinesProgress, index, &what);
                    return;
                }
            }
            let deadline = machine.poll_timeout();
            if self.now >= self.latest && deadline.is_some_and(|at| at > self.now + FAR_FUTURE) {
                let what = "its deadline is over a year away: a sentinel where None belongs";
                self.find(Law::DeadlinesProgress, index, what);
            }
            if self.hosts[index].pulls && plan.pulls {
                while let Some(data) = machine.pull(self.now) {
                    self.hosts[index].pulled.push(data);
                    again = true;
                }
            }
        }
        if plan.events_last {
            self.take_events(index, machine);
        }
    }

    /// Takes a machine's events until there are none.
    pub(crate) fn take_events(&mut self, index: usize, machine: &mut dyn Machine) {
        for _ in 0..MAX_OUTPUTS {
            let Some(event) = machine.poll_event() else {
                return;
            };
            self.hosts[index].events.push(event);
        }
        let what = format!("{MAX_OUTPUTS} events after one input: a busy loop");
        self.find(Law::DeadlinesProgress, index, &what);
    }

    /// Polls one datagram into the network; false when there was none.
    fn transmit(&mut self, index: usize, machine: &mut dyn Machine) -> bool {
        self.buf.clear();
        self.habit.write_prefix(&mut self.buf);
        let prefix = self.buf.clone();
        let outgoing = machine.poll_transmit(self.now, &mut self.buf);
        if !self.buf.starts_with(&prefix) {
            let what = "poll_transmit changed what the buffer already held";
            self.find(Law::PrefixUntouched, index, what);
            return false;
        }
        let bytes = self.buf.split_off(prefix.len());
        let Some(outgoing) = outgoing else {
            if !bytes.is_empty() {
                let what = "poll_transmit returned None and appended something";
                self.find(Law::PrefixUntouched, index, what);
            }
            return false;
        };
        if bytes.is_empty() {
            let what = "poll_transmit returned Some and appended nothing";
            self.find(Law::PrefixUntouched, index, what);
            return false;
        }
        let host = &self.hosts[index];
        let transmit = match (outgoing, host.path) {
            (Outgoing::On(transmit), _) => transmit,
            (Outgoing::DefaultPath, Some(path)) => Transmit::new(path),
            (Outgoing::DefaultPath, None) => {
                panic!("machine #{index} does not know addresses and was added without a path")
            }
        };
        self.sent += 1;
        self.hash_in(index, &bytes);
        let mut packet = Packet::new(transmit.path, self.now, bytes);
        packet.ecn = transmit.ecn;
        packet.dscp = transmit.dscp;
        packet.probe = transmit.probe;
        self.network.send(self.now, self.hosts[index].node, packet);
        true
    }

    /// FNV-1a over time, sender and bytes.
    fn hash_in(&mut self, index: usize, bytes: &[u8]) {
        let time = since_epoch(self.now).as_nanos().to_be_bytes();
        let sender = [u8::try_from(index & 0xff).unwrap_or_default()];
        for byte in time.iter().chain(&sender).chain(bytes) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            pcap::write_failure(self.network.recorded());
        }
    }
}
