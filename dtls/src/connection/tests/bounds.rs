//! How long, how often and how much, exactly.

use std::time::Duration;

use netsim::{Pair, Side, Verdict};

use super::rogue::{Rogue, Step};
use crate::testing::{
    CHROMIUM, Endpoint, alice, bob, both_connected, browser_hello, config, config_13, connect,
    introduce, pair, start,
};
use crate::wire::{Ack, ContentType, DTLS_1_2, RecordNumber};
use crate::{Certificate, Config, PeerCertificate, Role, Versions};

const ROUND_TRIP: Duration = Duration::from_millis(40);
const SECOND: Duration = Duration::from_secs(1);
const VERSIONS: [fn(Certificate) -> Config; 2] = [config, config_13];

/// D-28: of what comes before the start four datagrams and 8 KiB are kept, by a server.
#[test]
fn four_datagrams_and_eight_kilobytes_wait_for_the_start() {
    let now = netsim::epoch();
    let hello = browser_hello(CHROMIUM);
    for (junk, length, kept) in [
        (2, 100, true),
        (3, 100, false),
        (1, 6_000, true),
        (1, 7_000, false),
    ] {
        let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
        for _ in 0..junk {
            server.handle_datagram(now, &mut vec![0; length]);
        }
        for datagram in &hello {
            server.handle_datagram(now, &mut datagram.clone());
        }
        server.start(now, None);
        let answers = server.poll_transmit(now, &mut Vec::new()).is_some();
        assert_eq!(answers, kept, "{junk} of {length}");
        assert_eq!(server.stats().dropped.overflow > 0, !kept);
    }
    let mut client = Endpoint::new(config(alice()), Role::Client, 1).connection;
    client.handle_datagram(now, &mut [0; 100]);
    assert_eq!(client.stats().dropped.overflow, 1);
}

/// D-22: a server that knows us speaks; we keep 64 records and 64 KiB of it until we know whom we hear.
#[test]
fn what_comes_before_the_other_side_is_verified_is_bounded() {
    for make in VERSIONS {
        for (count, length, kept) in [(100, 10, 64), (100, 1_100, 59)] {
            let client = Endpoint::new(make(alice()), Role::Client, 1);
            let server = Endpoint::new(make(bob()), Role::Server, 1);
            let mut pair = Pair::new(client, server);
            start(&mut pair, None);
            pair.run_for(2 * SECOND);
            let now = pair.now();
            let fingerprint = vec![alice().fingerprint()];
            let server = &mut pair.b_mut().connection;
            server.set_remote_fingerprints(now, fingerprint);
            assert!(server.is_connected());
            for _ in 0..count {
                let mut record = pair.b_mut().seal(now, &vec![7; length]).unwrap();
                pair.a_mut().connection.handle_datagram(now, &mut record);
            }
            let client = &mut pair.a_mut().connection;
            assert_eq!(client.recv(&mut Vec::new()), None);
            assert!(client.begin(&mut Vec::new()).is_none());
            let fingerprint = vec![bob().fingerprint()];
            client.set_remote_fingerprints(now, fingerprint);
            let mut buf = Vec::new();
            let pulled = std::iter::from_fn(|| client.recv(&mut buf)).count();
            assert_eq!(pulled, kept, "{length}");
            assert_eq!(client.stats().dropped.overflow, count - kept as u64);
        }
    }
}

/// D-11, D-9: a client doubles up to a minute, and a server of 1.2 knows its last flight for four.
#[test]
fn a_last_flight_is_kept_for_four_minutes() {
    // The client repeats 1, 3, 7, 15, 31, 63, 123, 183, 243 seconds after its last flight left first.
    for (lost, expected) in [
        (62, Some(63)),
        (64, Some(123)),
        (124, Some(183)),
        (184, None),
    ] {
        let patient = |certificate| {
            let mut config = config(certificate);
            config.handshake_timeout = Duration::from_secs(3_000);
            config
        };
        let mut pair = pair(patient(alice()), patient(bob()));
        pair.network().intercept(move |packet| {
            let from_server = packet.path.local == netsim::ADDRESS_B;
            let last_flight = from_server && packet.bytes.len() < 100;
            let at = netsim::since_epoch(packet.sent);
            if last_flight && at < Duration::from_secs(lost) {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let connected = pair.run_until(Duration::from_secs(1_000), both_connected);
        let time = connected.then(|| pair.time().as_secs());
        assert_eq!(time, expected, "lost for {lost} s");
    }
}

/// D-11: data of the client shows that it has our last flight.
#[test]
fn a_last_flight_goes_with_the_first_data() {
    let mut now = netsim::epoch();
    for data in [false, true] {
        let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
        server.set_remote_fingerprints(now, vec![alice().fingerprint()]);
        server.start(now, None);
        let mut rogue = Rogue::new(Role::Client);
        rogue.connect(&mut server, now);
        assert!(server.is_connected());
        if data {
            rogue.tell(&mut server, now, Step::Data);
        }
        now += 5 * SECOND;
        // Finished has the number 4.
        let again = [&[20, 0, 0, 12, 0, 4, 0, 0, 0, 0, 0, 12][..], &[0; 12]].concat();
        for answers in [!data, false] {
            let mut record = rogue.record(1, ContentType::Handshake, &again);
            server.handle_datagram(now, &mut record);
            let answered = server.poll_transmit(now, &mut Vec::new()).is_some();
            assert_eq!(answered, answers, "{data}");
            while server.poll_transmit(now, &mut Vec::new()).is_some() {}
        }
    }
}

/// D-9: what ICE measures later counts at once, doubled as often as before.
#[test]
fn a_round_trip_that_becomes_known_moves_the_timer() {
    let began = netsim::epoch();
    let mut client = Endpoint::new(config_13(alice()), Role::Client, 1).connection;
    client.start(began, None);
    assert_eq!(client.poll_timeout(), Some(began + SECOND));
    client.set_round_trip(began, ROUND_TRIP);
    assert_eq!(client.poll_timeout(), Some(began + 2 * ROUND_TRIP));
    let second = began + 2 * ROUND_TRIP;
    client.handle_timeout(second);
    assert_eq!(client.poll_timeout(), Some(second + 4 * ROUND_TRIP));
    client.set_round_trip(second, 2 * ROUND_TRIP);
    assert_eq!(client.poll_timeout(), Some(second + 8 * ROUND_TRIP));
}

/// D-10: without a path nothing runs and nothing leaves.
#[test]
fn nothing_runs_before_the_start() {
    let now = netsim::epoch();
    for (role, certificate) in [(Role::Client, alice()), (Role::Server, bob())] {
        let mut connection = Endpoint::new(config_13(certificate), role, 1).connection;
        assert_eq!(connection.poll_timeout(), None);
        connection.handle_timeout(now + 3_600 * SECOND);
        assert_eq!(connection.poll_transmit(now, &mut Vec::new()), None);
        assert_eq!(connection.poll_event(), None);
        connection.start(now, None);
        let speaks = connection.poll_transmit(now, &mut Vec::new()).is_some();
        assert_eq!(speaks, role == Role::Client);
    }
}

/// D-12: what is missing is asked for a quarter of the timer after the rest came.
#[test]
fn a_part_of_a_flight_is_acknowledged_after_a_quarter_of_the_timer() {
    let narrow = |certificate| {
        let mut config = config_13(certificate);
        config.mtu = 400;
        config
    };
    let client = Endpoint::new(narrow(alice()), Role::Client, 1);
    let server = Endpoint::new(narrow(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    introduce(&mut pair);
    start(&mut pair, Some(ROUND_TRIP));
    // The third datagram is the second one of the server's flight.
    let mut number = 0;
    pair.network().intercept(move |_| {
        number += 1;
        if number == 3 {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.network().start_recording();
    connect(&mut pair);
    let recorded = pair.network().recorded();
    let mut by_client = recorded
        .iter()
        .filter(|packet| packet.path.local == netsim::ADDRESS_A)
        .map(|packet| netsim::since_epoch(packet.sent));
    assert_eq!(by_client.next(), Some(Duration::ZERO));
    // One round trip, and a quarter of two.
    assert_eq!(by_client.next(), Some(ROUND_TRIP + ROUND_TRIP / 2));
}

/// D-12: numbers of records that never left, or left long ago, acknowledge nothing (RFC 9147 §7).
#[test]
fn an_acknowledgement_of_what_never_left_changes_nothing() {
    let mut pair = pair(config_13(alice()), config_13(bob()));
    connect(&mut pair);
    pair.run_for(SECOND);
    pair.network().intercept(|_| Verdict::Drop);
    let now = pair.now();
    pair.b_mut().connection.update_keys(now);
    while pair
        .b_mut()
        .connection
        .poll_transmit(now, &mut Vec::new())
        .is_some()
    {}
    let epoch = |pair: &mut Pair<Endpoint>| pair.b_mut().seal(now, b"x").unwrap()[0] & 3;
    let before = epoch(&mut pair);
    let mut numbers: Vec<RecordNumber> = Vec::new();
    for epoch in [0, 1, 2, 4, 7, u64::MAX] {
        numbers.extend((0..5).map(|sequence_number| RecordNumber {
            epoch,
            sequence_number,
        }));
    }
    numbers.push(RecordNumber {
        epoch: 3,
        sequence_number: 1_000,
    });
    let acknowledge = |pair: &mut Pair<Endpoint>, numbers: Vec<RecordNumber>| {
        let mut record = Vec::new();
        let records = &mut pair.a_mut().connection.records;
        records
            .write(3, ContentType::Ack, DTLS_1_2, &mut record, |buf| {
                Ack { numbers }.encode(buf);
            })
            .unwrap();
        pair.b_mut().connection.handle_datagram(now, &mut record);
    };
    acknowledge(&mut pair, numbers);
    assert_eq!(epoch(&mut pair), before);
    assert!(pair.b().connection.poll_timeout().is_some());
    // The update was in one of the first records of this epoch.
    let genuine = (0..8).map(|sequence_number| RecordNumber {
        epoch: 3,
        sequence_number,
    });
    acknowledge(&mut pair, genuine.collect());
    assert_ne!(epoch(&mut pair), before);
}

/// D-14, catalogue D-23: 2^36 forgeries, 2^23.5 with CCM, 2^16 with its short tags.
#[test]
fn each_kind_of_protection_bears_its_own_number_of_forgeries() {
    for (suite, limit) in [
        (0xc02b, 1_u64 << 36),
        (0xc02c, 1 << 36),
        (0xcca9, 1 << 36),
        (0xc0ac, 11_863_283),
        (0xc0ae, 1 << 16),
    ] {
        let only = |certificate| {
            let mut config = config(certificate);
            config.provider = crate::Provider::ring();
            config.cipher_suites = vec![suite];
            config
        };
        let mut pair = pair(only(alice()), only(bob()));
        connect(&mut pair);
        pair.run_for(SECOND);
        let now = pair.now();
        pair.b_mut().connection.records.fail_times(limit - 2);
        for open in [true, false] {
            let mut record = pair.a_mut().seal(now, b"payload").unwrap();
            *record.last_mut().unwrap() ^= 1;
            pair.b_mut().connection.handle_datagram(now, &mut record);
            assert_eq!(pair.b().connection.is_connected(), open, "{suite:04x}");
        }
    }
}

/// D-15, catalogue D-23: keys are updated after 2^23 records, as it comes.
#[test]
fn keys_are_updated_after_two_to_the_twenty_third_records() {
    let mut pair = pair(config_13(alice()), config_13(bob()));
    connect(&mut pair);
    pair.run_for(SECOND);
    pair.a_mut().connection.records.skip_to((1 << 23) - 2);
    let now = pair.now();
    for updates in [false, true] {
        pair.a_mut().seal(now, b"x").unwrap();
        let said = pair.a_mut().connection.poll_transmit(now, &mut Vec::new());
        assert_eq!(said.is_some(), updates);
    }
    assert!(pair.a_mut().seal(now, b"x").is_some());
}

/// D-15: what was sent before an update and comes late is read for four minutes.
#[test]
fn keys_before_an_update_are_known_for_four_minutes() {
    for (after, read) in [(238, true), (242, false)] {
        let mut pair = pair(config_13(alice()), config_13(bob()));
        connect(&mut pair);
        pair.run_for(SECOND);
        let now = pair.now();
        let late = pair.a_mut().seal(now, b"late").unwrap();
        pair.a_mut().connection.update_own_keys(now);
        pair.run_for(SECOND);
        let now = pair.now();
        let fresh = pair.a_mut().seal(now, b"fresh").unwrap();
        let path = pair.path(Side::B);
        pair.inject(Side::B, path, &fresh);
        pair.run_for(Duration::from_secs(after - 1));
        pair.inject(Side::B, path, &late);
        pair.run_for(ROUND_TRIP);
        let mut expected = vec![b"fresh".to_vec()];
        expected.extend(read.then(|| b"late".to_vec()));
        assert_eq!(pair.pulled(Side::B), expected, "after {after} s");
    }
}

/// D-8: no more than ten records of a flight under 1.3 leave before something of them is acknowledged (RFC 9147 §5.8.3).
#[test]
fn a_large_flight_leaves_in_bursts_of_ten_records() {
    let issuers: Vec<Vec<u8>> = (0..9).map(|_| vec![7; 1_500]).collect();
    let issuers: Vec<&[u8]> = issuers.iter().map(Vec::as_slice).collect();
    let text = include_str!("../../../../testdata/dtls/bob.pem");
    let blocks = pem::parse_many(text).unwrap();
    let key = blocks.iter().find(|it| it.tag() != "CERTIFICATE").unwrap();
    let chain = Certificate::with_issuers(bob().der(), &issuers, key.contents()).unwrap();
    let mut server = config_13(chain);
    server.versions = Versions::DTLS_1_3;
    server.peer_certificate = PeerCertificate::NotRequested;
    let mut client = Config::anonymous();
    client.provider = server.provider.clone();
    client.peer_certificate = PeerCertificate::Requested;
    client.jitter = false;
    let client = Endpoint::new(client, Role::Client, 1);
    let server = Endpoint::new(server, Role::Server, 1);
    let mut pair = Pair::new(client, server);
    start(&mut pair, Some(ROUND_TRIP));
    pair.network().start_recording();
    connect(&mut pair);
    let mut bursts = std::collections::BTreeMap::new();
    for packet in pair.network().recorded() {
        if packet.path.local == netsim::ADDRESS_B {
            *bursts.entry(packet.sent).or_insert(0) += 1;
        }
    }
    assert!(
        bursts.len() > 1 && bursts.values().sum::<u32>() > 10,
        "{bursts:?}"
    );
    assert!(bursts.values().all(|burst| *burst <= 10), "{bursts:?}");
    assert!(pair.time() <= 4 * ROUND_TRIP, "{:?}", pair.time());
    assert_eq!(pair.b().connection.stats().timeouts, 0);
}
