use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Listener;
use super::cookie::CookieSecrets;
use crate::testing::{alice, bob, config, config_13};
use crate::{
    Config, Connection, Event, NamedGroup, PeerCertificate, Role, Ticket, TicketKeys, Version,
    Versions,
};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn listener() -> Listener {
    let mut server = config(bob());
    server.peer_certificate = PeerCertificate::Requested;
    Listener::new(server, [5; 32]).unwrap()
}

fn listener_13(versions: Versions, groups: &[NamedGroup]) -> Listener {
    let mut server = config_13(bob());
    server.versions = versions;
    server.groups = groups.to_vec();
    server.peer_certificate = PeerCertificate::Requested;
    server.tickets = Some(TicketKeys::new([4; 32], netsim::epoch()));
    Listener::new(server, [5; 32]).unwrap()
}

fn client_13(seed: u8, versions: Versions, mtu: usize, ticket: Option<Ticket>) -> Connection {
    let mut client = Config::anonymous();
    client.provider = config(alice()).provider;
    client.peer_certificate = PeerCertificate::Requested;
    client.versions = versions;
    client.accept_tickets = true;
    client.mtu = mtu;
    let mut client = Connection::new(Arc::new(client), Role::Client, [seed; 32]).unwrap();
    if let Some(ticket) = ticket {
        client.offer_ticket(ticket);
    }
    client.start(netsim::epoch(), None);
    client
}

/// Lets a client and a listener talk; what the listener accepted.
fn converse(listener: &mut Listener, client: &mut Connection, from: SocketAddr) -> Vec<Connection> {
    let now = netsim::epoch();
    let mut accepted = Vec::new();
    for _ in 0..8 {
        for mut datagram in datagrams(client) {
            match accepted.first_mut() {
                None => listener.handle_datagram(now, from, &mut datagram),
                Some(connection) => Connection::handle_datagram(connection, now, &mut datagram),
            }
            accepted.extend(listener.poll_event().map(|accepted| accepted.connection));
        }
        let mut reply = Vec::new();
        while listener.poll_transmit(&mut reply).is_some() {
            client.handle_datagram(now, &mut reply);
            reply.clear();
        }
        for connection in &mut accepted {
            for mut datagram in datagrams(connection) {
                client.handle_datagram(now, &mut datagram);
            }
        }
    }
    accepted
}

/// D-4, D-5 of 1.3: whichever versions meet, with hellos in one datagram and in several, with the group known or not.
#[test]
fn every_pair_of_versions_connects_behind_a_cookie() {
    let (both, old, new) = (Versions::ALL, Versions::DTLS_1_2, Versions::DTLS_1_3);
    let (x25519, p256) = (NamedGroup::X25519, NamedGroup::Secp256r1);
    for (ours, theirs, agreed) in [
        (both, both, Version::Dtls13),
        (both, old, Version::Dtls12),
        (both, new, Version::Dtls13),
        (old, both, Version::Dtls12),
        (new, both, Version::Dtls13),
        (new, new, Version::Dtls13),
    ] {
        for (mtu, groups) in [
            (1200, [x25519, p256]),
            (128, [x25519, p256]),
            (1200, [p256, p256]),
        ] {
            let mut listener = listener_13(ours, &groups);
            let mut client = client_13(1, theirs, mtu, None);
            let accepted = converse(&mut listener, &mut client, address(1));
            assert_eq!(accepted.len(), 1, "{ours:?} {theirs:?} {mtu}");
            assert!(accepted[0].is_connected());
            let Some(Event::Connected { version, .. }) = client.poll_event() else {
                panic!("{ours:?} {theirs:?} {mtu} {groups:?}");
            };
            assert_eq!(version, agreed);
            assert_eq!(listener.stats().challenged, 1);
            assert_eq!(listener.unfinished.held(), 0);
        }
    }
}

/// D-36: also behind a cookie a client comes back with its ticket.
#[test]
fn a_ticket_is_good_behind_a_cookie() {
    let (versions, groups) = (Versions::DTLS_1_3, [NamedGroup::X25519]);
    let mut listener = listener_13(versions, &groups);
    let mut first = client_13(1, versions, 1200, None);
    assert_eq!(converse(&mut listener, &mut first, address(1)).len(), 1);
    let ticket = first.take_ticket();
    assert!(ticket.is_some());
    let mut second = client_13(2, versions, 1200, ticket);
    let accepted = converse(&mut listener, &mut second, address(2));
    assert!(accepted[0].is_resumed() && second.is_resumed());
}

/// Catalogue D-18, of 1.3.
#[test]
fn a_cookie_of_1_3_is_worth_nothing_from_another_address_later_or_with_another_hello() {
    let (versions, groups) = (Versions::DTLS_1_3, [NamedGroup::X25519]);
    let mut listener = listener_13(versions, &groups);
    let mut one = client_13(1, versions, 1200, None);
    let second = with_cookie(&mut listener, &mut one, address(1));
    assert_eq!(second.len(), 1);
    let try_it = |listener: &mut Listener, now, from, mut datagram: Vec<u8>| {
        listener.handle_datagram(now, from, &mut datagram);
        assert!(listener.poll_transmit(&mut Vec::new()).is_none());
        listener.poll_event().map(|accepted| accepted.connection)
    };
    let now = netsim::epoch();
    assert!(try_it(&mut listener, now, address(2), second[0].clone()).is_none());
    for end in 0..second[0].len() {
        let cut = second[0][..end].to_vec();
        assert!(
            try_it(&mut listener, now, address(1), cut).is_none(),
            "{end}"
        );
    }
    // Any other hello leads nowhere: either the cookie is not good, or the hash in it is of another first one, and
    // the client cannot read what it is told.
    for bit in (0..8 * second[0].len()).step_by(7) {
        let mut listener = listener_13(versions, &groups);
        let mut one = client_13(1, versions, 1200, None);
        let mut flipped = with_cookie(&mut listener, &mut one, address(1)).remove(0);
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Some(mut connection) = try_it(&mut listener, now, address(1), flipped) {
            for mut datagram in datagrams(&mut connection) {
                one.handle_datagram(now, &mut datagram);
            }
            // The numbers and versions of record and message are covered by nothing.
            assert!(!one.is_connected() || bit / 8 < 25, "bit {bit}");
        }
    }
    let late = now + 2 * CookieSecrets::PERIOD;
    assert!(
        try_it(
            &mut listener,
            now + CookieSecrets::PERIOD,
            address(9),
            second[0].clone()
        )
        .is_none()
    );
    assert!(try_it(&mut listener, late, address(1), second[0].clone()).is_none());
    // Nothing of that harmed the client, who is late itself now.
    assert_eq!(listener.half_open(), 0);
}

/// What strangers make a listener hold is bounded, whatever they begin and never end.
#[test]
fn beginnings_of_hellos_are_kept_in_small_numbers() {
    let mut listener = listener_13(Versions::ALL, &[NamedGroup::X25519]);
    let mut client = client_13(1, Versions::DTLS_1_3, 128, None);
    let pieces = datagrams(&mut client);
    assert!(pieces.len() > 1);
    for port in 0..10_000 {
        listener.handle_datagram(netsim::epoch(), address(port), &mut pieces[0].clone());
    }
    assert!(listener.unfinished.held() <= 32 * 4096);
    // The latest ones are still there.
    for piece in &pieces[1..] {
        listener.handle_datagram(netsim::epoch(), address(9_999), &mut piece.clone());
    }
    assert_eq!(
        listener.poll_transmit(&mut Vec::new()),
        Some(address(9_999))
    );
}

fn client(seed: u8, mtu: usize) -> Connection {
    let mut client = Config::anonymous();
    client.provider = config(alice()).provider;
    client.peer_certificate = PeerCertificate::Requested;
    client.versions = Versions::DTLS_1_2;
    client.mtu = mtu;
    let mut client = Connection::new(Arc::new(client), Role::Client, [seed; 32]).unwrap();
    client.start(netsim::epoch(), None);
    client
}

fn datagrams(connection: &mut Connection) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| {
        let mut datagram = Vec::new();
        connection.poll_transmit(netsim::epoch(), &mut datagram)?;
        Some(datagram)
    })
    .collect()
}

/// What the listener answers to what this client says.
fn reply(listener: &mut Listener, from: SocketAddr, hello: &[Vec<u8>]) -> Vec<u8> {
    for datagram in hello {
        listener.handle_datagram(netsim::epoch(), from, &mut datagram.clone());
    }
    let mut reply = Vec::new();
    assert_eq!(listener.poll_transmit(&mut reply), Some(from));
    reply
}

/// A client's second hello, with the cookie in it.
fn with_cookie(listener: &mut Listener, client: &mut Connection, from: SocketAddr) -> Vec<Vec<u8>> {
    let hello = datagrams(client);
    let mut reply = reply(listener, from, &hello);
    client.handle_datagram(netsim::epoch(), &mut reply);
    datagrams(client)
}

/// D-5, catalogue D-17: the whole way, with hellos in one datagram and in several.
///
/// D-4.
#[test]
fn a_client_that_shows_its_cookie_gets_a_connection() {
    for mtu in [1200, 160] {
        let (mut listener, mut client) = (listener(), client(1, mtu));
        let hello = datagrams(&mut client);
        let mut reply = reply(&mut listener, address(1), &hello);
        assert!(
            reply.len() <= hello[0].len(),
            "an answer longer than the question"
        );
        assert!(listener.poll_event().is_none());
        assert_eq!(listener.half_open(), 0);

        client.handle_datagram(netsim::epoch(), &mut reply);
        let mut rest = datagrams(&mut client).into_iter();
        let mut first = rest.next().unwrap();
        listener.handle_datagram(netsim::epoch(), address(1), &mut first);
        let mut accepted = listener.poll_event().unwrap();
        assert_eq!(accepted.from, address(1));
        for mut datagram in rest {
            accepted
                .connection
                .handle_datagram(netsim::epoch(), &mut datagram);
        }
        for _ in 0..4 {
            for mut datagram in datagrams(&mut accepted.connection) {
                client.handle_datagram(netsim::epoch(), &mut datagram);
            }
            for mut datagram in datagrams(&mut client) {
                accepted
                    .connection
                    .handle_datagram(netsim::epoch(), &mut datagram);
            }
        }
        assert!(matches!(client.poll_event(), Some(Event::Connected { .. })));
        assert!(matches!(
            accepted.connection.poll_event(),
            Some(Event::Connected { .. })
        ));
        listener.on_connected(address(1));
        assert_eq!(listener.half_open(), 0);
    }
}

/// Catalogue D-18.
///
/// Catalogue D-04.
#[test]
fn a_cookie_is_worth_nothing_from_another_address_or_with_another_hello() {
    let (mut listener, mut one, mut other) = (listener(), client(1, 1200), client(2, 1200));
    let second = with_cookie(&mut listener, &mut one, address(1));
    reply(&mut listener, address(2), &second);
    assert!(listener.poll_event().is_none());

    // Another hello with that cookie: the randoms stand behind both heads and the version.
    let mut forged = second[0].clone();
    let foreign = datagrams(&mut other);
    forged[27..59].copy_from_slice(&foreign[0][27..59]);
    reply(&mut listener, address(1), &[forged]);
    assert!(listener.poll_event().is_none());

    listener.handle_datagram(netsim::epoch(), address(1), &mut second[0].clone());
    assert!(listener.poll_event().is_some());
}

/// D-5.
#[test]
fn a_cookie_lives_for_one_to_two_periods() {
    for (age, good) in [(1, true), (61, true), (121, false), (1000, false)] {
        let (mut listener, mut client) = (listener(), client(1, 1200));
        let second = with_cookie(&mut listener, &mut client, address(1));
        // Somebody else's hello in between makes the secrets move.
        let later = netsim::epoch() + Duration::from_secs(age);
        if age > 60 {
            let between = netsim::epoch() + CookieSecrets::PERIOD;
            listener.handle_datagram(between, address(9), &mut second[0].clone());
        }
        listener.handle_datagram(later, address(1), &mut second[0].clone());
        assert_eq!(listener.poll_event().is_some(), good, "after {age} s");
    }
}

/// D-37, and catalogue D-03: nothing is kept for strangers.
#[test]
fn no_more_than_a_thousand_handshakes_are_under_way() {
    let mut listener = listener();
    let hellos: Vec<_> = (0..1002_u16)
        .map(|port| {
            let mut client = client((port % 251) as u8, 1200);
            (port, with_cookie(&mut listener, &mut client, address(port)))
        })
        .collect();
    assert_eq!(listener.half_open(), 0);
    for (port, hello) in &hellos[..1001] {
        listener.handle_datagram(netsim::epoch(), address(*port), &mut hello[0].clone());
        drop(listener.poll_event());
    }
    assert_eq!(listener.half_open(), Listener::MAX_HALF_OPEN);
    assert_eq!(listener.stats().refused, 1);

    listener.on_closed(address(0));
    listener.handle_datagram(
        netsim::epoch(),
        address(1000),
        &mut hellos[1000].1[0].clone(),
    );
    assert!(listener.poll_event().is_some());

    // What nobody reported is over when its time is.
    let later = netsim::epoch() + Listener::HALF_OPEN_TIME;
    listener.handle_datagram(later, address(1001), &mut hellos[1001].1[0].clone());
    assert!(listener.poll_event().is_some());
    assert_eq!(listener.half_open(), 1);
}

/// Catalogue D-22, the part before connections.
///
/// Catalogue D-03.
#[test]
fn a_flood_of_hellos_leaves_a_bounded_queue_and_no_state() {
    let (mut listener, mut client) = (listener(), client(1, 1200));
    let hello = datagrams(&mut client).remove(0);
    let floods = if crate::testing::full_matrix() {
        1_000_000
    } else {
        10_000
    };
    for number in 0..floods {
        let from = address((number % 60_000) as u16);
        listener.handle_datagram(netsim::epoch(), from, &mut hello.clone());
    }
    assert_eq!(listener.half_open(), 0);
    let mut answers = 0;
    while listener.poll_transmit(&mut Vec::new()).is_some() {
        answers += 1;
    }
    assert_eq!(answers, Listener::MAX_REPLIES);
    assert_eq!(listener.stats().overflow, floods - answers as u64);
    // Somebody else is served as if nothing had been.
    let mut other = self::client(2, 1200);
    let accepted = converse(&mut listener, &mut other, address(65_000));
    assert!(accepted[0].is_connected() && other.is_connected());
}

/// Catalogue D-17: whoever showed no cookie gets no more bytes than came from there, under either version.
#[test]
fn an_answer_to_the_unproved_is_no_longer_than_the_question() {
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3, Versions::ALL] {
        for groups in [
            [NamedGroup::X25519, NamedGroup::Secp256r1],
            [NamedGroup::Secp256r1, NamedGroup::Secp256r1],
        ] {
            let mut listener = listener_13(versions, &groups);
            let mut client = client_13(1, versions, 1200, None);
            let hello = datagrams(&mut client);
            let asked: usize = hello.iter().map(Vec::len).sum();
            let answer = reply(&mut listener, address(1), &hello);
            assert!(answer.len() <= asked, "{} for {asked}", answer.len());
            assert_eq!(listener.poll_transmit(&mut Vec::new()), None);
            assert!(listener.poll_event().is_none());
        }
    }
}

/// Catalogue D-18.
#[test]
fn no_truncation_or_flipped_bit_of_a_hello_is_more_than_counted() {
    let (mut listener, mut client) = (listener(), client(1, 1200));
    let second = with_cookie(&mut listener, &mut client, address(1)).remove(0);
    for end in 0..second.len() {
        listener.handle_datagram(netsim::epoch(), address(1), &mut second[..end].to_vec());
        assert!(listener.poll_event().is_none(), "cut at {end}");
    }
    // The address, the version, the random, the session id and the cookie: all before the cipher suites.
    for bit in 0..8 * 93 {
        let mut flipped = second.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        listener.handle_datagram(netsim::epoch(), address(1), &mut flipped);
        if let Some(accepted) = listener.poll_event() {
            // Numbers and lengths of record and message are the client's own business.
            assert!(bit / 8 < 25, "bit {bit}");
            listener.on_closed(accepted.from);
        }
    }
}
