//! What a client does when it is refused: 401, 438, 437 and 300, on every request that it makes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_turn::{Allocation, Cause, Client, Config, Event, SocketCause, State};
use net::{Datagram, Path, StreamId, Transport};
use netsim::{ADDRESS_B, Pair, Profile};
use stun::{AttributeType, Class, IntegrityKey, Message, MessageBuilder, Method};
use support::*;

fn stream(number: u64) -> Path {
    Path {
        transport: Transport::Stream(StreamId::new(number)),
        ..path()
    }
}

/// A client that may do everything, with its allocation.
fn able() -> Relayed {
    let mut config = config(1);
    config.mobility = true;
    config.allocation = Allocation::Tcp;
    let mut host = Host::new(config);
    host.client.allocate(stream(0)).unwrap();
    let habits = Habits {
        mobile: true,
        ..Habits::default()
    };
    let mut pair = Pair::on(Profile::Clean, 1, host, Server::new(habits));
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    pair
}

type Ask = fn(&mut Client, Instant);

/// T-2: a 438 to any method is answered with the new nonce under a new id, as often as three times in a row.
#[test]
fn a_stale_nonce_is_taken_on_every_method_and_never_under_the_same_id() {
    let asks: [(Method, Ask); 5] = [
        (Method::CREATE_PERMISSION, |client, _| {
            client.create_permission(peer(1).ip()).unwrap();
        }),
        (Method::CONNECT, |client, _| {
            client.connect(peer(1)).unwrap();
        }),
        (Method::REFRESH, |client, now| {
            client.handle_timeout(now + Duration::from_secs(540));
        }),
        (Method::REFRESH, |client, _| {
            client.migrate(stream(9)).unwrap();
        }),
        (Method::REFRESH, |client, now| client.close(now)),
    ];
    for (number, (method, ask)) in asks.into_iter().enumerate() {
        for stale in 1..=4 {
            let mut pair = able();
            let before = pair.b().asked.len();
            let now = pair.now();
            ask(&mut pair.a_mut().client, now);
            pair.b_mut().go_stale(stale);
            pair.run_for(Duration::from_secs(2));
            let asked = pair.b().asked[before..].iter().filter(|it| it.1 == method);
            let ids: Vec<_> = asked.map(|it| it.2).collect();
            // Four in a row are too many: then it is given up, and what stands is deleted, with the fifth nonce.
            let again = usize::try_from(stale.min(3)).unwrap();
            let deleted = if stale == 4 && number == 2 { 2 } else { 0 };
            assert_eq!(
                ids.len(),
                1 + again + deleted,
                "{method:?} {number} {stale}"
            );
            let mut distinct = ids.clone();
            distinct.sort_by_key(|id| *id.bytes());
            distinct.dedup();
            assert_eq!(distinct.len(), ids.len());
            let heard = |text: &str| format!("{:?}", pair.a().events).contains(text);
            let done = [
                "PermissionInstalled",
                "ConnectionReady",
                "Allocated",
                "Migrated",
                "Closed",
            ][number];
            if stale < 4 {
                assert!(heard(done), "{method:?} {stale}");
            }
            let lives = !matches!((number, stale), (4, _) | (2 | 3, 4));
            assert_eq!(is_allocated(&pair), lives, "{method:?} {number} {stale}");
        }
    }
}

/// T-2: a 401 to a request of an allocation that stands is answered once, too.
#[test]
fn a_challenge_in_the_middle_is_answered_once() {
    let mut pair = able();
    pair.b_mut().habits.never_satisfied = true;
    let before = pair.b().asked.len();
    pair.a_mut().client.connect(peer(1)).unwrap();
    pair.run_for(Duration::from_secs(2));
    assert_eq!(pair.b().asked.len() - before, 2);
    assert!(format!("{:?}", pair.a().events).contains("ConnectRefused"));
}

/// T-3: a 437 to anything but an Allocate says that the allocation is gone.
#[test]
fn a_mismatch_on_any_other_request_is_the_end_of_the_allocation() {
    let asks: [Ask; 4] = [
        |client, _| client.create_permission(peer(1).ip()).unwrap(),
        |client, _| client.connect(peer(1)).unwrap(),
        |client, now| client.handle_timeout(now + Duration::from_secs(540)),
        |client, _| client.migrate(stream(9)).unwrap(),
    ];
    for ask in asks {
        let mut pair = able();
        pair.b_mut().habits.amnesia = true;
        let now = pair.now();
        ask(&mut pair.a_mut().client, now);
        pair.run_for(Duration::from_secs(2));
        assert_eq!(last_closed(&pair).unwrap().cause, Cause::AllocationLost);
    }
}

/// A client at its first request, which is signed when `challenge` is one that it has from an earlier session.
fn asking(signed: bool) -> (Client, Instant, Vec<u8>) {
    let pair = allocated(Habits::default());
    let mut config: Config = config(7);
    if signed {
        config.challenge = pair.a().client.challenge().cloned();
    }
    let mut client = Client::new(config).unwrap();
    client.allocate(path()).unwrap();
    let mut request = Vec::new();
    client.poll_transmit(pair.now(), &mut request).unwrap();
    let has_integrity = Message::decode(&request).unwrap().has_integrity();
    assert_eq!(has_integrity, signed);
    (client, pair.now(), request)
}

fn redirect(
    request: &[u8],
    to: SocketAddr,
    domain: Option<&str>,
    key: Option<&IntegrityKey>,
) -> Vec<u8> {
    let request = Message::decode(request).unwrap();
    let mut bytes = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut bytes, Class::Error, &request);
    builder.error_code(300).alternate_server(to);
    if let Some(domain) = domain {
        builder.alternate_domain(domain);
    }
    match key {
        Some(key) => builder.integrity(key).fingerprint().finish().unwrap(),
        None => builder.fingerprint().finish().unwrap(),
    }
    bytes
}

/// S-20, T-1: a 300 that is signed must be signed rightly; one that is not signed is followed, because a server that sends
/// clients on need not know them (RFC 8489 §10), also when an old challenge made us sign the first request.
#[test]
fn a_redirect_is_followed_unless_its_signature_is_wrong() {
    for signed in [false, true] {
        for (key, is_followed) in [
            (None, true),
            (Some(key()), signed),
            (Some(IntegrityKey::short_term("a guess")), false),
        ] {
            let (mut client, now, request) = asking(signed);
            // Before a realm is known there is nothing to check with: then every refusal counts.
            let is_followed = is_followed || !signed;
            let mut bytes = redirect(&request, peer(1), Some("other.example.org"), key.as_ref());
            client.handle_datagram(now, Datagram::new(path(), &mut bytes));
            let event = client.poll_event();
            let expected = is_followed.then(|| Event::SocketNeeded {
                server: peer(1),
                // ALTERNATE-DOMAIN: whose certificate the new server must show (RFC 8489 §14.16).
                domain: Some("other.example.org".to_owned()),
                cause: SocketCause::Redirected,
            });
            assert_eq!(event, expected);
            assert_eq!(client.state() == State::SocketNeeded, is_followed);
        }
    }
}

/// T-09: a redirect leads to another server of the same family (RFC 8489 §14.15), and never into this host.
#[test]
fn t_09_a_redirect_that_leads_nowhere_ends_the_client() {
    for to in [
        "[2001:db8::1]:3478",
        "127.0.0.1:3478",
        "0.0.0.0:3478",
        "224.0.0.1:3478",
        "203.0.113.9:0",
        &ADDRESS_B.to_string(),
    ] {
        let (mut client, now, request) = asking(true);
        let mut bytes = redirect(&request, to.parse().unwrap(), None, Some(&key()));
        client.handle_datagram(now, Datagram::new(path(), &mut bytes));
        let event = client.poll_event();
        let Some(Event::Closed(reason)) = event else {
            panic!("{to}: {event:?}");
        };
        assert_eq!(reason.cause, Cause::Redirects);
    }
    // On this host itself everything is loopback.
    let (host, server) = (
        SocketAddr::from(([127, 0, 0, 1], 1)),
        SocketAddr::from(([127, 0, 0, 1], 2)),
    );
    let mut client = Client::new(config(1)).unwrap();
    client.allocate(Path::udp(host, server)).unwrap();
    let mut request = Vec::new();
    let now = netsim::epoch();
    client.poll_transmit(now, &mut request).unwrap();
    let other = SocketAddr::from(([127, 0, 0, 1], 3));
    let mut bytes = redirect(&request, other, None, None);
    client.handle_datagram(now, Datagram::new(Path::udp(host, server), &mut bytes));
    assert_eq!(client.state(), State::SocketNeeded);
}

/// A 300 to anything but an Allocate is a refusal like others, and an unsigned one is nothing.
#[test]
fn a_redirect_in_the_middle_is_not_followed() {
    let mut pair = able();
    let (now, client) = (pair.now(), &mut pair.a_mut().client);
    client.connect(peer(1)).unwrap();
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    for (key, events) in [(None, 0), (Some(key()), 1)] {
        let mut bytes = redirect(&request, peer(1), None, key.as_ref());
        client.handle_datagram(now, Datagram::new(stream(0), &mut bytes));
        let heard: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
        assert_eq!(heard.len(), events, "{heard:?}");
        assert_eq!(client.state(), State::Allocated);
    }
}

/// S-7: an authentic answer with a required attribute that is not understood fails the transaction (RFC 8489 §6.3.3).
#[test]
fn an_answer_with_an_unknown_required_attribute_fails_the_request() {
    for (kind, is_understood) in [(0x7fff, false), (0x8fff, true)] {
        let (mut client, now, request) = asking(true);
        let request = Message::decode(&request).unwrap();
        let mut bytes = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut bytes, Class::Success, &request);
        builder
            .xor_relayed_address(peer(1))
            .lifetime(Duration::from_secs(600))
            .attribute(AttributeType(kind), b"x");
        builder.integrity(&key()).fingerprint().finish().unwrap();
        client.handle_datagram(now, Datagram::new(path(), &mut bytes));
        assert_eq!(client.state() == State::Allocated, is_understood);
        assert_eq!(client.state() == State::Closed, !is_understood);
    }
}

/// S-18: the nonce says that algorithms are offered, and they are missing: somebody took them out, nothing is answered
/// (RFC 8489 §9.2.5), and the password is not used with MD5.
#[test]
fn a_challenge_without_its_offer_of_algorithms_is_not_answered() {
    let (mut client, now, request) = asking(false);
    let request = Message::decode(&request).unwrap();
    let mut bytes = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut bytes, Class::Error, &request);
    builder.error_code(401).realm(REALM).nonce("obMatJos2gAAAx");
    builder.fingerprint().finish().unwrap();
    client.handle_datagram(now, Datagram::new(path(), &mut bytes));
    assert!(client.poll_transmit(now, &mut Vec::new()).is_none());
    let Some(Event::Closed(reason)) = client.poll_event() else {
        panic!("it goes on");
    };
    assert_eq!(reason.cause, Cause::Unauthenticated);
}
