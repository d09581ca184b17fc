//! Catalogue D-08: whatever a peer leaves out, says twice or says in another order, only the legal path connects.
//! The peer here is the worst one: what it says is always correct for what it said before, so that no signature,
//! transcript or Finished betrays it, only the order itself.

use std::time::Instant;

use super::rogue::{Rogue, Step};
use crate::testing::{Endpoint, alice, bob, config};
use crate::{Connection, Event, Role};

fn server() -> Connection {
    let mut server = Endpoint::new(config(bob()), Role::Server, 1).connection;
    server.set_remote_fingerprints(netsim::epoch(), vec![alice().fingerprint()]);
    server.start(netsim::epoch(), None);
    server
}

fn client() -> Connection {
    let mut client = Endpoint::new(config(alice()), Role::Client, 1).connection;
    client.set_remote_fingerprints(netsim::epoch(), vec![bob().fingerprint()]);
    client.start(netsim::epoch(), None);
    client
}

/// All orders of all selections of steps.
fn arrangements(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = vec![Vec::new()];
    for (index, first) in steps.iter().enumerate() {
        let mut others = steps.to_vec();
        others.remove(index);
        for rest in arrangements(&others) {
            all.push([vec![*first], rest].concat());
        }
    }
    all
}

fn assert_shut(connection: &mut Connection, now: Instant, what: &dyn std::fmt::Debug) {
    assert!(!connection.is_connected(), "{what:?}");
    assert!(
        connection
            .export_keying_material("x", None, &mut [0; 8])
            .is_err()
    );
    assert!(connection.begin(&mut Vec::new()).is_none());
    assert_eq!(connection.recv(&mut Vec::new()), None, "{what:?}");
    assert_eq!(connection.peer_certificate(), None);
    assert_eq!(connection.key_log_line(), None);
    while let Some(event) = connection.poll_event() {
        assert!(matches!(event, Event::Closed(_)), "{what:?}: {event:?}");
    }
    // Nor later.
    connection.handle_timeout(now + std::time::Duration::from_secs(31));
    assert!(!connection.is_connected());
}

/// What a server does with a client that says these steps after its hello.
fn server_after(steps: &[Step]) -> Connection {
    let now = netsim::epoch();
    let mut server = server();
    let mut rogue = Rogue::new(Role::Client);
    rogue.tell(&mut server, now, Step::Hello);
    rogue.listen(&mut server, now);
    for step in steps {
        rogue.tell(&mut server, now, *step);
    }
    // The best moment to be let in by mistake.
    rogue.tell(&mut server, now, Step::Data);
    server
}

/// Catalogue D-08.
#[test]
fn a_server_connects_on_the_legal_path_only() {
    let legal = [
        Step::Certificate,
        Step::ClientKeyExchange,
        Step::CertificateVerify,
        Step::ChangeCipherSpec,
        Step::Finished,
    ];
    let mut connected = 0;
    for steps in arrangements(&legal) {
        let mut server = server_after(&steps);
        // ChangeCipherSpec has no number, so it may arrive at any point; it may not be missing.
        let messages: Vec<_> = steps
            .iter()
            .copied()
            .filter(|s| *s != Step::ChangeCipherSpec)
            .collect();
        let order = [
            Step::Certificate,
            Step::ClientKeyExchange,
            Step::CertificateVerify,
            Step::Finished,
        ];
        if messages == order && steps.len() == 5 {
            assert!(server.is_connected(), "{steps:?}");
            connected += 1;
            let mut data = Vec::new();
            assert_eq!(server.recv(&mut data), Some(9));
        } else {
            assert_shut(&mut server, netsim::epoch(), &steps);
        }
    }
    assert_eq!(connected, 5);
}

/// Catalogue D-08.
#[test]
fn a_message_said_twice_connects_no_server() {
    let legal = [
        Step::Certificate,
        Step::ClientKeyExchange,
        Step::CertificateVerify,
        Step::ChangeCipherSpec,
        Step::Finished,
    ];
    for twice in [
        Step::Certificate,
        Step::ClientKeyExchange,
        Step::CertificateVerify,
    ] {
        for at in 0..legal.len() {
            let mut steps = legal.to_vec();
            steps.insert(at, twice);
            assert_shut(&mut server_after(&steps), netsim::epoch(), &steps);
        }
    }
}

/// D-23.
#[test]
fn a_server_lets_nobody_in_without_certificate_proof_or_protection() {
    use Step::{
        Certificate, CertificateVerify, ChangeCipherSpec, ClientKeyExchange, Finished,
        NoCertificate, PlainFinished,
    };
    for steps in [
        &[NoCertificate, ClientKeyExchange, ChangeCipherSpec, Finished][..],
        &[
            NoCertificate,
            ClientKeyExchange,
            CertificateVerify,
            ChangeCipherSpec,
            Finished,
        ],
        &[ClientKeyExchange, ChangeCipherSpec, Finished],
        &[Certificate, ClientKeyExchange, ChangeCipherSpec, Finished],
        &[
            Certificate,
            ClientKeyExchange,
            CertificateVerify,
            PlainFinished,
        ],
        &[
            Certificate,
            ClientKeyExchange,
            CertificateVerify,
            ChangeCipherSpec,
            PlainFinished,
        ],
        &[PlainFinished],
    ] {
        assert_shut(&mut server_after(steps), netsim::epoch(), &steps);
    }
}

#[test]
fn a_forged_finished_in_the_clear_does_not_keep_the_genuine_one_out() {
    use Step::{Certificate, CertificateVerify, ChangeCipherSpec, ClientKeyExchange, Finished};
    let now = netsim::epoch();
    for forged_after in 0..=4 {
        let mut server = server();
        let mut rogue = Rogue::new(Role::Client);
        rogue.tell(&mut server, now, Step::Hello);
        rogue.listen(&mut server, now);
        let steps = [
            Certificate,
            ClientKeyExchange,
            CertificateVerify,
            ChangeCipherSpec,
            Finished,
        ];
        for (index, step) in steps.into_iter().enumerate() {
            if index == forged_after {
                // Number 4 is the client's Finished.
                let forged = [&[20, 0, 0, 12, 0, 4, 0, 0, 0, 0, 0, 12][..], &[0; 12]].concat();
                let mut record = rogue.record(0, crate::wire::ContentType::Handshake, &forged);
                server.handle_datagram(now, &mut record);
            }
            rogue.tell(&mut server, now, step);
        }
        assert!(server.is_connected(), "forged before step {forged_after}");
    }
}

/// What a client does with a server that says these steps, and finishes if it is answered.
fn client_after(steps: &[Step], end: &[Step]) -> Connection {
    let now = netsim::epoch();
    let mut client = client();
    let mut rogue = Rogue::new(Role::Server);
    rogue.listen(&mut client, now);
    for step in steps {
        rogue.tell(&mut client, now, *step);
    }
    rogue.listen(&mut client, now);
    for step in end {
        rogue.tell(&mut client, now, *step);
    }
    rogue.tell(&mut client, now, Step::Data);
    client
}

/// Catalogue D-08.
#[test]
fn a_client_connects_on_the_legal_path_only() {
    let legal = [
        Step::Hello,
        Step::Certificate,
        Step::ServerKeyExchange,
        Step::CertificateRequest,
        Step::ServerHelloDone,
    ];
    let end = [Step::ChangeCipherSpec, Step::Finished];
    for steps in arrangements(&legal) {
        let mut client = client_after(&steps, &end);
        if steps == legal {
            assert!(client.is_connected());
            assert_eq!(client.recv(&mut Vec::new()), Some(9));
        } else {
            assert_shut(&mut client, netsim::epoch(), &steps);
        }
    }
    for end in [
        &[][..],
        &[Step::ChangeCipherSpec],
        &[Step::Finished],
        &[Step::PlainFinished],
        &[Step::ChangeCipherSpec, Step::PlainFinished],
        &[Step::PlainFinished, Step::ChangeCipherSpec],
    ] {
        assert_shut(&mut client_after(&legal, end), netsim::epoch(), &end);
    }
    let late = [Step::Finished, Step::ChangeCipherSpec];
    assert!(client_after(&legal, &late).is_connected());
}

#[test]
fn a_client_lets_nobody_in_without_a_certificate() {
    let steps = [
        Step::Hello,
        Step::NoCertificate,
        Step::ServerKeyExchange,
        Step::CertificateRequest,
        Step::ServerHelloDone,
    ];
    let end = [Step::ChangeCipherSpec, Step::Finished];
    assert_shut(&mut client_after(&steps, &end), netsim::epoch(), &steps);
}

/// D-34.
#[test]
fn a_finished_that_is_not_exactly_right_connects_nobody() {
    for wrong in [Step::WrongFinished, Step::ShortFinished, Step::LongFinished] {
        let client_says = [
            Step::Certificate,
            Step::ClientKeyExchange,
            Step::CertificateVerify,
            Step::ChangeCipherSpec,
            wrong,
        ];
        assert_shut(&mut server_after(&client_says), netsim::epoch(), &wrong);
        let server_says = [
            Step::Hello,
            Step::Certificate,
            Step::ServerKeyExchange,
            Step::CertificateRequest,
            Step::ServerHelloDone,
        ];
        let end = [Step::ChangeCipherSpec, wrong];
        assert_shut(
            &mut client_after(&server_says, &end),
            netsim::epoch(),
            &wrong,
        );
    }
}

/// D-7.
#[test]
fn data_that_overtakes_finished_waits_for_it() {
    use Step::{
        Certificate, CertificateVerify, ChangeCipherSpec, ClientKeyExchange, Data, Finished,
    };
    let now = netsim::epoch();
    for before in [ChangeCipherSpec, Finished] {
        let mut server = server();
        let mut rogue = Rogue::new(Role::Client);
        rogue.tell(&mut server, now, Step::Hello);
        rogue.listen(&mut server, now);
        for step in [
            Certificate,
            ClientKeyExchange,
            CertificateVerify,
            ChangeCipherSpec,
            Finished,
        ] {
            if step == before {
                rogue.tell(&mut server, now, Data);
                assert_eq!(server.recv(&mut Vec::new()), None);
            }
            rogue.tell(&mut server, now, step);
        }
        let mut data = Vec::new();
        assert_eq!(server.recv(&mut data), Some(9));
        assert_eq!(server.recv(&mut data), None);
        assert_eq!(data, b"let me in");
    }
}
