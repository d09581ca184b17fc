//! Catalogue D-08 and D-15 under 1.3: whatever a peer leaves out, says twice, says late or says wrong, nobody is connected,
//! no key is exported and nothing is delivered. What follows the wrong message is always right for what was said, so that no
//! signature, transcript or Finished betrays it.

use std::time::Duration;

use netsim::{Pair, Side};

use crate::config::Meddling;
use crate::testing::{alice, bob, config_13, connect, pair};
use crate::wire::{Certificate13, HandshakeType};
use crate::{Cause, Certificate, Config, PeerCertificate, Versions};

type Wrong = (Side, HandshakeType, Meddling);

fn only_13(certificate: Certificate) -> Config {
    let mut config = config_13(certificate);
    config.versions = Versions::DTLS_1_3;
    config
}

/// A pair of which one side says something wrong, after all that could happen.
fn meet(wrong: Wrong, omitted: Option<HandshakeType>) -> Pair<crate::testing::Endpoint> {
    let (side, message, how) = wrong;
    let mut configs = [only_13(alice()), only_13(bob())];
    let rogue = &mut configs[usize::from(side == Side::B)];
    rogue.meddling = Some((message, how));
    rogue.omit = omitted;
    let [client, server] = configs;
    let mut pair = pair(client, server);
    // Data at the best moment to be let in by mistake.
    for _ in 0..40 {
        pair.run_for(Duration::from_secs(1));
        let now = pair.now();
        let record = match side {
            Side::A => pair.a_mut().seal(now, b"let me in"),
            Side::B => pair.b_mut().seal(now, b"let me in"),
        };
        if let Some(record) = record {
            let victim = other(side);
            let path = pair.path(victim);
            pair.inject(victim, path, &record);
        }
    }
    pair
}

fn other(side: Side) -> Side {
    match side {
        Side::A => Side::B,
        Side::B => Side::A,
    }
}

fn assert_shut(pair: &Pair<crate::testing::Endpoint>, rogue: Side, what: &dyn std::fmt::Debug) {
    let victim = match rogue {
        Side::A => pair.b(),
        Side::B => pair.a(),
    };
    let connection = &victim.connection;
    assert!(!connection.is_connected(), "{rogue:?}: {what:?}");
    assert_eq!(victim.exported(), None, "{what:?}");
    assert_eq!(connection.peer_certificate(), None, "{what:?}");
    assert_eq!(connection.key_log_line(), None, "{what:?}");
    assert!(pair.pulled(other(rogue)).is_empty(), "{what:?}");
    assert!(
        !pair.has_event(other(rogue), "Connected"),
        "{rogue:?}: {what:?}: {:?}",
        pair.events(other(rogue))
    );
    assert!(
        connection.outcome().contains("CloseReason"),
        "{}",
        connection.outcome()
    );
}

const SERVER_SAYS: [HandshakeType; 5] = [
    HandshakeType::ENCRYPTED_EXTENSIONS,
    HandshakeType::CERTIFICATE_REQUEST,
    HandshakeType::CERTIFICATE,
    HandshakeType::CERTIFICATE_VERIFY,
    HandshakeType::FINISHED,
];
const CLIENT_SAYS: [HandshakeType; 3] = [
    HandshakeType::CERTIFICATE,
    HandshakeType::CERTIFICATE_VERIFY,
    HandshakeType::FINISHED,
];

fn said() -> impl Iterator<Item = (Side, HandshakeType)> {
    let server = SERVER_SAYS.map(|message| (Side::B, message));
    server
        .into_iter()
        .chain(CLIENT_SAYS.map(|message| (Side::A, message)))
}

/// Catalogue D-08: of each message of either side.
#[test]
fn a_message_said_twice_or_late_connects_nobody_under_1_3() {
    for (side, message) in said() {
        for how in [Meddling::Twice, Meddling::Late] {
            // Behind the last Finished the other side is connected, and hears of a violation.
            if message == HandshakeType::FINISHED && matches!(how, Meddling::Twice) {
                continue;
            }
            let pair = meet((side, message, how.clone()), None);
            assert_shut(&pair, side, &(message, how));
        }
    }
}

/// D-34, catalogue D-08 and D-15: the proofs themselves, a bit or a byte away from what is right.
#[test]
fn a_proof_that_is_not_exactly_right_connects_nobody_under_1_3() {
    for side in [Side::A, Side::B] {
        for message in [HandshakeType::CERTIFICATE_VERIFY, HandshakeType::FINISHED] {
            for how in [Meddling::Flipped, Meddling::Short, Meddling::Long] {
                let pair = meet((side, message, how.clone()), None);
                assert_shut(&pair, side, &(message, how));
            }
        }
        let empty = Meddling::Instead(Vec::new());
        let pair = meet((side, HandshakeType::FINISHED, empty), None);
        assert_shut(&pair, side, &"an empty Finished");
    }
}

/// Catalogue D-15: the announced certificate, shown by somebody who has another key.
#[test]
fn a_certificate_without_its_key_proves_nothing_under_1_3() {
    for (side, shown, own) in [(Side::A, alice(), bob()), (Side::B, bob(), alice())] {
        let mut body = Vec::new();
        Certificate13 {
            context: &[],
            leaf: Some(shown.der()),
            issuers: Vec::new(),
            extended: false,
        }
        .encode(&mut body);
        let mut configs = [only_13(alice()), only_13(bob())];
        let rogue = &mut configs[usize::from(side == Side::B)];
        // It signs with its own key, and all it says is right for what it showed.
        rogue.certificate = Some(own);
        rogue.meddling = Some((HandshakeType::CERTIFICATE, Meddling::Instead(body)));
        let [client, server] = configs;
        let pair = crate::testing::Endpoint::new(client, crate::Role::Client, 1);
        let mut pair = Pair::new(
            pair,
            crate::testing::Endpoint::new(server, crate::Role::Server, 1),
        );
        let now = pair.now();
        pair.a_mut()
            .connection
            .set_remote_fingerprints(now, vec![bob().fingerprint()]);
        pair.b_mut()
            .connection
            .set_remote_fingerprints(now, vec![alice().fingerprint()]);
        crate::testing::start(&mut pair, None);
        pair.run_for(Duration::from_secs(40));
        assert_shut(&pair, side, &"another key");
        assert!(
            pair.has_event(other(side), &format!("{:?}", Cause::BadProof)),
            "{:?}",
            pair.events(other(side))
        );
    }
}

/// Catalogue D-15, "no certificate" under 1.3: an empty list, with and without what would follow it.
#[test]
fn a_side_that_shows_no_certificate_connects_nobody_under_1_3() {
    for side in [Side::A, Side::B] {
        for omitted in [None, Some(HandshakeType::CERTIFICATE_VERIFY)] {
            let empty = Meddling::Instead(vec![0, 0, 0, 0]);
            let pair = meet((side, HandshakeType::CERTIFICATE, empty), omitted);
            assert_shut(&pair, side, &("no certificate", omitted));
        }
    }
    // A server that has to have one, whatever the client thinks of its own.
    for judgement in [PeerCertificate::Required, PeerCertificate::Requested] {
        let mut client = only_13(alice());
        client.peer_certificate = judgement;
        let mut server = only_13(bob());
        server.omit = Some(HandshakeType::CERTIFICATE_VERIFY);
        let empty = Meddling::Instead(vec![0, 0, 0, 0]);
        server.meddling = Some((HandshakeType::CERTIFICATE, empty));
        let mut pair = pair(client, server);
        pair.run_for(Duration::from_secs(40));
        assert_shut(&pair, Side::B, &judgement);
    }
}

/// The hooks of these tests themselves: what says everything as it should is let in.
#[test]
fn who_meddles_with_nothing_is_connected() {
    let mut server = only_13(bob());
    server.meddling = Some((HandshakeType::KEY_UPDATE, Meddling::Twice));
    let mut pair = pair(only_13(alice()), server);
    connect(&mut pair);
}
