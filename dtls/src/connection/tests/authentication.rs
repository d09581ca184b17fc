//! Catalogue D-15 and D-16: nobody is connected, exported keys to or given data without the announced certificate and
//! the proof of its key.

use std::time::Duration;

use netsim::{Pair, Side};

use super::rogue::{Rogue, Step};
use crate::crypto::SignatureScheme;
use crate::testing::{Endpoint, alice, bob, config, config_13, rsa, start};
use crate::{
    Cause, Certificate, Config, Connection, Event, Fingerprint, HashAlgorithm, Initiator, Role,
};

/// What signalling may announce so that the genuine peer must be refused.
fn wrong_announcements(genuine: &Certificate) -> Vec<(&'static str, Vec<Fingerprint>)> {
    let right = genuine.fingerprint();
    let cut = |length| {
        let mut fingerprint = right.clone();
        fingerprint.value.truncate(length);
        vec![fingerprint]
    };
    let text = "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    let md5: Vec<Fingerprint> = text.parse().into_iter().collect();
    let flipped = |byte: usize| {
        let mut fingerprint = right.clone();
        fingerprint.value[byte] ^= 1;
        vec![fingerprint]
    };
    let mut long = right.clone();
    long.value.push(0);
    let mut renamed = right.clone();
    renamed.algorithm = HashAlgorithm::Sha384;
    vec![
        ("another certificate", vec![rsa().fingerprint()]),
        ("31 bytes", cut(31)),
        ("no bytes", cut(0)),
        ("33 bytes", vec![long]),
        ("md5 only", md5),
        ("nobody", Vec::new()),
        ("first bit", flipped(0)),
        ("last bit", flipped(31)),
        ("sha-256 under another name", vec![renamed]),
        (
            "a stronger one that is wrong",
            vec![right.clone(), Fingerprint::of(HashAlgorithm::Sha512, b"")],
        ),
    ]
}

fn assert_refused(pair: &Pair<Endpoint>, side: Side, what: &str) {
    let endpoint = match side {
        Side::A => pair.a(),
        Side::B => pair.b(),
    };
    assert!(!endpoint.connection.is_connected(), "{what}");
    assert_eq!(endpoint.exported(), None, "{what}");
    assert!(pair.pulled(side).is_empty(), "{what}");
    assert!(!pair.has_event(side, "Connected"), "{what}");
    assert!(
        pair.has_event(
            side,
            "Closed(CloseReason { initiator: Local, cause: FingerprintMismatch })"
        ),
        "{what}: {:?}",
        pair.events(side)
    );
}

/// The configurations of either version.
const VERSIONS: [fn(Certificate) -> Config; 2] = [config, config_13];

/// The judge gets a wrong announcement, the other side a right one.
fn meet(
    make: fn(Certificate) -> Config,
    judge: Side,
    announced: Vec<Fingerprint>,
    late: bool,
) -> Pair<Endpoint> {
    let client = Endpoint::new(make(alice()), Role::Client, 1);
    let server = Endpoint::new(make(bob()), Role::Server, 1);
    let mut pair = Pair::new(client, server);
    let now = pair.now();
    let right = match judge {
        Side::A => alice(),
        Side::B => bob(),
    };
    let trusting = match judge {
        Side::A => pair.b_mut(),
        Side::B => pair.a_mut(),
    };
    trusting
        .connection
        .set_remote_fingerprints(now, vec![right.fingerprint()]);
    start(&mut pair, None);
    if late {
        pair.run_for(Duration::from_secs(1));
        // The trusting side is connected and speaks.
        let now = pair.now();
        let (record, path) = match judge {
            Side::A => (pair.b_mut().seal(now, b"data"), pair.path(Side::A)),
            Side::B => (pair.a_mut().seal(now, b"data"), pair.path(Side::B)),
        };
        pair.inject(judge, path, &record.unwrap());
    }
    let now = pair.now();
    let judging = match judge {
        Side::A => pair.a_mut(),
        Side::B => pair.b_mut(),
    };
    judging.connection.set_remote_fingerprints(now, announced);
    pair.run_for(Duration::from_secs(40));
    pair
}

/// Catalogue D-15: {client, server} x {1.2, 1.3} x {wrong certificate, 31 bytes, MD5, …}, early and late.
#[test]
fn a_certificate_that_was_not_announced_is_refused_by_either_side_early_or_late() {
    for make in VERSIONS {
        for (judge, genuine) in [(Side::A, bob()), (Side::B, alice())] {
            for late in [false, true] {
                for (what, announced) in wrong_announcements(&genuine) {
                    let pair = meet(make, judge, announced, late);
                    assert_refused(&pair, judge, what);
                }
            }
        }
    }
}

#[test]
fn the_genuine_certificate_is_accepted_under_every_supported_hash() {
    let hashes = [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    for make in VERSIONS {
        for (judge, genuine) in [(Side::A, bob()), (Side::B, alice())] {
            for (algorithm, late) in hashes
                .iter()
                .flat_map(|hash| [(*hash, false), (*hash, true)])
            {
                let announced = vec![
                    Fingerprint::of(algorithm, b"somebody else"),
                    Fingerprint::of(algorithm, genuine.der()),
                ];
                let pair = meet(make, judge, announced, late);
                assert!(pair.a().connection.is_connected() && pair.b().connection.is_connected());
            }
        }
    }
}

#[test]
fn a_connection_whose_other_side_is_no_longer_announced_ends() {
    for make in VERSIONS {
        let mut pair = crate::testing::pair(make(alice()), make(bob()));
        crate::testing::connect(&mut pair);
        pair.run_for(Duration::from_secs(1));
        let now = pair.now();
        pair.a_mut()
            .connection
            .set_remote_fingerprints(now, vec![alice().fingerprint()]);
        assert_eq!(pair.a().exported(), None);
        assert!(pair.a_mut().seal(now, b"data").is_none());
        pair.run_for(Duration::from_secs(1));
        assert!(pair.has_event(Side::A, "FingerprintMismatch"));
        assert!(pair.has_event(
            Side::B,
            "Closed(CloseReason { initiator: Remote, cause: Alert(bad_certificate) })"
        ));
    }
}

/// A connection of a role, and what a rogue of the other role told it.
fn told_by(rogue: &mut Rogue, role: Role) -> Connection {
    let now = netsim::epoch();
    let own = match role {
        Role::Client => alice(),
        Role::Server => bob(),
    };
    let mut connection = Endpoint::new(config(own), role, 1).connection;
    // The certificate that the rogue shows is announced: only the proof is at stake.
    connection.set_remote_fingerprints(now, vec![rogue.certificate.fingerprint()]);
    connection.start(now, None);
    let (first, second): (&[Step], &[Step]) = match role {
        Role::Client => (
            &[
                Step::Hello,
                Step::Certificate,
                Step::ServerKeyExchange,
                Step::CertificateRequest,
                Step::ServerHelloDone,
            ],
            &[Step::ChangeCipherSpec, Step::Finished, Step::Data],
        ),
        Role::Server => (
            &[Step::Hello],
            &[
                Step::Certificate,
                Step::ClientKeyExchange,
                Step::CertificateVerify,
                Step::ChangeCipherSpec,
                Step::Finished,
                Step::Data,
            ],
        ),
    };
    for steps in [first, second] {
        rogue.listen(&mut connection, now);
        for step in steps {
            rogue.tell(&mut connection, now, *step);
        }
    }
    connection
}

fn assert_no_proof(mut connection: Connection, cause: Cause) {
    assert!(!connection.is_connected());
    assert!(
        connection
            .export_keying_material("x", None, &mut [0; 8])
            .is_err()
    );
    assert_eq!(connection.recv(&mut Vec::new()), None);
    connection.handle_timeout(netsim::epoch() + Duration::from_secs(30));
    let reason = crate::CloseReason {
        initiator: Initiator::Local,
        cause,
    };
    assert_eq!(connection.poll_event(), Some(Event::Closed(reason)));
    assert_eq!(connection.poll_event(), None);
}

#[test]
fn the_rogue_connects_when_it_is_honest() {
    for role in [Role::Client, Role::Server] {
        let connection = told_by(&mut Rogue::new(role.reversed()), role);
        assert!(connection.is_connected());
    }
}

#[test]
fn a_certificate_without_its_key_proves_nothing() {
    for role in [Role::Client, Role::Server] {
        let mut rogue = Rogue::new(role.reversed());
        rogue.key = match role {
            Role::Client => alice(),
            Role::Server => bob(),
        };
        assert_no_proof(told_by(&mut rogue, role), Cause::BadProof);
    }
}

/// D-20.
#[test]
fn a_signature_under_a_weak_or_foreign_scheme_is_refused() {
    // ECDSA and RSA with SHA-1, ECDSA with SHA-384 (not on offer), RSA where the key is ECDSA, nonsense.
    for scheme in [0x0203, 0x0201, 0x0503, 0x0401, 0x0804, 0x0000] {
        for role in [Role::Client, Role::Server] {
            let mut rogue = Rogue::new(role.reversed());
            rogue.scheme = SignatureScheme(scheme);
            assert_no_proof(told_by(&mut rogue, role), Cause::Misbehaved);
        }
    }
}

#[test]
fn a_certificate_of_the_wrong_kind_for_the_suite_is_refused() {
    let mut rogue = Rogue::new(Role::Server);
    rogue.certificate = rsa();
    assert_no_proof(told_by(&mut rogue, Role::Client), Cause::Misbehaved);
}
