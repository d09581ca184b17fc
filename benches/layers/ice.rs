//! ICE: a check is answered, a datagram finds its session among 100,000, and an agent idles for an hour.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use avocet_benches::raw::{Primitives, crc32};
use avocet_benches::{agents, compare, criterion};
use ice::Agent;
use net::Datagram;
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

/// A peer's check, from its bytes to the bytes of the answer.
fn answer(criterion: &mut criterion::Criterion) {
    let (mut agents, now) = agents::connected(Instant::now());
    let (message, path) = agents::check(&agents);
    let b = &mut agents[1];
    let raw = Primitives::default();
    let (mut copy, mut buf) = (Vec::with_capacity(256), Vec::with_capacity(256));
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
    let mut mux = agents::mux(SESSIONS);
    let map: HashMap<_, _> = (0..SESSIONS)
        .map(|number| (agents::path(number), number))
        .collect();
    let media = [0x80_u8; 1_200];
    let (mut ours, mut raw) = (0, 0);
    compare(
        criterion,
        "mux look-up of data among 100000 sessions",
        || {
            ours = (ours + 7_919) % SESSIONS;
            mux.route(now, &agents::path(ours), &media)
        },
        || {
            raw = (raw + 7_919) % SESSIONS;
            map.get(&agents::path(raw)).copied()
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
            mux.route(now, &agents::path(from), &check)
        },
        || map.get(&agents::path(77_777)).copied(),
    );
}

/// What an agent costs that only keeps its peer's consent fresh.
fn idle() {
    let (mut agents, now) = agents::connected(Instant::now());
    let cpu = || clock_gettime(ClockId::ThreadCPUTime);
    let before = cpu();
    let wakes = agents::idle(&mut agents, now, Duration::from_secs(3_600));
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
