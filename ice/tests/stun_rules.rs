//! What RFC 8489 and RFC 8445 ask of the messages of ICE, by the ids of the requirements of STUN.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{Credentials, Mode, Role};
use netsim::{ADDRESS_A, Profile};
use stun::{AttributeType, Class, Message};
use support::*;

/// S-21: every message of a session holds what it must and no more: no SOFTWARE, no attribute of libwebrtc's own.
#[test]
fn s_21_checks_and_answers_hold_what_they_must_and_nothing_else() {
    let mut pair = acquainted(Profile::Clean, 1, FULL);
    pair.network().start_recording();
    pair.run_for(Duration::from_secs(60));
    let request = [
        AttributeType::USERNAME,
        AttributeType::PRIORITY,
        AttributeType::ICE_CONTROLLING,
        AttributeType::ICE_CONTROLLED,
        AttributeType::USE_CANDIDATE,
        AttributeType::MESSAGE_INTEGRITY,
        AttributeType::FINGERPRINT,
    ];
    let answer = [
        AttributeType::XOR_MAPPED_ADDRESS,
        AttributeType::MESSAGE_INTEGRITY,
        AttributeType::FINGERPRINT,
    ];
    let mut counts = [0, 0];
    let recorded = pair.network().recorded();
    for packet in recorded {
        let message = Message::decode(&packet.bytes).unwrap();
        let is_request = message.class() == Class::Request;
        counts[usize::from(is_request)] += 1;
        let allowed = if is_request {
            &request[..]
        } else {
            &answer[..]
        };
        for attribute in message.attributes() {
            assert!(allowed.contains(&attribute.kind), "{}", attribute.kind);
        }
    }
    assert!(counts[0] > 10 && counts[1] > 10, "{counts:?}");
}

/// S-11: 4 to 256 characters of a fragment, 22 to 256 of a password (RFC 8839 §5.4), both ends of both.
#[test]
fn s_11_fragments_and_passwords_have_their_shortest_and_longest() {
    let text = |length: usize| "aB3+/z".repeat(43)[..length].to_owned();
    for (ufrag, pwd, fits) in [
        (4, 22, true),
        (256, 256, true),
        (3, 22, false),
        (257, 22, false),
        (4, 21, false),
        (4, 257, false),
    ] {
        let made = Credentials::new(text(ufrag), text(pwd));
        assert_eq!(made.is_ok(), fits, "{ufrag} {pwd}");
    }
    for bad in [":", " ", "=", "-", "_", "é", "\0"] {
        assert!(Credentials::new(text(4) + bad, text(22)).is_err());
        assert!(Credentials::new(text(4), text(22) + bad).is_err());
    }
}

/// S-12: the second sending of a check comes after 500 ms, and later where so many pairs wait or are in progress that all of
/// them take longer to be sent once (RFC 8445 §14.3).
#[test]
fn s_12_the_more_pairs_wait_the_longer_an_answer_is_waited_for() {
    for (pairs, expected) in [(1, 500), (10, 500), (60, 1_200)] {
        let now = netsim::epoch();
        let mut agent = host(1, Role::Controlling, Mode::Full).agent;
        agent
            .add_local_candidate(now, avocet_ice::Candidate::host(ADDRESS_A))
            .unwrap();
        let credentials = Credentials::new("abcd", "p".repeat(22)).unwrap();
        let lines: Vec<String> = (0..pairs)
            .map(|port| {
                format!(
                    "candidate:1 1 udp {} 192.0.2.1 {} typ host",
                    2_000_000_000 - port,
                    5_000 + port
                )
            })
            .collect();
        learn(&mut agent, now, credentials, &lines, Mode::Full);
        let mut sent = Vec::new();
        let mut at = now;
        while at < now + Duration::from_secs(3) {
            agent.handle_timeout(at);
            for (path, _) in drain(&mut agent, at) {
                sent.push((path.remote, (at - now).as_millis()));
            }
            at += Duration::from_millis(1);
        }
        // The first check was made when there was one pair; the second one waits for all of them.
        let at = usize::from(pairs > 1);
        let first = sent[at];
        let again = sent[at + 1..].iter().find(|it| it.0 == first.0).unwrap();
        assert_eq!(again.1 - first.1, expected, "{pairs} pairs");
    }
}
