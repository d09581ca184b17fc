//! Who has to prove to be whom where it is not by announced fingerprints.

use std::sync::Arc;

use super::meet;
use crate::testing::{alice, bob, config};
use crate::{
    AlertDescription, Cause, Certificate, Config, ConfigError, Connection, Event, KeyKind,
    PeerCertificate, PreSharedKey, Provider, Refusal, Role, Versions,
};

fn psk(identity: &[u8], key: &[u8]) -> PreSharedKey {
    PreSharedKey::new(identity, key).unwrap()
}

fn bare(peer_certificate: PeerCertificate) -> Config {
    let mut bare = Config::anonymous();
    bare.provider = config(alice()).provider;
    bare.peer_certificate = peer_certificate;
    bare.versions = Versions::DTLS_1_2;
    bare
}

fn with_psk(identity: &[u8], key: &[u8]) -> Config {
    let mut with_psk = bare(PeerCertificate::Announced);
    with_psk.psks = vec![psk(identity, key)];
    with_psk
}

fn agreed(side: &mut Connection) -> Option<(u16, bool)> {
    match side.poll_event()? {
        Event::Connected {
            cipher_suite,
            peer_fingerprint,
            ..
        } => Some((cipher_suite, peer_fingerprint.is_some())),
        _ => None,
    }
}

fn cause(side: &mut Connection) -> Option<Cause> {
    match side.poll_event()? {
        Event::Closed(reason) => Some(reason.cause),
        _ => None,
    }
}

/// D-36, external keys under 1.2: every suite, of both providers.
#[test]
fn a_shared_key_connects_with_every_suite_that_takes_one() {
    let suites = [
        0xd001, 0xd002, 0xccac, 0xd005, 0xd003, 0x00a8, 0x00a9, 0xccab, 0xc0a4, 0xc0a5, 0xc0a8,
        0xc0a9,
    ];
    for provider in [Provider::ring(), Provider::rust_crypto([3; 32])] {
        for suite in suites {
            let only = |mut config: Config| {
                config.provider = provider.clone();
                config.cipher_suites = vec![suite];
                config
            };
            let usable = only(with_psk(b"lamp", &[7; 32])).suites().count() == 1;
            if !usable {
                continue;
            }
            let mut sides = meet(
                only(with_psk(b"lamp", &[7; 32])),
                only(with_psk(b"lamp", &[7; 32])),
            );
            for side in &mut sides {
                assert_eq!(agreed(side), Some((suite, false)), "{suite:04x}");
                assert!(side.peer_certificate().is_none());
            }
        }
    }
}

/// Catalogue D-15 with keys instead of certificates.
///
/// D-36.
#[test]
fn another_key_or_an_unknown_name_connects_nobody() {
    for client in [with_psk(b"lamp", &[8; 32]), with_psk(b"oven", &[7; 32])] {
        let sides = meet(client, with_psk(b"lamp", &[7; 32]));
        for side in &sides {
            assert!(!side.is_connected());
            assert!(side.export_keying_material("x", None, &mut [0; 8]).is_err());
        }
    }
}

#[test]
fn ccm_suites_of_ecdsa_connect_and_short_tags_must_be_asked_for() {
    for suite in [0xc0ac, 0xc0ad, 0xc0ae, 0xc0af] {
        let only = |certificate: Certificate| {
            let mut config = config(certificate);
            config.versions = Versions::DTLS_1_2;
            config.peer_certificate = PeerCertificate::Required;
            config.cipher_suites = vec![suite];
            config
        };
        let mut sides = meet(only(alice()), only(bob()));
        for side in &mut sides {
            assert_eq!(agreed(side), Some((suite, true)), "{suite:04x}");
        }
    }
    let offered: Vec<_> = config(alice()).suites().map(|suite| suite.number).collect();
    assert!(offered.contains(&0xc0ac) && !offered.contains(&0xc0ae));
}

/// D-23 and its opposite: who is asked for a certificate, and who may do without.
#[test]
fn a_client_without_a_certificate_connects_where_none_is_required() {
    use PeerCertificate::{Announced, NotRequested, Requested, Required};
    for (policy, connects) in [
        (Announced, false),
        (Required, false),
        (Requested, true),
        (NotRequested, true),
    ] {
        let mut server = config(bob());
        server.peer_certificate = policy;
        server.versions = Versions::DTLS_1_2;
        let mut sides = meet(bare(Requested), server);
        assert_eq!(sides[0].is_connected(), connects, "{policy:?}");
        assert_eq!(sides[1].is_connected(), connects, "{policy:?}");
        if connects {
            assert_eq!(agreed(&mut sides[0]).map(|(_, shown)| shown), Some(true));
            assert_eq!(agreed(&mut sides[1]).map(|(_, shown)| shown), Some(false));
        }
    }
}

/// D-23: in WebRTC a server that asks for no certificate is none.
#[test]
fn a_client_of_webrtc_does_not_connect_with_a_server_that_asks_for_nothing() {
    let mut server = config(bob());
    server.peer_certificate = PeerCertificate::NotRequested;
    server.versions = Versions::DTLS_1_2;
    let mut client = config(alice());
    client.versions = Versions::DTLS_1_2;
    let sides = meet(client, server);
    assert!(!sides[0].is_connected() && !sides[1].is_connected());
}

/// Ed25519 and P-384 of our own (D-1): generated, shown, proved.
#[test]
fn every_kind_of_own_key_proves_itself() {
    let now = std::time::Duration::from_secs(1_795_392_000);
    for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519] {
        let ring = |certificate| {
            let mut config = config(certificate);
            config.provider = Provider::ring();
            config.peer_certificate = PeerCertificate::Required;
            config
        };
        let own = Certificate::generate_with(kind, now).unwrap();
        for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
            let [mut client, mut server] = [ring(own.clone()), ring(own.clone())];
            (client.versions, server.versions) = (versions, versions);
            let sides = meet(client, server);
            assert!(
                sides[0].is_connected() && sides[1].is_connected(),
                "{kind:?} {versions:?}"
            );
        }
    }
}

#[test]
fn the_servers_order_decides_the_application_protocol() {
    let speaking = |certificate, names: &[&[u8]]| {
        let mut config = config(certificate);
        config.peer_certificate = PeerCertificate::Required;
        config.versions = Versions::ALL;
        config.alpn = names.iter().map(|name| name.to_vec()).collect();
        config
    };
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let mut client = speaking(alice(), &[b"coap", b"webrtc"]);
        client.versions = versions;
        let sides = meet(
            client.clone(),
            speaking(bob(), &[b"webrtc", b"c-webrtc", b"coap"]),
        );
        for side in &sides {
            let agreed = side.application_protocol();
            assert_eq!(agreed, Some(b"webrtc".as_slice()), "{versions:?}");
        }
        let sides = meet(client.clone(), speaking(bob(), &[]));
        assert!(
            sides
                .iter()
                .all(|s| s.is_connected() && s.application_protocol().is_none())
        );
        let mut server = speaking(bob(), &[b"syslog"]);
        server.refusal = Refusal::Close;
        client.refusal = Refusal::Close;
        let mut sides = meet(client, server);
        assert_eq!(cause(&mut sides[1]), Some(Cause::Incompatible));
        let alert = Cause::Alert(AlertDescription::NO_APPLICATION_PROTOCOL);
        assert_eq!(cause(&mut sides[0]), Some(alert));
    }
}

#[test]
fn configurations_that_serve_nobody_are_refused() {
    let new = |config| Connection::new(Arc::new(config), Role::Server, [1; 32]).map(drop);
    assert_eq!(
        new(bare(PeerCertificate::Requested)),
        Err(ConfigError::NoIdentity)
    );
    let mut wordy = config(bob());
    wordy.alpn = vec![vec![]];
    assert_eq!(new(wordy), Err(ConfigError::Alpn));
    assert!(PreSharedKey::new(b"", b"").is_err());
    assert!(PreSharedKey::new(&[1; 1025], b"k").is_err());
}

/// K-01: what is printed of a key is nothing.
#[test]
fn debug_of_a_configuration_shows_no_key() {
    let text = format!("{:?}", with_psk(b"lamp", b"very secret key!"));
    assert!(
        !text.contains("very") && !text.contains("118, 101, 114"),
        "{text}"
    );
}

/// The same certificate with `id-alg-unsigned` in the place of its signature's algorithm, twice, and an empty
/// signature (RFC 9925 §3).
fn unsigned(signed: &[u8]) -> Vec<u8> {
    let ecdsa_with_sha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let id_alg_unsigned = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x06, 0x24];
    // SEQUENCE with a length of two bytes, twice: the certificate and what would be signed of it.
    assert_eq!(
        (&signed[..2], &signed[4..6]),
        (&[0x30, 0x82][..], &[0x30, 0x82][..])
    );
    let covered = 4 + usize::from(u16::from_be_bytes([signed[6], signed[7]]));
    let mut body = signed[4..4 + covered + 12].to_vec();
    let mut replaced = 0;
    for at in 0..=body.len() - 8 {
        if body[at..at + 8] == ecdsa_with_sha256 {
            body[at..at + 8].copy_from_slice(&id_alg_unsigned);
            replaced += 1;
        }
    }
    assert_eq!(replaced, 2);
    body.extend_from_slice(&[0x03, 0x01, 0x00]);
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [vec![0x30, 0x82, high, low], body].concat()
}

/// A chain is shown whole, and handed on where the application judges; announced fingerprints need none of it.
#[test]
fn the_certificates_behind_a_certificate_are_for_the_application_to_judge() {
    let blocks = pem::parse_many(include_str!("../../../../testdata/dtls/alice.pem")).unwrap();
    let key = blocks.iter().find(|it| it.tag() != "CERTIFICATE").unwrap();
    let bob = bob();
    let behind: [&[u8]; 2] = [bob.der(), &[7; 300]];
    let chain = Certificate::with_issuers(alice().der(), &behind, key.contents()).unwrap();
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let mut server = config(chain.clone());
        server.peer_certificate = PeerCertificate::NotRequested;
        let mut client = bare(PeerCertificate::NotRequested);
        (client.versions, server.versions) = (versions, versions);
        let [client, _] = meet(client, server);
        assert_eq!(client.peer_certificate(), Some(alice().der()));
        assert_eq!(client.peer_issuers(), behind);

        let [mut client, mut server] = [bob.clone(), chain.clone()].map(config);
        (client.versions, server.versions) = (versions, versions);
        let mut pair = crate::testing::pair(client, server);
        crate::testing::connect(&mut pair);
        let client = &pair.a().connection;
        assert_eq!(client.peer_certificate(), Some(alice().der()));
        assert!(client.peer_issuers().is_empty());
    }
    let many = [bob.der(); 10];
    let refused = Certificate::with_issuers(alice().der(), &many, key.contents());
    assert_eq!(refused.err(), Some(crate::CertificateError::Malformed));
}

/// D-24: nobody looks at the signature of a certificate whose fingerprint is known.
#[test]
fn an_unsigned_certificate_is_as_good_as_one_that_signs_itself() {
    let blocks = pem::parse_many(include_str!("../../../../testdata/dtls/alice.pem")).unwrap();
    let key = blocks
        .iter()
        .find(|block| block.tag() != "CERTIFICATE")
        .unwrap();
    let certificate = unsigned(alice().der());
    let certificate = Certificate::from_der(&certificate, key.contents()).unwrap();
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let [mut client, mut server] = [certificate.clone(), bob()].map(config);
        (client.versions, server.versions) = (versions, versions);
        let mut pair = crate::testing::pair(client, server);
        crate::testing::connect(&mut pair);
        let shown = pair.b().connection.peer_certificate();
        assert_eq!(shown, Some(certificate.der()));
    }
}
