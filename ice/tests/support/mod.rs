//! Two agents on a simulated network.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "test vocabulary; each test file uses a part"
)]

pub(crate) mod meeting;
pub(crate) mod oracle;
pub(crate) mod scene;
pub(crate) mod talk;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_ice::{Agent, Candidate, Config, Credentials, Event, Mode, PairState, Role, State};
use net::{Datagram, Path};
use netsim::{ADDRESS_A, ADDRESS_B, Machine, Outgoing, Pair, Profile};
use stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};

/// An agent with what it said.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) agent: Agent,
    pub(crate) events: Vec<Event>,
}

impl Machine for Host {
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.agent.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Outgoing> {
        self.agent.poll_transmit(now, buf).map(Outgoing::from)
    }

    fn poll_event(&mut self) -> Option<String> {
        let event = self.agent.poll_event()?;
        let text = format!("{event:?}");
        self.events.push(event);
        Some(text)
    }

    fn outcome(&self) -> String {
        format!(
            "{:?} {:?} {:?}",
            self.agent.state(),
            self.agent.role(),
            self.agent.best_path()
        )
    }
}

pub(crate) type Agents = Pair<Host>;

pub(crate) fn seed(number: u64) -> [u8; 32] {
    let mut seed = [0x5e; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

pub(crate) fn host(seed_number: u64, role: Role, mode: Mode) -> Host {
    let mut config = Config::new(seed(seed_number));
    config.role = role;
    config.mode = mode;
    Host {
        agent: Agent::new(config).unwrap(),
        events: Vec::new(),
    }
}

/// A controls, B follows; nothing is signalled yet, but both have their candidate.
pub(crate) fn strangers(profile: Profile, seed_number: u64, modes: (Mode, Mode)) -> Agents {
    let a = host(2 * seed_number, Role::Controlling, modes.0);
    let b = host(2 * seed_number + 1, Role::Controlled, modes.1);
    let mut pair = Pair::on(profile, seed_number, a, b);
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    agent
        .add_local_candidate(now, Candidate::host(ADDRESS_A))
        .unwrap();
    let agent = &mut pair.b_mut().agent;
    agent
        .add_local_candidate(now, Candidate::host(ADDRESS_B))
        .unwrap();
    pair
}

/// A gets what B signals.
pub(crate) fn tell_a(pair: &mut Agents, mode_of_b: Mode) {
    let now = pair.now();
    let (credentials, candidates) = said(&pair.b().agent);
    learn(
        &mut pair.a_mut().agent,
        now,
        credentials,
        &candidates,
        mode_of_b,
    );
}

/// B gets what A signals.
pub(crate) fn tell_b(pair: &mut Agents, mode_of_a: Mode) {
    let now = pair.now();
    let (credentials, candidates) = said(&pair.a().agent);
    learn(
        &mut pair.b_mut().agent,
        now,
        credentials,
        &candidates,
        mode_of_a,
    );
}

pub(crate) fn said(agent: &Agent) -> (Credentials, Vec<String>) {
    let candidates = agent.local_candidates().map(ToString::to_string).collect();
    (agent.local_credentials().clone(), candidates)
}

pub(crate) fn learn(
    agent: &mut Agent,
    now: Instant,
    credentials: Credentials,
    lines: &[String],
    mode: Mode,
) {
    agent.set_remote_credentials(now, credentials, mode);
    for line in lines {
        agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    agent.end_of_remote_candidates(now);
}

/// Each learns what the other one signals.
pub(crate) fn introduce(agents: &mut [Agent; 2], now: Instant) {
    for (from, to) in [(0, 1), (1, 0)] {
        let (credentials, lines) = said(&agents[from]);
        learn(&mut agents[to], now, credentials, &lines, Mode::Full);
    }
}

/// Two agents that have signalled everything.
pub(crate) fn acquainted(profile: Profile, seed_number: u64, modes: (Mode, Mode)) -> Agents {
    let mut pair = strangers(profile, seed_number, modes);
    tell_a(&mut pair, modes.1);
    tell_b(&mut pair, modes.0);
    pair
}

pub(crate) const FULL: (Mode, Mode) = (Mode::Full, Mode::Full);

/// Two agents that are connected.
pub(crate) fn connected(profile: Profile, seed_number: u64) -> Agents {
    let mut pair = acquainted(profile, seed_number, FULL);
    let limit = Duration::from_secs(60);
    assert!(pair.run_until(limit, both_selected), "not connected");
    pair
}

pub(crate) fn both_selected(pair: &Agents) -> bool {
    has_selected(pair.a()) && has_selected(pair.b())
}

pub(crate) fn has_selected(host: &Host) -> bool {
    host.events
        .iter()
        .any(|event| matches!(event, Event::Selected { .. }))
}

pub(crate) fn both_in(pair: &Agents, state: State) -> bool {
    pair.a().agent.state() == state && pair.b().agent.state() == state
}

pub(crate) fn path_of_a() -> Path {
    Path::udp(ADDRESS_A, ADDRESS_B)
}

/// Everything of an agent that a stranger must not be able to change.
pub(crate) fn snapshot(agent: &Agent) -> impl PartialEq + std::fmt::Debug + use<> {
    let pairs: Vec<(Path, PairState, u64, bool)> = agent
        .pair_stats()
        .map(|pair| (pair.path, pair.state, pair.priority, pair.nominated))
        .collect();
    (
        agent.state(),
        agent.role(),
        agent.best_path(),
        agent.poll_timeout(),
        pairs,
    )
}

/// A check as the peer of `to` would make it, or a forger who knows what the arguments say.
pub(crate) struct Forgery {
    pub(crate) username: String,
    pub(crate) pwd: String,
    pub(crate) role: Option<(Role, u64)>,
    pub(crate) use_candidate: bool,
    /// Other requests have other ids.
    pub(crate) id: u32,
}

impl Forgery {
    /// A perfect check for `to`, by its peer `from`.
    pub(crate) fn genuine(to: &Agent, from: &Agent) -> Self {
        Self {
            username: format!(
                "{}:{}",
                to.local_credentials().ufrag,
                from.local_credentials().ufrag
            ),
            pwd: to.local_credentials().pwd.clone(),
            role: None,
            use_candidate: false,
            id: 1,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_with(|_| {})
    }

    pub(crate) fn bytes_with(&self, more: impl FnOnce(&mut MessageBuilder<'_>)) -> Vec<u8> {
        let mut buf = Vec::new();
        let mut id = [1; 12];
        id[..4].copy_from_slice(&self.id.to_be_bytes());
        let id = TransactionId::new(id);
        let mut message = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        message.username(&self.username).priority(0x6e00_ffff);
        match self.role {
            Some((Role::Controlling, tie_breaker)) => {
                message.ice_controlling(tie_breaker);
            }
            Some((Role::Controlled, tie_breaker)) => {
                message.ice_controlled(tie_breaker);
            }
            None => {}
        }
        if self.use_candidate {
            message.use_candidate();
        }
        more(&mut message);
        let key = IntegrityKey::short_term(&self.pwd);
        message.integrity(&key).fingerprint().finish().unwrap();
        buf
    }
}

/// Takes everything that an agent has to send.
pub(crate) fn drain(agent: &mut Agent, now: Instant) -> Vec<(Path, Vec<u8>)> {
    let mut sent = Vec::new();
    let mut buf = Vec::new();
    while let Some(transmit) = agent.poll_transmit(now, &mut buf) {
        sent.push((transmit.path, std::mem::take(&mut buf)));
    }
    sent
}

pub(crate) fn deliver(agent: &mut Agent, now: Instant, path: Path, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    agent.handle_datagram(now, Datagram::new(path, &mut bytes));
}

pub(crate) fn is_request(bytes: &[u8]) -> bool {
    Message::decode(bytes).is_ok_and(|message| message.class() == Class::Request)
}

/// What the peer with this password says to a check, when it saw it come from `seen`.
pub(crate) fn success(request: &[u8], pwd: &str, seen: SocketAddr) -> Vec<u8> {
    let request = Message::decode(request).unwrap();
    let mut bytes = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut bytes, Class::Success, &request);
    builder.xor_mapped_address(seen);
    let key = IntegrityKey::short_term(pwd);
    builder.integrity(&key).fingerprint().finish().unwrap();
    bytes
}
