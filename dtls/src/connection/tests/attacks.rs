//! The negative vectors, and what strangers may try.

use std::time::Duration;

use netsim::{Pair, Side};
use rand::RngExt as _;
use serde_json::Value;

use super::rogue::{Rogue, Step, random};
use crate::testing::{
    CHROMIUM, Endpoint, alice, bob, both_connected, browser_hello, bytes, config, config_13,
    connect, json, usual_pair,
};
use crate::wire::ContentType;
use crate::{Cause, Role};

fn cases() -> Vec<Value> {
    let all = json(include_str!("../../../../testdata/dtls/negative.json"));
    all["cases"].as_array().unwrap().clone()
}

fn hit(pair: &mut Pair<Endpoint>, side: Side, datagram: &[u8]) {
    let path = pair.path(side);
    pair.inject(side, path, datagram);
}

#[test]
fn no_negative_vector_keeps_a_new_server_from_the_genuine_handshake() {
    for case in cases() {
        let datagram = bytes(&case["hex"]);
        let mut pair = usual_pair();
        for _ in 0..3 {
            hit(&mut pair, Side::B, &datagram);
        }
        connect(&mut pair);
        pair.run_for(Duration::from_secs(1));
        assert!(both_connected(&pair), "{}", case["name"]);
    }
}

/// Catalogue D-01, Catalogue D-09.
#[test]
fn no_negative_vector_disturbs_a_handshake_or_a_connection() {
    for case in cases() {
        let datagram = bytes(&case["hex"]);
        for datagrams in 1..=4 {
            // A genuine ClientHello with another random asks for a new handshake; it is not noise.
            if case["id"] == "D-00" && datagrams < 4 {
                continue;
            }
            let mut pair = usual_pair();
            pair.run_datagrams(datagrams);
            // Not between the hellos and the keys: there a malformed message in sequence is the other side's last.
            if datagrams == 4 {
                connect(&mut pair);
                for side in [Side::A, Side::B] {
                    hit(&mut pair, side, &datagram);
                }
            } else {
                hit(&mut pair, Side::B, &datagram);
            }
            pair.run_for(Duration::from_secs(5));
            let survives = case["id"] != "D-02" && case["id"] != "D-03";
            assert!(
                both_connected(&pair) || !survives,
                "{} at {datagrams}",
                case["name"]
            );
            if datagrams == 4 {
                assert!(both_connected(&pair), "{}", case["name"]);
                let now = pair.now();
                let record = pair.a_mut().seal(now, b"still here").unwrap();
                hit(&mut pair, Side::B, &record);
                pair.run_for(Duration::from_millis(1));
                assert_eq!(pair.pulled(Side::B), [b"still here".to_vec()]);
            }
        }
    }
}

/// Catalogue D-12.
#[test]
fn dtls_1_0_is_never_spoken() {
    let case = cases()
        .into_iter()
        .find(|case| case["id"] == "D-12")
        .unwrap();
    let now = netsim::epoch();
    let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
    server.start(now, None);
    server.handle_datagram(now, &mut bytes(&case["hex"]));
    assert_eq!(server.poll_transmit(now, &mut Vec::new()), None);
    assert_eq!(server.stats().dropped.hellos, 1);
    // When nothing better came, the reason is told.
    server.handle_timeout(now + Duration::from_secs(30));
    let mut alert = Vec::new();
    server.poll_transmit(now, &mut alert).unwrap();
    assert_eq!(alert[13..], [2, 70]);
    let event = format!("{:?}", server.poll_event());
    assert!(
        event.contains("initiator: Local, cause: Incompatible"),
        "{event}"
    );
}

/// Catalogue D-04.
#[test]
fn bad_hellos_and_alerts_before_the_genuine_hello_do_not_count() {
    let mut pair = usual_pair();
    let hello = browser_hello(CHROMIUM);
    let mut rng = random(1);
    for _ in 0..2_000 {
        let mut datagram = hello[usize::from(rng.random::<bool>())].clone();
        let at = rng.random_range(13..datagram.len());
        datagram[at] ^= rng.random_range(1..=255_u8);
        hit(&mut pair, Side::B, &datagram);
        for alert in [[2, 40], [2, 0], [1, 0], [2, 80]] {
            let mut datagram = vec![21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2];
            datagram.extend_from_slice(&alert);
            hit(&mut pair, Side::B, &datagram);
            hit(&mut pair, Side::A, &datagram);
        }
    }
    connect(&mut pair);
}

/// Catalogue D-04.
#[test]
fn a_complete_hello_of_somebody_else_does_not_count_once_the_genuine_one_comes() {
    let mut pair = usual_pair();
    for datagram in browser_hello(CHROMIUM) {
        hit(&mut pair, Side::B, &datagram);
    }
    connect(&mut pair);
    assert!(pair.time() < Duration::from_secs(3), "{:?}", pair.time());
}

#[test]
fn a_forged_fragment_of_another_length_does_not_keep_the_genuine_hello_out() {
    let mut pair = usual_pair();
    // The first byte of a ClientHello of 200.
    let mut forged = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    forged.extend_from_slice(&[1, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1, 0xfe]);
    hit(&mut pair, Side::B, &forged);
    connect(&mut pair);
    assert_eq!(pair.time(), Duration::from_millis(80));
}

/// Catalogue D-21, Catalogue D-22.
#[test]
fn a_flood_of_hellos_is_answered_within_bounds() {
    let mut pair = usual_pair();
    let hello = browser_hello(CHROMIUM);
    let floods = if crate::testing::full_matrix() {
        1_000_000
    } else {
        10_000
    };
    for _ in 0..floods {
        for datagram in &hello {
            hit(&mut pair, Side::B, datagram);
        }
    }
    let mut count = 0;
    let now = pair.now();
    while pair
        .b_mut()
        .connection
        .poll_transmit(now, &mut Vec::new())
        .is_some()
    {
        count += 1;
    }
    assert_eq!(count, 1);
    connect(&mut pair);
}

/// Catalogue D-05.
#[test]
fn plaintext_application_data_is_never_delivered() {
    let mut server_states = Vec::new();
    for datagrams in 0..=4 {
        let mut pair = usual_pair();
        pair.run_datagrams(datagrams);
        for side in [Side::A, Side::B] {
            for epoch in [0, 1, 2] {
                let mut datagram = vec![23, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9, 0, 40];
                datagram.extend_from_slice(&[b'x'; 40]);
                hit(&mut pair, side, &datagram);
            }
        }
        connect(&mut pair);
        pair.run_for(Duration::from_secs(1));
        assert!(pair.pulled(Side::A).is_empty() && pair.pulled(Side::B).is_empty());
        server_states.push(pair.b().connection.stats().dropped.plaintext_data);
    }
    assert_eq!(server_states, [1; 5]);
}

/// D-18, Catalogue D-06.
#[test]
fn forged_alerts_and_handshake_messages_are_ignored_once_keys_exist() {
    let mut pair = usual_pair();
    connect(&mut pair);
    let mut rogue = Rogue::new(Role::Client);
    for side in [Side::A, Side::B] {
        for alert in [[2, 40], [1, 0], [2, 0]] {
            let datagram = rogue.record(0, ContentType::Alert, &alert);
            hit(&mut pair, side, &datagram);
        }
        for step in [
            Step::Hello,
            Step::Certificate,
            Step::ServerHelloDone,
            Step::PlainFinished,
        ] {
            let datagram = rogue.say(step);
            hit(&mut pair, side, &datagram);
        }
        hit(
            &mut pair,
            side,
            &[20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1],
        );
    }
    pair.run_for(Duration::from_secs(60));
    assert!(both_connected(&pair));
    assert_eq!(pair.sent(), 4);
}

/// D-18.
#[test]
fn an_alert_in_the_clear_explains_a_handshake_that_ran_out_of_time() {
    let now = netsim::epoch();
    let mut client = Endpoint::new(config(alice()), Role::Client, 1).connection;
    client.start(now, None);
    client.handle_datagram(
        now,
        &mut [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40],
    );
    assert_eq!(client.poll_event(), None);
    client.handle_timeout(now + Duration::from_secs(30));
    let event = format!("{:?}", client.poll_event());
    assert!(
        event.contains("Remote, cause: Alert(handshake_failure)"),
        "{event}"
    );
}

/// D-16, Catalogue D-07.
#[test]
fn the_replay_window_moves_for_authentic_records_only() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    let first = pair.a_mut().seal(now, b"first").unwrap();
    let second = pair.a_mut().seal(now, b"second").unwrap();
    // The highest number there is, with a bad tag.
    let mut forged = second.clone();
    forged[5..11].copy_from_slice(&[0xff; 6]);
    hit(&mut pair, Side::B, &forged);
    for _ in 0..3 {
        hit(&mut pair, Side::B, &second);
        hit(&mut pair, Side::B, &first);
    }
    pair.run_for(Duration::from_millis(1));
    assert_eq!(
        pair.pulled(Side::B),
        [b"second".to_vec(), b"first".to_vec()]
    );
    let dropped = pair.b().connection.stats().dropped;
    assert_eq!((dropped.unauthentic, dropped.replayed), (1, 4));
}

/// D-14.
#[test]
fn a_protected_record_with_any_bit_flipped_is_dropped() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    let record = pair.a_mut().seal(now, b"payload").unwrap();
    for bit in 0..record.len() * 8 {
        let mut forged = record.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        hit(&mut pair, Side::B, &forged);
    }
    for end in 0..record.len() {
        hit(&mut pair, Side::B, &record[..end]);
    }
    pair.run_for(Duration::from_millis(1));
    assert!(pair.pulled(Side::B).is_empty());
    hit(&mut pair, Side::B, &record);
    pair.run_for(Duration::from_millis(1));
    assert_eq!(pair.pulled(Side::B), [b"payload".to_vec()]);
}

/// D-14, Catalogue D-23.
#[test]
fn too_many_forgeries_end_the_connection() {
    let mut pair = usual_pair();
    connect(&mut pair);
    let now = pair.now();
    let mut record = pair.a_mut().seal(now, b"payload").unwrap();
    let server = &mut pair.b_mut().connection;
    server.records.fail_times((1 << 36) - 1);
    *record.last_mut().unwrap() ^= 1;
    server.handle_datagram(now, &mut record);
    let event = std::iter::from_fn(|| server.poll_event()).last();
    let reason = crate::CloseReason {
        initiator: crate::Initiator::Local,
        cause: Cause::Exhausted,
    };
    assert_eq!(event, Some(crate::Event::Closed(reason)));
}

/// D-33.
#[test]
fn sixty_four_records_of_a_datagram_are_looked_at() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    let mut datagram = Vec::new();
    for number in 0..72 {
        datagram.extend(pair.a_mut().seal(now, &[number]).unwrap());
    }
    hit(&mut pair, Side::B, &datagram);
    pair.run_for(Duration::from_millis(1));
    assert_eq!(pair.pulled(Side::B).len(), 64);
    assert_eq!(pair.b().connection.stats().dropped.too_many, 1);
}

/// D-7, Catalogue D-03.
#[test]
fn what_strangers_make_a_server_hold_is_bounded() {
    strangers_fill(config);
    strangers_fill(config_13);
}

fn strangers_fill(make: fn(crate::Certificate) -> crate::Config) {
    let now = netsim::epoch();
    let mut rng = random(2);
    let heap = allocation_counter::measure(|| {
        let mut server = Endpoint::new(make(bob()), Role::Server, 1).connection;
        server.start(now, None);
        for round in 0..2 {
            for _ in 0..20_000 {
                // The head of a long message, any number, any piece of it, and sealed nonsense.
                let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 112];
                let [length, offset] = [rng.random_range(0..128_u8), rng.random_range(0..128)];
                let seq = rng.random_range(0..20);
                datagram.extend_from_slice(&[11, 0, length, 0, 0, seq, 0, offset, 0, 0, 0, 100]);
                datagram.resize(13 + 112, 7);
                server.handle_datagram(now, &mut datagram);
                let mut sealed = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0];
                sealed.resize(13 + 1024, 7);
                server.handle_datagram(now, &mut sealed);
            }
            if round == 0 {
                for mut datagram in browser_hello(CHROMIUM) {
                    server.handle_datagram(now, &mut datagram);
                }
            }
        }
        assert!(server.stats().dropped.fragments > 1_000);
        assert!(server.stats().dropped.overflow > 1_000);
        drop(server);
    });
    // 64 KiB of theirs, and what it takes to keep it and ourselves.
    assert!(heap.bytes_max < 80 * 1024, "{}", heap.bytes_max);
}

/// D-19, Catalogue D-24.
#[test]
fn renegotiation_is_refused_and_changes_nothing() {
    let now = netsim::epoch();
    let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
    server.set_remote_fingerprints(now, vec![alice().fingerprint()]);
    server.start(now, None);
    let mut rogue = Rogue::new(Role::Client);
    for steps in [
        &[Step::Hello][..],
        &[
            Step::Certificate,
            Step::ClientKeyExchange,
            Step::CertificateVerify,
            Step::ChangeCipherSpec,
            Step::Finished,
        ],
    ] {
        for step in steps {
            rogue.tell(&mut server, now, *step);
        }
        rogue.listen(&mut server, now);
    }
    assert!(server.is_connected());
    for message in [
        [0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0],
    ] {
        let mut record = rogue.record(1, ContentType::Handshake, &message);
        server.handle_datagram(now, &mut record);
    }
    assert!(server.is_connected());
    let mut alert = Vec::new();
    server.poll_transmit(now, &mut alert).unwrap();
    assert_eq!(alert[..5], [21, 0xfe, 0xfd, 0, 1]);
    assert_eq!(server.poll_transmit(now, &mut alert), None);
}
