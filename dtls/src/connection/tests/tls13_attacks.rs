use std::time::Duration;

use netsim::{Pair, Side, Verdict};

use crate::crypto::{NamedGroup, SecretSource};
use crate::testing::{Endpoint, alice, bob, both_connected, config_13, connect, pair};
use crate::wire::{ContentType, HandshakeType, RecordHeader, UnifiedHeader};
use crate::{Config, PeerCertificate, Provider, Role, Versions};

const ROUND_TRIP: Duration = Duration::from_millis(40);

fn only_13(certificate: crate::Certificate) -> Config {
    let mut config = config_13(certificate);
    config.versions = Versions::DTLS_1_3;
    config
}

fn inject(pair: &mut Pair<Endpoint>, side: Side, datagram: &[u8]) {
    let path = pair.path(side);
    pair.inject(side, path, datagram);
}

/// A record in the clear.
fn plain(content_type: ContentType, sequence_number: u64, body: &[u8]) -> Vec<u8> {
    let header = RecordHeader {
        content_type,
        version: 0xfefd,
        epoch: 0,
        sequence_number,
    };
    let mut record = header.encode(u16::try_from(body.len()).unwrap()).to_vec();
    record.extend_from_slice(body);
    record
}

/// D-08: no way leads to a connection but the legal one.
#[test]
fn a_side_that_leaves_a_message_out_does_not_connect() {
    let messages = [
        HandshakeType::ENCRYPTED_EXTENSIONS,
        HandshakeType::CERTIFICATE_REQUEST,
        HandshakeType::CERTIFICATE,
        HandshakeType::CERTIFICATE_VERIFY,
        HandshakeType::FINISHED,
    ];
    for (rogue, victim) in [(Side::A, Side::B), (Side::B, Side::A)] {
        for message in messages {
            let (mut client, mut server) = (only_13(alice()), only_13(bob()));
            match rogue {
                Side::A => client.omit = Some(message),
                Side::B => server.omit = Some(message),
            }
            let sent_by_server_alone = [
                HandshakeType::ENCRYPTED_EXTENSIONS,
                HandshakeType::CERTIFICATE_REQUEST,
            ];
            if rogue == Side::A && sent_by_server_alone.contains(&message) {
                continue;
            }
            let mut pair = pair(client, server);
            pair.run_for(Duration::from_secs(40));
            let victim = match victim {
                Side::A => &pair.a().connection,
                Side::B => &pair.b().connection,
            };
            assert!(!victim.is_connected(), "{message:?} left out by {rogue:?}");
            assert!(
                victim.outcome().contains("CloseReason"),
                "{}",
                victim.outcome()
            );
        }
    }
}

/// D-08: nor one who says something twice, or in another order.
#[test]
fn a_message_in_the_place_of_another_ends_it() {
    for (rogue, message, other) in [
        (
            Side::B,
            HandshakeType::CERTIFICATE,
            HandshakeType::CERTIFICATE_VERIFY,
        ),
        (
            Side::B,
            HandshakeType::CERTIFICATE_VERIFY,
            HandshakeType::FINISHED,
        ),
        (
            Side::B,
            HandshakeType::ENCRYPTED_EXTENSIONS,
            HandshakeType::SERVER_HELLO,
        ),
        (Side::A, HandshakeType::CERTIFICATE, HandshakeType::FINISHED),
        (
            Side::A,
            HandshakeType::CERTIFICATE_VERIFY,
            HandshakeType::CLIENT_HELLO,
        ),
        (Side::A, HandshakeType::FINISHED, HandshakeType::KEY_UPDATE),
    ] {
        let (mut client, mut server) = (only_13(alice()), only_13(bob()));
        match rogue {
            Side::A => client.rename = Some((message, other)),
            Side::B => server.rename = Some((message, other)),
        }
        let mut pair = pair(client, server);
        pair.run_for(Duration::from_secs(40));
        let connected = match rogue {
            Side::A => pair.b().connection.is_connected(),
            Side::B => pair.a().connection.is_connected(),
        };
        assert!(!connected, "{message:?} as {other:?} by {rogue:?}");
    }
}

/// D-15: a client without a certificate gets in only where that is allowed.
#[test]
fn a_client_without_a_certificate_is_refused_unless_it_need_not_have_one() {
    for (judgement, gets_in) in [
        (PeerCertificate::Announced, false),
        (PeerCertificate::Required, false),
        (PeerCertificate::Requested, true),
        (PeerCertificate::NotRequested, true),
    ] {
        let mut client = only_13(alice());
        client.certificate = None;
        client.peer_certificate = PeerCertificate::Requested;
        let mut server = only_13(bob());
        server.peer_certificate = judgement;
        let client = Endpoint::new(client, Role::Client, 1);
        let server = Endpoint::new(server, Role::Server, 1);
        let mut pair = Pair::new(client, server);
        let now = pair.now();
        let fingerprint = alice().fingerprint();
        pair.b_mut()
            .connection
            .set_remote_fingerprints(now, vec![fingerprint]);
        crate::testing::start(&mut pair, Some(ROUND_TRIP));
        pair.run_for(Duration::from_secs(2));
        assert_eq!(pair.b().connection.is_connected(), gets_in, "{judgement:?}");
        assert_eq!(pair.b().exported().is_some(), gets_in);
    }
}

fn with_psk(certificate: Option<crate::Certificate>, key: u8) -> Config {
    let mut config = only_13(alice());
    config.certificate = certificate;
    config.psks = vec![crate::PreSharedKey::new(b"us", &[key; 32]).unwrap()];
    config
}

/// D-36.
#[test]
fn two_sides_that_know_a_key_need_no_certificates() {
    for groups in [
        vec![NamedGroup::X25519, NamedGroup::Secp256r1],
        // With a HelloRetryRequest between.
        vec![NamedGroup::Secp256r1],
    ] {
        let client = with_psk(None, 7);
        let mut server = with_psk(None, 7);
        server.groups = groups;
        let client = Endpoint::new(client, Role::Client, 1);
        let server = Endpoint::new(server, Role::Server, 1);
        let mut pair = Pair::new(client, server);
        crate::testing::start(&mut pair, Some(ROUND_TRIP));
        connect(&mut pair);
        assert!(pair.a().connection.peer_certificate().is_none());
        assert_eq!(
            pair.b().connection.stats().dropped,
            crate::Dropped::default()
        );
    }
}

/// D-15: a name without its key is worth nothing, and a certificate still is where no key is known.
///
/// D-36.
#[test]
fn a_key_has_to_be_the_same_on_both_sides() {
    let client = Endpoint::new(with_psk(None, 7), Role::Client, 1);
    let server = Endpoint::new(with_psk(None, 8), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    crate::testing::start(&mut pair, Some(ROUND_TRIP));
    pair.run_for(Duration::from_secs(40));
    assert!(!pair.a().connection.is_connected() && !pair.b().connection.is_connected());

    let mut stranger = only_13(bob());
    stranger.psks = Vec::new();
    let mut pair = crate::testing::pair(with_psk(Some(alice()), 7), stranger);
    connect(&mut pair);
    assert!(pair.a().connection.peer_certificate().is_some());
}

/// D-05, D-06: once keys exist nothing in the clear counts, and before that it is a hint at most.
#[test]
fn what_is_said_in_the_clear_ends_nothing() {
    for after in 0..5 {
        let mut pair = pair(only_13(alice()), only_13(bob()));
        pair.run_datagrams(after);
        for side in [Side::A, Side::B] {
            for (content_type, body) in [
                (ContentType::Alert, &[2, 40][..]),
                (ContentType::Alert, &[1, 0]),
                (ContentType::ApplicationData, b"forged"),
                (ContentType::Ack, &[0, 0]),
                (ContentType::ChangeCipherSpec, &[1]),
            ] {
                inject(&mut pair, side, &plain(content_type, 1 << 40, body));
            }
        }
        connect(&mut pair);
        assert!(pair.pulled(Side::A).is_empty() && pair.pulled(Side::B).is_empty());
    }
}

/// D-09, D-11: short samples, connection ids, unknown epochs, lengths that lie.
#[test]
fn protected_records_that_make_no_sense_change_nothing() {
    let mut pair = pair(only_13(alice()), only_13(bob()));
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    let now = pair.now();
    let genuine = pair.a_mut().seal(now, b"genuine").unwrap();
    let mut forged: Vec<Vec<u8>> = vec![
        vec![0x2f],
        vec![0x2f, 0, 0, 0, 0],
        vec![0x3f; 40],
        vec![0x23; 17],
        vec![0x20; 17],
        vec![0x2c; 64],
    ];
    for body in [0_u16, 1, 15, 16, 17] {
        let mut record = UnifiedHeader::encode(3, 7, body).to_vec();
        record.resize(record.len() + usize::from(body), 0xaa);
        forged.push(record);
    }
    forged.extend((0..genuine.len()).map(|end| genuine[..end].to_vec()));
    for record in &forged {
        inject(&mut pair, Side::B, record);
    }
    pair.run_for(ROUND_TRIP);
    assert!(both_connected(&pair) && pair.pulled(Side::B).is_empty());
    inject(&mut pair, Side::B, &genuine);
    pair.run_for(ROUND_TRIP);
    assert_eq!(pair.pulled(Side::B), [b"genuine".to_vec()]);
}

/// A stranger's record of an epoch that has no keys yet is looked at once, whenever it comes, and takes no room
/// from those that may be opened later.
#[test]
fn a_record_of_an_epoch_without_keys_stops_nothing() {
    for milliseconds in (0..100).step_by(10) {
        for side in [Side::A, Side::B] {
            for epoch in 0..4 {
                let mut pair = pair(only_13(alice()), only_13(bob()));
                pair.run_for(Duration::from_millis(milliseconds));
                for number in 0..12 {
                    inject(
                        &mut pair,
                        side,
                        &[0b0010_1100 | epoch, 0, number, 0, 3, 1, 2, 3],
                    );
                }
                pair.run_for(Duration::from_secs(5));
                assert!(
                    both_connected(&pair),
                    "{milliseconds} ms, {side:?}, {epoch}"
                );
            }
        }
    }
}

/// D-07: a number counts when its tag verified, not before.
#[test]
fn a_forged_number_moves_no_window() {
    let mut pair = pair(only_13(alice()), only_13(bob()));
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    let now = pair.now();
    let first = pair.a_mut().seal(now, b"first").unwrap();
    // The window is 256 wide.
    for _ in 0..400 {
        pair.a_mut().seal(now, b"x").unwrap();
    }
    let genuine = pair.a_mut().seal(now, b"far").unwrap();
    let mut far = genuine.clone();
    *far.last_mut().unwrap() ^= 1;
    inject(&mut pair, Side::B, &far);
    inject(&mut pair, Side::B, &first);
    inject(&mut pair, Side::B, &genuine);
    pair.run_for(ROUND_TRIP);
    assert_eq!(pair.pulled(Side::B), [b"first".to_vec(), b"far".to_vec()]);
    assert_eq!(pair.b().connection.stats().dropped.unauthentic, 1);
}

/// D-23: the last failure that the protection bears is the end.
#[test]
fn too_many_forgeries_end_a_connection() {
    let mut pair = pair(only_13(alice()), only_13(bob()));
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    pair.b_mut().connection.records.fail_times((1 << 36) - 2);
    for (number, open) in [(1, true), (2, false)] {
        let mut record = UnifiedHeader::encode(3, number, 40).to_vec();
        record.resize(45, 0);
        inject(&mut pair, Side::B, &record);
        pair.run_for(ROUND_TRIP);
        assert_eq!(pair.b().connection.is_connected(), open);
    }
    assert!(pair.has_event(Side::B, "cause: Exhausted"));
}

/// D-14: a connection ends before a number comes twice.
#[test]
fn the_last_number_is_kept_for_the_farewell() {
    let mut pair = pair(only_13(alice()), only_13(bob()));
    connect(&mut pair);
    pair.run_for(ROUND_TRIP);
    pair.a_mut().connection.records.skip_to((1 << 48) - 2);
    let now = pair.now();
    assert!(pair.a_mut().seal(now, b"x").is_some());
    assert!(pair.a_mut().seal(now, b"x").is_none());
    assert!(!pair.a().connection.is_connected());
}

/// D-20: public values that lead to no secret.
///
/// D-26, D-27.
#[test]
fn bad_shares_are_refused() {
    for provider in [Provider::ring(), Provider::rust_crypto([1; 32])] {
        let mut source: SecretSource = provider.secrets(&[2; 32]);
        for (group, share) in [
            (NamedGroup::X25519, vec![0; 32]),
            (NamedGroup::X25519, vec![9; 31]),
            (NamedGroup::Secp256r1, vec![4; 65]),
            (NamedGroup::Secp256r1, Vec::new()),
            // Coefficients beyond the modulus (FIPS 203 §7.2), a length that lies, an all-zero X25519 share.
            (NamedGroup::X25519MlKem768, vec![0xff; 1184 + 32]),
            (NamedGroup::X25519MlKem768, vec![0; 1184 + 31]),
            (NamedGroup::X25519MlKem768, vec![0; 1184 + 32]),
        ] {
            assert!(
                source.respond(group, &share).is_err(),
                "{provider:?} {group:?}"
            );
        }
    }
}

/// D-21: nobody is called for ever.
#[test]
fn a_silent_server_is_given_up_after_ten_flights() {
    let mut pair = pair(config_13(alice()), config_13(bob()));
    pair.network().intercept(|_| Verdict::Drop);
    pair.run_for(Duration::from_secs(60));
    assert!(pair.has_event(Side::A, "TimedOut"));
    assert!(pair.a().connection.stats().flights_sent <= 10);
}

/// D-06: a piece in the clear is anybody's, so it says nothing about what the client has.
#[test]
fn a_forged_piece_does_not_keep_a_server_from_repeating_its_flight() {
    let now = netsim::epoch();
    let mut client = Endpoint::new(only_13(alice()), Role::Client, 1).connection;
    let mut server = Endpoint::new(only_13(bob()), Role::Server, 1).connection;
    client.start(now, None);
    server.start(now, None);
    let mut datagram = Vec::new();
    while client.poll_transmit(now, &mut datagram).is_some() {
        server.handle_datagram(now, &mut datagram);
        datagram.clear();
    }
    // Its flight is lost.
    while server.poll_transmit(now, &mut Vec::new()).is_some() {}
    let due = server.poll_timeout().unwrap();
    // The second half of a message behind the next one.
    let mut piece = vec![11, 0, 0, 10, 0, 2, 0, 0, 5, 0, 0, 5];
    piece.extend([0; 5]);
    server.handle_datagram(now, &mut plain(ContentType::Handshake, 1_000, &piece));
    assert_eq!(server.poll_timeout(), Some(due));
    server.handle_timeout(due);
    assert!(server.poll_transmit(due, &mut Vec::new()).is_some());
}
