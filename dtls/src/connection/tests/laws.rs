use std::time::Duration;

use netsim::laws::{Battery, Resists, Stage};
use netsim::{Pair, Side};

use crate::testing::{Endpoint, alice, bob, config, config_13, connect, introduce, start};
use crate::{Certificate, Config, Role};

fn pair_of_12(stage: Stage, seed: u64) -> Pair<Endpoint> {
    pair_at(stage, seed, config)
}

fn pair_of_13(stage: Stage, seed: u64) -> Pair<Endpoint> {
    pair_at(stage, seed, config_13)
}

fn pair_at(stage: Stage, seed: u64, config: fn(Certificate) -> Config) -> Pair<Endpoint> {
    let client = Endpoint::new(config(alice()), Role::Client, seed);
    let server = Endpoint::new(config(bob()), Role::Server, seed);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    start(&mut pair, Some(Duration::from_millis(40)));
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(2),
        Stage::Established | Stage::Closing => connect(&mut pair),
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().connection.close(now);
    }
    pair
}

/// Catalogue D-25.
#[test]
fn a_connection_obeys_the_laws() {
    check(pair_of_12);
}

#[test]
fn a_connection_of_1_3_obeys_the_laws() {
    check(pair_of_13);
}

fn check(pair_at: fn(Stage, u64) -> Pair<Endpoint>) {
    Battery::new("dtls::Connection", pair_at)
        .traffic(|pair, round| {
            // Sealed records are the caller's to send: they go straight to the other side.
            let now = pair.now();
            let to_b = pair.a_mut().seal(now, &[1, round.to_be_bytes()[3]]);
            let to_a = pair.b_mut().seal(now, &[2, round.to_be_bytes()[3]]);
            for (side, record) in [(Side::B, to_b), (Side::A, to_a)] {
                let path = pair.path(side);
                if let Some(record) = record {
                    pair.inject(side, path, &record);
                }
            }
        })
        .resists(Resists::RandomBytes)
        // 64 KiB of unfinished handshake or 256 KiB of data that nobody pulls, and their book-keeping.
        .heap_limit_bytes(320 * 1024)
        .horizon(Duration::from_secs(45))
        .check();
}
