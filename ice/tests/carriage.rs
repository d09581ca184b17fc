//! Checks and answers that carry datagrams of a handshake (draft-hancke-webrtc-sped).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{Agent, Event};
use bytes::Bytes;
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use stun::{AttributeType, Message};
use support::{FULL, Forgery, acquainted, deliver, drain, strangers, tell_a, tell_b};

fn flight(length: usize) -> Bytes {
    Bytes::from(vec![0x16; length])
}

fn arrived(events: &[Event]) -> Vec<Bytes> {
    let payload = |event: &Event| match event {
        Event::PayloadArrived { payload, .. } => Some(payload.clone()),
        _ => None,
    };
    events.iter().filter_map(payload).collect()
}

fn acknowledged(events: &[Event]) -> Vec<Bytes> {
    let payload = |event: &Event| match event {
        Event::PayloadAcknowledged(payload) => Some(payload.clone()),
        _ => None,
    };
    events.iter().filter_map(payload).collect()
}

fn events_of(agent: &mut Agent) -> Vec<Event> {
    std::iter::from_fn(|| agent.poll_event()).collect()
}

fn path_of_b() -> Path {
    Path::udp(ADDRESS_B, ADDRESS_A)
}

#[test]
fn what_a_check_carries_arrives_once_and_is_acknowledged_by_the_answer() {
    let mut pair = acquainted(Profile::Clean, 1, FULL);
    let now = pair.now();
    pair.a_mut().agent.attach(now, Some(flight(900)));
    pair.b_mut().agent.attach(now, None);
    assert!(pair.run_until(Duration::from_secs(5), support::both_selected));
    assert_eq!(arrived(&pair.b().events), [flight(900)]);
    assert_eq!(acknowledged(&pair.a().events), [flight(900)]);
    assert!(!pair.a().agent.is_carrying());
    assert_eq!(arrived(&pair.a().events), <[Bytes; 0]>::default());
}

#[test]
fn a_flight_of_two_datagrams_arrives_within_one_round_trip() {
    let mut pair = acquainted(Profile::Clean, 2, FULL);
    let now = pair.now();
    let both = [flight(900), flight(563)];
    pair.a_mut().agent.attach(now, both);
    pair.b_mut().agent.attach(now, None);
    let start = pair.now();
    let has_both = |pair: &support::Agents| arrived(&pair.b().events).len() == 2;
    assert!(pair.run_until(Duration::from_secs(5), has_both));
    let round_trip = Duration::from_millis(50);
    assert!(pair.now() - start <= round_trip, "{:?}", pair.now() - start);
    assert!(pair.run_until(Duration::from_secs(5), support::both_selected));
    assert_eq!(acknowledged(&pair.a().events).len(), 2);
}

#[test]
fn both_sides_carry_and_answer_through_loss() {
    for seed in 0..20 {
        let mut pair = acquainted(Profile::Loss10, seed, FULL);
        let now = pair.now();
        pair.a_mut().agent.attach(now, [flight(900), flight(700)]);
        pair.b_mut().agent.attach(now, [flight(600)]);
        let done = |pair: &support::Agents| {
            arrived(&pair.b().events).len() == 2 && arrived(&pair.a().events).len() == 1
        };
        assert!(pair.run_until(Duration::from_secs(60), done), "seed {seed}");
    }
}

#[test]
fn a_message_that_would_grow_beyond_1200_bytes_leaves_the_payload_out() {
    let mut pair = acquainted(Profile::Clean, 3, FULL);
    let now = pair.now();
    pair.a_mut().agent.attach(now, Some(flight(1_190)));
    let sent = drain(&mut pair.a_mut().agent, now);
    let (_, check) = sent.first().unwrap();
    let message = Message::decode(check).unwrap();
    assert!(check.len() <= 1_200);
    assert_eq!(message.attribute(AttributeType::DTLS_IN_STUN), None);
    assert_eq!(
        message.attribute(AttributeType::DTLS_IN_STUN_ACK),
        Some(&[][..])
    );
}

#[test]
fn a_payload_of_a_message_without_the_password_is_never_delivered() {
    let mut pair = strangers(Profile::Clean, 4, FULL);
    tell_b(&mut pair, FULL.0);
    let now = pair.now();
    let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    forgery.pwd = "not the password of anyone".into();
    let carrying = forgery.bytes_with(|message| {
        message.attribute(AttributeType::DTLS_IN_STUN, &flight(400));
    });
    let agent = &mut pair.b_mut().agent;
    agent.attach(now, Some(flight(300)));
    deliver(agent, now, path_of_b(), &carrying);
    assert_eq!(arrived(&events_of(agent)), <[Bytes; 0]>::default());
    assert!(agent.is_carrying());
}

#[test]
fn an_agent_that_carries_nothing_ignores_what_arrives_and_says_nothing_of_it() {
    let mut pair = acquainted(Profile::Clean, 5, FULL);
    let now = pair.now();
    pair.a_mut().agent.attach(now, Some(flight(500)));
    assert!(pair.run_until(Duration::from_secs(5), support::both_selected));
    assert_eq!(arrived(&pair.b().events), <[Bytes; 0]>::default());
    let refused = |event: &&Event| **event == Event::PayloadsRefused;
    assert_eq!(pair.a().events.iter().filter(refused).count(), 1);
    assert!(pair.a().agent.is_carrying());
}

#[test]
fn a_changed_attachment_is_a_new_transaction() {
    let mut pair = acquainted(Profile::Clean, 6, FULL);
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    agent.attach(now, Some(flight(500)));
    let first = drain(agent, now);
    agent.attach(now, Some(flight(501)));
    let later = agent.poll_timeout().unwrap();
    agent.handle_timeout(later);
    let deadline = later + Duration::from_secs(2);
    agent.handle_timeout(deadline);
    let second = drain(agent, deadline);
    let id = |bytes: &[u8]| Message::decode(bytes).unwrap().transaction_id();
    let carried = |bytes: &[u8]| {
        let message = Message::decode(bytes).unwrap();
        message
            .attribute(AttributeType::DTLS_IN_STUN)
            .map(<[u8]>::len)
    };
    assert_eq!(carried(&first[0].1), Some(500));
    assert!(second.iter().any(|(_, bytes)| carried(bytes) == Some(501)));
    assert!(second.iter().all(|(_, bytes)| id(bytes) != id(&first[0].1)));
}

#[test]
fn payloads_that_nobody_takes_are_bounded_and_not_acknowledged() {
    let mut pair = strangers(Profile::Clean, 7, FULL);
    tell_a(&mut pair, FULL.1);
    tell_b(&mut pair, FULL.0);
    let now = pair.now();
    let genuine = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    let agent = &mut pair.b_mut().agent;
    agent.attach(now, None);
    for number in 0..100_u8 {
        let check = genuine.bytes_with(|message| {
            message.attribute(AttributeType::DTLS_IN_STUN, &[number; 900]);
        });
        deliver(agent, now, path_of_b(), &check);
        drain(agent, now);
    }
    assert_eq!(agent.stats().payloads_dropped, 92);
    assert_eq!(arrived(&events_of(agent)).len(), 8);
}
