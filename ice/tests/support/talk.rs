//! Two agents on a network that carries streams.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use avocet_ice::{Agent, Candidate, Config, Event, Policy, Role, State, StreamFact};
use net::{Path, StreamId, Transport};

use super::{deliver, drain, introduce, seed};

pub(crate) const STEP: Duration = Duration::from_millis(10);

/// Two agents on a network that carries streams, and datagrams when it is told to.
pub(crate) struct Talk {
    pub(crate) now: Instant,
    pub(crate) agents: [Agent; 2],
    pub(crate) events: [Vec<Event>; 2],
    pub(crate) carries_udp: bool,
    /// Addresses that no host has any more.
    pub(crate) down: Vec<IpAddr>,
    pub(crate) refuses_streams: bool,
    pub(crate) streams: u64,
}

pub(crate) fn agent(number: u64, role: Role, policy: Policy) -> Agent {
    let mut config = Config::new(seed(number));
    config.role = role;
    config.policy = policy;
    Agent::new(config).unwrap()
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self {
            now: netsim::epoch(),
            agents: [
                agent(1, Role::Controlling, Policy::All),
                agent(2, Role::Controlled, Policy::All),
            ],
            events: [Vec::new(), Vec::new()],
            carries_udp: false,
            down: Vec::new(),
            refuses_streams: false,
            streams: 0,
        }
    }

    pub(crate) fn add(&mut self, side: usize, candidate: Candidate) {
        let now = self.now;
        self.agents[side]
            .add_local_candidate(now, candidate)
            .unwrap();
    }

    pub(crate) fn introduce(&mut self) {
        introduce(&mut self.agents, self.now);
    }

    pub(crate) fn step(&mut self) {
        for side in [0, 1] {
            let sent = drain(&mut self.agents[side], self.now);
            for (path, bytes) in sent {
                let carried = self.carries_udp || path.transport != Transport::Udp;
                if carried && !self.down.contains(&path.remote.ip()) {
                    deliver(
                        &mut self.agents[1 - side],
                        self.now,
                        path.reversed(),
                        &bytes,
                    );
                }
            }
            while let Some(event) = self.agents[side].poll_event() {
                match &event {
                    Event::OpenStream { local, remote } => self.open(side, *local, *remote),
                    Event::CloseStream(path) => {
                        let fact = StreamFact::Closed(path.reversed());
                        self.agents[1 - side].on_stream(self.now, fact);
                    }
                    _ => {}
                }
                self.events[side].push(event);
            }
        }
        self.now += STEP;
        for agent in &mut self.agents {
            if agent.poll_timeout().is_some_and(|at| at <= self.now) {
                agent.handle_timeout(self.now);
            }
        }
    }

    pub(crate) fn open(&mut self, side: usize, local: IpAddr, remote: SocketAddr) {
        self.streams += 1;
        let fact = if self.refuses_streams {
            StreamFact::Refused { local, remote }
        } else {
            StreamFact::Opened(Path {
                local: SocketAddr::new(local, 40_000),
                remote,
                transport: Transport::Stream(StreamId::new(self.streams)),
            })
        };
        self.agents[side].on_stream(self.now, fact);
    }

    pub(crate) fn run(&mut self, steps: usize) {
        (0..steps).for_each(|_| self.step());
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [self.agents[0].state(), self.agents[1].state()]
    }
}
