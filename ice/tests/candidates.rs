//! Candidates other than plain UDP addresses: names of multicast DNS, policies, rewritten addresses,
//! and addresses that come and go.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use avocet_ice::{
    AddCandidateError, AddressRewrite, Agent, Candidate, CandidateKind, Config, Event,
    InterfaceFact, Mode, PairState, Policy, Role, SelectionReason, State,
};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile};
use support::scene::Scene;
use support::talk::{Talk, agent};
use support::{deliver, learn, said, seed};

const NAME: &str = "9b36eaac-bb2e-49bb-bb78-21c41c499900.local";

/// I-30
#[test]
fn a_candidate_with_a_name_is_used_once_the_name_is_resolved() {
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(1, Candidate::host_named(NAME, ADDRESS_B));
    let shown = talk.agents[1]
        .local_candidates()
        .next()
        .unwrap()
        .to_string();
    assert!(
        shown.contains(NAME) && !shown.contains("10.0.0.2"),
        "{shown}"
    );
    let (credentials, lines) = said(&talk.agents[1]);
    learn(
        &mut talk.agents[0],
        talk.now,
        credentials,
        &lines,
        Mode::Full,
    );
    talk.run(2);
    assert_eq!(talk.agents[0].pair_stats().count(), 0);
    assert!(talk.events[0].contains(&Event::ResolveName(NAME.into())));
    let now = talk.now;
    talk.agents[0].on_resolved(now, NAME, Some(ADDRESS_B.ip()));
    assert_eq!(talk.agents[0].pair_stats().count(), 1);
    let (credentials, lines) = said(&talk.agents[0]);
    learn(
        &mut talk.agents[1],
        talk.now,
        credentials,
        &lines,
        Mode::Full,
    );
    talk.run(20);
    assert_eq!(
        talk.agents[0].best_path(),
        Some(Path::udp(ADDRESS_A, ADDRESS_B))
    );
}

/// I-30
#[test]
fn names_are_few_those_of_the_dns_are_refused_and_unresolved_ones_are_forgotten() {
    let mut agent = agent(1, Role::Controlling, Policy::All);
    let now = netsim::epoch();
    let line = |name: &str| {
        format!("1 1 udp 2130000000 {name} 5 typ host")
            .parse()
            .unwrap()
    };
    assert_eq!(
        agent.add_remote_candidate(now, line("metadata.google.internal")),
        Err(AddCandidateError::Name)
    );
    assert_eq!(
        agent.add_remote_candidate(now, line("a.b.local")),
        Err(AddCandidateError::Name)
    );
    for number in 0..16 {
        let name = format!("n{number}.local");
        agent.add_remote_candidate(now, line(&name)).unwrap();
    }
    let refused = agent.add_remote_candidate(now, line("n16.local"));
    assert_eq!(refused, Err(AddCandidateError::TooMany));
    agent.on_resolved(now, "N3.local", None);
    agent.add_remote_candidate(now, line("n16.local")).unwrap();
    assert_eq!(agent.candidate_stats().count(), 0);
}

/// I-31, I-06 of the catalogue
#[test]
fn an_agent_that_may_use_relays_only_sends_to_and_answers_nobody_else() {
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.agents[0] = agent(1, Role::Controlling, Policy::Relay);
    let now = talk.now;
    assert_eq!(
        talk.agents[0].add_local_candidate(now, Candidate::host(ADDRESS_A)),
        Err(AddCandidateError::Policy)
    );
    assert!(
        talk.agents[0]
            .add_stun_server(now, ([203, 0, 113, 1], 3478).into())
            .is_err()
    );
    let relayed: SocketAddr = ([203, 0, 113, 7], 50_000).into();
    let relay = Candidate::relayed(relayed, ([198, 51, 100, 1], 5_000).into());
    talk.add(0, relay.without_related());
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    // A check that comes to the host's own address is not even looked at.
    let genuine = support::Forgery::genuine(&talk.agents[0], &talk.agents[1]);
    deliver(
        &mut talk.agents[0],
        now,
        Path::udp(ADDRESS_A, ADDRESS_B),
        &genuine.bytes(),
    );
    assert_eq!(talk.agents[0].stats().dropped_policy, 1);
    for _ in 0..100 {
        for (path, _) in support::drain(&mut talk.agents[0], talk.now) {
            assert_eq!(path.local, relayed);
        }
        talk.step();
    }
    let lines = said(&talk.agents[0]).1;
    assert!(
        lines
            .iter()
            .all(|line| line.contains("typ relay raddr 0.0.0.0 rport 0"))
    );
}

/// T-7: what the relay would drop is not sent; what it lets through goes at once, and what it never will fails.
#[test]
fn checks_from_a_relay_wait_for_its_permission() {
    let relayed: SocketAddr = ([203, 0, 113, 7], 50_000).into();
    let other: SocketAddr = ([198, 51, 100, 9], 9_000).into();
    let mut talk = Talk::new();
    talk.agents[0] = agent(1, Role::Controlling, Policy::Relay);
    let now = talk.now;
    talk.agents[0].gate(relayed);
    talk.add(0, Candidate::relayed(relayed, ADDRESS_A));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.add(1, Candidate::host(other));
    talk.introduce();
    for _ in 0..50 {
        assert!(support::drain(&mut talk.agents[0], talk.now).is_empty());
        talk.now += Duration::from_millis(20);
        let now = talk.now;
        talk.agents[0].handle_timeout(now);
    }
    let wanted: Vec<_> = talk.agents[0].remote_addresses().collect();
    assert_eq!(wanted, [ADDRESS_B, other]);
    let now_later = talk.now;
    assert!(now_later > now);
    talk.agents[0].deny(now_later, relayed, other.ip());
    talk.agents[0].admit(now_later, relayed, ADDRESS_B.ip());
    let sent = support::drain(&mut talk.agents[0], now_later);
    let paths: Vec<_> = sent.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, [Path::udp(relayed, ADDRESS_B)]);
    let mut pairs = talk.agents[0].pair_stats();
    let is_failed = |pair: &avocet_ice::PairStats| pair.state == PairState::Failed;
    assert!(pairs.any(|pair| pair.path.remote == other && is_failed(&pair)));
}

/// I-38
#[test]
fn a_change_of_path_says_why() {
    let other: SocketAddr = ([10, 0, 1, 1], 5_001).into();
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(0, Candidate::host(other));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    talk.run(100);
    let (now, first) = (talk.now, talk.agents[0].best_path().unwrap());
    talk.down.push(first.local.ip());
    talk.agents[0].on_interface(now, InterfaceFact::Down(first.local.ip()));
    talk.run(1_200);
    let reasons = talk.events[0].iter().filter_map(|event| match event {
        Event::Selected { reason, .. } => Some(*reason),
        _ => None,
    });
    let reasons: Vec<_> = reasons.collect();
    assert_eq!(reasons.first(), Some(&SelectionReason::First));
    assert_eq!(reasons.last(), Some(&SelectionReason::PathLost));
}

/// T-3: a relay whose allocation ended takes its candidates and pairs with it.
#[test]
fn a_base_that_is_gone_takes_its_candidates_and_pairs_with_it() {
    let relayed: SocketAddr = ([203, 0, 113, 7], 50_000).into();
    let mut talk = Talk::new();
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(0, Candidate::relayed(relayed, ADDRESS_A));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    let now = talk.now;
    talk.agents[0].remove_base(now, relayed);
    assert_eq!(talk.agents[0].local_candidates().count(), 1);
    let paths: Vec<_> = talk.agents[0].pair_stats().map(|pair| pair.path).collect();
    assert_eq!(paths, [Path::udp(ADDRESS_A, ADDRESS_B)]);
}

/// I-31
#[test]
fn an_agent_without_host_candidates_still_answers_and_checks_from_its_addresses() {
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.agents[0] = agent(1, Role::Controlling, Policy::NoHost);
    talk.add(0, Candidate::host(ADDRESS_A));
    let outside: SocketAddr = ([198, 51, 100, 1], 5_000).into();
    talk.add(
        0,
        Candidate::server_reflexive(outside, ADDRESS_A).without_related(),
    );
    talk.add(1, Candidate::host(ADDRESS_B));
    let kinds: Vec<_> = talk.agents[0]
        .local_candidates()
        .map(Candidate::kind)
        .collect();
    assert_eq!(kinds, [CandidateKind::ServerReflexive]);
    assert!(
        said(&talk.agents[0])
            .1
            .iter()
            .all(|line| !line.contains("10.0.0.1"))
    );
    talk.introduce();
    talk.run(40);
    assert_eq!(
        talk.agents[0].best_path(),
        Some(Path::udp(ADDRESS_A, ADDRESS_B))
    );
}

/// I-33
#[test]
fn a_host_candidate_appears_as_the_rules_have_it_and_packets_leave_from_its_base() {
    let mut config = Config::new(seed(1));
    config.role = Role::Controlling;
    config.rewrites = vec![AddressRewrite::to([203, 0, 113, 9].into())];
    let mut talk = Talk::new();
    talk.agents[0] = Agent::new(config).unwrap();
    talk.add(0, Candidate::host(ADDRESS_A));
    let shown: Vec<_> = talk.agents[0]
        .local_candidates()
        .map(Candidate::address)
        .collect();
    assert_eq!(shown, [Some(([203, 0, 113, 9], ADDRESS_A.port()).into())]);
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    let sent = support::drain(&mut talk.agents[0], talk.now);
    assert_eq!(sent[0].0, Path::udp(ADDRESS_A, ADDRESS_B));
}

/// I-34
#[test]
fn data_moves_when_an_address_goes_away_and_a_new_one_is_used_without_a_restart() {
    let other: SocketAddr = ([10, 0, 1, 1], 5_001).into();
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(0, Candidate::host(other));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    talk.run(100);
    let first = talk.agents[0].best_path().unwrap();
    let now = talk.now;
    talk.down.push(first.local.ip());
    talk.agents[0].on_interface(now, InterfaceFact::Down(first.local.ip()));
    assert!(
        talk.agents[0]
            .pair_stats()
            .all(|pair| pair.path.local != first.local)
    );
    // The other side follows when the old path has been silent for a while.
    talk.run(1_200);
    let second = talk.agents[0].best_path().unwrap();
    assert_ne!(second.local, first.local);
    assert_eq!(talk.agents[1].best_path(), Some(second.reversed()));

    let now = talk.now;
    talk.down.push(second.local.ip());
    talk.agents[0].on_interface(now, InterfaceFact::Down(second.local.ip()));
    assert_eq!(talk.agents[0].best_path(), None);
    assert_eq!(talk.agents[0].state(), State::Checking);
    let third: SocketAddr = ([10, 0, 2, 1], 5_001).into();
    talk.agents[0].on_interface(now, InterfaceFact::Up(third));
    talk.run(1_000);
    assert_eq!(
        talk.agents[0].best_path(),
        Some(Path::udp(third, ADDRESS_B))
    );
    assert_eq!(
        talk.agents[1].best_path(),
        Some(Path::udp(ADDRESS_B, third))
    );
}

/// I-34: where another pair works, it is selected in the moment in which the address of the selected one goes away.
#[test]
fn the_pair_in_reserve_takes_over_at_once_when_an_address_goes_away() {
    let other: SocketAddr = ([10, 0, 1, 1], 5_001).into();
    let mut scene = Scene::new(Role::Controlled);
    let now = scene.now;
    scene
        .agent
        .add_local_candidate(now, Candidate::host(other))
        .unwrap();
    let first = scene.signal("host", 65_535, 1);
    let second = Path::udp(other, first.remote);
    scene.live(Duration::from_secs(1));
    scene.ask(first, true, None);
    assert_eq!(scene.selections(), [(first, SelectionReason::First)]);
    let now = scene.now;
    let gone = InterfaceFact::Down(first.local.ip());
    scene.agent.on_interface(now, gone);
    assert_eq!(scene.selections(), [(second, SelectionReason::PathLost)]);
    assert_eq!(scene.agent.best_path(), Some(second));
    assert_eq!(scene.agent.pair_stats().count(), 1);
}

/// I-34: what is learned and works is never too much.
#[test]
fn a_peer_that_moves_seventy_times_is_followed() {
    let mut talk = Talk::new();
    talk.carries_udp = true;
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(1, Candidate::host(ADDRESS_B));
    talk.introduce();
    talk.run(100);
    for place in 1..=70 {
        let now = talk.now;
        let old = talk.agents[0].best_path().unwrap().local.ip();
        let new: SocketAddr = ([10, 0, place, 1], 5_001).into();
        talk.down.push(old);
        talk.agents[0].on_interface(now, InterfaceFact::Down(old));
        talk.agents[0].on_interface(now, InterfaceFact::Up(new));
        talk.run(1_000);
        let path = Path::udp(ADDRESS_B, new);
        assert_eq!(talk.agents[1].best_path(), Some(path), "{place}");
    }
}

/// I-15: draft-thatcher-ice-renomination
#[test]
fn with_renomination_the_last_nomination_counts_whatever_the_priorities() {
    let other: SocketAddr = ([10, 0, 1, 1], 5_001).into();
    for numbered in [true, false] {
        let mut talk = Talk::new();
        talk.carries_udp = true;
        talk.add(0, Candidate::host(ADDRESS_A));
        talk.add(0, Candidate::host(other));
        talk.add(1, Candidate::host(ADDRESS_B));
        talk.agents
            .iter_mut()
            .for_each(|agent| agent.set_renomination(true));
        talk.introduce();
        talk.run(100);
        let better = Path::udp(ADDRESS_B, ADDRESS_A);
        assert_eq!(talk.agents[1].best_path(), Some(better));
        let mut check = support::Forgery::genuine(&talk.agents[1], &talk.agents[0]);
        check.use_candidate = true;
        let bytes = check.bytes_with(|message| {
            if numbered {
                let kind = stun::AttributeType::NOMINATION;
                message.attribute(kind, &1_000_u32.to_be_bytes());
            }
        });
        let lesser = Path::udp(ADDRESS_B, other);
        let now = talk.now;
        deliver(&mut talk.agents[1], now, lesser, &bytes);
        talk.run(20);
        let expected = if numbered { lesser } else { better };
        assert_eq!(talk.agents[1].best_path(), Some(expected), "{numbered}");
    }
}

/// S-14: RFC 7982
#[test]
fn a_round_trip_is_known_in_spite_of_a_retransmission_when_both_sides_count() {
    for counts in [true, false] {
        let mut config = Config::new(seed(1));
        config.role = Role::Controlling;
        config.transmit_counter = counts;
        let mut talk = Talk::new();
        talk.agents[0] = Agent::new(config).unwrap();
        talk.add(0, Candidate::host(ADDRESS_A));
        talk.add(1, Candidate::host(ADDRESS_B));
        let (credentials, lines) = said(&talk.agents[1]);
        learn(
            &mut talk.agents[0],
            talk.now,
            credentials,
            &lines,
            Mode::Full,
        );
        // The first sending is lost.
        support::drain(&mut talk.agents[0], talk.now);
        let at = talk.agents[0].poll_timeout().unwrap();
        talk.agents[0].handle_timeout(at);
        let sent = support::drain(&mut talk.agents[0], at);
        deliver(&mut talk.agents[1], at, sent[0].0.reversed(), &sent[0].1);
        let answers = support::drain(&mut talk.agents[1], at);
        let later = at + Duration::from_millis(30);
        deliver(
            &mut talk.agents[0],
            later,
            answers[0].0.reversed(),
            &answers[0].1,
        );
        let measured = talk.agents[0].round_trip_time();
        assert_eq!(measured, counts.then(|| Duration::from_millis(30)));
    }
}

/// I-6
#[test]
fn held_checks_wait_and_answers_do_not() {
    let mut talk = Talk::new();
    talk.add(0, Candidate::host(ADDRESS_A));
    talk.add(1, Candidate::host(ADDRESS_B));
    let until = talk.now + Duration::from_secs(1);
    let now = talk.now;
    talk.agents[0].hold_checks(now, until);
    talk.introduce();
    assert!(support::drain(&mut talk.agents[0], now).is_empty());
    assert_eq!(talk.agents[0].poll_timeout(), Some(until));
    assert_eq!(talk.agents[0].stats().unproved_requests_sent, 0);
    // The peer's check is answered, and its address has proved itself.
    let check = support::drain(&mut talk.agents[1], now);
    deliver(&mut talk.agents[0], now, check[0].0.reversed(), &check[0].1);
    assert_eq!(support::drain(&mut talk.agents[0], now).len(), 2);
    assert_eq!(talk.agents[0].stats().unproved_requests_sent, 0);
}

/// I-26: a path that another session took over is this one's again after its next check.
#[test]
fn a_path_that_was_taken_is_told_of_again_once_it_is_proved_again() {
    let mut pair = support::connected(Profile::Clean, 8);
    let now = pair.now();
    let path = support::path_of_a().reversed();
    let check = support::Forgery::genuine(&pair.b().agent, &pair.a().agent).bytes();
    let agent = &mut pair.b_mut().agent;
    while agent.poll_event().is_some() {}
    agent.on_path_taken(now, &path);
    assert!(!agent.is_proved(&path));
    deliver(agent, now, path, &check);
    assert!(agent.is_proved(&path));
    assert_eq!(agent.poll_event(), Some(Event::PathProved(path)));
}
