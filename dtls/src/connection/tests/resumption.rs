//! Connections that go on from an earlier one (D-36).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::testing::{alice, bob, config_13};
use crate::{
    Cause, Config, Connection, Event, Fingerprint, PeerCertificate, PreSharedKey, Role, Ticket,
    TicketKeys, Versions,
};

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn keys() -> TicketKeys {
    TicketKeys::new([7; 32], netsim::epoch())
}

pub(super) fn client() -> Config {
    let mut client = config_13(alice());
    client.accept_tickets = true;
    client
}

pub(super) fn server() -> Config {
    let mut server = config_13(bob());
    server.tickets = Some(keys());
    server
}

/// A connection between these two, the client's side first.
pub(super) fn meet(
    now: Instant,
    seed: u8,
    (client, server): (&Config, &Config),
    ticket: Option<Ticket>,
) -> [Connection; 2] {
    meet_counted(now, seed, (client, server), ticket).0
}

/// The same, with the bytes that each side said.
pub(super) fn meet_counted(
    now: Instant,
    seed: u8,
    (client, server): (&Config, &Config),
    ticket: Option<Ticket>,
) -> ([Connection; 2], [usize; 2]) {
    let side = |config: &Config, role, seed| {
        Connection::new(Arc::new(config.clone()), role, [seed; 32]).unwrap()
    };
    let mut sides = [
        side(client, Role::Client, seed),
        side(server, Role::Server, seed + 100),
    ];
    sides[0].set_remote_fingerprints(now, vec![bob().fingerprint()]);
    sides[1].set_remote_fingerprints(now, vec![alice().fingerprint()]);
    if let Some(ticket) = ticket {
        sides[0].offer_ticket(ticket);
    }
    for side in &mut sides {
        side.start(now, None);
    }
    let said = exchange(now, &mut sides);
    (sides, said)
}

pub(super) fn exchange(now: Instant, sides: &mut [Connection; 2]) -> [usize; 2] {
    let mut datagram = Vec::new();
    let mut said = [0; 2];
    for turn in 0..16 {
        while sides[turn % 2].poll_transmit(now, &mut datagram).is_some() {
            said[turn % 2] += datagram.len();
            sides[1 - turn % 2].handle_datagram(now, &mut datagram);
            datagram.clear();
        }
    }
    said
}

/// Whether both sides are connected, and whether they went on from before.
pub(super) fn outcome(sides: &[Connection; 2]) -> (bool, bool) {
    assert_eq!(sides[0].is_resumed(), sides[1].is_resumed());
    let connected = sides.iter().all(Connection::is_connected);
    (connected, sides[0].is_resumed())
}

#[test]
fn a_client_comes_back_with_a_ticket_and_both_sides_are_who_they_were() {
    let (client, server) = (client(), server());
    let mut now = netsim::epoch();
    let mut sides = meet(now, 1, (&client, &server), None);
    for seed in 2..6 {
        assert_eq!(outcome(&sides), (true, seed > 2));
        assert_eq!(sides[0].peer_certificate(), Some(bob().der()));
        assert_eq!(sides[1].peer_certificate(), Some(alice().der()));
        assert!(matches!(
            sides[0].poll_event(),
            Some(Event::Connected { .. })
        ));
        assert_eq!(sides[0].poll_event(), Some(Event::Ticket));
        let (one, other) = (sides[0].take_ticket(), sides[0].take_ticket());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_ne!(one.identity(), other.identity());
        assert!(sides[0].take_ticket().is_none());
        assert_eq!(one.peer_certificate(), Some(bob().der()));
        assert_eq!(one.expires(), now + DAY);

        // New secrets every time.
        let mut exported = [[0; 32]; 2];
        for (side, out) in sides.iter().zip(&mut exported) {
            side.export_keying_material("EXPORTER-test", None, out)
                .unwrap();
        }
        assert_eq!(exported[0], exported[1]);

        now += Duration::from_secs(60 * 60);
        sides = meet(now, seed, (&client, &server), Some(one));
    }
    assert_eq!(outcome(&sides), (true, true));
}

/// Neither certificates nor signatures cross, apart from what the client's ticket holds for the server.
#[test]
fn a_resumed_handshake_shows_no_certificates() {
    let now = netsim::epoch();
    let (client, server) = (client(), server());
    let (mut sides, whole) = meet_counted(now, 1, (&client, &server), None);
    let ticket = sides[0].take_ticket().unwrap();
    let shown = ticket.identity().len();
    let (sides, resumed) = meet_counted(now, 2, (&client, &server), Some(ticket));
    assert_eq!(outcome(&sides), (true, true));
    let saved = bob().der().len();
    assert!(resumed[1] + saved < whole[1], "{resumed:?} {whole:?}");
    assert!(resumed[0] < whole[0] + shown, "{resumed:?} {whole:?}");
    // Its flight, the acknowledgement of Finished, and new tickets.
    assert_eq!(sides[1].stats().datagrams_sent, 3);
}

#[test]
fn nobody_gets_a_ticket_who_did_not_ask_or_from_whom_has_no_key() {
    let now = netsim::epoch();
    for (asks, gives) in [(false, true), (true, false), (false, false)] {
        let (mut client, mut server) = (client(), server());
        client.accept_tickets = asks;
        server.tickets = server.tickets.filter(|_| gives);
        let mut sides = meet(now, 1, (&client, &server), None);
        assert_eq!(outcome(&sides), (true, false));
        assert!(sides[0].take_ticket().is_none());
        assert!(sides[0].poll_event().is_some());
        assert_eq!(sides[0].poll_event(), None);
    }
}

#[test]
fn a_ticket_that_is_too_old_or_of_a_forgotten_key_leads_to_a_whole_handshake() {
    let start = netsim::epoch();
    let (client, server) = (client(), server());
    let mut sides = meet(start, 1, (&client, &server), None);
    let ticket = sides[0].take_ticket().unwrap();
    let rotated = |times: u8| {
        let mut server = server.clone();
        let keys = (0..times).fold(keys(), |keys, time| keys.rotate([time; 32]));
        server.tickets = Some(keys);
        server
    };
    for (age, rotations, resumed) in [
        (DAY - Duration::from_secs(1), 0, true),
        (DAY + Duration::from_secs(1), 0, false),
        (Duration::from_secs(1), 1, true),
        (Duration::from_secs(1), 2, false),
    ] {
        let now = start + age;
        let server = rotated(rotations);
        let sides = meet(now, 2, (&client, &server), Some(ticket.clone()));
        assert_eq!(outcome(&sides), (true, resumed), "{age:?} {rotations}");
    }
    // Nor does a server of 1.2 mind, or one that knows of no tickets.
    for change in [
        |config: &mut Config| config.versions = Versions::DTLS_1_2,
        |config: &mut Config| config.tickets = None,
    ] {
        let (mut client, mut other) = (client.clone(), server.clone());
        client.versions = Versions::ALL;
        change(&mut other);
        let sides = meet(start, 3, (&client, &other), Some(ticket.clone()));
        assert_eq!(outcome(&sides), (true, false));
    }
}

/// A ticket stands for the one who got it: announced is somebody else.
#[test]
fn a_ticket_of_somebody_who_is_not_announced_connects_nobody() {
    let now = netsim::epoch();
    let (client, server) = (client(), server());
    let mut sides = meet(now, 1, (&client, &server), None);
    let ticket = sides[0].take_ticket().unwrap();
    let stranger = Fingerprint::of(crate::HashAlgorithm::Sha256, b"somebody else");
    for wrong in [0, 1] {
        let side = |config: &Config, role| {
            Connection::new(Arc::new(config.clone()), role, [9; 32]).unwrap()
        };
        let mut sides = [side(&client, Role::Client), side(&server, Role::Server)];
        let announced = |own: usize, fingerprint| match own == wrong {
            true => vec![stranger.clone()],
            false => vec![fingerprint],
        };
        sides[0].offer_ticket(ticket.clone());
        sides[0].set_remote_fingerprints(now, announced(0, bob().fingerprint()));
        sides[1].set_remote_fingerprints(now, announced(1, alice().fingerprint()));
        for side in &mut sides {
            side.start(now, None);
        }
        exchange(now, &mut sides);
        assert!(!sides[wrong].is_connected(), "{wrong}");
        let ended = std::iter::from_fn(|| sides[wrong].poll_event()).last();
        let Some(Event::Closed(reason)) = ended else {
            panic!("{wrong}: {ended:?}");
        };
        assert_eq!(reason.cause, Cause::FingerprintMismatch);
    }
}

/// The key is the proof: a ticket that somebody saw on the wire is worth nothing.
#[test]
fn a_ticket_without_its_key_connects_nobody() {
    let now = netsim::epoch();
    let (client, server) = (client(), server());
    let mut sides = meet(now, 1, (&client, &server), None);
    let mut ticket = sides[0].take_ticket().unwrap();
    ticket.session.key[0] ^= 1;
    let sides = meet(now, 2, (&client, &server), Some(ticket));
    assert_eq!(outcome(&sides), (false, false));
}

/// Together with keys from outside, with a HelloRetryRequest, and with suites of the other hash.
#[test]
fn a_ticket_goes_with_keys_from_outside_and_with_another_group() {
    let now = netsim::epoch();
    let psk = PreSharedKey::new(b"name", &[3; 32]).unwrap();
    for (with_psk, retry) in [(false, true), (true, false), (true, true)] {
        let (mut client, mut server) = (client(), server());
        for config in [&mut client, &mut server] {
            config.psks.extend(with_psk.then(|| psk.clone()));
            config.peer_certificate = PeerCertificate::Announced;
        }
        if retry {
            server.groups = vec![crate::NamedGroup::Secp256r1];
        }
        let mut sides = meet(now, 1, (&client, &server), None);
        assert_eq!(outcome(&sides), (true, false));
        let ticket = sides[0].take_ticket();
        assert_eq!(
            ticket.as_ref().and_then(Ticket::peer_certificate),
            (!with_psk).then(|| bob().der().to_vec()).as_deref()
        );
        let sides = meet(now, 2, (&client, &server), ticket.clone());
        assert_eq!(outcome(&sides), (true, true));
        // A ticket that is not known any more leaves the key from outside.
        server.tickets = None;
        let sides = meet(now, 3, (&client, &server), ticket);
        assert_eq!(outcome(&sides), (true, false));
    }
}

/// Whom nobody proved to be does not become somebody by coming back.
#[test]
fn a_client_that_showed_no_certificate_does_not_come_back_where_one_is_required() {
    let now = netsim::epoch();
    let (mut client, mut server) = (client(), server());
    client.certificate = None;
    client.peer_certificate = PeerCertificate::Requested;
    server.peer_certificate = PeerCertificate::Requested;
    let mut sides = meet(now, 1, (&client, &server), None);
    assert_eq!(outcome(&sides), (true, false));
    let ticket = sides[0].take_ticket().unwrap();
    let sides = meet(now, 2, (&client, &server), Some(ticket.clone()));
    assert_eq!(outcome(&sides), (true, true));
    server.peer_certificate = PeerCertificate::Required;
    let sides = meet(now, 3, (&client, &server), Some(ticket));
    assert!(!sides[1].is_connected());
}

/// The loss of tickets, or of what acknowledges them, is nothing to worry about.
#[test]
fn tickets_that_nobody_acknowledges_are_given_up_in_peace() {
    let mut now = netsim::epoch();
    let [mut client, mut server] = meet(now, 1, (&client(), &server()), None);
    let mut sent = 0;
    for _ in 0..64 {
        let Some(due) = server.poll_timeout() else {
            break;
        };
        now = due;
        server.handle_timeout(now);
        while server.poll_transmit(now, &mut Vec::new()).is_some() {
            sent += 1;
        }
    }
    assert!(sent > 2, "they are repeated");
    assert_eq!(server.poll_timeout(), None);
    assert!(server.is_connected());
    // The client acknowledged them all the same, and that is enough.
    let due = client.poll_timeout().unwrap();
    client.handle_timeout(due);
    let mut datagram = Vec::new();
    assert!(client.poll_transmit(due, &mut datagram).is_some());
    server.handle_datagram(now, &mut datagram);
    assert!(server.is_connected());
}
