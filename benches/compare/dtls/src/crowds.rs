//! Ten thousand handshakes under way at a time: each does one step, then the next.

use dtls::{Provider, Versions};

use crate::measure::time;
use crate::{ours, rust};

const CROWD: usize = 10_000;

pub fn table() {
    println!(
        "\n| {CROWD} handshakes at a time | us each | heap while under way, bytes a side | heap of an idle client, bytes | of an idle server, bytes |"
    );
    println!("|---|---|---|---|---|");
    for (name, versions) in [("1.2", Versions::DTLS_1_2), ("1.3", Versions::DTLS_1_3)] {
        for provider in [Provider::ring(), Provider::aws_lc_rs()] {
            let library = format!("{provider:?}");
            let setup = ours::Setup::new(versions, provider);
            let each = crowd(|| setup.begin(), ours::Pair::step, ours::Pair::is_connected);
            let held = under_way(|| {
                let mut pair = setup.begin();
                pair.step();
                pair
            });
            let client = idle(|| setup.connect().into_sides().0);
            let server = idle(|| setup.connect().into_sides().1);
            println!(
                "| avocet {name}, {library} | {:.0} | {held} | {client} | {server} |",
                each / 1e3
            );
        }
        let setup = rust::Setup::new(versions == Versions::DTLS_1_3);
        let each = crowd(|| setup.begin(), rust::Pair::step, rust::Pair::is_connected);
        let held = under_way(|| {
            let mut pair = setup.begin();
            pair.step();
            pair
        });
        let client = idle(|| setup.connect().into_sides().0);
        let server = idle(|| setup.connect().into_sides().1);
        println!(
            "| dimpl {name}, aws-lc-rs | {:.0} | {held} | {client} | {server} |",
            each / 1e3
        );
    }
}

/// Nanoseconds that a handshake takes among many.
fn crowd<P>(
    begin: impl Fn() -> P,
    step: impl Fn(&mut P) -> bool,
    is_connected: impl Fn(&P) -> bool,
) -> f64 {
    let mut pairs = Vec::with_capacity(CROWD);
    let each = time(1, || {
        pairs.extend((0..CROWD).map(|_| begin()));
        while pairs.iter_mut().fold(false, |any, pair| step(pair) || any) {}
    }) / CROWD as f64;
    assert!(pairs.iter().all(is_connected));
    each
}

/// What a side of a pair holds, beside its own fields.
fn under_way<T>(begin: impl Fn() -> T) -> i64 {
    let mut pairs = Vec::with_capacity(100);
    let info = allocation_counter::measure(|| pairs.extend((0..100).map(|_| begin())));
    info.bytes_current / 200
}

/// What a connection holds that did nothing since its handshake, beside its own fields.
fn idle<T>(connect: impl Fn() -> T) -> i64 {
    let mut sides = Vec::with_capacity(100);
    let info = allocation_counter::measure(|| sides.extend((0..100).map(|_| connect())));
    info.bytes_current / 100
}
