//! What neither side does, whoever asks: another ServerHello for the same question, weaker keys, other record types, and more.

use std::sync::Arc;

use netsim::{Side, Verdict};

use super::rogue::{Rogue, Step};
use crate::crypto::SignatureScheme;
use crate::testing::{
    Endpoint, alice, bob, both_connected, config, config_13, connect, pair, usual_pair,
};
use crate::tls13::Retry;
use crate::wire::{
    CertificateRequest13, ClientHello, ContentType, DTLS_1_2, FragmentHeader, HandshakeType,
    HelloVerifyRequest, RecordHeader,
};
use crate::{Cause, Certificate, Config, Connection, Event, NamedGroup, Refusal, Role, Versions};

/// A message in a record in the clear.
fn record(message_type: HandshakeType, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    let mut message = Vec::new();
    FragmentHeader {
        message_type,
        length,
        message_seq,
        offset: 0,
        fragment_length: length,
    }
    .encode(&mut message);
    message.extend_from_slice(body);
    let header = RecordHeader {
        content_type: ContentType::Handshake,
        version: DTLS_1_2,
        epoch: 0,
        sequence_number: message_seq.into(),
    };
    let mut record = header
        .encode(u16::try_from(message.len()).unwrap())
        .to_vec();
    record.extend_from_slice(&message);
    record
}

fn client_with(refusal: Refusal) -> Connection {
    let mut config = config_13(alice());
    config.refusal = refusal;
    let mut client = Connection::new(Arc::new(config), Role::Client, [1; 32]).unwrap();
    client.start(netsim::epoch(), None);
    client
}

fn hellos(client: &mut Connection) -> usize {
    std::iter::from_fn(|| client.poll_transmit(netsim::epoch(), &mut Vec::new())).count()
}

/// D-3: a second HelloRetryRequest is fatal (RFC 8446 §4.1.4) where what is in the clear may end a handshake, and not even
/// answered where it may not; the same with a second HelloVerifyRequest.
#[test]
fn a_second_request_for_another_hello_is_never_followed() {
    let now = netsim::epoch();
    let retry = |group, cookie: &[u8]| Retry {
        suite: 0x1301,
        group,
        cookie: Some(cookie.to_vec()),
    };
    let mut verify = Vec::new();
    HelloVerifyRequest {
        version: DTLS_1_2,
        cookie: vec![9; 20],
    }
    .encode(&mut verify);
    let verify = (HandshakeType::HELLO_VERIFY_REQUEST, verify);
    let retries = [
        retry(None, b"one"),
        retry(Some(NamedGroup::Secp256r1.number()), b"two"),
    ];
    let [first, second] = retries.map(|retry| (HandshakeType::SERVER_HELLO, retry.body()));
    for requests in [
        [first.clone(), second],
        [first.clone(), verify.clone()],
        [verify.clone(), first],
        [verify.clone(), verify],
    ] {
        for refusal in [Refusal::Wait, Refusal::Close] {
            let mut client = client_with(refusal);
            assert_eq!(hellos(&mut client), 1);
            let [(one, body), (other, other_body)] = &requests;
            client.handle_datagram(now, &mut record(*one, 0, body));
            assert_eq!(hellos(&mut client), 1);
            client.handle_datagram(now, &mut record(*other, 1, other_body));
            let event = client.poll_event();
            match refusal {
                Refusal::Wait => assert_eq!((hellos(&mut client), event), (0, None)),
                Refusal::Close => {
                    assert!(matches!(event, Some(Event::Closed(_))), "{event:?}");
                    assert_eq!(hellos(&mut client), 1, "an alert");
                }
            }
        }
    }
}

/// D-20, catalogue D-12: neither side of 1.2 goes on without an extended master secret (RFC 7627), with compression, or
/// with a hello that could be renegotiated from; and the hello says so.
#[test]
fn a_hello_without_extended_master_secret_or_with_compression_is_refused() {
    let now = netsim::epoch();
    for (extended, compression, connects) in [(true, 0, true), (false, 0, false), (true, 1, false)]
    {
        for role in [Role::Client, Role::Server] {
            let (own, other) = match role {
                Role::Client => (alice(), bob()),
                Role::Server => (bob(), alice()),
            };
            let mut connection = Endpoint::new(config(own), role, 1).connection;
            connection.set_remote_fingerprints(now, vec![other.fingerprint()]);
            connection.start(now, None);
            let mut rogue = Rogue::new(role.reversed());
            (rogue.extended, rogue.compression) = (extended, compression);
            if role == Role::Server {
                rogue.tell(&mut connection, now, Step::Hello);
                let answers = connection.poll_transmit(now, &mut Vec::new()).is_some();
                assert_eq!(answers, connects, "{extended} {compression}");
            } else {
                rogue.listen(&mut connection, now);
                for step in [
                    Step::Hello,
                    Step::Certificate,
                    Step::ServerKeyExchange,
                    Step::CertificateRequest,
                    Step::ServerHelloDone,
                ] {
                    rogue.tell(&mut connection, now, step);
                }
                let answers = connection.poll_transmit(now, &mut Vec::new()).is_some();
                assert_eq!(answers, connects, "{extended} {compression}");
            }
        }
    }
    for make in [config, config_13] {
        let mut client = Endpoint::new(make(alice()), Role::Client, 1).connection;
        client.start(now, None);
        let mut out = Vec::new();
        client.poll_transmit(now, &mut out).unwrap();
        let (_, body) = RecordHeader::decode(&mut out.as_slice()).unwrap();
        let hello = ClientHello::decode(&body[12..]).unwrap();
        assert!(hello.extensions.extended_master_secret && hello.extensions.renegotiation_info);
        assert_eq!(hello.compression_methods, [0]);
        // Hashes 1 and 2 are MD5 and SHA-1.
        let schemes = hello.extensions.schemes.unwrap();
        assert!(schemes.iter().all(|scheme| scheme.0 >> 8 > 2));
        // Suites for export had numbers below 0x0020; what is offered has forward secrecy.
        assert!(hello.cipher_suites.iter().all(|suite| *suite > 0x1300));
    }
}

/// D-19: a client that is asked to begin anew does not, and a ClientHello at a client is none of its business.
#[test]
fn a_client_does_not_renegotiate_either() {
    let now = netsim::epoch();
    let mut client = Endpoint::new(config(alice()), Role::Client, 1).connection;
    client.set_remote_fingerprints(now, vec![bob().fingerprint()]);
    client.start(now, None);
    let mut rogue = Rogue::new(Role::Server);
    rogue.listen(&mut client, now);
    for step in [
        Step::Hello,
        Step::Certificate,
        Step::ServerKeyExchange,
        Step::CertificateRequest,
        Step::ServerHelloDone,
    ] {
        rogue.tell(&mut client, now, step);
    }
    rogue.listen(&mut client, now);
    for step in [Step::ChangeCipherSpec, Step::Finished] {
        rogue.tell(&mut client, now, step);
    }
    assert!(client.is_connected());
    let request = [0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0];
    for epoch in [0, 1] {
        let mut asked = rogue.record(epoch, ContentType::Handshake, &request);
        client.handle_datagram(now, &mut asked);
        assert!(client.is_connected());
        assert_eq!(client.poll_transmit(now, &mut Vec::new()), None);
    }
}

/// D-19: what a server says to a client that wants to renegotiate.
#[test]
fn a_wish_to_renegotiate_is_answered_with_no_renegotiation() {
    let now = netsim::epoch();
    let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
    server.set_remote_fingerprints(now, vec![alice().fingerprint()]);
    server.start(now, None);
    let mut rogue = Rogue::new(Role::Client);
    rogue.connect(&mut server, now);
    let hello = [1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0];
    let mut asked = rogue.record(1, ContentType::Handshake, &hello);
    server.handle_datagram(now, &mut asked);
    let mut answer = Vec::new();
    server.poll_transmit(now, &mut answer).unwrap();
    // A warning, no_renegotiation.
    assert_eq!(rogue.open(&answer), (ContentType::Alert, vec![1, 100]));
    assert!(server.is_connected());
}

/// Catalogue D-24: heartbeats are no records of ours, asked for or not, in the clear or not.
#[test]
fn a_heartbeat_is_not_answered() {
    for make in [config, config_13] {
        for datagrams in 0..=4 {
            let mut pair = pair(make(alice()), make(bob()));
            pair.run_datagrams(datagrams);
            let sent = pair.sent();
            for side in [Side::A, Side::B] {
                // A request that says it is longer than it is.
                for epoch in [0, 1] {
                    let mut beat = vec![24, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 77, 0, 3];
                    beat.extend([1, 0x40, 0]);
                    let path = pair.path(side);
                    pair.inject(side, path, &beat);
                }
            }
            assert_eq!(pair.sent(), sent);
            connect(&mut pair);
            assert!(pair.pulled(Side::A).is_empty() && pair.pulled(Side::B).is_empty());
        }
    }
}

/// Catalogue D-24: what a client says before it is known is never delivered (epoch 1 of 1.3 is that of early data).
#[test]
fn early_data_is_not_delivered() {
    for after in 0..4 {
        let mut pair = pair(config_13(alice()), config_13(bob()));
        pair.run_datagrams(after);
        let path = pair.path(Side::B);
        for number in 0..20 {
            let early = [&[0b0010_1101, 0, number, 0, 32][..], &[0x17; 32]].concat();
            pair.inject(Side::B, path, &early);
        }
        connect(&mut pair);
        assert!(pair.pulled(Side::B).is_empty());
        assert!(pair.b().connection.stats().dropped.epoch >= 20);
    }
}

/// D-23: some clients end it when authorities are named, even none.
#[test]
fn a_request_for_a_certificate_names_signatures_and_nothing_else() {
    let mut body = Vec::new();
    CertificateRequest13 {
        context: &[],
        schemes: vec![SignatureScheme::ECDSA_SHA256],
    }
    .encode(&mut body);
    // No context; one extension, signature_algorithms.
    assert_eq!(body, [0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
}

/// D-27: a ciphertext of ML-KEM that was tampered with is as silent a failure as a share of X25519 that was
/// (FIPS 203 §6.3, implicit rejection): nobody learns from the client which it was.
#[test]
fn a_bad_ciphertext_is_not_told_from_a_bad_share() {
    let hybrid = |certificate: Certificate| {
        let mut config = config_13(certificate);
        config.versions = Versions::DTLS_1_3;
        config.groups.insert(0, NamedGroup::X25519MlKem768);
        config
    };
    // The share stands behind the head of the record and message, version, random, session id, suite, compression and the
    // length of the extensions; 1,088 bytes of ciphertext, then X25519.
    let said = |from_the_end: usize| {
        let mut pair = pair(hybrid(alice()), hybrid(bob()));
        pair.network().start_recording();
        pair.network().intercept(move |packet| {
            let mut bytes = packet.bytes.clone();
            let is_hello = bytes[0] == 22 && bytes[13] == HandshakeType::SERVER_HELLO.0;
            let named = [0x11, 0xec, 0x04, 0x60];
            let share = bytes.windows(4).position(|window| window == named);
            let Some(share) = share.filter(|_| is_hello) else {
                return Verdict::Pass;
            };
            bytes[share + 4 + from_the_end] ^= 1;
            Verdict::Replace(bytes)
        });
        pair.run_for(std::time::Duration::from_secs(40));
        assert!(!both_connected(&pair));
        let network = pair.network();
        let by_client = network.recorded().iter();
        let by_client = by_client.filter(|packet| packet.path.local == netsim::ADDRESS_A);
        let said: Vec<_> = by_client
            .map(|packet| (netsim::since_epoch(packet.sent), packet.bytes.clone()))
            .collect();
        (said, pair.events(Side::A).to_vec())
    };
    let (ciphertext, share) = (said(500), said(1_088 + 5));
    assert!(!ciphertext.0.is_empty());
    assert_eq!(ciphertext, share);
}

/// What a connection of each version has in the clear after it is known is worth nothing, whatever its type.
#[test]
fn an_unknown_type_of_record_changes_nothing() {
    let mut pair = usual_pair();
    connect(&mut pair);
    for kind in (0..=255).filter(|kind| !(20..=26).contains(kind)) {
        let path = pair.path(Side::B);
        let junk = [kind, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 1];
        pair.inject(Side::B, path, &junk);
    }
    assert!(both_connected(&pair));
}

/// D-15 of the catalogue for keys: a client that wants a known key alone does not take a certificate for it, nor does a
/// server; under either version.
#[test]
fn who_wants_a_known_key_takes_no_certificate() {
    let keyed = |mut config: Config| {
        config.peer_certificate = crate::PeerCertificate::Never;
        config.psks = vec![crate::PreSharedKey::new(b"lamp", &[7; 32]).unwrap()];
        config
    };
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3, Versions::ALL] {
        for wants in [Role::Client, Role::Server] {
            for knows in [false, true] {
                let mut configs = [config_13(alice()), config_13(bob())];
                for (role, own) in [Role::Client, Role::Server].into_iter().zip(&mut configs) {
                    own.versions = versions;
                    if knows || role == wants {
                        *own = keyed(own.clone());
                    } else {
                        own.peer_certificate = crate::PeerCertificate::Requested;
                    }
                }
                let [client, server] = configs;
                let mut pair = pair(client, server);
                pair.run_for(std::time::Duration::from_secs(40));
                assert_eq!(both_connected(&pair), knows, "{wants:?} {versions:?}");
                let side = if wants == Role::Client {
                    pair.a()
                } else {
                    pair.b()
                };
                assert_eq!(side.exported().is_some(), knows);
                assert_eq!(side.connection.peer_certificate(), None);
                if !knows {
                    assert!(
                        !side
                            .connection
                            .outcome()
                            .contains(&format!("{:?}", Cause::BadProof))
                    );
                }
            }
        }
    }
}
