//! Two agents and a STUN server on an Internet with NATs.
#![allow(clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use avocet_ice::{Agent, Candidate, CandidateKind, Event, Mode, Role};
use net::{Datagram, Path, Transmit};
use netsim::{HostId, Internet, LinkConfig, Machine, NatConfig, NodeId, Outgoing, World};
use stun::{Class, Message, MessageBuilder, Method, TransactionId};

use super::{Host, has_selected, host, learn, said};

/// How long a packet takes from one agent to the other and back when it crosses the core.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

pub(crate) const STUN_SERVER: ([u8; 4], u16) = ([203, 0, 113, 1], 3478);

/// What an access link costs: each way crosses two of them.
pub(crate) fn access() -> LinkConfig {
    LinkConfig::delayed(ROUND_TRIP / 4)
}

/// Answers Binding requests without credentials, as public STUN servers do.
#[derive(Debug, Default)]
pub(crate) struct StunServer {
    answers: VecDeque<(Path, TransactionId)>,
    pub(crate) is_silent: bool,
    pub(crate) refuses: bool,
    pub(crate) requests: Vec<(Instant, SocketAddr)>,
}

#[derive(Debug)]
pub(crate) enum Party {
    Agent(Box<Host>),
    Server(StunServer),
}

impl Machine for Party {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self {
            Self::Agent(host) => host.handle_datagram(now, datagram),
            Self::Server(server) => {
                let message = Message::decode(datagram.bytes).unwrap();
                assert!(message.class() == Class::Request && message.method() == Method::BINDING);
                server.requests.push((now, datagram.path.remote));
                if !server.is_silent {
                    let answer = (datagram.path, message.transaction_id());
                    server.answers.push_back(answer);
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Self::Agent(host) = self {
            host.handle_timeout(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Agent(host) => host.poll_timeout(),
            Self::Server(_) => None,
        }
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        match self {
            Self::Agent(host) => host.poll_transmit(now, buf),
            Self::Server(server) => {
                let (path, id) = server.answers.pop_front()?;
                let class = if server.refuses {
                    Class::Error
                } else {
                    Class::Success
                };
                let mut message = MessageBuilder::new(buf, class, Method::BINDING, id);
                if server.refuses {
                    message.error_code(500);
                } else {
                    message.xor_mapped_address(path.remote);
                }
                // Public servers send no FINGERPRINT unless asked to.
                message.finish().unwrap();
                Some(Outgoing::On(Transmit::new(path)))
            }
        }
    }

    fn poll_event(&mut self) -> Option<String> {
        match self {
            Self::Agent(host) => host.poll_event(),
            Self::Server(_) => None,
        }
    }

    fn outcome(&self) -> String {
        match self {
            Self::Agent(host) => host.outcome(),
            Self::Server(_) => String::new(),
        }
    }
}

impl Party {
    fn host(&self) -> &Host {
        match self {
            Self::Agent(host) => host,
            Self::Server(_) => panic!("a STUN server is no agent"),
        }
    }

    fn host_mut(&mut self) -> &mut Host {
        match self {
            Self::Agent(host) => host,
            Self::Server(_) => panic!("a STUN server is no agent"),
        }
    }
}

/// Where an agent is at home.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    Public,
    Behind(NatConfig),
}

/// A controls, B follows.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) world: World<Party>,
    pub(crate) a: HostId,
    pub(crate) b: HostId,
    pub(crate) server: HostId,
    /// What A and B are behind, if anything.
    pub(crate) gateways: [Option<NodeId>; 2],
    /// Names of multicast DNS reach from one to the other.
    pub(crate) is_one_link: bool,
}

impl Meeting {
    /// Two agents, each at a site of its own. Both have the same private address where they have one.
    pub(crate) fn new(seed: u64, access: LinkConfig, sites: [Site; 2]) -> Self {
        let mut internet = Internet::new(seed, access);
        let mut outer = 0;
        let places = sites.map(|site| {
            outer += 1;
            match site {
                Site::Public => {
                    let address = [198, 51, 100, outer];
                    (None, internet.host(address), address)
                }
                Site::Behind(config) => {
                    let gateway = internet.nat([198, 51, 100, outer], config);
                    let address = [192, 168, 1, 2];
                    let host = internet.host_behind(gateway, address);
                    (Some(gateway), host, address)
                }
            }
        });
        let gateways = [places[0].0, places[1].0];
        let hosts = places.map(|(_, node, address)| (node, address.into()));
        Self {
            gateways,
            ..Self::on(seed, internet, hosts)
        }
    }

    /// Two agents at given places, with their addresses.
    pub(crate) fn on(seed: u64, mut internet: Internet, hosts: [(NodeId, IpAddr); 2]) -> Self {
        let server = internet.host(STUN_SERVER.0);
        let mut world = World::new(internet.into_network());
        let now = world.now();
        let mut agent = |number: u64, role, (node, address): (NodeId, IpAddr)| {
            let mut host = host(2 * seed + number, role, Mode::Full);
            let candidate = Candidate::host(SocketAddr::from((address, 5000)));
            host.agent.add_local_candidate(now, candidate).unwrap();
            world.add(node, None, Party::Agent(Box::new(host)))
        };
        let a = agent(0, Role::Controlling, hosts[0]);
        let b = agent(1, Role::Controlled, hosts[1]);
        let server = world.add(server, None, Party::Server(StunServer::default()));
        Self {
            world,
            a,
            b,
            server,
            gateways: [None; 2],
            is_one_link: false,
        }
    }

    /// Both show names in place of their addresses.
    pub(crate) fn hide_hosts(&mut self) {
        for (id, role) in [(self.a, Role::Controlling), (self.b, Role::Controlled)] {
            let now = self.world.now();
            let old = &self.host(id).agent;
            let base = old
                .local_candidates()
                .next()
                .and_then(Candidate::base)
                .unwrap();
            let number = if id == self.a { 900 } else { 901 };
            let mut hidden = host(number, role, Mode::Full);
            let candidate = Candidate::host_named(&hidden_name(number), base);
            hidden.agent.add_local_candidate(now, candidate).unwrap();
            *self.world.machine_mut(id).host_mut() = hidden;
        }
    }

    /// Tells both what became of the names that they asked for.
    fn resolve_names(&mut self) {
        for (to, from) in [(self.a, self.b), (self.b, self.a)] {
            let now = self.world.now();
            let other = self
                .host(from)
                .agent
                .local_candidates()
                .next()
                .and_then(Candidate::base);
            let address = other.filter(|_| self.is_one_link).map(|base| base.ip());
            let host = self.world.machine_mut(to).host_mut();
            while let Some(event) = host.agent.poll_event() {
                if let Event::ResolveName(name) = &event {
                    host.agent.on_resolved(now, name, address);
                }
                host.events.push(event);
            }
        }
    }

    pub(crate) fn host(&self, id: HostId) -> &Host {
        self.world.machine(id).host()
    }

    pub(crate) fn agent_mut(&mut self, id: HostId) -> &mut Agent {
        &mut self.world.machine_mut(id).host_mut().agent
    }

    /// Both restart, and forget what they have told so far.
    pub(crate) fn restart(&mut self) {
        for id in [self.a, self.b] {
            let now = self.world.now();
            let host = self.world.machine_mut(id).host_mut();
            host.agent.restart(now);
            host.events.clear();
        }
    }

    pub(crate) fn stun_server(&mut self) -> &mut StunServer {
        match self.world.machine_mut(self.server) {
            Party::Server(server) => server,
            Party::Agent(_) => panic!("an agent is no STUN server"),
        }
    }

    /// Both agents start to ask the STUN server.
    pub(crate) fn ask_stun_server(&mut self) {
        for id in [self.a, self.b] {
            let now = self.world.now();
            self.agent_mut(id)
                .add_stun_server(now, STUN_SERVER.into())
                .unwrap();
        }
    }

    /// Both agents know what they can know; tells how long that took.
    pub(crate) fn gather(&mut self) -> Duration {
        let start = self.world.now();
        self.ask_stun_server();
        let (a, b) = (self.a, self.b);
        let done = |world: &World<Party>| {
            [a, b].iter().all(|id| {
                let events = &world.machine(*id).host().events;
                events.contains(&Event::GatheringComplete)
            })
        };
        assert!(self.world.run_until(Duration::from_secs(6), done));
        self.world.now() - start
    }

    /// Both learn at the same instant what the other one signals.
    pub(crate) fn introduce(&mut self) {
        let now = self.world.now();
        for (from, to) in [(self.a, self.b), (self.b, self.a)] {
            let (credentials, candidates) = said(&self.host(from).agent);
            learn(
                self.agent_mut(to),
                now,
                credentials,
                &candidates,
                Mode::Full,
            );
        }
        self.resolve_names();
    }

    /// Runs until both have selected a path; tells after which time, if ever.
    pub(crate) fn connect(&mut self, limit: Duration) -> Option<Duration> {
        self.run_until_both(limit, has_selected)
    }

    /// Runs until both may send data (RFC 8445 §12.1); tells after which time, if ever.
    pub(crate) fn become_usable(&mut self, limit: Duration) -> Option<Duration> {
        self.run_until_both(limit, |host| host.agent.best_path().is_some())
    }

    fn run_until_both(&mut self, limit: Duration, holds: fn(&Host) -> bool) -> Option<Duration> {
        let start = self.world.now();
        let (a, b) = (self.a, self.b);
        let both = |world: &World<Party>| [a, b].iter().all(|id| holds(world.machine(*id).host()));
        self.world
            .run_until(limit, both)
            .then(|| self.world.now() - start)
    }

    /// How one agent knows the other's end of its path: as which kind of candidate.
    pub(crate) fn kind_of_remote(&self, of: HostId) -> Option<CandidateKind> {
        let other = if of == self.a { self.b } else { self.a };
        let remote = self.host(of).agent.best_path()?.remote;
        let candidates = &mut self.host(other).agent.local_candidates();
        let signalled = candidates.find(|candidate| candidate.address() == Some(remote));
        Some(signalled.map_or(CandidateKind::PeerReflexive, Candidate::kind))
    }
}

fn hidden_name(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}.local")
}
