use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use netsim::{Pair, Verdict};

use super::{ROUGH, lose, meddle};
use crate::Config;
use crate::testing::{Endpoint, alice, bob, both_connected, config, connect, pair};

fn pair_with_mtu(mtu: usize) -> Pair<Endpoint> {
    let with = |certificate| {
        let mut config: Config = config(certificate);
        config.mtu = mtu;
        config
    };
    pair(with(alice()), with(bob()))
}

fn datagrams_of_a_handshake(mtu: usize) -> u64 {
    let mut pair = pair_with_mtu(mtu);
    connect(&mut pair);
    pair.sent()
}

/// D-9, T-9.
#[test]
fn the_loss_of_any_one_datagram_costs_one_timeout() {
    // One datagram per flight: what is sent again, and when all is done.
    let cells = [
        ("ClientHello", [3, 2], 1_080),
        ("ServerHello to ServerHelloDone", [3, 3], 1_080),
        ("Certificate to Finished", [3, 3], 1_080),
        ("Finished", [3, 3], 1_080),
    ];
    for (position, (name, flights, milliseconds)) in cells.into_iter().enumerate() {
        let mut pair = pair_with_mtu(1200);
        lose(&mut pair, [position as u64]);
        connect(&mut pair);
        let sent = [pair.a(), pair.b()].map(|e| e.connection.stats().flights_sent);
        assert_eq!(
            (sent, pair.time().as_millis()),
            (flights, milliseconds),
            "{name} was lost"
        );
    }
}

#[test]
fn any_one_datagram_may_be_lost_at_any_size() {
    for mtu in [128, 256, 600, 1200] {
        for lost in 0..datagrams_of_a_handshake(mtu) {
            let mut pair = pair_with_mtu(mtu);
            lose(&mut pair, [lost]);
            connect(&mut pair);
            let time = pair.time();
            assert!(
                time <= Duration::from_millis(2_200),
                "{lost} of {mtu}: {time:?}"
            );
        }
    }
}

#[test]
fn any_two_datagrams_may_be_lost() {
    let all = datagrams_of_a_handshake(300);
    for first in 0..all {
        for second in first + 1..all + 4 {
            let mut pair = pair_with_mtu(300);
            lose(&mut pair, [first, second]);
            connect(&mut pair);
        }
    }
}

#[test]
fn any_one_datagram_may_be_late() {
    for mtu in [128, 256, 1200] {
        for late in 0..datagrams_of_a_handshake(mtu) {
            // Behind the rest of its flight, and behind a repetition of it.
            for delay in [Duration::from_millis(5), Duration::from_millis(2_500)] {
                let mut pair = pair_with_mtu(mtu);
                meddle(&mut pair, move |number| {
                    if number == late {
                        Verdict::Delay(delay)
                    } else {
                        Verdict::Pass
                    }
                });
                connect(&mut pair);
                if delay < Duration::from_millis(10) {
                    let timeouts = [pair.a(), pair.b()].map(|e| e.connection.stats().timeouts);
                    assert_eq!(timeouts, [0, 0], "{late} of {mtu} was late");
                }
                pair.run_for(Duration::from_secs(5));
                assert!(both_connected(&pair));
            }
        }
    }
}

#[test]
fn any_one_datagram_may_come_twice() {
    for mtu in [128, 256, 1200] {
        for twice in 0..datagrams_of_a_handshake(mtu) {
            let mut pair = pair_with_mtu(mtu);
            pair.network().start_recording();
            let mut repeated = false;
            while !both_connected(&pair) {
                if !repeated && pair.sent() > twice {
                    repeated = true;
                    let packet = pair.network().recorded()[usize::try_from(twice).unwrap()].clone();
                    let now = pair.now();
                    let to_b = packet.path.remote == netsim::ADDRESS_B;
                    let endpoint = if to_b { pair.b_mut() } else { pair.a_mut() };
                    for _ in 0..2 {
                        endpoint
                            .connection
                            .handle_datagram(now, &mut packet.bytes.clone());
                    }
                }
                assert!(pair.step(), "{twice} of {mtu}");
            }
            connect(&mut pair);
            assert_eq!(pair.time(), Duration::from_millis(80));
        }
    }
}

#[test]
fn any_one_datagram_may_be_cut_short_anywhere() {
    for mtu in [256, 1200] {
        for cut in 0..datagrams_of_a_handshake(mtu) {
            // In the head of a record, of a fragment, and within the rest.
            for part in [1, 7, 14, 20, 40, 100] {
                let mut pair = pair_with_mtu(mtu);
                let count = Arc::new(AtomicU64::new(0));
                pair.network().intercept(move |packet| {
                    if count.fetch_add(1, Ordering::Relaxed) == cut {
                        let length = part.min(packet.bytes.len() - 1);
                        Verdict::Replace(packet.bytes[..length].to_vec())
                    } else {
                        Verdict::Pass
                    }
                });
                connect(&mut pair);
                let time = pair.time();
                assert!(
                    time <= Duration::from_millis(1_200),
                    "{cut} of {mtu}: {time:?}"
                );
            }
        }
    }
}

/// What may happen to a datagram on its way.
fn mishap(kind: u64) -> Verdict {
    match kind {
        0 => Verdict::Drop,
        1 => Verdict::Delay(Duration::from_millis(5)),
        _ => Verdict::Delay(Duration::from_millis(1_500)),
    }
}

#[test]
fn any_two_datagrams_may_be_lost_or_late() {
    let mtu = if crate::testing::full_matrix() {
        300
    } else {
        1200
    };
    let all = datagrams_of_a_handshake(mtu);
    for first in 0..all {
        for second in first + 1..all + 4 {
            for kinds in 0..9 {
                let mut pair = pair_with_mtu(mtu);
                meddle(&mut pair, move |number| match number {
                    _ if number == first => mishap(kinds % 3),
                    _ if number == second => mishap(kinds / 3),
                    _ => Verdict::Pass,
                });
                connect(&mut pair);
                let time = pair.time();
                assert!(
                    time <= Duration::from_millis(3_300),
                    "{first}, {second}: {time:?}"
                );
            }
        }
    }
}

/// D-11.
#[test]
fn the_server_repeats_its_last_flight_as_long_as_the_client_does_but_not_faster() {
    let mut pair = pair_with_mtu(1200);
    // The server's Finished is lost for three seconds.
    pair.network().intercept(|packet| {
        let from_server = packet.path.local == netsim::ADDRESS_B;
        let at = netsim::since_epoch(packet.sent);
        let last_flight = from_server && packet.bytes.len() < 100;
        if last_flight && at < Duration::from_secs(3) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.network().start_recording();
    connect(&mut pair);
    assert_eq!(pair.b().connection.stats().repeats, 2);
    // A replayed Finished is a replayed record; nothing answers it.
    let finished = pair.network().recorded()[2].clone();
    let now = pair.now();
    for _ in 0..10 {
        pair.b_mut()
            .connection
            .handle_datagram(now, &mut finished.bytes.clone());
    }
    assert_eq!(pair.b().connection.stats().repeats, 2);
    assert!(pair.b().connection.stats().dropped.replayed >= 10);
}

#[test]
fn a_handshake_survives_heavy_loss() {
    for seed in 0..60 {
        for profile in ROUGH {
            let client = Endpoint::new(config(alice()), crate::Role::Client, seed);
            let server = Endpoint::new(config(bob()), crate::Role::Server, seed);
            let mut pair = Pair::on(profile, seed, client, server);
            crate::testing::introduce(&mut pair);
            crate::testing::start(&mut pair, Some(Duration::from_millis(50)));
            connect(&mut pair);
        }
    }
}

#[test]
fn nine_of_ten_flipped_bits_do_not_end_a_handshake() {
    let mut failed = 0;
    let mut rng = super::rogue::random(3);
    for round in 0..400 {
        let mut pair = pair_with_mtu(1200);
        let number = round % 3;
        let random: u64 = rand::RngExt::random(&mut rng);
        let count = Arc::new(AtomicU64::new(0));
        pair.network().intercept(move |packet| {
            if count.fetch_add(1, Ordering::Relaxed) != number {
                return Verdict::Pass;
            }
            let mut bytes = packet.bytes.clone();
            let bit = usize::try_from(random).unwrap() % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            Verdict::Replace(bytes)
        });
        failed += u32::from(!pair.run_until(Duration::from_secs(30), both_connected));
    }
    // What is left: a hello or public key that became another valid one. Nobody can tell before the client's proof
    // fails, and by then it is too late to begin again. UDP has a checksum; this is about forgeries.
    assert!(failed <= 40, "{failed} of 400 failed");
}
