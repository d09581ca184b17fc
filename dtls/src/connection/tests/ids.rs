//! Connection ids (RFC 9146, RFC 9147 §9) and the return routability check (RFC 9853): D-31.

use std::time::{Duration, Instant};

use netsim::{Pair, Side};

use crate::testing::{Endpoint, alice, bob, config_13, connect, pair};
use crate::{Config, ConnectionId, Event, PathId, Versions};

const VERSIONS: [Versions; 2] = [Versions::DTLS_1_2, Versions::DTLS_1_3];

/// A configuration with ids of this length.
pub(super) fn with_ids(mut config: Config, versions: Versions, length: Option<usize>) -> Config {
    config.versions = versions;
    config.connection_id = length;
    config
}

pub(super) fn connected(
    versions: Versions,
    lengths: [Option<usize>; 2],
) -> (Pair<Endpoint>, Instant) {
    let [client, server] = lengths;
    let mut pair = pair(
        with_ids(config_13(alice()), versions, client),
        with_ids(config_13(bob()), versions, server),
    );
    connect(&mut pair);
    pair.run_for(Duration::from_secs(1));
    let now = pair.now();
    (pair, now)
}

/// A record of one side's, with its first connection id, if it has one of this length.
pub(super) fn record(
    pair: &mut Pair<Endpoint>,
    from: Side,
    length: usize,
) -> (Vec<u8>, Option<ConnectionId>) {
    let now = pair.now();
    let side = match from {
        Side::A => pair.a_mut(),
        Side::B => pair.b_mut(),
    };
    let record = side.seal(now, b"data").unwrap();
    let id = ConnectionId::of_datagram(&record, length);
    (record, id)
}

/// D-31.
#[test]
fn each_side_puts_in_what_the_other_wants_to_see() {
    let lengths = [None, Some(0), Some(1), Some(8), Some(20)];
    for versions in VERSIONS {
        for client in lengths {
            for server in lengths {
                let (mut pair, now) = connected(versions, [client, server]);
                let both = client.is_some() && server.is_some();
                for (from, wanted) in [(Side::A, server), (Side::B, client)] {
                    let wanted = wanted.filter(|length| both && *length > 0);
                    let (mut sealed, id) = record(&mut pair, from, wanted.unwrap_or(1));
                    let to = match from {
                        Side::A => &mut pair.b_mut().connection,
                        Side::B => &mut pair.a_mut().connection,
                    };
                    assert_eq!(to.connection_ids(), id.as_slice(), "{client:?} {server:?}");
                    assert_eq!(id.map(|id| id.len()), wanted);
                    to.handle_datagram(now, &mut sealed);
                    let mut data = Vec::new();
                    assert_eq!(to.recv(&mut data), Some(4));
                }
                // What is promised about sizes holds.
                let sealed = record(&mut pair, Side::A, 0).0.len();
                assert_eq!(sealed, 4 + pair.a().connection.max_overhead());
            }
        }
    }
}

/// D-31.
#[test]
fn nothing_is_said_about_ids_unless_they_are_wanted() {
    for versions in VERSIONS {
        let (mut pair, _) = connected(versions, [None, Some(8)]);
        assert!(pair.a().connection.connection_ids().is_empty());
        assert!(pair.b().connection.connection_ids().is_empty());
        let (sealed, id) = record(&mut pair, Side::A, 8);
        assert_eq!(id, None);
        assert!(sealed.len() < 50);
    }
}

/// D-31.
#[test]
fn the_loss_of_any_one_datagram_is_survived_with_ids() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    for versions in VERSIONS {
        for lost in 0..8 {
            let client = with_ids(config_13(alice()), versions, Some(3));
            let server = with_ids(config_13(bob()), versions, Some(8));
            let mut pair = pair(client, server);
            let count = AtomicUsize::new(0);
            pair.network().intercept(move |_| {
                if count.fetch_add(1, Ordering::Relaxed) == lost {
                    netsim::Verdict::Drop
                } else {
                    netsim::Verdict::Pass
                }
            });
            connect(&mut pair);
            assert_eq!(pair.b().connection.connection_ids().len(), 1);
        }
    }
}

/// Catalogue D-11.
///
/// D-31.
#[test]
fn records_with_foreign_ids_or_without_the_agreed_one_are_dropped() {
    for (versions, at) in [(Versions::DTLS_1_2, 11), (Versions::DTLS_1_3, 1)] {
        let (mut pair, now) = connected(versions, [Some(4), Some(8)]);
        let (sealed, _) = record(&mut pair, Side::A, 8);
        let server = &mut pair.b_mut().connection;
        for byte in at..at + 8 {
            let mut foreign = sealed.clone();
            foreign[byte] ^= 1;
            server.handle_datagram(now, &mut foreign);
        }
        assert_eq!(server.stats().dropped.connection_id, 8);
        for bit in 0..8 * sealed.len() {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            server.handle_datagram(now, &mut damaged);
        }
        for end in 0..sealed.len() {
            server.handle_datagram(now, &mut sealed[..end].to_vec());
        }
        assert_eq!(server.recv(&mut Vec::new()), None);
        server.handle_datagram(now, &mut sealed.clone());
        assert_eq!(server.recv(&mut Vec::new()), Some(4));
        // Twice is once too often.
        server.handle_datagram(now, &mut sealed.clone());
        assert_eq!(server.recv(&mut Vec::new()), None);
    }
    // Under 1.2 there is no record without (RFC 9146 §4).
    let (mut without, now) = connected(Versions::DTLS_1_2, [None, None]);
    let (mut sealed, _) = record(&mut without, Side::A, 8);
    let (mut pair, _) = connected(Versions::DTLS_1_2, [Some(4), Some(8)]);
    let before = pair.b().connection.stats().dropped.connection_id;
    let server = &mut pair.b_mut().connection;
    server.handle_datagram(now, &mut sealed);
    assert_eq!(server.stats().dropped.connection_id, before + 1);
}

pub(super) const ELSEWHERE: PathId = PathId(7);

/// What a side has to say on other paths.
pub(super) fn elsewhere(side: &mut Endpoint, now: Instant) -> Vec<(PathId, Vec<u8>)> {
    std::iter::from_fn(|| {
        let mut datagram = Vec::new();
        let path = side
            .connection
            .poll_transmit_elsewhere(now, &mut datagram)?;
        Some((path, datagram))
    })
    .collect()
}

pub(super) fn here(side: &mut Endpoint, now: Instant) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| {
        let mut datagram = Vec::new();
        side.connection.poll_transmit(now, &mut datagram)?;
        Some(datagram)
    })
    .collect()
}

pub(super) fn events(side: &mut Endpoint) -> Vec<Event> {
    std::iter::from_fn(|| side.connection.poll_event()).collect()
}

/// Two connected sides whose events were taken, and a record of the client's.
fn moved(versions: Versions) -> (Pair<Endpoint>, Instant, Vec<u8>) {
    let (mut pair, now) = connected(versions, [Some(4), Some(8)]);
    events(pair.a_mut());
    events(pair.b_mut());
    let (sealed, _) = record(&mut pair, Side::A, 8);
    (pair, now, sealed)
}

/// D-31.
#[test]
fn a_side_that_moved_is_followed_when_it_answers_from_there() {
    for versions in VERSIONS {
        let (mut pair, now, sealed) = moved(versions);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram_on(now, ELSEWHERE, &mut sealed.clone());
        assert_eq!(server.recv(&mut Vec::new()), Some(4));
        assert_eq!(server.path(), PathId(0));
        let challenges = elsewhere(pair.b_mut(), now);
        let [(ELSEWHERE, challenge)] = challenges.as_slice() else {
            panic!("{challenges:?}");
        };
        assert!(challenge.len() <= 3 * sealed.len());
        assert!(here(pair.b_mut(), now).is_empty());

        let client = &mut pair.a_mut().connection;
        client.handle_datagram(now, &mut challenge.clone());
        let answers = here(pair.a_mut(), now);
        let [answer] = answers.as_slice() else {
            panic!("{answers:?}");
        };
        pair.b_mut()
            .connection
            .handle_datagram_on(now, ELSEWHERE, &mut answer.clone());
        assert_eq!(
            events(pair.b_mut()),
            [Event::PathValidated { path: ELSEWHERE }]
        );
        assert_eq!(pair.b().connection.path(), ELSEWHERE);
        assert_eq!(pair.b().connection.poll_timeout(), None);
        // From now on this is where everything comes from.
        let (mut sealed, _) = record(&mut pair, Side::A, 8);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram_on(now, ELSEWHERE, &mut sealed);
        assert!(elsewhere(pair.b_mut(), now).is_empty());
    }
}

/// A copy, or something late, does not show where the other side is (RFC 9146 §6).
///
/// D-31.
#[test]
fn old_news_from_elsewhere_moves_nothing() {
    for versions in VERSIONS {
        let (mut pair, now, sealed) = moved(versions);
        let (newer, _) = record(&mut pair, Side::A, 8);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram(now, &mut newer.clone());
        for datagram in [&newer, &sealed, &vec![1; 50], &Vec::new()] {
            server.handle_datagram_on(now, ELSEWHERE, &mut datagram.clone());
        }
        assert!(elsewhere(pair.b_mut(), now).is_empty());
        assert_eq!(pair.b().connection.poll_timeout(), None);
        assert_eq!(pair.b().connection.path(), PathId(0));
    }
}

#[test]
fn news_from_where_the_other_side_was_end_the_doubt() {
    let (mut pair, now, mut sealed) = moved(Versions::DTLS_1_3);
    let (mut newer, _) = record(&mut pair, Side::A, 8);
    let server = &mut pair.b_mut().connection;
    // Somebody was faster with a copy than the genuine one.
    server.handle_datagram_on(now, ELSEWHERE, &mut sealed);
    server.handle_datagram_on(now, PathId(0), &mut newer);
    assert!(elsewhere(pair.b_mut(), now).is_empty());
    assert!(events(pair.b_mut()).is_empty());
}

/// D-31.
#[test]
fn an_answer_from_the_wrong_place_or_to_nothing_proves_nothing() {
    for versions in VERSIONS {
        let (mut pair, now, sealed) = moved(versions);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram_on(now, ELSEWHERE, &mut sealed.clone());
        let (_, mut challenge) = elsewhere(pair.b_mut(), now).remove(0);
        let client = &mut pair.a_mut().connection;
        client.handle_datagram(now, &mut challenge);
        let answer = here(pair.a_mut(), now).remove(0);
        let server = &mut pair.b_mut().connection;
        server.handle_datagram_on(now, PathId(9), &mut answer.clone());
        assert!(events(pair.b_mut()).is_empty());
        assert_eq!(pair.b().connection.path(), PathId(0));
        // An answer that nobody asked for.
        let server = &mut pair.b_mut().connection;
        for message in [[0; 9], [1; 9], [2; 9], [9; 9]] {
            server.on_path_message(&message);
        }
        server.on_path_message(&[0; 8]);
        assert!(events(pair.b_mut()).is_empty());
        assert!(pair.b().connection.is_connected());
    }
}

/// D-31.
#[test]
fn silence_from_there_is_the_end_of_the_check() {
    let (mut pair, mut now, sealed) = moved(Versions::DTLS_1_3);
    let server = &mut pair.b_mut().connection;
    server.handle_datagram_on(now, ELSEWHERE, &mut sealed.clone());
    // What is sent there without proof is bounded.
    let mut sent = 0;
    let mut times = 0;
    loop {
        sent += elsewhere(pair.b_mut(), now)
            .iter()
            .map(|(_, datagram)| datagram.len())
            .sum::<usize>();
        let Some(due) = pair.b().connection.poll_timeout() else {
            break;
        };
        assert!(due > now);
        now = due;
        pair.b_mut().connection.handle_timeout(now);
        times += 1;
        assert!(times < 10);
    }
    assert!(sent > 0 && sent <= 3 * sealed.len(), "{sent}");
    assert!(events(pair.b_mut()).is_empty());
    assert_eq!(pair.b().connection.path(), PathId(0));
}

#[test]
fn a_flood_of_challenges_leaves_a_handful_of_answers() {
    let (mut pair, now, _) = moved(Versions::DTLS_1_2);
    let client = &mut pair.a_mut().connection;
    for cookie in 0..100 {
        client.on_path_message(&[0, cookie, 0, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(client.stats().dropped.overflow, 96);
    assert_eq!(here(pair.a_mut(), now).len(), 4);
}

#[test]
fn without_the_check_the_application_decides() {
    for versions in VERSIONS {
        let (mut pair, now, sealed) = moved(versions);
        let server = &mut pair.b_mut().connection;
        server.records.ids_mut().unwrap().routability = false;
        server.handle_datagram_on(now, ELSEWHERE, &mut sealed.clone());
        assert!(elsewhere(pair.b_mut(), now).is_empty());
        assert_eq!(events(pair.b_mut()), [Event::NewPath { path: ELSEWHERE }]);
        let server = &mut pair.b_mut().connection;
        assert_eq!(server.path(), PathId(0));
        server.move_to(ELSEWHERE);
        assert_eq!(server.path(), ELSEWHERE);
    }
}

#[test]
fn connections_without_ids_stay_where_they_are() {
    let (mut pair, now) = connected(Versions::DTLS_1_3, [None, None]);
    events(pair.b_mut());
    let (mut sealed, _) = record(&mut pair, Side::A, 8);
    let server = &mut pair.b_mut().connection;
    server.handle_datagram_on(now, ELSEWHERE, &mut sealed);
    assert_eq!(server.recv(&mut Vec::new()), Some(4));
    assert!(events(pair.b_mut()).is_empty());
    assert!(elsewhere(pair.b_mut(), now).is_empty());
}

/// RFC 9147 §9.
///
/// D-31.
#[test]
fn further_ids_are_asked_for_given_and_used() {
    let (mut pair, now) = connected(Versions::DTLS_1_3, [Some(4), Some(8)]);
    events(pair.b_mut());
    let first = pair.b().connection.connection_ids().to_vec();
    assert!(!pair.a_mut().connection.change_connection_id());
    assert!(pair.a_mut().connection.request_connection_ids(now, 3));
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.a().connection.spare_connection_ids(), 3);
    let own = pair.b().connection.connection_ids().to_vec();
    assert_eq!(own.len(), 4);
    for count in (0..3).rev() {
        assert!(pair.a_mut().connection.change_connection_id());
        assert_eq!(pair.a().connection.spare_connection_ids(), count);
        let (mut sealed, id) = record(&mut pair, Side::A, 8);
        assert!(id.is_some_and(|id| own.contains(&id) && !first.contains(&id)));
        let now = pair.now();
        let server = &mut pair.b_mut().connection;
        server.handle_datagram(now, &mut sealed);
        assert_eq!(server.recv(&mut Vec::new()), Some(4));
    }
    // There are no more than eight, however often somebody asks.
    for _ in 0..4 {
        let now = pair.now();
        pair.a_mut().connection.request_connection_ids(now, 200);
        pair.run_for(Duration::from_secs(5));
    }
    assert_eq!(pair.b().connection.connection_ids().len(), 8);
    assert!(pair.a().connection.spare_connection_ids() <= 8);
    assert!(pair.a().connection.is_connected() && pair.b().connection.is_connected());
}

#[test]
fn nobody_is_asked_for_ids_who_wants_none() {
    for (versions, server) in [
        (Versions::DTLS_1_3, None),
        (Versions::DTLS_1_3, Some(0)),
        (Versions::DTLS_1_2, Some(8)),
    ] {
        let (mut pair, now) = connected(versions, [Some(4), server]);
        assert!(!pair.a_mut().connection.request_connection_ids(now, 3));
        assert!(!pair.a_mut().connection.change_connection_id());
    }
}
