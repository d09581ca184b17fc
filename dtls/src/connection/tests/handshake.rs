use std::time::Duration;

use netsim::{Pair, Side, Verdict};

use crate::testing::{
    CHROMIUM, Endpoint, FIREFOX, alice, bob, both_connected, browser_hello, config, connect,
    introduce, pair, rsa, start, usual_pair,
};
use crate::wire::{ClientHello, HandshakeType, RecordHeader};
use crate::{Config, Connection, HashAlgorithm, Provider, Role, SrtpProfile};

/// A round trip of the default pair.
const ROUND_TRIP: Duration = Duration::from_millis(40);

/// D-4, D-8.
#[test]
fn a_handshake_takes_two_round_trips_and_four_datagrams() {
    let mut pair = usual_pair();
    connect(&mut pair);
    assert_eq!(pair.time(), 2 * ROUND_TRIP);
    assert_eq!(pair.sent(), 4);
    for endpoint in [pair.a(), pair.b()] {
        let stats = endpoint.connection.stats();
        assert_eq!(
            (stats.flights_sent, stats.timeouts, stats.repeats),
            (2, 0, 0)
        );
        assert_eq!(stats.dropped, crate::Dropped::default());
    }
    assert!(pair.run_to_rest(Duration::from_secs(1)));
    assert!(pair.has_event(
        Side::A,
        "Connected { srtp_profile: Some(SrtpProfile(7)), version: Dtls12, cipher_suite: 49195"
    ));
    assert!(pair.has_event(Side::B, "Connected"));
    let export = |context| {
        let mut out = [0; 20];
        pair.a()
            .connection
            .export_keying_material("label", context, &mut out)
            .unwrap();
        out
    };
    assert_ne!(export(None), export(Some(b"".as_slice())));
    assert_ne!(export(Some(b"".as_slice())), export(Some(b"x".as_slice())));
}

#[test]
fn ring_connects_with_the_deterministic_provider_in_both_roles() {
    let ring = || Config::new(Certificate::generate(Duration::from_secs(1_795_392_000)).unwrap());
    use crate::Certificate;
    for (client, server) in [
        (ring(), config(bob())),
        (config(alice()), ring()),
        (ring(), ring()),
    ] {
        let mut pair = pair(client, server);
        connect(&mut pair);
    }
}

/// D-1.
///
/// T-11.
#[test]
fn rsa_peers_connect() {
    let with_rsa = |ring: bool| {
        let mut config = Config::new(if ring { rsa() } else { alice() });
        config.provider = Provider::ring();
        config.versions = crate::Versions::DTLS_1_2;
        config
    };
    for (client, server, suite) in [
        (with_rsa(true), with_rsa(false), "49195"),
        (with_rsa(false), with_rsa(true), "49199"),
        (with_rsa(true), with_rsa(true), "49199"),
    ] {
        let mut pair = pair(client, server);
        connect(&mut pair);
        assert!(pair.run_to_rest(Duration::from_secs(1)));
        assert!(pair.has_event(Side::A, suite), "{:?}", pair.events(Side::A));
    }
}

#[test]
fn a_provider_that_cannot_sign_with_the_key_is_a_configuration_error() {
    let config = config(rsa());
    let error = Connection::new(config.into(), Role::Client, [0; 32]).unwrap_err();
    assert_eq!(error, crate::ConfigError::Certificate);
}

/// D-21.
#[test]
fn the_servers_order_decides_the_srtp_profile() {
    let with = |certificate, profiles: &[SrtpProfile]| {
        let mut config = config(certificate);
        config.srtp_profiles = profiles.to_vec();
        config
    };
    let (cm, gcm) = (
        SrtpProfile::AES128_CM_SHA1_80,
        SrtpProfile::AEAD_AES_128_GCM,
    );
    for (client, server, expected) in [
        (
            &[gcm, cm][..],
            &[cm, gcm][..],
            "srtp_profile: Some(SrtpProfile(1))",
        ),
        (&[gcm], &[cm, gcm], "srtp_profile: Some(SrtpProfile(7))"),
        (&[gcm], &[cm], "srtp_profile: None"),
        (&[], &[cm], "srtp_profile: None"),
        (&[cm], &[], "srtp_profile: None"),
    ] {
        let mut pair = pair(with(alice(), client), with(bob(), server));
        connect(&mut pair);
        assert!(pair.run_to_rest(Duration::from_secs(1)));
        for side in [Side::A, Side::B] {
            assert!(pair.has_event(side, expected), "{:?}", pair.events(side));
        }
    }
}

#[test]
fn a_narrow_path_gets_many_small_datagrams() {
    let narrow = |certificate| {
        let mut config = config(certificate);
        config.mtu = Config::MIN_MTU;
        config
    };
    let mut pair = pair(narrow(alice()), narrow(bob()));
    pair.network().start_recording();
    connect(&mut pair);
    assert_eq!(pair.time(), 2 * ROUND_TRIP);
    assert!(pair.sent() > 12);
    assert!(
        pair.network()
            .recorded()
            .iter()
            .all(|p| p.bytes.len() <= Config::MIN_MTU)
    );
}

/// D-13.
#[test]
fn silence_narrows_the_datagrams() {
    let wide = |certificate| {
        let mut config = config(certificate);
        config.mtu = 1500;
        config
    };
    let mut pair = pair(wide(alice()), wide(bob()));
    // Nothing above 600 bytes arrives: flight 4 does after its third timeout, and flight 5 is narrow at once.
    pair.network().intercept(|packet| match packet.bytes.len() {
        0..=600 => Verdict::Pass,
        _ => Verdict::Drop,
    });
    connect(&mut pair);
    assert_eq!(pair.b().connection.stats().timeouts, 3);
    assert!(pair.time() < Duration::from_secs(8));
}

/// D-9, T-9, Catalogue D-21.
#[test]
fn the_timer_begins_at_twice_the_round_trip_and_doubles() {
    for (round_trip, first) in [
        (None, 1_000),
        (Some(1), 50),
        (Some(40), 80),
        (Some(60_000), 3_000),
    ] {
        let client = Endpoint::new(config(alice()), Role::Client, 1);
        let server = Endpoint::new(config(bob()), Role::Server, 1);
        let mut pair = Pair::new(client, server);
        introduce(&mut pair);
        start(&mut pair, round_trip.map(Duration::from_millis));
        pair.network().intercept(|_| Verdict::Drop);
        pair.network().start_recording();
        pair.run_for(Duration::from_secs(60));
        let sent: Vec<_> = pair
            .network()
            .recorded()
            .iter()
            .map(|p| netsim::since_epoch(p.sent))
            .collect();
        let first = Duration::from_millis(first);
        let expected: Vec<_> = (0..)
            .map(|n| first * (2_u32.pow(n) - 1))
            .take_while(|at| *at < Duration::from_secs(30))
            .collect();
        assert_eq!(sent, expected);
        assert!(sent.len() <= 10);
        assert!(pair.has_event(
            Side::A,
            "Closed(CloseReason { initiator: Network, cause: TimedOut })"
        ));
        assert!(pair.has_event(Side::B, "TimedOut"));
    }
}

/// D-9
#[test]
fn timers_vary_by_a_quarter_and_no_more() {
    let mut seen = Vec::new();
    for seed in 0..100 {
        let mut config = config(alice());
        config.jitter = true;
        let mut client = Endpoint::new(config, Role::Client, seed).connection;
        let start = netsim::epoch();
        client.start(start, None);
        let mut left = start;
        for doubled in [1_000, 2_000, 4_000] {
            let now = client.poll_timeout().unwrap();
            let (low, high) = (doubled * 3 / 4, doubled * 5 / 4);
            let waited = (now - left).as_millis();
            assert!((low..=high).contains(&waited), "{waited} of {doubled}");
            seen.push(waited * 1_000 / doubled);
            client.handle_timeout(now);
            left = now;
        }
    }
    assert!(*seen.iter().min().unwrap() < 800 && *seen.iter().max().unwrap() > 1_200);
}

/// D-9: however short the path and whatever chance says.
#[test]
fn no_timer_runs_for_less_than_fifty_milliseconds() {
    for seed in 0..100 {
        let mut config = config(alice());
        config.jitter = true;
        let mut client = Endpoint::new(config, Role::Client, seed).connection;
        let start = netsim::epoch();
        client.start(start, Some(Duration::from_millis(1)));
        let waited = client.poll_timeout().unwrap() - start;
        assert!(waited >= Duration::from_millis(50), "{waited:?}");
        assert!(waited <= Duration::from_micros(62_500), "{waited:?}");
    }
}

/// D-2.
#[test]
fn a_browser_hello_of_two_datagrams_is_answered_with_1_2_once_it_is_whole() {
    for text in [CHROMIUM, FIREFOX] {
        let datagrams = browser_hello(text);
        assert_eq!(datagrams.len(), 2);
        for order in [[0, 1], [1, 0]] {
            let mut server = Endpoint::new(config(bob()), Role::Server, 1);
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
            assert_eq!(body[0], HandshakeType::SERVER_HELLO.0);
            let hello = crate::wire::ServerHello::decode(&body[12..]).unwrap();
            assert_eq!((hello.version, hello.cipher_suite), (0xfefd, 0xc02b));
            assert_eq!(
                hello.extensions.srtp.unwrap().profiles,
                [SrtpProfile::AEAD_AES_128_GCM]
            );
            assert!(hello.extensions.extended_master_secret && hello.extensions.renegotiation_info);
        }
    }
}

/// D-28.
#[test]
fn a_hello_that_comes_before_the_start_is_answered_at_the_start() {
    let mut server = Endpoint::new(config(bob()), Role::Server, 1);
    let now = netsim::epoch();
    for mut datagram in browser_hello(CHROMIUM) {
        server.connection.handle_datagram(now, &mut datagram);
    }
    let mut out = Vec::new();
    assert_eq!(server.connection.poll_transmit(now, &mut out), None);
    server.connection.start(now, None);
    assert!(server.connection.poll_transmit(now, &mut out).is_some());
}

/// D-22, D-32.
#[test]
fn fingerprints_may_come_after_the_handshake() {
    let client = Endpoint::new(config(alice()), Role::Client, 1);
    let server = Endpoint::new(config(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    start(&mut pair, None);
    pair.network().start_recording();
    pair.run_for(Duration::from_secs(2));
    assert!(!both_connected(&pair));
    assert_eq!(pair.sent(), 4);
    assert_eq!(pair.a().exported(), None);
    let mut buf = vec![1];
    assert!(pair.a_mut().connection.begin(&mut buf).is_none());
    assert_eq!(buf, [1]);

    // The server knows first and speaks at once; the client keeps what it hears.
    let now = pair.now();
    let fingerprint = alice().fingerprint();
    pair.b_mut()
        .connection
        .set_remote_fingerprints(now, vec![fingerprint]);
    let record = pair.b_mut().seal(now, b"early").unwrap();
    let path = pair.path(Side::A);
    pair.inject(Side::A, path, &record);
    pair.run_for(Duration::from_secs(1));
    assert!(pair.pulled(Side::A).is_empty());

    let now = pair.now();
    let strong = crate::Fingerprint::of(HashAlgorithm::Sha512, bob().der());
    pair.a_mut()
        .connection
        .set_remote_fingerprints(now, vec![strong]);
    pair.run_for(Duration::from_secs(1));
    assert!(both_connected(&pair));
    assert_eq!(pair.pulled(Side::A), [b"early".to_vec()]);
    assert_eq!(pair.sent(), 4);
}

/// D-3.
#[test]
fn a_client_copes_with_one_hello_verify_request_and_no_more() {
    use crate::wire::{ContentType, DTLS_1_0, FragmentHeader, HelloVerifyRequest};
    let now = netsim::epoch();
    let mut client = Endpoint::new(config(alice()), Role::Client, 1);
    client.connection.start(now, None);
    let request = |message_seq| {
        let mut body = Vec::new();
        HelloVerifyRequest {
            version: DTLS_1_0,
            cookie: vec![9; 20],
        }
        .encode(&mut body);
        let length = u32::try_from(body.len()).unwrap();
        let mut message = Vec::new();
        FragmentHeader {
            message_type: HandshakeType::HELLO_VERIFY_REQUEST,
            length,
            message_seq,
            offset: 0,
            fragment_length: length,
        }
        .encode(&mut message);
        message.extend_from_slice(&body);
        let header = RecordHeader {
            content_type: ContentType::Handshake,
            version: DTLS_1_0,
            epoch: 0,
            sequence_number: u64::from(message_seq),
        };
        let mut record = header
            .encode(u16::try_from(message.len()).unwrap())
            .to_vec();
        record.extend_from_slice(&message);
        record
    };
    let hello = |out: &[u8]| {
        let (_, body) = RecordHeader::decode(&mut &*out).unwrap();
        (body[5], ClientHello::decode(&body[12..]).unwrap())
    };
    let mut out = Vec::new();
    client.connection.poll_transmit(now, &mut out).unwrap();
    let (first_seq, first) = hello(&out);
    assert_eq!((first_seq, first.cookie.len()), (0, 0));

    client.connection.handle_datagram(now, &mut request(0));
    out.clear();
    client.connection.poll_transmit(now, &mut out).unwrap();
    let (second_seq, second) = hello(&out);
    assert_eq!(
        (second_seq, second.cookie.as_slice()),
        (1, [9; 20].as_slice())
    );
    assert_eq!(second.random, first.random);

    for seq in [0, 1] {
        client.connection.handle_datagram(now, &mut request(seq));
        out.clear();
        assert_eq!(client.connection.poll_transmit(now, &mut out), None);
    }
    assert_eq!(client.connection.stats().dropped.hellos, 1);
}

/// Catalogue D-19.
#[test]
fn every_hello_has_its_own_random() {
    let mut randoms = std::collections::BTreeSet::new();
    let now = netsim::epoch();
    for seed in 0..10_000 {
        let mut client = Endpoint::new(config(alice()), Role::Client, seed);
        client.connection.start(now, None);
        let mut out = Vec::new();
        client.connection.poll_transmit(now, &mut out).unwrap();
        let (_, body) = RecordHeader::decode(&mut out.as_slice()).unwrap();
        randoms.insert(ClientHello::decode(&body[12..]).unwrap().random);
    }
    assert_eq!(randoms.len(), 10_000);
}
