use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use netsim::{Pair, Verdict};

use super::{ROUGH, lose};
use crate::Role;
use crate::testing::{Endpoint, alice, bob, both_connected, config_13, connect, introduce, start};

/// A round trip of the default pair.
const ROUND_TRIP: Duration = Duration::from_millis(40);

/// A pair that knows its round trip.
fn measured_pair(mtu: usize) -> Pair<Endpoint> {
    let with = |certificate| {
        let mut config = config_13(certificate);
        config.mtu = mtu;
        config
    };
    let client = Endpoint::new(with(alice()), Role::Client, 1);
    let server = Endpoint::new(with(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    start(&mut pair, Some(ROUND_TRIP));
    pair
}

/// T-9.
#[test]
fn the_loss_of_any_one_datagram_costs_less_than_two_round_trips() {
    // What was lost, and when each side was connected, in quarters of a round trip; without loss 4 and 6.
    for (lost, name, client, server) in [
        (0, "ClientHello", 12, 14),
        (1, "the server's flight", 12, 14),
        (2, "the client's flight", 4, 14),
        (3, "the acknowledgement", 4, 6),
    ] {
        let mut pair = measured_pair(1200);
        lose(&mut pair, [lost]);
        let connected = |pair: &Pair<Endpoint>| pair.a().connection.is_connected();
        assert!(pair.run_until(Duration::from_secs(1), connected));
        let quarters = |pair: &Pair<Endpoint>| 4 * pair.time().as_millis() / ROUND_TRIP.as_millis();
        assert_eq!(quarters(&pair), client, "{name} was lost");
        connect(&mut pair);
        assert_eq!(quarters(&pair), server, "{name} was lost");
        assert!(pair.run_to_rest(Duration::from_secs(1)));
        assert!(both_connected(&pair));
        assert_eq!(pair.a().connection.poll_timeout(), None);
    }
}

fn datagrams_of_a_handshake(mtu: usize) -> u64 {
    let mut pair = measured_pair(mtu);
    connect(&mut pair);
    pair.run_to_rest(Duration::from_secs(1));
    pair.sent()
}

#[test]
fn any_one_datagram_may_be_lost_at_any_size() {
    for mtu in [128, 256, 600, 1200] {
        for lost in 0..datagrams_of_a_handshake(mtu) {
            let mut pair = measured_pair(mtu);
            lose(&mut pair, [lost]);
            connect(&mut pair);
            let time = pair.time();
            assert!(time <= 4 * ROUND_TRIP, "{lost} of {mtu}: {time:?}");
            assert!(pair.run_to_rest(Duration::from_secs(2)));
            assert!(both_connected(&pair));
        }
    }
}

#[test]
fn any_two_datagrams_may_be_lost() {
    let all = datagrams_of_a_handshake(300);
    for first in 0..all {
        for second in first + 1..all + 4 {
            let mut pair = measured_pair(300);
            lose(&mut pair, [first, second]);
            connect(&mut pair);
            assert!(pair.time() <= 8 * ROUND_TRIP, "{first} and {second}");
        }
    }
}

#[test]
fn any_one_datagram_may_be_late_twice_there_or_cut_short() {
    for mtu in [128, 256, 1200] {
        for which in 0..datagrams_of_a_handshake(mtu) {
            for damage in 0..4 {
                let mut pair = measured_pair(mtu);
                let count = Arc::new(AtomicU64::new(0));
                pair.network().intercept(move |packet| {
                    if count.fetch_add(1, Ordering::Relaxed) != which {
                        return Verdict::Pass;
                    }
                    match damage {
                        0 => Verdict::Delay(Duration::from_millis(5)),
                        1 => Verdict::Delay(Duration::from_millis(500)),
                        2 => Verdict::Replace(packet.bytes[..packet.bytes.len() / 2].to_vec()),
                        _ => Verdict::Replace(packet.bytes.repeat(2)),
                    }
                });
                connect(&mut pair);
                let time = pair.time();
                assert!(
                    time <= 4 * ROUND_TRIP,
                    "{which} of {mtu}, {damage}: {time:?}"
                );
                pair.run_for(Duration::from_secs(1));
                assert!(both_connected(&pair));
            }
        }
    }
}

/// D-12.
#[test]
fn only_what_is_missing_is_sent_again() {
    // The second datagram of the server's flight is lost: the client says what it has, the server adds the rest.
    let mut pair = measured_pair(400);
    lose(&mut pair, [2]);
    connect(&mut pair);
    let stats = pair.b().connection.stats();
    assert_eq!((stats.timeouts, stats.repeats), (0, 1));
    assert!(pair.time() <= 3 * ROUND_TRIP);
    pair.run_to_rest(Duration::from_secs(1));
    assert!(pair.sent() <= datagrams_of_a_handshake(400) + 2);
}

#[test]
fn a_handshake_survives_heavy_loss() {
    for seed in 0..20 {
        for profile in ROUGH {
            let client = Endpoint::new(config_13(alice()), Role::Client, seed);
            let server = Endpoint::new(config_13(bob()), Role::Server, seed);
            let mut pair = Pair::on(profile, seed, client, server);
            introduce(&mut pair);
            start(&mut pair, Some(Duration::from_millis(50)));
            let connected = pair.run_until(Duration::from_secs(30), both_connected);
            assert!(connected, "{profile:?} {seed}: {:?}", pair.outcomes());
        }
    }
}
