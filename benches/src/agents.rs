//! Agents of ICE that talk to each other in memory, and a mux with many sessions.

use std::time::{Duration, Instant};

use ice::mux::{Mux, SessionId};
use ice::{Agent, Candidate, Config, Mode, Role};
use net::{Datagram, Path};
use stun::{Class, IntegrityKey, MessageBuilder, Method, TransactionId};

/// Where the two are.
const ADDRESSES: [([u8; 4], u16); 2] = [([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2)];

/// Two connected agents, controlling and controlled, and when that is: two seconds after `start`.
pub fn connected(start: Instant) -> ([Agent; 2], Instant) {
    let mut agents = [0_u8, 1].map(|number| {
        let mut config = Config::new([number + 1; 32]);
        config.role = if number == 0 {
            Role::Controlling
        } else {
            Role::Controlled
        };
        let mut agent = Agent::new(config).expect("the defaults are valid");
        let candidate = Candidate::host(ADDRESSES[usize::from(number)].into());
        agent
            .add_local_candidate(start, candidate)
            .expect("there is room");
        agent
    });
    for (from, to) in [(0, 1), (1, 0)] {
        let credentials = agents[from].local_credentials().clone();
        let candidate = agents[from]
            .local_candidates()
            .next()
            .cloned()
            .expect("one");
        agents[to].set_remote_credentials(start, credentials, Mode::Full);
        agents[to]
            .add_remote_candidate(start, candidate)
            .expect("there is room");
        agents[to].end_of_remote_candidates(start);
    }
    let mut now = start;
    for _ in 0..200 {
        exchange(&mut agents, now);
        now += Duration::from_millis(10);
        agents
            .iter_mut()
            .for_each(|agent| agent.handle_timeout(now));
    }
    assert!(
        agents.iter().all(|agent| agent.best_path().is_some()),
        "not connected"
    );
    (agents, now)
}

fn exchange(agents: &mut [Agent; 2], now: Instant) {
    let mut buf = Vec::with_capacity(256);
    for side in [0, 1, 0] {
        while let Some(transmit) = agents[side].poll_transmit(now, &mut buf) {
            let path = transmit.path.reversed();
            agents[1 - side].handle_datagram(now, Datagram::new(path, &mut buf));
            buf.clear();
        }
        while agents[side].poll_event().is_some() {}
    }
}

/// Lets the two keep each other's consent fresh and nothing else; counts how often they woke up.
pub fn idle(agents: &mut [Agent; 2], start: Instant, time: Duration) -> u32 {
    let (mut now, end, mut wakes) = (start, start + time, 0);
    while now < end {
        let next = agents.iter().filter_map(Agent::poll_timeout).min();
        now = next.unwrap_or(end).max(now);
        agents
            .iter_mut()
            .for_each(|agent| agent.handle_timeout(now));
        exchange(agents, now);
        wakes += 1;
    }
    wakes
}

/// A check of the first agent's for the second one, and the path on which the latter gets it.
pub fn check([a, b]: &[Agent; 2]) -> (Vec<u8>, Path) {
    let (ours, theirs) = (b.local_credentials(), &a.local_credentials().ufrag);
    let key = IntegrityKey::short_term(&ours.pwd);
    let mut check = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = MessageBuilder::new(&mut check, Class::Request, Method::BINDING, id);
    builder
        .username(&format!("{}:{theirs}", ours.ufrag))
        .priority(1);
    builder.ice_controlling(7).use_candidate();
    builder
        .integrity(&key)
        .fingerprint()
        .finish()
        .expect("it fits");
    let [a, b] = ADDRESSES.map(Into::into);
    (check, Path::udp(b, a))
}

/// Where the session of this number is.
pub fn path(number: usize) -> Path {
    let [.., a, b, c] = u32::try_from(number).unwrap_or(0).to_be_bytes();
    Path::udp(ADDRESSES[0].into(), ([11, a, b, c], 5_000).into())
}

/// A mux with so many sessions, each with a fragment and a path of its own.
pub fn mux(sessions: usize) -> Mux {
    let mut mux = Mux::new([3; 32]);
    for number in 0..sessions {
        mux.insert_fragment(&format!("frag{number}"), SessionId::new(number));
        mux.bind(SessionId::new(number), path(number));
    }
    mux
}
