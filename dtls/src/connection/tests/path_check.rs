//! The enhanced return routability check (RFC 9853 §5.2): D-31.

use std::time::{Duration, Instant};

use netsim::{Pair, Side};

use super::ids::{ELSEWHERE, elsewhere, events, here, record, with_ids};
use crate::testing::{Endpoint, alice, bob, config_13, connect, pair};
use crate::{Event, PathCheck, PathId, Versions};

/// Where the client was, and where it is by its own reckoning.
const FORMER: PathId = PathId(0);
const AFIELD: PathId = PathId(3);

/// A server that asks on the path before, and a record of its client's that came from elsewhere.
fn doubtful(versions: Versions) -> (Pair<Endpoint>, Instant, usize) {
    let client = with_ids(config_13(alice()), versions, Some(4));
    let mut server = with_ids(config_13(bob()), versions, Some(8));
    server.path_check = PathCheck::Enhanced;
    let mut pair = pair(client, server);
    connect(&mut pair);
    pair.run_for(Duration::from_secs(1));
    let now = pair.now();
    events(pair.a_mut());
    events(pair.b_mut());
    let (mut sealed, _) = record(&mut pair, Side::A, 8);
    let server = &mut pair.b_mut().connection;
    server.handle_datagram_on(now, ELSEWHERE, &mut sealed);
    assert_eq!(server.recv(&mut Vec::new()), Some(4));
    assert!(elsewhere(pair.b_mut(), now).is_empty());
    (pair, now, sealed.len())
}

/// The one challenge that goes to the path before.
fn challenge(pair: &mut Pair<Endpoint>, now: Instant) -> Vec<u8> {
    let mut challenges = here(pair.b_mut(), now);
    assert_eq!(challenges.len(), 1);
    challenges.remove(0)
}

/// The server challenges the new path, and the client answers there.
fn follow(pair: &mut Pair<Endpoint>, now: Instant) {
    let challenges = elsewhere(pair.b_mut(), now);
    let [(ELSEWHERE, challenge)] = challenges.as_slice() else {
        panic!("{challenges:?}");
    };
    let client = &mut pair.a_mut().connection;
    let path = client.path();
    client.handle_datagram_on(now, path, &mut challenge.clone());
    let mut answer = here(pair.a_mut(), now).remove(0);
    let server = &mut pair.b_mut().connection;
    server.handle_datagram_on(now, ELSEWHERE, &mut answer);
    assert_eq!(
        events(pair.b_mut()),
        [Event::PathValidated { path: ELSEWHERE }]
    );
    assert_eq!(pair.b().connection.path(), ELSEWHERE);
    assert_eq!(pair.b().connection.poll_timeout(), None);
}

/// Somebody took a record off the path and was faster with it: D-31.
#[test]
fn a_side_that_answers_where_it_was_is_not_followed() {
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let (mut pair, now, _) = doubtful(versions);
        let mut challenge = challenge(&mut pair, now);
        let client = &mut pair.a_mut().connection;
        client.handle_datagram(now, &mut challenge);
        let mut answer = here(pair.a_mut(), now).remove(0);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram(now, &mut answer);
        assert!(elsewhere(pair.b_mut(), now).is_empty());
        assert!(events(pair.b_mut()).is_empty());
        assert_eq!(pair.b().connection.path(), FORMER);
        assert_eq!(pair.b().connection.poll_timeout(), None);
    }
}

/// D-31.
#[test]
fn a_side_that_says_it_left_is_followed_at_once() {
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let (mut pair, now, _) = doubtful(versions);
        let mut challenge = challenge(&mut pair, now);
        let client = &mut pair.a_mut().connection;
        client.move_to(AFIELD);
        client.handle_datagram_on(now, FORMER, &mut challenge);
        assert!(here(pair.a_mut(), now).is_empty());
        let (path, mut answer) = elsewhere(pair.a_mut(), now).remove(0);
        assert_eq!(path, FORMER);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram_on(now, FORMER, &mut answer);
        follow(&mut pair, now);
    }
}

/// An address that was lost says nothing any more; the challenges there are three, within a second: D-31.
#[test]
fn a_path_that_is_silent_is_given_up_after_a_second() {
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        let (mut pair, begin, _) = doubtful(versions);
        let mut now = begin;
        for _ in 0..3 {
            challenge(&mut pair, now);
            assert!(elsewhere(pair.b_mut(), now).is_empty());
            now = pair.b().connection.poll_timeout().unwrap();
            pair.b_mut().connection.handle_timeout(now);
        }
        assert!(here(pair.b_mut(), now).is_empty());
        assert!(now - begin <= Duration::from_secs(1));
        follow(&mut pair, now);
    }
}

/// D-31.
#[test]
fn what_the_wrong_path_says_decides_nothing() {
    let (mut pair, now, length) = doubtful(Versions::DTLS_1_3);
    let mut challenge = challenge(&mut pair, now);
    let client = &mut pair.a_mut().connection;
    client.move_to(AFIELD);
    client.handle_datagram_on(now, FORMER, &mut challenge.clone());
    let (_, gone) = elsewhere(pair.a_mut(), now).remove(0);
    let server = &mut pair.b_mut().connection;
    // Whoever holds the new path says so, not the old one.
    server.handle_datagram_on(now, ELSEWHERE, &mut gone.clone());
    assert!(elsewhere(pair.b_mut(), now).is_empty());
    // It cannot answer for the old one either.
    let client = &mut pair.a_mut().connection;
    client.move_to(FORMER);
    client.handle_datagram_on(now, FORMER, &mut challenge);
    assert!(here(pair.a_mut(), now).is_empty(), "a challenge came twice");
    assert!(events(pair.b_mut()).is_empty());
    assert_eq!(pair.b().connection.path(), FORMER);
    // The doubt ends by itself, and nothing was sent elsewhere in excess.
    let (mut sent, mut times) = (0, 0);
    while let Some(due) = pair.b().connection.poll_timeout() {
        pair.b_mut().connection.handle_timeout(due);
        here(pair.b_mut(), due);
        sent += elsewhere(pair.b_mut(), due)
            .iter()
            .map(|(_, datagram)| datagram.len())
            .sum::<usize>();
        times += 1;
        assert!(times < 10);
    }
    assert!(sent > 0 && sent <= 3 * (length + gone.len()), "{sent}");
    assert_eq!(pair.b().connection.path(), FORMER);
}
