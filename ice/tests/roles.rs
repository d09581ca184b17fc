//! Role conflicts (RFC 8445 §7.3.1.1, §7.2.5.1) and nomination.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{Candidate, Event, Mode, Role, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use stun::{ErrorCode, Message};
use support::*;

fn with_roles(seed_number: u64, role: Role) -> Agents {
    let mut pair = acquainted(Profile::Clean, seed_number, FULL);
    let now = pair.now();
    pair.a_mut().agent.set_role(now, role);
    pair.b_mut().agent.set_role(now, role);
    pair
}

#[test]
fn i07_equal_roles_are_settled_within_two_round_trips() {
    for role in [Role::Controlling, Role::Controlled] {
        for seed in 50..70 {
            let mut pair = with_roles(seed, role);
            let settled = |pair: &Agents| pair.a().agent.role() != pair.b().agent.role();
            assert!(
                pair.run_until(Duration::from_millis(100), settled),
                "{role:?} {seed}"
            );
            assert!(pair.run_until(Duration::from_secs(2), both_selected));
            assert!(settled(&pair));
            // Exactly one side changed, once.
            let changes = [pair.a(), pair.b()].map(|host| {
                let is_change = |event: &&Event| matches!(event, Event::RoleChanged(_));
                host.events.iter().filter(is_change).count()
            });
            assert_eq!(changes[0] + changes[1], 1, "{role:?} {seed}");
        }
    }
}

#[test]
fn i07_a_487_changes_the_tie_breaker_so_that_a_tie_ends() {
    let mut pair = acquainted(Profile::Clean, 71, FULL);
    let now = pair.now();
    let request = drain(&mut pair.a_mut().agent, now)[0].1.clone();
    let request = Message::decode(&request).unwrap();
    let tie_breaker = request.ice_controlling().unwrap().unwrap();
    // B happens to have the same number: A keeps its role (RFC 8445 §7.3.1.1, "larger than or equal").
    let mut check = Forgery::genuine(&pair.a().agent, &pair.b().agent);
    check.role = Some((Role::Controlling, tie_breaker));
    let bytes = check.bytes();
    let agent = &mut pair.a_mut().agent;
    deliver(agent, now, path_of_a(), &bytes);
    let reply = drain(agent, now).remove(0).1;
    let reply = Message::decode(&reply).unwrap().error_code();
    assert_eq!(reply, Ok(Some(ErrorCode::ROLE_CONFLICT)));
    // And so does B: its 487 makes A switch, with another number (RFC 8445 §16.1).
    let bytes = refusal(&pair, &request);
    let agent = &mut pair.a_mut().agent;
    deliver(agent, now, path_of_a(), &bytes);
    assert_eq!(agent.role(), Role::Controlled);
    let later = now + Duration::from_millis(20);
    agent.handle_timeout(later);
    let again = drain(agent, later);
    let (_, again) = again.iter().find(|(_, bytes)| is_request(bytes)).unwrap();
    let again = Message::decode(again).unwrap().ice_controlled().unwrap();
    assert!(again.is_some_and(|number| number != tie_breaker));
}

/// The 487 of B to a request of A.
fn refusal(pair: &Agents, request: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = stun::MessageBuilder::response_to(&mut bytes, stun::Class::Error, request);
    builder.error_code(487);
    let key = stun::IntegrityKey::short_term(&pair.b().agent.local_credentials().pwd);
    builder.integrity(&key).fingerprint().finish().unwrap();
    bytes
}

#[test]
fn a_conflict_is_answered_or_followed_but_never_both() {
    let conflict = Some(ErrorCode::ROLE_CONFLICT);
    for (claimed, tie_breaker, code, role) in [
        (Role::Controlling, 0, conflict, Role::Controlling),
        (Role::Controlling, u64::MAX, None, Role::Controlled),
        (Role::Controlled, 0, None, Role::Controlling),
        (Role::Controlled, u64::MAX, conflict, Role::Controlled),
    ] {
        let mut pair = acquainted(Profile::Clean, 72, FULL);
        let now = pair.now();
        let mut check = Forgery::genuine(&pair.a().agent, &pair.b().agent);
        check.role = Some((claimed, tie_breaker));
        let bytes = check.bytes();
        let agent = &mut pair.a_mut().agent;
        agent.set_role(now, claimed);
        drain(agent, now);
        deliver(agent, now, path_of_a(), &bytes);
        let sent = drain(agent, now);
        let reply = Message::decode(&sent[0].1).unwrap();
        assert_eq!(reply.error_code(), Ok(code));
        assert_eq!(agent.role(), role);
    }
}

#[test]
fn a_stale_487_switches_nothing() {
    let mut pair = acquainted(Profile::Clean, 73, FULL);
    let now = pair.now();
    // A controls and asks; B, which was told to control as well and has the larger number, says 487.
    let request = drain(&mut pair.a_mut().agent, now)[0].1.clone();
    let bytes = refusal(&pair, &Message::decode(&request).unwrap());
    // Meanwhile A has switched for another reason.
    let agent = &mut pair.a_mut().agent;
    agent.set_role(now, Role::Controlled);
    deliver(agent, now, path_of_a(), &bytes);
    assert_eq!(agent.role(), Role::Controlled);
}

#[test]
fn lite_agents_are_controlled_whatever_they_were_told() {
    let mut pair = strangers(Profile::Clean, 74, (Mode::Full, Mode::Lite));
    let now = pair.now();
    pair.a_mut().agent.set_role(now, Role::Controlled);
    pair.b_mut().agent.set_role(now, Role::Controlling);
    tell_a(&mut pair, Mode::Lite);
    tell_b(&mut pair, Mode::Full);
    assert!(pair.run_until(Duration::from_secs(2), both_selected));
    assert_eq!(pair.a().agent.role(), Role::Controlling);
    assert_eq!(pair.b().agent.role(), Role::Controlled);
}

#[test]
fn a_nomination_of_a_pair_that_is_not_valid_yet_is_kept_until_it_is() {
    // A browser nominates with its first check (RFC 8445 §7.3.1.5).
    let mut pair = acquainted(Profile::Clean, 75, FULL);
    let now = pair.now();
    let mut check = Forgery::genuine(&pair.b().agent, &pair.a().agent);
    check.role = Some((Role::Controlling, 1));
    check.use_candidate = true;
    let bytes = check.bytes();
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), &bytes);
    assert!(agent.pair_stats().all(|pair| !pair.nominated));
    let request = drain(agent, now)
        .into_iter()
        .find(|(_, bytes)| is_request(bytes));
    let request = request.unwrap().1;
    let agent = &mut pair.a_mut().agent;
    deliver(agent, now, path_of_a(), &request);
    let answers = drain(agent, now);
    let answer = answers
        .iter()
        .find(|(_, bytes)| !is_request(bytes))
        .unwrap();
    let agent = &mut pair.b_mut().agent;
    deliver(agent, now, path_of_a().reversed(), &answer.1);
    assert!(agent.pair_stats().all(|pair| pair.nominated));
    assert_eq!(agent.state(), State::Completed);
}

#[test]
fn of_several_nominations_the_highest_priority_wins() {
    let now = netsim::epoch();
    let mut a = host(76, Role::Controlling, Mode::Full);
    let mut lite = host(77, Role::Controlled, Mode::Lite);
    lite.agent
        .add_local_candidate(now, Candidate::host(ADDRESS_B))
        .unwrap();
    a.agent
        .add_local_candidate(now, Candidate::host(ADDRESS_A))
        .unwrap();
    let credentials = a.agent.local_credentials().clone();
    lite.agent
        .set_remote_credentials(now, credentials, Mode::Full);
    let host_line = "1 1 udp 2130706431 10.0.0.1 5001 typ host";
    let relay_line = "2 1 udp 16777215 10.0.0.7 7 typ relay raddr 0.0.0.0 rport 0";
    for line in [relay_line, host_line] {
        lite.agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    let mut check = Forgery::genuine(&lite.agent, &a.agent);
    check.role = Some((Role::Controlling, 1));
    check.use_candidate = true;
    let relayed = Path::udp(ADDRESS_B, "10.0.0.7:7".parse().unwrap());
    let direct = Path::udp(ADDRESS_B, ADDRESS_A);
    for path in [relayed, direct, relayed] {
        check.id += 1;
        deliver(&mut lite.agent, now, path, &check.bytes());
    }
    assert_eq!(lite.agent.best_path(), Some(direct));
    // Later the peer asks for the other one alone: it has moved.
    let later = now + Duration::from_secs(8);
    check.id += 1;
    deliver(&mut lite.agent, later, relayed, &check.bytes());
    assert_eq!(lite.agent.best_path(), Some(relayed));
}
