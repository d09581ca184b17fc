//! Keys for import (RFC 9258): one key from outside, another one for each hash and protocol.

use std::sync::Arc;

use super::meet;
use crate::testing::{alice, bob, config_13};
use crate::tls13::Derivation;
use crate::{
    Cause, Config, Connection, Event, HashAlgorithm, NamedGroup, PeerCertificate, PreSharedKey,
    PreSharedKeyError, Provider, Role, Versions,
};

const KEY: [u8; 32] = [7; 32];

fn lamp(context: &[u8], hash: HashAlgorithm) -> PreSharedKey {
    let psk = PreSharedKey::new(b"lamp", &KEY).unwrap();
    psk.imported(context, hash).unwrap()
}

fn knowing(psks: &[PreSharedKey]) -> Config {
    let mut config = Config::anonymous();
    config.provider = Provider::ring();
    config.peer_certificate = PeerCertificate::Never;
    config.psks = psks.to_vec();
    config
}

fn suite(side: &mut Connection) -> Option<u16> {
    match side.poll_event()? {
        Event::Connected { cipher_suite, .. } => Some(cipher_suite),
        _ => None,
    }
}

fn connects(client: Config, server: Config) -> bool {
    let sides = meet(client, server);
    assert_eq!(sides[0].is_connected(), sides[1].is_connected());
    for side in &sides {
        let exports = side.export_keying_material("x", None, &mut [0; 8]).is_ok();
        assert_eq!(exports, side.is_connected());
    }
    sides[0].is_connected()
}

/// D-36, and the other way round of catalogue D-15: all that goes into the import has to be the same on both sides.
#[test]
fn an_imported_key_connects_those_who_say_the_same_of_it() {
    use HashAlgorithm::{Sha256, Sha384};
    let own = [lamp(b"for light", Sha256)];
    let mut sides = meet(knowing(&own), knowing(&own));
    for side in &mut sides {
        assert_eq!(suite(side), Some(0x1301));
        assert!(side.peer_certificate().is_none());
    }
    // Whatever the key is meant for, it goes with suites of either hash, with a HelloRetryRequest or without.
    for hash in [Sha256, Sha384] {
        for groups in [
            vec![NamedGroup::X25519, NamedGroup::Secp256r1],
            vec![NamedGroup::Secp256r1],
        ] {
            let own = [lamp(b"", hash)];
            let mut server = knowing(&own);
            server.groups = groups;
            assert!(connects(knowing(&own), server));
        }
    }
    let plain = PreSharedKey::new(b"lamp", &KEY).unwrap();
    let dark = PreSharedKey::new(b"lamp", &[8; 32]).unwrap();
    for other in [
        lamp(b"for heat", Sha256),
        lamp(b"", Sha256),
        lamp(b"for light", Sha384),
        dark.imported(b"for light", Sha256).unwrap(),
        plain,
    ] {
        assert!(!connects(
            knowing(&own),
            knowing(std::slice::from_ref(&other))
        ));
        assert!(!connects(knowing(&[other]), knowing(&own)));
    }
}

/// D-36: a server takes of several the one that stands first in its own list.
#[test]
fn the_servers_order_decides_the_key() {
    let key = |name: &[u8], byte| PreSharedKey::new(name, &[byte; 32]).unwrap();
    let (one, two) = (key(b"one", 1), key(b"two", 2));
    let exported = |client: &[PreSharedKey], server: &[PreSharedKey]| {
        // With a key of its own for each name nobody connects by another one than both took.
        connects(knowing(client), knowing(server))
    };
    for known in [&one, &two] {
        let server = std::slice::from_ref(known);
        assert!(exported(&[one.clone(), two.clone()], server));
    }
    // The first of the server's list is known under another key there: its proof is looked at, and it fails.
    let wrong = key(b"two", 3);
    assert!(!exported(
        &[one.clone(), two.clone()],
        &[wrong.clone(), one.clone()]
    ));
    assert!(exported(&[one.clone(), two], &[one, wrong]));
}

/// RFC 9258 §4: a key for import is not used as it is, so not under 1.2.
#[test]
fn an_imported_key_is_not_used_under_1_2() {
    let own = [lamp(b"", HashAlgorithm::Sha256)];
    let mut old = knowing(&own);
    old.versions = Versions::DTLS_1_2;
    assert!(!connects(old.clone(), old.clone()));
    assert!(!connects(knowing(&own), old));
    // The same without import, under 1.2 and 1.3.
    let plain = [PreSharedKey::new(b"lamp", &KEY).unwrap()];
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let mut config = knowing(&plain);
        config.versions = versions;
        assert!(connects(config.clone(), config));
    }
}

/// A client that would take a certificate as well shows the key, and is told by its event which it was.
#[test]
fn a_key_comes_before_a_certificate() {
    let own = [lamp(b"", HashAlgorithm::Sha256)];
    let mut configs = [config_13(alice()), config_13(bob())];
    for config in &mut configs {
        config.peer_certificate = PeerCertificate::Required;
        config.psks = own.to_vec();
    }
    let [client, server] = configs;
    let sides = meet(client.clone(), server.clone());
    assert!(sides[0].is_connected() && sides[0].peer_certificate().is_none());
    let mut strange = server;
    strange.psks.clear();
    let mut sides = meet(client, strange);
    assert_eq!(sides[0].peer_certificate(), Some(bob().der()));
    assert!(
        !matches!(sides[0].poll_event(), Some(Event::Closed(reason)) if reason.cause == Cause::Misbehaved)
    );
}

/// What may be wrong with one.
#[test]
fn what_cannot_be_imported_is_refused() {
    let psk = || PreSharedKey::new(b"lamp", &KEY).unwrap();
    assert_eq!(
        psk().imported(b"", HashAlgorithm::Sha512),
        Err(PreSharedKeyError::Hash)
    );
    assert_eq!(
        psk().imported(&[0; 1025], HashAlgorithm::Sha256),
        Err(PreSharedKeyError::Identity)
    );
    let nameless = PreSharedKey::new(b"", &KEY).unwrap();
    assert!(nameless.imported(b"", HashAlgorithm::Sha256).is_err());
}

/// The derivation of RFC 9258 §5.1, taken apart: `HKDF-Extract` without salt, and `HKDF-Expand-Label` over the hash of the
/// whole `ImportedIdentity`, as long as the hash that it is for.
#[test]
fn an_import_is_the_derivation_of_the_rfc() {
    use crate::crypto::{Hash, HmacKey};
    // external_identity, context, target_protocol (DTLS 1.3), target_kdf (HKDF_SHA384).
    let identity = [&[0, 4][..], b"lamp", &[0, 2], b"it", &[0xfe, 0xfc, 0, 2]].concat();
    let derivation = Derivation::new(Hash::Sha256);
    let imported = derivation.import(&KEY, &identity, 48);
    let extracted = HmacKey::new(Hash::Sha256, &[0; 32]).mac([&KEY[..]]);
    let digest = Hash::Sha256.of(&identity);
    let label = b"dtls13derived psk";
    let info = [&[0, 48, 17][..], label, &[32], &digest].concat();
    let key = HmacKey::new(Hash::Sha256, &extracted);
    let first = key.mac([&info[..], &[1]]);
    let second = key.mac([&**first, &info, &[2]]);
    let expected = [&first[..], &second[..16]].concat();
    assert_eq!(imported.as_slice(), expected);
}

/// D-36, catalogue D-15: the proof of a key is looked at before a word is said, whatever kind of key it is.
#[test]
fn nobody_is_answered_who_names_a_key_without_having_it() {
    let plain = |byte| PreSharedKey::new(b"lamp", &[byte; 32]).unwrap();
    let imported = |byte| plain(byte).imported(b"", HashAlgorithm::Sha256).unwrap();
    let now = netsim::epoch();
    for (client, server, answered) in [
        (plain(7), plain(7), true),
        (plain(8), plain(7), false),
        (imported(7), imported(7), true),
        (imported(8), imported(7), false),
    ] {
        let mut config = knowing(&[server]);
        config.refusal = crate::Refusal::Close;
        config.versions = Versions::DTLS_1_3;
        let mut server = Connection::new(Arc::new(config), Role::Server, [2; 32]).unwrap();
        server.start(now, None);
        let client = Arc::new(knowing(&[client]));
        let mut client = Connection::new(client, Role::Client, [1; 32]).unwrap();
        client.start(now, None);
        let mut hello = Vec::new();
        client.poll_transmit(now, &mut hello).unwrap();
        server.handle_datagram(now, &mut hello);
        let mut answer = Vec::new();
        server.poll_transmit(now, &mut answer).unwrap();
        // A handshake record, or an alert: fatal, decrypt_error.
        assert_eq!(answer[0] == 22, answered);
        if !answered {
            assert_eq!(answer[13..], [2, 51]);
            let Some(Event::Closed(reason)) = server.poll_event() else {
                panic!("it goes on");
            };
            assert_eq!(reason.cause, Cause::BadProof);
        }
    }
}
