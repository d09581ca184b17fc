//! ICE: a check is answered, a datagram finds its session among 100,000, and an agent idles for an hour.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use avocet_benches::raw::{Primitives, crc32};
use avocet_benches::{compare, criterion};
use ice::mux::{Mux, SessionId};
use ice::{Agent, Candidate, Config, Mode, Role};
use net::{Datagram, Path};
use rustix::time::{ClockId, clock_gettime};
use stun::{Class, IntegrityKey, MessageBuilder, Method, TransactionId};

const SESSIONS: usize = 100_000;

fn main() {
    let mut criterion = criterion();
    answer(&mut criterion);
    route(&mut criterion);
    idle();
    criterion.final_summary();
}

fn connected(start: Instant) -> [Agent; 2] {
    let addresses = [([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into()];
    let mut agents = [0_u8, 1].map(|number| {
        let mut config = Config::new([number + 1; 32]);
        config.role = if number == 0 {
            Role::Controlling
        } else {
            Role::Controlled
        };
        let mut agent = Agent::new(config).expect("the defaults are valid");
        let candidate = Candidate::host(addresses[usize::from(number)]);
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
    agents
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

/// A peer's check, from its bytes to the bytes of the answer.
fn answer(criterion: &mut criterion::Criterion) {
    let start = Instant::now();
    let [a, mut b] = connected(start);
    let now = start + Duration::from_secs(3);
    let (ours, theirs) = (
        b.local_credentials().clone(),
        a.local_credentials().ufrag.clone(),
    );
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
    let path = Path::udp(([10, 0, 0, 2], 2).into(), ([10, 0, 0, 1], 1).into());
    let raw = Primitives::default();
    let (mut copy, mut buf) = (Vec::with_capacity(256), Vec::with_capacity(256));
    let message = check.clone();
    compare(
        criterion,
        "ice check answered",
        || {
            copy.clear();
            copy.extend_from_slice(&message);
            b.handle_datagram(now, Datagram::new(path, &mut copy));
            buf.clear();
            b.poll_transmit(now, &mut buf)
        },
        || {
            let checked = (
                raw.hmac_sha1(&message[..message.len() - 32]),
                crc32(&message),
            );
            let answered = (raw.hmac_sha1(&message[..32]), crc32(&message[..56]));
            (checked, answered)
        },
    );
}

/// One look-up among 100,000 sessions; raw is a plain hash map of paths.
fn route(criterion: &mut criterion::Criterion) {
    let now = Instant::now();
    let local = ([10, 0, 0, 1], 1).into();
    let path = |number: usize| {
        let [.., a, b, c] = u32::try_from(number).unwrap_or(0).to_be_bytes();
        Path::udp(local, ([11, a, b, c], 5_000).into())
    };
    let mut mux = Mux::new([3; 32]);
    let mut map = HashMap::new();
    for number in 0..SESSIONS {
        mux.insert_fragment(&format!("frag{number}"), SessionId::new(number));
        mux.bind(SessionId::new(number), path(number));
        map.insert(path(number), number);
    }
    let media = [0x80_u8; 1_200];
    let (mut ours, mut raw) = (0, 0);
    compare(
        criterion,
        "mux look-up of data among 100000 sessions",
        || {
            ours = (ours + 7_919) % SESSIONS;
            mux.route(now, &path(ours), &media)
        },
        || {
            raw = (raw + 7_919) % SESSIONS;
            map.get(&path(raw)).copied()
        },
    );
    let mut check = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = MessageBuilder::new(&mut check, Class::Request, Method::BINDING, id);
    builder.username("frag77777:them").priority(1);
    let key = IntegrityKey::short_term("0123456789012345678901");
    builder
        .integrity(&key)
        .fingerprint()
        .finish()
        .expect("it fits");
    let mut from = 0;
    compare(
        criterion,
        "mux look-up of a check among 100000 sessions",
        || {
            from = (from + 7_919) % SESSIONS;
            mux.route(now, &path(from), &check)
        },
        || map.get(&path(77_777)).copied(),
    );
}

/// What an agent costs that only keeps its peer's consent fresh.
fn idle() {
    let start = Instant::now();
    let mut agents = connected(start);
    let mut now = start + Duration::from_secs(3);
    let end = now + Duration::from_secs(3_600);
    let cpu = || clock_gettime(ClockId::ThreadCPUTime);
    let (before, mut wakes) = (cpu(), 0_u32);
    while now < end {
        let next = agents.iter().filter_map(Agent::poll_timeout).min();
        now = next.unwrap_or(end).max(now);
        agents
            .iter_mut()
            .for_each(|agent| agent.handle_timeout(now));
        exchange(&mut agents, now);
        wakes += 1;
    }
    let after = cpu();
    let nanoseconds =
        (after.tv_sec - before.tv_sec) * 1_000_000_000 + (after.tv_nsec - before.tv_nsec);
    let each = nanoseconds / 2 / 1_000;
    black_box(&agents);
    println!(
        "idle agent: {each} µs of CPU an hour, {} wake-ups, {} bytes and what it points to",
        wakes / 2,
        size_of::<Agent>()
    );
}
