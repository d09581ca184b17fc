//! A hostile network at every step of a session: forged, truncated, damaged and flooding messages change nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use avocet_ice::{Agent, Candidate, Mode, PairState, Role, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B};
use stun::{Class, IntegrityKey, Message, MessageBuilder, Method};
use support::scene::Scene;
use support::{Forgery, deliver, drain, host, introduce, snapshot};

const STEP: Duration = Duration::from_millis(10);

/// What somebody makes of a message who sees it and does not know the passwords.
fn variants(genuine: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..genuine.len())
        .step_by(3)
        .map(|length| genuine[..length].to_vec())
        .collect();
    for at in (0..genuine.len()).step_by(5) {
        let mut flipped = genuine.to_vec();
        flipped[at] ^= 1 << (at % 8);
        all.push(flipped);
    }
    let message = Message::decode(genuine).unwrap();
    let key = IntegrityKey::short_term("a-guess-a-guess-a-guess-");
    let id = message.transaction_id();
    if let Ok(Some(username)) = message.username() {
        for role in [Role::Controlling, Role::Controlled] {
            let mut forged = Vec::new();
            let mut builder = MessageBuilder::new(&mut forged, Class::Request, Method::BINDING, id);
            builder
                .username(username)
                .priority(u32::MAX >> 1)
                .use_candidate();
            match role {
                Role::Controlling => builder.ice_controlling(u64::MAX),
                Role::Controlled => builder.ice_controlled(u64::MAX),
            };
            builder.integrity(&key).fingerprint().finish().unwrap();
            all.push(forged);
        }
    }
    // Answers to the transaction, which is on the wire for all to see: good news, bad news, a conflict, a redirect.
    for code in [
        None,
        Some(300),
        Some(400),
        Some(401),
        Some(420),
        Some(487),
        Some(500),
    ] {
        let class = if code.is_some() {
            Class::Error
        } else {
            Class::Success
        };
        for sealed in [true, false] {
            let mut forged = Vec::new();
            let mut builder = MessageBuilder::new(&mut forged, class, Method::BINDING, id);
            match code {
                Some(code) => builder.error_code(code),
                None => builder.xor_mapped_address(ADDRESS_A),
            };
            let sealed = match sealed {
                true => builder.integrity(&key).fingerprint(),
                false => builder.fingerprint(),
            };
            sealed.finish().unwrap();
            all.push(forged);
        }
    }
    all
}

/// Delivers every variant of a message, from where it came and from elsewhere; nothing of the agent may change.
fn attack(agent: &mut Agent, now: Instant, path: Path, genuine: &[u8]) {
    agent.handle_timeout(now);
    let before = snapshot(agent);
    let elsewhere = Path::udp(path.local, ([192, 0, 2, 66], 6).into());
    for variant in variants(genuine) {
        for from in [path, elsewhere] {
            deliver(agent, now, from, &variant);
        }
    }
    assert_eq!(snapshot(agent), before);
}

/// Transport 5.3 no. 2, catalogue I-02, I-08, I-10
#[test]
fn whatever_is_made_of_any_message_of_a_session_changes_nothing() {
    let mut now = netsim::epoch();
    let mut agents = [
        host(1, Role::Controlling, Mode::Full).agent,
        // The same role: the conflict is settled under attack.
        host(2, Role::Controlling, Mode::Full).agent,
    ];
    for (agent, address) in agents.iter_mut().zip([ADDRESS_A, ADDRESS_B]) {
        agent
            .add_local_candidate(now, Candidate::host(address))
            .unwrap();
    }
    introduce(&mut agents, now);
    let mut attacked = 0;
    for step in 0..2_000 {
        if step == 1_000 {
            // A restart in the middle, the peer follows.
            for agent in &mut agents {
                agent.restart(now);
            }
            introduce(&mut agents, now);
        }
        for side in [0, 1] {
            for (path, bytes) in drain(&mut agents[side], now) {
                // Answers to the attacker go nowhere.
                if ![ADDRESS_A, ADDRESS_B].contains(&path.remote) {
                    continue;
                }
                let to = &mut agents[1 - side];
                let is_genuine = Message::decode(&bytes).unwrap().has_integrity();
                if is_genuine {
                    attack(to, now, path.reversed(), &bytes);
                    attacked += 1;
                    deliver(to, now, path.reversed(), &bytes);
                }
            }
        }
        now += STEP;
        for agent in &mut agents {
            agent.handle_timeout(now);
        }
    }
    assert!(attacked > 20, "{attacked}");
    for agent in &agents {
        assert_eq!(agent.state(), State::Completed);
        assert_eq!(agent.pair_stats().count(), 1);
    }
    let path = agents[0].best_path().unwrap();
    assert_eq!(agents[1].best_path(), Some(path.reversed()));
    assert_ne!(agents[0].role(), agents[1].role());
}

/// I-27, S-9: a flood makes an agent hold no more and say no more than it may.
#[test]
fn a_flood_of_a_hundred_thousand_messages_leaves_an_agent_as_it_was() {
    let mut pair = support::connected(netsim::Profile::Clean, 7);
    let now = pair.now();
    let genuine = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    let forged = Forgery {
        pwd: "a-guess-a-guess-a-guess-".into(),
        ..genuine
    };
    let bytes = forged.bytes();
    let agent = &mut pair.b_mut().agent;
    agent.handle_timeout(now);
    let before = snapshot(agent);
    let mut answers = 0;
    for number in 0..100_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let from = ([192, a, b, c], 1_000).into();
        deliver(agent, now, Path::udp(ADDRESS_B, from), &bytes);
        if number % 32 == 0 {
            answers += drain(agent, now).len();
        }
    }
    assert!(answers <= 100, "{answers}");
    assert_eq!(snapshot(agent), before);
}

/// I-4: where every pair works, a check from yet another address is answered and finds no room.
#[test]
fn i03_at_the_cap_no_pair_that_works_gives_way() {
    let mut scene = Scene::with(Role::Controlled, |config| config.max_pairs = 3);
    let known = [1, 2, 3].map(|port| scene.signal("host", 60_000 - u32::from(port), port));
    scene.live(Duration::from_secs(1));
    let works = |scene: &Scene| {
        let valid = scene
            .agent
            .pair_stats()
            .filter(|pair| pair.state == PairState::Succeeded);
        valid.map(|pair| pair.path).collect::<Vec<_>>()
    };
    assert_eq!(works(&scene), known);
    let check = Forgery::genuine(&scene.agent, &scene.peer).bytes();
    let elsewhere = Path::udp(ADDRESS_A, ([192, 0, 2, 66], 6).into());
    assert!(scene.hear(elsewhere, &check));
    assert_eq!(works(&scene), known);
    assert_eq!(scene.agent.pair_stats().count(), 3);
    assert_eq!(scene.agent.stats().pairs_refused, 1);
}

/// Two agents that meet, with everything that either of them was sent.
struct Overheard {
    now: Instant,
    agents: [Agent; 2],
    /// Who it was for, and how it came.
    heard: Vec<(usize, Path, Vec<u8>)>,
}

impl Overheard {
    fn new() -> Self {
        let now = netsim::epoch();
        let mut agents = [
            host(11, Role::Controlling, Mode::Full).agent,
            host(12, Role::Controlled, Mode::Full).agent,
        ];
        for (agent, address) in agents.iter_mut().zip([ADDRESS_A, ADDRESS_B]) {
            agent
                .add_local_candidate(now, Candidate::host(address))
                .unwrap();
        }
        introduce(&mut agents, now);
        Self {
            now,
            agents,
            heard: Vec::new(),
        }
    }

    /// One step of time; `deliver_all` gets what is on the way, in the order in which it was sent.
    fn step(&mut self, mut deliver_all: impl FnMut(&mut Self, Vec<(usize, Path, Vec<u8>)>)) {
        let mut under_way = Vec::new();
        for side in [0, 1] {
            for (path, bytes) in drain(&mut self.agents[side], self.now) {
                under_way.push((1 - side, path.reversed(), bytes));
            }
        }
        self.now += STEP;
        deliver_all(self, under_way);
        for agent in &mut self.agents {
            agent.handle_timeout(self.now);
        }
    }

    fn hear(&mut self, (to, path, bytes): (usize, Path, Vec<u8>)) {
        deliver(&mut self.agents[to], self.now, path, &bytes);
        self.heard.push((to, path, bytes));
    }
}

/// What was heard before is no news: played again, from where it came, it changes no role, pair, nomination or timer,
/// at the next moment and at any later one.
#[test]
fn a_replay_of_any_message_of_a_session_changes_nothing() {
    let mut both = Overheard::new();
    for step in 0..3_000 {
        both.step(|both, under_way| {
            for message in under_way {
                both.hear(message.clone());
                let (to, path, bytes) = message;
                let agent = &mut both.agents[to];
                let before = snapshot(agent);
                for _ in 0..3 {
                    deliver(agent, both.now, path, &bytes);
                }
                assert_eq!(snapshot(agent), before, "{step}");
            }
        });
        if step % 100 == 99 {
            let heard = both.heard.clone();
            for (to, path, bytes) in heard.iter().rev() {
                let agent = &mut both.agents[*to];
                let before = snapshot(agent);
                deliver(agent, both.now, *path, bytes);
                assert_eq!(snapshot(agent), before, "{step}");
            }
        }
    }
    assert!(both.heard.len() > 20, "{}", both.heard.len());
    for agent in &both.agents {
        assert_eq!(agent.state(), State::Completed);
    }
}

/// From elsewhere a message of the peer's shows an address that it may have; what is used stays what it is, and the
/// number of such addresses is small.
#[test]
fn a_replay_from_elsewhere_moves_nothing() {
    let mut both = Overheard::new();
    for _ in 0..300 {
        both.step(|both, under_way| under_way.into_iter().for_each(|message| both.hear(message)));
    }
    let heard = both.heard.clone();
    for (number, (to, path, bytes)) in heard.iter().cycle().take(2_000).enumerate() {
        let port = u16::try_from(1_000 + number).unwrap();
        let elsewhere = Path::udp(path.local, ([192, 0, 2, 66], port).into());
        let agent = &mut both.agents[*to];
        let (role, best) = (agent.role(), agent.best_path());
        deliver(agent, both.now, elsewhere, bytes);
        drain(agent, both.now);
        while agent.poll_event().is_some() {}
        assert_eq!((agent.role(), agent.best_path()), (role, best));
    }
    for agent in &both.agents {
        assert!(agent.pair_stats().count() <= 17);
        let nominated = agent.pair_stats().filter(|pair| pair.nominated);
        let paths: Vec<_> = nominated.map(|pair| pair.path).collect();
        assert_eq!(paths, [agent.best_path().unwrap()]);
    }
}

/// What overtakes itself on the way arrives at the same end.
#[test]
fn messages_in_reverse_order_and_late_lead_to_the_same_end() {
    for delay in [1, 3, 10] {
        let mut both = Overheard::new();
        let mut late = Vec::new();
        for step in 0..1_000 {
            both.step(|both, under_way| {
                late.extend(under_way);
                if step % delay == 0 {
                    for message in std::mem::take(&mut late).into_iter().rev() {
                        both.hear(message);
                    }
                }
            });
        }
        let path = Path::udp(ADDRESS_A, ADDRESS_B);
        for (agent, path) in both.agents.iter().zip([path, path.reversed()]) {
            assert_eq!(agent.state(), State::Completed, "{delay}");
            assert_eq!(agent.best_path(), Some(path), "{delay}");
            assert_eq!(agent.pair_stats().count(), 1);
        }
        let roles = both.agents.each_ref().map(Agent::role);
        assert_eq!(roles, [Role::Controlling, Role::Controlled]);
    }
}
