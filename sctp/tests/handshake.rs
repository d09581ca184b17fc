//! Setting an association up, whatever is lost or repeated (RFC 9260 §5).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{CloseCause, Config, Event, Initiator};
use common::{Peer, both_established, connect_both, established, pair};
use netsim::{LinkConfig, Pair, Verdict};

#[test]
fn one_side_that_connects_is_enough() {
    let mut pair = pair(1);
    let now = pair.now();
    pair.a_mut().association.connect(now, None);
    assert!(pair.run_until(Duration::from_secs(1), both_established));
    let connected = Event::Connected {
        inbound_streams: 65_535,
        outbound_streams: 65_535,
    };
    pair.run_for(Duration::from_millis(100));
    assert!(pair.a().has(&connected) && pair.b().has(&connected));
}

/// P-5.
#[test]
fn both_sides_that_connect_at_once_need_two_round_trips() {
    let mut pair = pair(1);
    connect_both(&mut pair);
    assert!(pair.run_until(Duration::from_millis(81), both_established));
}

#[test]
fn both_sides_that_connect_at_any_two_moments_meet() {
    for seed in 0..1000 {
        let mut pair = pair(seed);
        let offset = Duration::from_micros(seed * 120);
        let now = pair.now();
        pair.a_mut().association.connect(now, None);
        pair.run_for(offset);
        let now = pair.now();
        pair.b_mut().association.connect(now, None);
        pair.a_mut().send(now, 1, b"from a");
        pair.b_mut().send(now, 2, b"from b");
        let done =
            |pair: &common::Peers| pair.a().messages.len() == 1 && pair.b().messages.len() == 1;
        assert!(
            pair.run_until(Duration::from_millis(250), done),
            "seed {seed}"
        );
    }
}

#[test]
fn both_sides_meet_while_a_third_of_the_packets_is_lost_or_shuffled() {
    for seed in 0..300 {
        let mut link = LinkConfig::delayed(Duration::from_millis(20));
        link.loss = netsim::Loss::Random(0.3);
        link.reorder = 0.3;
        link.reorder_delay = Duration::from_millis(100);
        link.duplicate = 0.2;
        let a = Peer::new(Config::default(), seed * 2);
        let b = Peer::new(Config::default(), seed * 2 + 1);
        let mut pair = Pair::over(link, seed, a, b);
        connect_both(&mut pair);
        assert!(
            pair.run_until(Duration::from_secs(30), both_established),
            "seed {seed}"
        );
    }
}

#[test]
fn the_handshake_survives_the_loss_of_any_packet() {
    for lost in 0..10 {
        for both in [false, true] {
            let mut pair = pair(lost);
            let mut count = 0;
            pair.network().intercept(move |_| {
                count += 1;
                if count == lost + 1 {
                    Verdict::Drop
                } else {
                    Verdict::Pass
                }
            });
            let now = pair.now();
            pair.a_mut().association.connect(now, None);
            if both {
                pair.b_mut().association.connect(now, None);
            }
            pair.a_mut().send(now, 1, b"early");
            let done =
                |pair: &common::Peers| both_established(pair) && pair.b().messages.len() == 1;
            assert!(
                pair.run_until(Duration::from_millis(1600), done),
                "packet {lost}"
            );
        }
    }
}

/// P-6, 5.3 no. 7.
#[test]
fn a_lost_init_costs_a_second_or_three_known_round_trips() {
    for (round_trip, limit) in [(None, 1000), (Some(Duration::from_millis(100)), 300)] {
        let link = LinkConfig::delayed(Duration::from_millis(50));
        let a = Peer::new(Config::default(), 1);
        let b = Peer::new(Config::default(), 2);
        let mut pair = Pair::over(link, 0, a, b);
        let mut first = true;
        pair.network().intercept(move |_| {
            if std::mem::take(&mut first) {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let now = pair.now();
        pair.a_mut().association.connect(now, round_trip);
        let limit = Duration::from_millis(limit + 200);
        assert!(pair.run_until(limit, both_established));
    }
}

/// P-7.
#[test]
fn a_message_sent_before_the_handshake_leaves_with_the_cookie() {
    let mut pair = pair(3);
    connect_both(&mut pair);
    let now = pair.now();
    pair.a_mut().send(now, 1, b"open");
    // INIT, INIT ACK, COOKIE ECHO with DATA: three times 20 ms.
    let heard = |pair: &common::Peers| pair.b().messages.len() == 1;
    assert!(pair.run_until(Duration::from_millis(61), heard));
}

/// P-7: the side that waited says its first word with the COOKIE ACK.
#[test]
fn a_message_of_the_side_that_waits_leaves_with_the_answer_to_the_cookie() {
    let mut pair = pair(3);
    let now = pair.now();
    pair.a_mut().association.connect(now, None);
    pair.b_mut().send(now, 1, b"hello");
    // INIT, INIT ACK, COOKIE ECHO, COOKIE ACK with DATA: four times 20 ms.
    let heard = |pair: &common::Peers| pair.a().messages.len() == 1;
    assert!(pair.run_until(Duration::from_millis(81), heard));
}

/// P-6.
#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut pair = pair(4);
    pair.network().intercept(|_| Verdict::Drop);
    let (now, before) = (pair.now(), pair.sent());
    pair.a_mut().association.connect(now, None);
    assert!(pair.run_to_rest(Duration::from_secs(120)));
    // Once, and `max_init_retransmissions` times more.
    assert_eq!(pair.sent() - before, 11);
    let reason = pair.a().association.close_reason().unwrap();
    assert_eq!(reason.cause, CloseCause::HandshakeTimeout);
    assert_eq!(reason.initiator, Initiator::Network);
    assert!(pair.time() > Duration::from_secs(25), "{:?}", pair.time());
}

/// C-04, P-4.
#[test]
fn a_cookie_returned_after_a_minute_is_stale_and_the_handshake_begins_again() {
    let mut config = Config::default();
    config.max_init_retransmissions = None;
    let mut pair = common::pair_with(&config, 5);
    // COOKIE ECHO does not get through for 70 seconds.
    let start = pair.now();
    pair.network().intercept(move |packet| {
        let early = packet.sent < start + Duration::from_secs(70);
        if early && packet.bytes[12] == 10 {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.a_mut().association.connect(start, None);
    assert!(pair.run_until(Duration::from_secs(80), both_established));
    assert_eq!(pair.b().association.stats().dropped.stale_cookies, 1);
}

/// P-39.
#[test]
fn a_peer_that_lost_its_state_can_begin_again() {
    let mut pair = established(6);
    let now = pair.now();
    pair.a_mut().send(now, 1, b"before");
    pair.run_for(Duration::from_secs(1));
    // B is born again, with other tags, and connects.
    pair.b_mut().association = Peer::new(Config::default(), 99).association;
    let now = pair.now();
    pair.b_mut().association.connect(now, None);
    assert!(pair.run_until(Duration::from_secs(2), both_established));
    assert!(pair.run_until(Duration::from_secs(2), |pair| {
        pair.a().has(&Event::Restarted)
    }));
    let now = pair.now();
    pair.a_mut().send(now, 1, b"to the new one");
    pair.b_mut().send(now, 1, b"from the new one");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.a().read(1), [b"from the new one"]);
    assert_eq!(pair.b().read(1), [&b"before"[..], b"to the new one"]);
}

/// P-37, P-39: what an application allows holds for the association that takes the place of the old one, too.
#[test]
fn a_rate_limit_outlives_a_restart() {
    let mut pair = established(8);
    pair.a_mut().association.set_rate_limit(Some(800_000));
    pair.b_mut().association = Peer::new(Config::default(), 99).association;
    let now = pair.now();
    pair.b_mut().association.connect(now, None);
    assert!(pair.run_until(Duration::from_secs(2), |pair| {
        pair.a().has(&Event::Restarted)
    }));
    let now = pair.now();
    pair.a_mut().send(now, 1, &[1; 200_000]);
    pair.run_for(Duration::from_millis(1700));
    assert!(pair.b().messages.is_empty());
    pair.run_for(Duration::from_millis(600));
    assert_eq!(pair.b().messages.len(), 1);
}

/// C-04, C-14.
#[test]
fn a_replayed_init_and_a_replayed_cookie_change_nothing() {
    let mut pair = pair(7);
    pair.network().start_recording();
    connect_both(&mut pair);
    pair.run_for(Duration::from_secs(1));
    let packets = pair.network().recorded().to_vec();
    for packet in &packets {
        for side in [netsim::Side::A, netsim::Side::B] {
            let path = pair.path(side);
            pair.inject(side, path, &packet.bytes);
            pair.run_for(Duration::from_millis(10));
        }
    }
    assert!(both_established(&pair));
    let now = pair.now();
    pair.a_mut().send(now, 1, b"still here");
    pair.b_mut().send(now, 1, b"me too");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().read(1), [b"still here"]);
    assert_eq!(pair.a().read(1), [b"me too"]);
    assert!(!pair.a().has(&Event::Restarted) && !pair.b().has(&Event::Restarted));
}
