//! Connections of DTLS 1.2 that go on from an earlier one by a ticket (RFC 5077).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::resumption::{DAY, client, exchange, keys, meet, meet_counted, outcome, server};
use crate::testing::{alice, bob};
use crate::{
    Cause, Config, Connection, Event, Fingerprint, HashAlgorithm, PreSharedKey, Role, Ticket,
    Versions,
};

fn of_12(mut config: Config) -> Config {
    config.versions = Versions::DTLS_1_2;
    config.tickets_12 = true;
    config
}

/// The ticket of a first connection.
fn first(now: Instant, configs: (&Config, &Config)) -> Ticket {
    let mut sides = meet(now, 1, configs, None);
    assert_eq!(outcome(&sides), (true, false));
    sides[0].take_ticket().unwrap()
}

#[test]
fn a_client_of_1_2_comes_back_with_a_ticket_and_both_sides_are_who_they_were() {
    let (client, server) = (of_12(client()), of_12(server()));
    let mut now = netsim::epoch();
    let mut last = None;
    let mut ticket = None;
    for seed in 1..6 {
        let (mut sides, said) = meet_counted(now, seed, (&client, &server), ticket.take());
        assert_eq!(outcome(&sides), (true, seed > 1));
        assert_eq!(sides[0].peer_certificate(), Some(bob().der()));
        assert_eq!(sides[1].peer_certificate(), Some(alice().der()));
        // Neither certificates nor signatures cross.
        assert!(seed == 1 || said[1] < 2 * alice().der().len(), "{said:?}");
        assert!(matches!(
            sides[0].poll_event(),
            Some(Event::Connected { .. })
        ));
        assert_eq!(sides[0].poll_event(), Some(Event::Ticket));
        let taken = sides[0].take_ticket().unwrap();
        assert!(sides[0].take_ticket().is_none() && sides[1].take_ticket().is_none());
        assert_eq!(taken.peer_certificate(), Some(bob().der()));
        assert_eq!(taken.expires(), now + DAY);
        // New secrets every time.
        let mut exported = [[0; 32]; 2];
        for (side, out) in sides.iter().zip(&mut exported) {
            side.export_keying_material("EXPORTER-test", None, out)
                .unwrap();
        }
        assert_eq!(exported[0], exported[1]);
        assert_ne!(last.replace(exported[0]), Some(exported[0]));
        // Data flows both ways.
        for (from, to) in [(0, 1), (1, 0)] {
            let mut record = Vec::new();
            let mark = sides[from].begin(&mut record).unwrap();
            record.extend_from_slice(b"data");
            sides[from].seal(now, &mut record, mark).unwrap();
            sides[to].handle_datagram(now, &mut record);
            assert_eq!(sides[to].recv(&mut Vec::new()), Some(4));
        }
        ticket = Some(taken);
        now += Duration::from_secs(60 * 60);
    }
}

#[test]
fn nobody_gets_a_ticket_of_1_2_unless_both_sides_want_it() {
    let now = netsim::epoch();
    for (asks, gives) in [(false, true), (true, false), (false, false)] {
        let (mut client, mut server) = (of_12(client()), of_12(server()));
        (client.tickets_12, server.tickets_12) = (asks, gives);
        let mut sides = meet(now, 1, (&client, &server), None);
        assert_eq!(outcome(&sides), (true, false));
        assert!(sides[0].take_ticket().is_none());
        assert!(sides[0].poll_event().is_some());
        assert_eq!(sides[0].poll_event(), None);
    }
}

#[test]
fn a_ticket_that_is_no_good_leads_to_a_whole_handshake() {
    let start = netsim::epoch();
    let (client, server) = (of_12(client()), of_12(server()));
    let ticket = first(start, (&client, &server));
    type Change = fn(&mut Config);
    let changes: [(Change, bool); 6] = [
        (|_| {}, true),
        (|config| config.tickets = None, false),
        (|config| config.tickets_12 = false, false),
        (|config| config.tickets = Some(keys().rotate([1; 32])), true),
        (
            |config| config.tickets = Some(keys().rotate([1; 32]).rotate([2; 32])),
            false,
        ),
        // Another suite is wanted by now.
        (|config| config.cipher_suites = vec![0xc02c], false),
    ];
    for (place, (change, resumes)) in changes.into_iter().enumerate() {
        let mut server = server.clone();
        change(&mut server);
        let sides = meet(start, 2, (&client, &server), Some(ticket.clone()));
        assert_eq!(outcome(&sides), (true, resumes), "{place}");
    }
    let late = start + DAY + Duration::from_secs(1);
    let sides = meet(late, 3, (&client, &server), Some(ticket));
    assert_eq!(outcome(&sides), (true, false));
}

/// What a master secret is good for no ticket of 1.3 is, and the other way round.
#[test]
fn a_ticket_is_good_for_its_own_version_alone() {
    let now = netsim::epoch();
    let (mut client, mut server) = (of_12(client()), of_12(server()));
    let of_1_2 = first(now, (&client, &server));
    let only = |config: &Config, versions| Config {
        versions,
        ..config.clone()
    };
    (client.versions, server.versions) = (Versions::ALL, Versions::ALL);
    let of_1_3 = first(now, (&client, &server));
    for (ticket, versions, resumes) in [
        (&of_1_2, Versions::DTLS_1_2, true),
        (&of_1_2, Versions::DTLS_1_3, false),
        (&of_1_2, Versions::ALL, false),
        (&of_1_3, Versions::DTLS_1_2, false),
        (&of_1_3, Versions::ALL, true),
    ] {
        let server = only(&server, versions);
        let sides = meet(now, 2, (&client, &server), Some(ticket.clone()));
        assert_eq!(outcome(&sides), (true, resumes), "{versions:?}");
    }
}

/// A ticket stands for the one who got it: announced is somebody else.
#[test]
fn a_ticket_of_1_2_of_somebody_who_is_not_announced_connects_nobody() {
    let now = netsim::epoch();
    let (client, server) = (of_12(client()), of_12(server()));
    let ticket = first(now, (&client, &server));
    let stranger = Fingerprint::of(HashAlgorithm::Sha256, b"somebody else");
    // Announced before the handshake, and after it.
    for (wrong, late) in [(0, false), (1, false), (0, true), (1, true)] {
        let side = |config: &Config, role| {
            Connection::new(Arc::new(config.clone()), role, [9; 32]).unwrap()
        };
        let mut sides = [side(&client, Role::Client), side(&server, Role::Server)];
        sides[0].offer_ticket(ticket.clone());
        let announced = [bob().fingerprint(), alice().fingerprint()];
        for (own, fingerprint) in announced.into_iter().enumerate() {
            if own != wrong {
                sides[own].set_remote_fingerprints(now, vec![fingerprint]);
            } else if !late {
                sides[own].set_remote_fingerprints(now, vec![stranger.clone()]);
            }
        }
        for side in &mut sides {
            side.start(now, None);
        }
        exchange(now, &mut sides);
        if late {
            assert!(!sides[wrong].is_connected());
            sides[wrong].set_remote_fingerprints(now, vec![stranger.clone()]);
        }
        assert!(!sides[wrong].is_connected(), "{wrong}");
        // A hello or a certificate that is refused may be a stranger's: a better one is waited for until time is up.
        while let Some(due) = sides[wrong].poll_timeout() {
            sides[wrong].handle_timeout(due);
        }
        let ended = std::iter::from_fn(|| sides[wrong].poll_event()).last();
        let Some(Event::Closed(reason)) = ended else {
            panic!("{wrong}: {ended:?}");
        };
        assert_eq!(reason.cause, Cause::FingerprintMismatch);
    }
}

/// The master secret is the proof: a ticket that somebody saw on the wire is worth nothing.
#[test]
fn a_ticket_of_1_2_without_its_key_connects_nobody() {
    let now = netsim::epoch();
    let (client, server) = (of_12(client()), of_12(server()));
    let mut ticket = first(now, (&client, &server));
    ticket.session.key[0] ^= 1;
    let sides = meet(now, 2, (&client, &server), Some(ticket));
    assert_eq!(outcome(&sides), (false, false));
}

/// Both sides knew a key: that stays the proof of who they are.
#[test]
fn a_connection_by_a_shared_key_goes_on_by_a_ticket() {
    let now = netsim::epoch();
    let (mut client, mut server) = (of_12(client()), of_12(server()));
    for config in [&mut client, &mut server] {
        config.certificate = None;
        config
            .psks
            .push(PreSharedKey::new(b"name", &[3; 32]).unwrap());
    }
    let ticket = first(now, (&client, &server));
    assert_eq!(ticket.peer_certificate(), None);
    let sides = meet(now, 2, (&client, &server), Some(ticket));
    assert_eq!(outcome(&sides), (true, true));
}

/// Runs until both are connected, or time is up; the datagram of this number is lost.
fn meet_with_loss(
    (client, server): (&Config, &Config),
    ticket: Option<Ticket>,
    lost: usize,
) -> (Duration, bool) {
    let start = netsim::epoch();
    let mut now = start;
    let side = |config: &Config, role, seed| {
        Connection::new(Arc::new(config.clone()), role, [seed; 32]).unwrap()
    };
    let mut sides = [side(client, Role::Client, 5), side(server, Role::Server, 6)];
    sides[0].set_remote_fingerprints(now, vec![bob().fingerprint()]);
    sides[1].set_remote_fingerprints(now, vec![alice().fingerprint()]);
    if let Some(ticket) = ticket {
        sides[0].offer_ticket(ticket);
    }
    for side in &mut sides {
        side.start(now, None);
    }
    let mut count = 0;
    while !sides.iter().all(Connection::is_connected) {
        let mut quiet = true;
        for from in 0..2 {
            let mut datagram = Vec::new();
            while sides[from].poll_transmit(now, &mut datagram).is_some() {
                quiet = false;
                if count != lost {
                    sides[1 - from].handle_datagram(now, &mut datagram);
                }
                count += 1;
                datagram.clear();
            }
        }
        if quiet {
            let due = sides.iter().filter_map(Connection::poll_timeout).min();
            now = now.max(due.unwrap());
            for side in &mut sides {
                side.handle_timeout(now);
            }
        }
        assert!(now - start < Duration::from_secs(20), "{lost}");
    }
    (now - start, sides.iter().all(Connection::is_resumed))
}

/// The last flight is the client's, for once.
#[test]
fn the_loss_of_any_one_datagram_of_a_resumed_handshake_costs_one_timeout() {
    let (mut client, mut server) = (of_12(client()), of_12(server()));
    for mtu in [1200, 200] {
        (client.mtu, server.mtu) = (mtu, mtu);
        let ticket = first(netsim::epoch(), (&client, &server));
        for lost in 0..12 {
            let (whole, resumed) = meet_with_loss((&client, &server), None, lost);
            assert!(!resumed && whole <= Duration::from_secs(1), "{lost}");
            let met = meet_with_loss((&client, &server), Some(ticket.clone()), lost);
            assert!(met.1 && met.0 <= Duration::from_secs(1), "{lost}: {met:?}");
        }
    }
}

/// No bit of what crosses in the clear can be turned so that the two sides connect and disagree.
#[test]
fn a_resumed_handshake_with_a_flipped_bit_connects_nobody_who_disagrees() {
    let now = netsim::epoch();
    let (client, server) = (of_12(client()), of_12(server()));
    let ticket = first(now, (&client, &server));
    for direction in 0..2 {
        for bit in (0..8 * 300).step_by(7) {
            let side = |config: &Config, role| {
                Connection::new(Arc::new(config.clone()), role, [9; 32]).unwrap()
            };
            let mut sides = [side(&client, Role::Client), side(&server, Role::Server)];
            sides[0].offer_ticket(ticket.clone());
            sides[0].set_remote_fingerprints(now, vec![bob().fingerprint()]);
            sides[1].set_remote_fingerprints(now, vec![alice().fingerprint()]);
            for side in &mut sides {
                side.start(now, None);
            }
            let mut first = true;
            let mut datagram = Vec::new();
            for turn in 0..8 {
                let from = turn % 2;
                while sides[from].poll_transmit(now, &mut datagram).is_some() {
                    if from == direction && std::mem::take(&mut first) && bit / 8 < datagram.len() {
                        datagram[bit / 8] ^= 1 << (bit % 8);
                    }
                    sides[1 - from].handle_datagram(now, &mut datagram);
                    datagram.clear();
                }
            }
            if sides.iter().all(Connection::is_connected) {
                let mut exported = [[0; 32]; 2];
                for (side, out) in sides.iter().zip(&mut exported) {
                    side.export_keying_material("EXPORTER-test", None, out)
                        .unwrap();
                }
                assert_eq!(exported[0], exported[1], "{direction} {bit}");
            }
        }
    }
}
