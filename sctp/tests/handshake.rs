//! Setting an association up, whatever is lost or repeated (RFC 9260 §5).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::ops::Range;
use std::time::Duration;

use avocet_sctp::chunk::{
    Chunk, CookieAckChunk, HeartbeatChunk, InitAckChunk, InitChunk, Parameters,
};
use avocet_sctp::{Association, CloseCause, Config, Event, Initiator, Tsn};
use common::raw::{self, Victim};
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

/// P-7: the data behind a COOKIE ACK that was lost stands for it, and is not dropped.
#[test]
fn data_stands_for_a_cookie_ack_that_was_lost() {
    for interleaving in [false, true] {
        let mut config = Config::default();
        config.interleaving = interleaving;
        let mut pair = common::pair_with(&config, 3);
        let mut lost = false;
        pair.network().intercept(move |packet| {
            if packet.bytes[12] == 11 && !std::mem::replace(&mut lost, true) {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let now = pair.now();
        pair.a_mut().association.connect(now, None);
        for stream in 0..2 {
            pair.b_mut().send(now, stream, &[7; 1000]);
        }
        assert!(pair.run_until(Duration::from_millis(81), both_established));
        assert!(pair.run_until(Duration::from_millis(100), |pair| {
            pair.a().messages.len() == 2
        }));
        let connected = |event: &&Event| matches!(event, Event::Connected { .. });
        assert_eq!(pair.a().events.iter().filter(connected).count(), 1);
        let stats = pair.b().association.stats();
        assert_eq!(stats.retransmission_timeouts, 0);
    }
}

/// P-7: and so does an acknowledgement of what went with the cookie (RFC 9260 §6: it may be taken before COOKIE ACK). What says nothing of the
/// kind does not.
#[test]
fn an_acknowledgement_stands_for_a_cookie_ack_that_was_lost() {
    let mut victim = Victim {
        association: Association::new(Config::default(), [3; 32]).unwrap(),
        now: netsim::epoch(),
        tag: 0,
        initial_tsn: Tsn::new(0),
    };
    victim.association.connect(victim.now, None);
    victim.send(1, b"open");
    let init = victim.say().unwrap();
    let Chunk::Init(init) = raw::chunks(&init).remove(0) else {
        panic!("no INIT")
    };
    (victim.tag, victim.initial_tsn) = (init.initiate_tag, init.initial_tsn);
    let ack = InitChunk {
        initiate_tag: raw::PEER_TAG,
        a_rwnd: 1 << 20,
        outbound_streams: 16,
        inbound_streams: 16,
        initial_tsn: Tsn::new(raw::PEER_TSN),
        parameters: Parameters(&[0, 7, 0, 8, 1, 2, 3, 4]),
    };
    victim.hear(&[Chunk::InitAck(InitAckChunk { init: ack })]);
    assert_eq!(victim.say_data(), [0]);
    victim.hear(&[Chunk::Heartbeat(HeartbeatChunk { info: &[0; 8] })]);
    assert!(!victim.association.is_established());
    victim.acknowledge(1, 1 << 20, &[], &[]);
    assert!(victim.association.is_established());
    assert_eq!(victim.association.stats().buffered_bytes, 0);
    victim.pass(Duration::from_secs(5));
    assert_eq!(victim.say_data(), [], "nothing is repeated");
    victim.hear(&[Chunk::CookieAck(CookieAckChunk)]);
    assert_eq!(victim.association.stats().dropped.unexpected, 1);
    assert!(victim.is_alive(raw::PEER_TSN));
}

/// Two of them, so far apart, and nothing that leaves in these milliseconds arrives.
fn interrupted(delay: Duration, silence: Range<u64>) -> Pair<Peer> {
    let a = Peer::new(Config::default(), 1);
    let b = Peer::new(Config::default(), 2);
    let mut pair = Pair::over(LinkConfig::delayed(delay), 0, a, b);
    let start = pair.now();
    let silence = Duration::from_millis(silence.start)..Duration::from_millis(silence.end);
    pair.network().intercept(move |packet| {
        if silence.contains(&(packet.sent - start)) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair
}

/// P-7: a peer that repeats its COOKIE ECHO had no association when the data came. It leaves again with the COOKIE ACK, before T3.
#[test]
fn a_repeated_cookie_shows_that_the_first_flight_was_dropped() {
    // All that the side that waits says after its INIT ACK, for a tenth of a second.
    let mut pair = interrupted(Duration::from_millis(50), 120..250);
    let start = pair.now();
    let hint = Some(Duration::from_millis(100));
    pair.a_mut().association.connect(start, hint);
    pair.b_mut().send(start, 1, &[7; 5000]);
    // INIT ACK came after 100 ms; three round trips later the cookie goes again, and T3 would take 400 ms.
    assert!(pair.run_until(Duration::from_millis(502), |pair| {
        pair.a().messages.len() == 1 || pair.b().association.stats().retransmitted_chunks > 0
    }));
    let stats = pair.b().association.stats();
    assert_eq!(stats.retransmission_timeouts, 0);
    assert!(stats.retransmitted_chunks > 0);
    assert!(pair.run_until(Duration::from_millis(200), |pair| {
        pair.a().messages.len() == 1
    }));
    assert_eq!(pair.b().association.stats().retransmission_timeouts, 0);
}

/// P-6, P-9: the side that waits learns from the age of the cookie how long a round trip is at the most.
#[test]
fn the_age_of_the_cookie_bounds_the_first_timeout() {
    // What leaves after the COOKIE ACK is lost for a while.
    let mut pair = interrupted(Duration::from_millis(75), 226..300);
    let start = pair.now();
    pair.a_mut().association.connect(start, None);
    pair.run_for(Duration::from_millis(230));
    assert!(pair.b().association.is_established());
    let now = pair.now();
    pair.b_mut().send(now, 1, b"late");
    // Three round trips, and half of one to arrive.
    pair.run_for(Duration::from_millis(450 + 74));
    assert_eq!(pair.a().messages.len(), 0);
    pair.run_for(Duration::from_millis(2));
    assert_eq!(pair.a().messages.len(), 1);
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
    let now = pair.now();
    pair.a_mut().send(now, 2, b"heard");
    pair.b_mut().send(now, 2, b"heard");
    pair.run_for(Duration::from_secs(1));
    for packet in &packets {
        for side in [netsim::Side::A, netsim::Side::B] {
            let path = pair.path(side);
            let now = pair.now();
            pair.a_mut().send(now, 3, b"under way");
            pair.b_mut().send(now, 3, b"under way");
            pair.inject(side, path, &packet.bytes);
            pair.run_for(Duration::from_millis(10));
        }
    }
    assert!(both_established(&pair));
    for peer in [pair.a(), pair.b()] {
        assert_eq!(peer.association.stats().retransmitted_chunks, 0);
    }
    let now = pair.now();
    pair.a_mut().send(now, 1, b"still here");
    pair.b_mut().send(now, 1, b"me too");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().read(1), [b"still here"]);
    assert_eq!(pair.a().read(1), [b"me too"]);
    assert!(!pair.a().has(&Event::Restarted) && !pair.b().has(&Event::Restarted));
}
