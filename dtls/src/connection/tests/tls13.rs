use std::time::Duration;

use netsim::{Pair, Side, Verdict};

use super::{lose, meddle};
use crate::testing::{
    CHROMIUM, Endpoint, FIREFOX, alice, bob, both_connected, browser_hello, config, config_13,
    connect, introduce, pair, rsa, start,
};
use crate::wire::{RecordHeader, ServerHello};
use crate::{Cause, Config, Initiator, Provider, Role, Versions};

/// A round trip of the default pair.
const ROUND_TRIP: Duration = Duration::from_millis(40);

fn usual_pair() -> Pair<Endpoint> {
    pair(config_13(alice()), config_13(bob()))
}

fn only_13(certificate: crate::Certificate) -> Config {
    let mut config = config_13(certificate);
    config.versions = Versions::DTLS_1_3;
    config
}

/// T-9.
#[test]
fn a_client_speaks_after_one_round_trip_and_the_server_half_a_one_later() {
    let mut pair = usual_pair();
    let connected = |pair: &Pair<Endpoint>| pair.a().connection.is_connected();
    assert!(pair.run_until(Duration::from_secs(1), connected));
    assert_eq!(pair.time(), ROUND_TRIP);
    connect(&mut pair);
    assert_eq!(pair.time(), ROUND_TRIP + ROUND_TRIP / 2);
    assert!(pair.run_to_rest(Duration::from_secs(1)));
    // ClientHello, the server's flight, the client's, and an acknowledgement.
    assert_eq!(pair.sent(), 4);
    assert_eq!(pair.time(), 2 * ROUND_TRIP);
    for (endpoint, flights) in [(pair.a(), 2), (pair.b(), 1)] {
        let stats = endpoint.connection.stats();
        assert_eq!(
            (stats.flights_sent, stats.timeouts, stats.repeats),
            (flights, 0, 0)
        );
        assert_eq!(stats.dropped, crate::Dropped::default());
        assert_eq!(endpoint.connection.poll_timeout(), None);
    }
    for side in [Side::A, Side::B] {
        assert!(pair.has_event(
            side,
            "Connected { srtp_profile: Some(SrtpProfile(7)), version: Dtls13, cipher_suite: 4865"
        ));
    }
}

/// D-17.
#[test]
fn data_flows_both_ways_and_costs_twenty_two_bytes() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    for side in [Side::A, Side::B] {
        let now = pair.now();
        let (from, to) = match side {
            Side::A => (pair.a_mut(), Side::B),
            Side::B => (pair.b_mut(), Side::A),
        };
        assert_eq!(from.connection.max_overhead(), 22);
        let record = from.seal(now, b"hello").unwrap();
        assert_eq!(record.len(), 5 + 22);
        let path = pair.path(to);
        pair.inject(to, path, &record);
        pair.inject(to, path, &record);
        pair.run_for(ROUND_TRIP);
        assert_eq!(pair.pulled(to), [b"hello".to_vec()]);
    }
    assert_eq!(pair.a().connection.stats().dropped.replayed, 1);
}

/// D-1.
#[test]
fn every_pair_of_versions_agrees_on_the_highest_common_one() {
    let with = |certificate, versions| {
        let mut config = config_13(certificate);
        config.versions = versions;
        config
    };
    let all = [Versions::ALL, Versions::DTLS_1_2, Versions::DTLS_1_3];
    for client in all {
        for server in all {
            let mut pair = pair(with(alice(), client), with(bob(), server));
            let (a, b) = (client, server);
            let common = |version| a.contains(version) && b.contains(version);
            if common(crate::Version::Dtls13) || common(crate::Version::Dtls12) {
                connect(&mut pair);
                pair.run_for(ROUND_TRIP);
                let expected = if common(crate::Version::Dtls13) {
                    "Dtls13"
                } else {
                    "Dtls12"
                };
                assert!(pair.has_event(Side::A, expected) && pair.has_event(Side::B, expected));
            } else {
                pair.run_for(Duration::from_secs(40));
                assert!(!both_connected(&pair));
            }
        }
    }
}

/// D-1.
#[test]
fn ring_and_the_deterministic_provider_connect_with_every_key_and_suite() {
    let with = |ring: bool, certificate: crate::Certificate| {
        let mut config = only_13(certificate);
        if ring {
            config.provider = Provider::ring();
        }
        config
    };
    for (client, server) in [
        (with(true, alice()), with(false, bob())),
        (with(false, alice()), with(true, bob())),
        (with(true, rsa()), with(true, bob())),
        (with(true, alice()), with(true, rsa())),
    ] {
        let mut pair = pair(client, server);
        connect(&mut pair);
    }
}

/// D-2.
///
/// T-11.
#[test]
fn a_browser_hello_of_two_datagrams_is_answered_with_1_3_once_it_is_whole() {
    for text in [CHROMIUM, FIREFOX] {
        let datagrams = browser_hello(text);
        for order in [[0, 1], [1, 0]] {
            let mut server = Endpoint::new(config_13(bob()), Role::Server, 1);
            let now = netsim::epoch();
            server.connection.start(now, None);
            let mut out = Vec::new();
            server
                .connection
                .handle_datagram(now, &mut datagrams[order[0]].clone());
            assert_eq!(server.connection.poll_transmit(now, &mut out), None);
            server
                .connection
                .handle_datagram(now, &mut datagrams[order[1]].clone());
            assert!(server.connection.poll_transmit(now, &mut out).is_some());
            let (_, body) = RecordHeader::decode(&mut out.as_slice()).unwrap();
            let hello = ServerHello::decode(&body[12..]).unwrap();
            assert_eq!((hello.version, hello.cipher_suite), (0xfefd, 0x1301));
            assert_eq!(hello.extensions.versions, Some(vec![0xfefc]));
            // The plain share, not the hybrid one: policy.
            assert_eq!(hello.extensions.key_shares.unwrap()[0].group, 29);
        }
    }
}

#[test]
fn keys_are_updated_both_ways_while_data_flows() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    for round in 0..10_u8 {
        let now = pair.now();
        let late = pair.a_mut().seal(now, &[round, 0]).unwrap();
        if round % 2 == 0 {
            pair.a_mut().connection.update_keys(now);
        } else {
            pair.b_mut().connection.update_keys(now);
        }
        // An acknowledgement waits for a quarter of the timer, and there are two in a row.
        pair.run_for(2 * ROUND_TRIP + Duration::from_millis(500));
        let now = pair.now();
        let fresh = pair.a_mut().seal(now, &[round, 1]).unwrap();
        let back = pair.b_mut().seal(now, &[round, 2]).unwrap();
        assert_ne!(late[0] & 3, fresh[0] & 3, "the epoch changed");
        for (side, record) in [(Side::B, late), (Side::B, fresh), (Side::A, back)] {
            let path = pair.path(side);
            pair.inject(side, path, &record);
        }
        pair.run_for(ROUND_TRIP);
        assert_eq!(
            pair.pulled(Side::B)[usize::from(round) * 2..],
            [vec![round, 0], vec![round, 1]]
        );
        assert_eq!(pair.pulled(Side::A)[usize::from(round)], [round, 2]);
    }
    assert_eq!(pair.a().connection.stats().timeouts, 0);
    assert_eq!(pair.a().connection.poll_timeout(), None);
    assert_eq!(pair.b().connection.poll_timeout(), None);
}

/// D-15, Catalogue D-23.
#[test]
fn keys_are_updated_after_many_records_and_despite_loss() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    lose(&mut pair, [0, 1]);
    pair.a_mut().connection.update_after(100);
    let now = pair.now();
    for _ in 0..99 {
        pair.a_mut().seal(now, b"x").unwrap();
    }
    let now = pair.now();
    let before = pair.a_mut().seal(now, b"x").unwrap();
    pair.run_for(Duration::from_secs(8));
    let now = pair.now();
    let after = pair.a_mut().seal(now, b"x").unwrap();
    assert_eq!((before[0] & 3, after[0] & 3), (3, 0));
    assert_eq!(after[1..].len(), before[1..].len());
    assert!(pair.a().connection.stats().timeouts >= 1);
}

/// D-15.
#[test]
fn a_flood_of_key_updates_is_slowed_down_not_followed() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    for _ in 0..60 {
        let now = pair.now();
        pair.a_mut().connection.update_keys(now);
        pair.run_for(Duration::from_millis(600));
    }
    assert!(pair.b().connection.stats().dropped.fragments > 0);
    assert!(both_connected(&pair));
    pair.run_for(Duration::from_secs(60));
    let now = pair.now();
    let record = pair.a_mut().seal(now, b"still here").unwrap();
    let path = pair.path(Side::B);
    pair.inject(Side::B, path, &record);
    pair.run_for(ROUND_TRIP);
    assert_eq!(pair.pulled(Side::B), [b"still here".to_vec()]);
}

/// D-3.
#[test]
fn a_group_without_a_share_is_asked_for() {
    // The server knows P-256 only; the client's share is X25519.
    let mut server = only_13(bob());
    server.groups = vec![crate::NamedGroup::Secp256r1];
    let mut pair = pair(only_13(alice()), server);
    connect(&mut pair);
    assert_eq!(pair.time(), 2 * ROUND_TRIP + ROUND_TRIP / 2);
    assert_eq!(pair.sent(), 6);
}

fn hybrid(certificate: crate::Certificate) -> Config {
    let mut config = config_13(certificate);
    config.groups.insert(0, crate::NamedGroup::X25519MlKem768);
    config
}

/// D-26, D-27.
#[test]
fn a_hybrid_group_is_taken_where_both_sides_want_it() {
    for (client, server, expected) in [
        (hybrid(alice()), hybrid(bob()), 0x11ec),
        (hybrid(alice()), config_13(bob()), 29),
        (config_13(alice()), hybrid(bob()), 29),
    ] {
        let mut pair = pair(client, server);
        pair.network().start_recording();
        connect(&mut pair);
        assert_eq!(pair.time(), ROUND_TRIP + ROUND_TRIP / 2);
        let hello = pair
            .network()
            .recorded()
            .iter()
            .find(|packet| packet.path.local == netsim::ADDRESS_B)
            .unwrap()
            .bytes
            .clone();
        let (_, body) = RecordHeader::decode(&mut hello.as_slice()).unwrap();
        let hello = ServerHello::decode(&body[12..]).unwrap();
        assert_eq!(hello.extensions.key_shares.unwrap()[0].group, expected);
    }
    // Under DTLS 1.2 there is no such group.
    let mut pair = pair(hybrid(alice()), config(bob()));
    connect(&mut pair);
}

/// D-13, D-26, D-27.
#[test]
fn a_hello_that_is_too_large_for_a_path_shrinks_after_two_losses() {
    let client = Endpoint::new(hybrid(alice()), Role::Client, 1);
    let server = Endpoint::new(hybrid(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    start(&mut pair, Some(ROUND_TRIP));
    // Somebody on the path drops what does not hold a whole ClientHello.
    pair.network().intercept(|packet| {
        let bytes = &packet.bytes;
        let fragment = bytes[0] == 22 && bytes[13] == 1 && bytes[14..17] != bytes[22..25];
        if fragment {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    connect(&mut pair);
    // Timeouts after 2 and 4 round trips, then the smaller hello.
    assert_eq!(pair.time(), 6 * ROUND_TRIP + ROUND_TRIP + ROUND_TRIP / 2);
    assert_eq!(pair.a().connection.stats().timeouts, 2);
}

/// Catalogue D-12.
#[test]
fn a_downgrade_is_noticed() {
    // Somebody takes DTLS 1.3 out of the hello: the server's random tells.
    let mut pair = usual_pair();
    pair.network().intercept(|packet| {
        let mut bytes = packet.bytes.clone();
        let named = [0, 43, 0, 5, 4, 0xfe, 0xfc, 0xfe, 0xfd];
        let Some(at) = bytes.windows(9).position(|w| w == named) else {
            return Verdict::Pass;
        };
        bytes[at + 5..at + 7].copy_from_slice(&[0xfe, 0xfb]);
        Verdict::Replace(bytes)
    });
    pair.run_for(Duration::from_secs(40));
    assert!(!pair.a().connection.is_connected() && !pair.b().connection.is_connected());
    assert!(
        pair.has_event(Side::A, "cause: Misbehaved"),
        "{:?}",
        pair.events(Side::A)
    );
    // A server that knows no 1.3 does not mark its random, and is taken at its word.
    let mut pair = crate::testing::pair(config_13(alice()), config(bob()));
    connect(&mut pair);
}

/// D-35.
#[test]
fn a_carried_handshake_repeats_nothing_and_stays_narrow() {
    let mut pair = Pair::new(
        Endpoint::new(config_13(alice()), Role::Client, 1),
        Endpoint::new(config_13(bob()), Role::Server, 1),
    );
    introduce(&mut pair);
    for endpoint in [Side::A, Side::B] {
        let connection = match endpoint {
            Side::A => &mut pair.a_mut().connection,
            Side::B => &mut pair.b_mut().connection,
        };
        connection.begin_carriage(500);
    }
    start(&mut pair, None);
    pair.network().start_recording();
    // Whoever carries brings the first flight after ten seconds, and nobody is in a hurry.
    meddle(&mut pair, |number| match number {
        0 => Verdict::Delay(Duration::from_secs(10)),
        _ => Verdict::Pass,
    });
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    let stats = [pair.a(), pair.b()].map(|e| e.connection.stats());
    assert!(
        stats
            .iter()
            .all(|stats| stats.timeouts == 0 && stats.repeats == 0)
    );
    let widest = pair
        .network()
        .recorded()
        .iter()
        .map(|p| p.bytes.len())
        .max();
    assert!(widest <= Some(500));
}

/// D-10, D-35.
#[test]
fn a_path_that_works_takes_a_carried_handshake_over() {
    let mut pair = Pair::new(
        Endpoint::new(config_13(alice()), Role::Client, 1),
        Endpoint::new(config_13(bob()), Role::Server, 1),
    );
    introduce(&mut pair);
    pair.a_mut().connection.begin_carriage(900);
    pair.b_mut().connection.begin_carriage(900);
    start(&mut pair, None);
    // What was carried is lost.
    lose(&mut pair, [0]);
    // Longer than a handshake may take: the limit begins with the path (D-9).
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.sent(), 1);
    let now = pair.now();
    pair.a_mut().connection.end_carriage(now, Some(ROUND_TRIP));
    pair.a_mut().connection.resend(now);
    let began = pair.time();
    pair.b_mut().connection.end_carriage(now, Some(ROUND_TRIP));
    connect(&mut pair);
    assert_eq!(pair.time() - began, ROUND_TRIP + ROUND_TRIP / 2);
}

#[test]
fn close_notify_is_protected_and_heard() {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    let now = pair.now();
    pair.a_mut().connection.close(now);
    pair.run_for(ROUND_TRIP);
    let event = |initiator: Initiator| {
        format!(
            "Closed(CloseReason {{ initiator: {initiator:?}, cause: {:?} }})",
            Cause::CloseNotify
        )
    };
    assert!(pair.has_event(Side::A, &event(Initiator::Local)));
    assert!(pair.has_event(Side::B, &event(Initiator::Remote)));
}

#[test]
fn fingerprints_may_come_after_the_handshake() {
    let client = Endpoint::new(config_13(alice()), Role::Client, 1);
    let server = Endpoint::new(config_13(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    start(&mut pair, None);
    pair.run_for(Duration::from_secs(2));
    assert!(!both_connected(&pair));
    assert_eq!(pair.a().exported(), None);
    let mut buf = vec![1];
    assert!(pair.a_mut().connection.begin(&mut buf).is_none());
    introduce(&mut pair);
    assert!(both_connected(&pair));
    assert_eq!(pair.sent(), 4);
}

/// Catalogue D-15.
#[test]
fn the_wrong_certificate_ends_it_on_both_sides() {
    for server_is_wrong in [true, false] {
        let client = Endpoint::new(config_13(alice()), Role::Client, 1);
        let server = Endpoint::new(config_13(bob()), Role::Server, 1);
        let mut pair = Pair::new(client, server);
        introduce(&mut pair);
        let now = pair.now();
        let (side, endpoint, other) = if server_is_wrong {
            let own = alice().fingerprint();
            (Side::A, pair.a_mut(), own)
        } else {
            let own = bob().fingerprint();
            (Side::B, pair.b_mut(), own)
        };
        endpoint
            .connection
            .set_remote_fingerprints(now, vec![other]);
        start(&mut pair, Some(ROUND_TRIP));
        pair.run_for(Duration::from_secs(2));
        assert!(pair.has_event(side, "cause: FingerprintMismatch"));
        let other = if side == Side::A { Side::B } else { Side::A };
        assert!(
            pair.has_event(other, "cause: Alert(bad_certificate)"),
            "{:?}",
            pair.events(other)
        );
    }
}

/// D-34
#[test]
fn the_key_log_has_the_secrets_of_the_handshake_if_they_are_to_be_kept() {
    for kept in [false, true] {
        let with = |certificate| {
            let mut config = only_13(certificate);
            config.key_log = kept;
            config
        };
        let mut pair = pair(with(alice()), with(bob()));
        connect(&mut pair);
        let lines = pair.a().connection.key_log_line().unwrap();
        assert_eq!(Some(&lines), pair.b().connection.key_log_line().as_ref());
        let labels: Vec<_> = lines
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        let handshake = [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        ];
        let data = [
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
        ];
        assert_eq!(
            labels,
            [if kept { &handshake[..] } else { &[] }, &data].concat()
        );
    }
}
