//! What strangers and liars can do: nothing. Names carry the ids of the catalogue of attacks.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use avocet_ice::{Candidate, Event, Mode, PairState, Role, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use stun::{AttributeType, Class, ErrorCode, IntegrityKey, Message, MessageBuilder, Method};
use support::*;

fn stranger(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 66], port))
}

/// A request from a stranger's address, delivered to an established B; nothing may change.
fn changes_nothing(bytes_for: impl Fn(&Agents) -> Vec<u8>) -> (Agents, Vec<(Path, Vec<u8>)>) {
    let mut pair = connected(Profile::Clean, 20);
    let now = pair.now();
    let bytes = bytes_for(&pair);
    let before = snapshot(&pair.b().agent);
    let path = Path::udp(ADDRESS_B, stranger(6));
    deliver(&mut pair.b_mut().agent, now, path, &bytes);
    assert_eq!(before, snapshot(&pair.b().agent));
    assert!(!pair.b().agent.is_proved(&path));
    assert_eq!(pair.b_mut().agent.poll_event(), None);
    let sent = drain(&mut pair.b_mut().agent, now);
    for (to, reply) in &sent {
        assert_eq!(to.remote, stranger(6));
        assert!(reply.len() * 2 <= bytes.len() * 3, "amplification");
    }
    (pair, sent)
}

fn error_code(bytes: &[u8]) -> ErrorCode {
    Message::decode(bytes)
        .unwrap()
        .error_code()
        .unwrap()
        .unwrap()
}

#[test]
fn i02_a_forged_check_leaves_role_pairs_and_timers_unchanged() {
    let (pair, sent) = changes_nothing(|pair| {
        let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        forgery.pwd = "a-guess-a-guess-a-guess-".into();
        // It claims B's role with the largest tie-breaker, and nominates.
        forgery.role = Some((Role::Controlled, u64::MAX));
        forgery.use_candidate = true;
        forgery.bytes()
    });
    assert_eq!(pair.b().agent.stats().dropped_integrity, 1);
    assert_eq!(sent.len(), 1);
    assert_eq!(error_code(&sent[0].1), ErrorCode::UNAUTHENTICATED);
}

/// Transport 5.3 no. 4
#[test]
fn s05_a_wrong_fingerprint_is_dropped_before_any_hmac() {
    let (pair, sent) = changes_nothing(|pair| {
        let mut bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    });
    // Counted as that, and not as an integrity failure: the order of the filters.
    assert_eq!(pair.b().agent.stats().dropped_fingerprint, 1);
    assert!(sent.is_empty());
}

#[test]
fn s06_a_check_without_a_fingerprint_is_dropped() {
    let (pair, sent) = changes_nothing(|pair| {
        let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
        let mut bytes = bytes[..bytes.len() - 8].to_vec();
        let length = u16::try_from(bytes.len() - 20).unwrap();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    });
    assert_eq!(pair.b().agent.stats().dropped_fingerprint, 1);
    assert!(sent.is_empty());
}

#[test]
fn s07_use_candidate_behind_the_integrity_nominates_nothing() {
    let mut pair = strangers(Profile::Clean, 21, (Mode::Full, Mode::Lite));
    tell_b(&mut pair, Mode::Full);
    let now = pair.now();
    let genuine = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    // Without FINGERPRINT, then USE-CANDIDATE, then a new FINGERPRINT: an attacker on the path can do that.
    let mut bytes = genuine[..genuine.len() - 8].to_vec();
    bytes.extend_from_slice(&[0x00, 0x25, 0, 0]);
    let length = u16::try_from(bytes.len() + 8 - 20).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let crc = crc32(&bytes) ^ 0x5354_554e;
    bytes.extend_from_slice(&[0x80, 0x28, 0, 4]);
    bytes.extend_from_slice(&crc.to_be_bytes());
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), &bytes);
    assert_eq!(agent.stats().requests_received, 1);
    assert!(agent.pair_stats().all(|pair| !pair.nominated));
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn s13_indications_and_s14_stray_responses_are_dropped() {
    for class in [Class::Indication, Class::Success, Class::Error] {
        let (_, sent) = changes_nothing(|pair| {
            let mut buf = Vec::new();
            let id = stun::TransactionId::new([3; 12]);
            let message = MessageBuilder::new(&mut buf, class, Method::BINDING, id);
            let key = IntegrityKey::short_term(&pair.a().agent.local_credentials().pwd);
            message.integrity(&key).fingerprint().finish().unwrap();
            buf
        });
        assert!(sent.is_empty());
    }
}

#[test]
fn s15_a_username_without_a_colon_is_a_bad_request() {
    let (_, sent) = changes_nothing(|pair| {
        let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        forgery.username = forgery.username.replace(':', "");
        forgery.bytes()
    });
    assert_eq!(error_code(&sent[0].1), ErrorCode::BAD_REQUEST);
}

#[test]
fn s16_two_roles_at_once_are_a_bad_request_and_switch_nothing() {
    let (pair, sent) = changes_nothing(|pair| {
        let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        forgery.role = Some((Role::Controlled, 0));
        forgery.bytes_with(|message| {
            message.ice_controlling(u64::MAX);
        })
    });
    assert_eq!(error_code(&sent[0].1), ErrorCode::BAD_REQUEST);
    assert_eq!(pair.b().agent.stats().role_conflicts, 0);
}

#[test]
fn s09_an_unknown_required_attribute_is_answered_with_420() {
    let (pair, sent) = changes_nothing(|pair| {
        Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes_with(|message| {
            message.attribute(AttributeType(0x7fff), b"x");
        })
    });
    let reply = Message::decode(&sent[0].1).unwrap();
    assert_eq!(reply.error_code(), Ok(Some(ErrorCode::UNKNOWN_ATTRIBUTE)));
    let unknown: Vec<_> = reply.unknown_attributes().collect();
    assert_eq!(unknown, [AttributeType(0x7fff)]);
    // The requester authenticated, so the answer does.
    let key = IntegrityKey::short_term(&pair.b().agent.local_credentials().pwd);
    assert!(reply.verify_integrity(&key));
}

#[test]
fn unknown_optional_attributes_of_libwebrtc_are_ignored() {
    let mut pair = connected(Profile::Clean, 22);
    let now = pair.now();
    let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes_with(|message| {
        message.attribute(AttributeType::GOOG_NETWORK_INFO, &[0, 1, 0, 10]);
        message.attribute(AttributeType::NOMINATION, &[0, 0, 0, 1]);
    });
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), &bytes);
    let sent = drain(agent, now);
    assert_eq!(Message::decode(&sent[0].1).unwrap().class(), Class::Success);
}

#[test]
fn s18_an_answer_is_at_most_24_bytes_longer_than_the_check() {
    let mut pair = connected(Profile::Clean, 23);
    let now = pair.now();
    let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), &bytes);
    let sent = drain(agent, now);
    let reply = Message::decode(&sent[0].1).unwrap();
    assert_eq!(reply.xor_mapped_address(), Ok(Some(ADDRESS_A)));
    assert!(sent[0].1.len() <= bytes.len() + 24);
}

#[test]
fn s18_ten_thousand_bad_checks_a_second_get_at_most_a_hundred_answers() {
    let mut pair = connected(Profile::Clean, 24);
    let now = pair.now();
    let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    forgery.pwd = "a-guess-a-guess-a-guess-".into();
    let bytes = forgery.bytes();
    let agent = &mut pair.b_mut().agent;
    let mut answers = 0;
    for port in 0..10_000 {
        let path = Path::udp(ADDRESS_B, stranger(port + 1));
        deliver(agent, now, path, &bytes);
        answers += drain(agent, now).len();
    }
    // They all come from one address: ten.
    assert_eq!(answers, 10);
    assert_eq!(agent.stats().rate_limited, 9_990);
    for host in 0..=255 {
        let source = SocketAddr::from(([198, 51, 100, host], 9));
        deliver(agent, now, Path::udp(ADDRESS_B, source), &bytes);
        answers += drain(agent, now).len();
    }
    assert!(answers <= 100, "{answers}");
    let later = now + Duration::from_secs(1);
    deliver(agent, later, Path::udp(ADDRESS_B, stranger(1)), &bytes);
    assert_eq!(drain(agent, later).len(), 1, "a new second");
}

#[test]
fn s19_an_unknown_username_gets_silence_and_no_state() {
    let (pair, sent) = changes_nothing(|pair| {
        let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        forgery.username = "nobody:knows".into();
        forgery.bytes()
    });
    assert!(sent.is_empty());
    assert_eq!(pair.b().agent.stats().dropped_unknown_username, 1);
}

#[test]
fn i01_a_forged_answer_is_as_if_it_had_never_come() {
    let mut pair = acquainted(Profile::Clean, 25, FULL);
    let now = pair.now();
    let sent = drain(&mut pair.a_mut().agent, now);
    let request = Message::decode(&sent[0].1).unwrap();
    let guess = IntegrityKey::short_term("a-guess-a-guess-a-guess-");
    for class in [Class::Success, Class::Error] {
        let mut buf = Vec::new();
        let mut forged = MessageBuilder::response_to(&mut buf, class, &request);
        match class {
            Class::Error => forged.error_code(487),
            _ => forged.xor_mapped_address(ADDRESS_A),
        };
        forged.integrity(&guess).fingerprint().finish().unwrap();
        let before = snapshot(&pair.a().agent);
        deliver(&mut pair.a_mut().agent, now, path_of_a(), &buf);
        assert_eq!(before, snapshot(&pair.a().agent));
    }
    assert_eq!(pair.a().agent.stats().dropped_integrity, 2);
    // The true answer still counts.
    let answer = answer_of(&mut pair, &sent[0].1);
    deliver(&mut pair.a_mut().agent, now, path_of_a(), &answer);
    assert_eq!(pair.a().agent.best_path(), Some(path_of_a()));
}

/// What B says to a request of A.
fn answer_of(pair: &mut Agents, request: &[u8]) -> Vec<u8> {
    let now = pair.now();
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), request);
    drain(agent, now).into_iter().next().unwrap().1
}

/// Transport 5.3 no. 3
#[test]
fn i08_an_answer_from_another_address_fails_the_pair() {
    for wrong in [
        Path::udp(ADDRESS_A, stranger(7)),
        Path::udp(stranger(8), ADDRESS_B),
    ] {
        let mut pair = acquainted(Profile::Clean, 26, FULL);
        let now = pair.now();
        let sent = drain(&mut pair.a_mut().agent, now);
        let answer = answer_of(&mut pair, &sent[0].1);
        let agent = &mut pair.a_mut().agent;
        deliver(agent, now, wrong, &answer);
        assert_eq!(agent.stats().asymmetric_responses, 1);
        assert_eq!(agent.best_path(), None);
        assert!(!agent.is_proved(&wrong));
        let states: Vec<_> = agent.pair_stats().map(|pair| pair.state).collect();
        assert_eq!(states, [PairState::Failed]);
    }
}

#[test]
fn i03_ten_thousand_candidates_make_at_most_64_candidates_and_100_pairs() {
    let mut host = host(27, Role::Controlling, Mode::Full);
    let now = netsim::epoch();
    for last in 1..=4 {
        let address = SocketAddr::from(([10, 0, 0, last], 5_000));
        host.agent
            .add_local_candidate(now, Candidate::host(address))
            .unwrap();
    }
    let peer = support::host(28, Role::Controlled, Mode::Full);
    let credentials = peer.agent.local_credentials().clone();
    host.agent
        .set_remote_credentials(now, credentials, Mode::Full);
    for port in 1..=10_000 {
        let line = format!("1 1 udp {} 10.0.0.9 {port} typ host", 2_130_000_000 - port);
        let _ = host.agent.add_remote_candidate(now, line.parse().unwrap());
    }
    assert_eq!(host.agent.stats().remote_candidates_refused, 10_000 - 64);
    assert_eq!(host.agent.pair_stats().count(), 100);
    // The cap keeps the best.
    let best = host
        .agent
        .pair_stats()
        .map(|pair| pair.path.remote.port())
        .min();
    assert_eq!(best, Some(1));
}

#[test]
fn i03_a_peer_that_comes_from_everywhere_has_16_learned_candidates() {
    let mut pair = connected(Profile::Clean, 29);
    let now = pair.now();
    let first = from_everywhere(&mut pair, now, 1..=1_000);
    assert_eq!(first, 64, "and then none: all led nowhere");
    assert_eq!(pair.b().agent.pair_stats().count(), 17);
    // The pair in use was not among those that gave way.
    assert_eq!(pair.b().agent.best_path(), Some(path_of_a().reversed()));
    assert_eq!(pair.b().agent.state(), State::Connected);
    let later = (1..=20).map(|second| now + Duration::from_secs(second));
    let later = later
        .zip(1_001..)
        .map(|(now, port)| from_everywhere(&mut pair, now, port..=port));
    assert_eq!(
        later.sum::<u32>(),
        4,
        "one in five seconds, in case that the peer has moved"
    );
}

/// Checks of A's from these ports of a stranger's, to which no answer comes. How many paths they proved.
fn from_everywhere(pair: &mut Agents, now: Instant, ports: RangeInclusive<u16>) -> u32 {
    let mut proofs = 0;
    for port in ports {
        let mut check = Forgery::genuine(&pair.b().agent, &pair.a().agent);
        check.id = u32::from(port);
        let bytes = check.bytes();
        let agent = &mut pair.b_mut().agent;
        deliver(agent, now, Path::udp(ADDRESS_B, stranger(port)), &bytes);
        while let Some(event) = agent.poll_event() {
            proofs += u32::from(matches!(event, Event::PathProved(_)));
        }
        drain(agent, now);
    }
    proofs
}

#[test]
fn i04_a_silent_victim_gets_at_most_seven_packets_per_pair() {
    let mut pair = strangers(Profile::Clean, 30, FULL);
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    for port in 1..=3 {
        let line = format!("1 1 udp {} 10.0.0.9 {port} typ host", 2_130_000_000 - port);
        agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    let credentials = pair.b().agent.local_credentials().clone();
    let agent = &mut pair.a_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    pair.run_for(Duration::from_secs(600));
    assert_eq!(pair.sent(), 3 * 7);
    assert_eq!(pair.a().agent.state(), State::Failed);
}

#[test]
fn i05_addresses_that_no_peer_can_have_are_refused() {
    let mut host = host(31, Role::Controlling, Mode::Full);
    let now = netsim::epoch();
    host.agent
        .add_local_candidate(now, Candidate::host(ADDRESS_A))
        .unwrap();
    let peer = support::host(32, Role::Controlled, Mode::Full);
    let credentials = peer.agent.local_credentials().clone();
    host.agent
        .set_remote_credentials(now, credentials, Mode::Full);
    for address in [
        "0.0.0.0 5",
        "255.255.255.255 5",
        "224.0.0.251 5353",
        "169.254.169.254 80",
        ":: 5",
        "ff02::fb 5353",
        "fe80::1 5",
        "10.0.0.9 0",
        "metadata.google.internal 80",
    ] {
        let line = format!("1 1 udp 2130000000 {address} typ host");
        let candidate: Candidate = line.parse().unwrap();
        assert!(
            host.agent.add_remote_candidate(now, candidate).is_err(),
            "{address}"
        );
    }
    // Loopback is fine between loopback addresses, and out of reach from anywhere else, however it is written.
    for address in ["127.0.0.1 22", "::ffff:127.0.0.1 22"] {
        let line = format!("1 1 udp 2130000000 {address} typ host");
        host.agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    assert_eq!(host.agent.pair_stats().count(), 0);
}

#[test]
fn i10_forged_packets_from_elsewhere_never_move_the_path() {
    let mut pair = connected(Profile::Clean, 33);
    let now = pair.now();
    let mut forgery = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    forgery.pwd = "a-guess-a-guess-a-guess-".into();
    forgery.use_candidate = true;
    let bytes = forgery.bytes();
    let agent = &mut pair.b_mut().agent;
    for port in 1..=50_000 {
        let path = Path::udp(ADDRESS_B, stranger(port));
        deliver(agent, now, path, &bytes);
    }
    assert_eq!(agent.best_path(), Some(path_of_a().reversed()));
    assert_eq!(agent.pair_stats().count(), 1);
}

#[test]
fn i13_any_source_and_destination_are_fine() {
    let mut pair = connected(Profile::Clean, 34);
    let now = pair.now();
    let bytes = Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    let agent = &mut pair.b_mut().agent;
    for local in ["0.0.0.0:0", "[::]:0", "10.0.0.2:5002", "127.0.0.1:1"] {
        for remote in [
            "0.0.0.0:0",
            "[::1]:1",
            "255.255.255.255:65535",
            "10.0.0.2:5002",
        ] {
            let path = Path::udp(local.parse().unwrap(), remote.parse().unwrap());
            deliver(agent, now, path, &bytes);
        }
    }
    pair.run_for(Duration::from_secs(100));
    assert_eq!(pair.b().agent.best_path(), Some(path_of_a().reversed()));
}

/// S-21 of the catalogue: all 96 bits of a transaction id come from the generator, and no two ids are alike.
#[test]
fn s21_transaction_ids_use_all_their_bits() {
    let mut ids = Vec::new();
    for seed in 100..228 {
        let mut pair = acquainted(Profile::Clean, seed, FULL);
        let now = pair.now();
        for (_, bytes) in drain(&mut pair.a_mut().agent, now) {
            let id = *Message::decode(&bytes).unwrap().transaction_id().bytes();
            ids.push(u128::from_be_bytes(
                [[0; 4].as_slice(), &id].concat().try_into().unwrap(),
            ));
        }
    }
    let (ones, zeros) = ids
        .iter()
        .fold((0, 0), |(ones, zeros), id| (ones | id, zeros | !id));
    assert_eq!(ones & zeros & (u128::MAX >> 32), u128::MAX >> 32);
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert!(count >= 128 && ids.len() == count);
}
