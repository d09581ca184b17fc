//! One agent; its peer is played by the test, which decides what comes when.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_ice::{Agent, Candidate, Config, Event, Mode, Role, SelectionReason};
use net::Path;
use netsim::ADDRESS_A;
use stun::{AttributeType, Class, Message};

use super::{Forgery, deliver, drain, host, is_request, seed, success};

pub(crate) const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// An agent, and a peer that answers when the test says so.
pub(crate) struct Scene {
    pub(crate) agent: Agent,
    pub(crate) peer: Agent,
    pub(crate) now: Instant,
    /// Checks that wait for an answer, and when they were sent.
    pub(crate) open: Vec<(Instant, Path, Vec<u8>)>,
    /// Every request of the peer's has an id of its own.
    asked: u32,
}

impl Scene {
    pub(crate) fn new(role: Role) -> Self {
        Self::with(role, |_| {})
    }

    /// An agent with another configuration.
    pub(crate) fn with(role: Role, change: impl FnOnce(&mut Config)) -> Self {
        let now = netsim::epoch();
        let mut config = Config::new(seed(400));
        config.role = role;
        change(&mut config);
        let mut agent = Agent::new(config).unwrap();
        let peer = host(401, role.opposite(), Mode::Full).agent;
        agent
            .add_local_candidate(now, Candidate::host(ADDRESS_A))
            .unwrap();
        agent.set_remote_credentials(now, peer.local_credentials().clone(), Mode::Full);
        Self {
            agent,
            peer,
            now,
            open: Vec::new(),
            asked: 0,
        }
    }

    /// The peer signals a candidate; a larger `rank` is better.
    pub(crate) fn signal(&mut self, kind: &str, rank: u32, port: u16) -> Path {
        let preference = match kind {
            "host" => 126,
            "srflx" => 100,
            _ => 0,
        };
        let priority = preference << 24 | rank << 8 | 255;
        let line = format!("{port} 1 udp {priority} 10.0.0.9 {port} typ {kind}");
        let related = if kind == "host" {
            ""
        } else {
            " raddr 0.0.0.0 rport 0"
        };
        let candidate = format!("{line}{related}").parse().unwrap();
        let now = self.now;
        self.agent.add_remote_candidate(now, candidate).unwrap();
        let remote: SocketAddr = ([10, 0, 0, 9], port).into();
        self.look();
        Path::udp(ADDRESS_A, remote)
    }

    pub(crate) fn look(&mut self) {
        let now = self.now;
        for (path, bytes) in drain(&mut self.agent, now) {
            if is_request(&bytes) {
                self.open.push((now, path, bytes));
            }
        }
    }

    /// Time passes, with every deadline on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.look();
        while let Some(at) = self.agent.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let now = self.now;
            self.agent.handle_timeout(now);
            self.look();
        }
        self.now = end;
    }

    /// The last check on a path is answered now.
    pub(crate) fn answer(&mut self, path: Path) {
        let at = self.open.iter().rposition(|(_, sent, _)| *sent == path);
        let (_, _, bytes) = self.open.remove(at.unwrap());
        let answer = success(&bytes, &self.peer.local_credentials().pwd, ADDRESS_A);
        let now = self.now;
        deliver(&mut self.agent, now, path, &answer);
        self.look();
    }

    /// Time passes, and the peer answers everything.
    pub(crate) fn live(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.pass(ms(100).min(end - self.now));
            for (_, path, _) in self.open.clone() {
                self.answer(path);
            }
        }
    }

    /// The peer asks, on a path, for it to be used if `nominates` says so. This is the request.
    pub(crate) fn ask(&mut self, path: Path, nominates: bool, counter: Option<u32>) -> Vec<u8> {
        self.asked += 1;
        let mut check = Forgery::genuine(&self.agent, &self.peer);
        check.id = self.asked;
        check.use_candidate = nominates;
        let bytes = check.bytes_with(|message| {
            if let Some(counter) = counter {
                message.attribute(AttributeType::NOMINATION, &counter.to_be_bytes());
            }
        });
        self.hear(path, &bytes);
        bytes
    }

    /// A message comes this way; whether it was answered with success.
    pub(crate) fn hear(&mut self, path: Path, bytes: &[u8]) -> bool {
        let now = self.now;
        deliver(&mut self.agent, now, path, bytes);
        let sent = drain(&mut self.agent, now);
        let mut is_answered = false;
        for (path, bytes) in sent {
            match Message::decode(&bytes).unwrap().class() {
                Class::Request => self.open.push((now, path, bytes)),
                class => is_answered |= class == Class::Success,
            }
        }
        is_answered
    }

    /// When the path was nominated, if ever, since the start.
    pub(crate) fn nominated(&self, path: Path) -> Option<Duration> {
        self.nominations(path).next()
    }

    /// When each nomination of the path that waits for its answer left, since the start.
    pub(crate) fn nominations(&self, path: Path) -> impl Iterator<Item = Duration> {
        let says_so = |bytes: &[u8]| Message::decode(bytes).unwrap().use_candidate().unwrap();
        let sent = self.open.iter();
        sent.filter(move |(_, sent, bytes)| *sent == path && says_so(bytes))
            .map(|(at, ..)| *at - netsim::epoch())
    }

    pub(crate) fn selections(&mut self) -> Vec<(Path, SelectionReason)> {
        let selected = |event| match event {
            Event::Selected { path, reason, .. } => Some((path, reason)),
            _ => None,
        };
        std::iter::from_fn(|| self.agent.poll_event())
            .filter_map(selected)
            .collect()
    }
}
