//! How two agents find each other.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{Agent, CandidateKind, Event, Mode, PairState, Role, State};
use netsim::{Profile, Side, Verdict};
use support::scene::Scene;
use support::*;

#[test]
fn with_candidates_on_both_sides_a_path_works_after_one_round_trip() {
    // The link has 50 ms there and back.
    let mut pair = acquainted(Profile::Clean, 1, FULL);
    let works = |pair: &Agents| {
        pair.a().agent.best_path().is_some() && pair.b().agent.best_path().is_some()
    };
    assert!(pair.run_until(Duration::from_secs(5), works));
    assert_eq!(pair.time(), Duration::from_millis(50));
    for agent in [&pair.a().agent, &pair.b().agent] {
        // No check is left to be made or answered.
        let states: Vec<_> = agent.pair_stats().map(|pair| pair.state).collect();
        assert_eq!(states, [PairState::Succeeded]);
        assert_eq!(agent.stats().retransmissions_sent, 0);
    }
    // One more for the nomination, which needs no wait.
    assert!(pair.run_until(Duration::from_secs(5), both_selected));
    assert_eq!(pair.time(), Duration::from_millis(100));
    assert!(both_in(&pair, State::Completed));
    assert_eq!(pair.a().agent.best_path(), Some(path_of_a()));
    assert_eq!(pair.b().agent.best_path(), Some(path_of_a().reversed()));
    assert_eq!(
        pair.a().agent.round_trip_time(),
        Some(Duration::from_millis(50))
    );
}

#[test]
fn roles_and_modes_connect_in_every_combination_that_can() {
    for modes in [
        (Mode::Full, Mode::Full),
        (Mode::Full, Mode::Lite),
        (Mode::Lite, Mode::Full),
    ] {
        let mut pair = acquainted(Profile::Clean, 2, modes);
        assert!(
            pair.run_until(Duration::from_secs(5), both_selected),
            "{modes:?}"
        );
        assert!(both_in(&pair, State::Completed), "{modes:?}");
        let lite = [pair.a(), pair.b()];
        let lite = lite.iter().zip([modes.0, modes.1]);
        for (host, _) in lite.filter(|(_, mode)| *mode == Mode::Lite) {
            assert_eq!(host.agent.role(), Role::Controlled);
            assert_eq!(
                host.agent.stats().requests_sent,
                0,
                "lite agents only answer"
            );
        }
    }
}

#[test]
fn every_profile_connects_and_stays_connected() {
    for profile in Profile::ALL {
        for seed in 0..6 {
            let mut pair = acquainted(profile, seed, FULL);
            assert!(
                pair.run_until(Duration::from_secs(60), both_selected),
                "{profile:?} {seed}: {:?}",
                pair.outcomes()
            );
            pair.run_for(Duration::from_secs(60));
            for host in [pair.a(), pair.b()] {
                let state = host.agent.state();
                assert!(
                    matches!(
                        state,
                        State::Connected | State::Completed | State::Disconnected
                    ),
                    "{profile:?} {seed} {state:?}"
                );
            }
        }
    }
}

#[test]
fn at_30_percent_loss_99_of_100_connect_within_10_s() {
    let slow = (0..200)
        .filter(|&seed| {
            let mut pair = acquainted(Profile::Loss30, 1_000 + seed, FULL);
            !pair.run_until(Duration::from_secs(10), |pair| {
                pair.a().agent.best_path().is_some() && pair.b().agent.best_path().is_some()
            })
        })
        .count();
    assert!(slow <= 2, "{slow} of 200");
}

#[test]
fn at_50_percent_loss_95_of_100_connect_within_30_s() {
    let slow = (0..200)
        .filter(|&seed| {
            let mut pair = acquainted(Profile::Loss50, 2_000 + seed, FULL);
            !pair.run_until(Duration::from_secs(30), |pair| {
                pair.a().agent.best_path().is_some() && pair.b().agent.best_path().is_some()
            })
        })
        .count();
    assert!(slow <= 10, "{slow} of 200");
}

#[test]
fn a_check_that_arrives_before_the_credentials_is_answered_and_remembered() {
    let mut pair = strangers(Profile::Clean, 3, FULL);
    tell_a(&mut pair, Mode::Full);
    pair.run_for(Duration::from_millis(200));
    // A has its answer, and B believes the path already.
    assert_eq!(pair.a().agent.best_path(), Some(path_of_a()));
    assert!(pair.b().agent.is_proved(&path_of_a().reversed()));
    assert!(pair.has_event(Side::B, "PathProved"));
    assert_eq!(pair.b().agent.state(), State::New);
    let proofs = |pair: &Agents| {
        let is_proof = |event: &&Event| matches!(event, Event::PathProved(_));
        pair.b().events.iter().filter(is_proof).count()
    };
    // B gets the credentials, but no candidate: the remembered check is enough.
    let now = pair.now();
    let credentials = pair.a().agent.local_credentials().clone();
    let agent = &mut pair.b_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    assert!(pair.run_until(Duration::from_secs(1), both_selected));
    assert_eq!(proofs(&pair), 1);
}

#[test]
fn a_peer_without_candidates_is_found_by_its_checks() {
    // As behind a container's NAT: what A signals leads nowhere, but its checks arrive.
    let mut pair = strangers(Profile::Clean, 4, FULL);
    tell_a(&mut pair, Mode::Full);
    let now = pair.now();
    let credentials = pair.a().agent.local_credentials().clone();
    let agent = &mut pair.b_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    let unreachable = "1 1 udp 2130706431 172.17.0.2 5001 typ host"
        .parse()
        .unwrap();
    agent.add_remote_candidate(now, unreachable).unwrap();
    assert!(pair.run_until(Duration::from_secs(5), both_selected));
    assert!(
        pair.time() < Duration::from_millis(400),
        "{:?}",
        pair.time()
    );
    assert_eq!(pair.b().agent.best_path(), Some(path_of_a().reversed()));
}

#[test]
fn a_candidate_signalled_after_its_check_keeps_the_pair_and_its_state() {
    let mut pair = strangers(Profile::Clean, 5, FULL);
    tell_a(&mut pair, Mode::Full);
    let now = pair.now();
    let credentials = pair.a().agent.local_credentials().clone();
    let agent = &mut pair.b_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    assert!(pair.run_until(Duration::from_secs(1), both_selected));
    let before: Vec<_> = pair.b().agent.pair_stats().collect();
    let line = pair
        .a()
        .agent
        .local_candidates()
        .next()
        .unwrap()
        .to_string();
    let now = pair.now();
    let agent = &mut pair.b_mut().agent;
    agent
        .add_remote_candidate(now, line.parse().unwrap())
        .unwrap();
    let after: Vec<_> = pair.b().agent.pair_stats().collect();
    assert_eq!(before.len(), after.len());
    assert_eq!(before[0].state, after[0].state);
    assert!(before[0].nominated && after[0].nominated);
    let round_trip = |pair: &avocet_ice::PairStats| pair.current_round_trip_time;
    assert_eq!(round_trip(&after[0]), Some(Duration::from_millis(50)));
    assert_eq!(after[0].remote_candidate_type, CandidateKind::Host);
    assert!(
        after[0].priority > before[0].priority,
        "a host candidate now"
    );
}

#[test]
fn nobody_answers_and_the_agent_fails_after_39_and_a_half_seconds() {
    let mut pair = acquainted(Profile::Clean, 6, FULL);
    pair.network().intercept(|_| Verdict::Drop);
    assert!(pair.run_until(Duration::from_secs(60), |pair| both_in(pair, State::Failed)));
    assert_eq!(pair.time(), Duration::from_millis(39_500));
    // Seven sendings each (RFC 8489 §6.2.1), then silence.
    assert_eq!(pair.sent(), 14);
    pair.run_for(Duration::from_secs(300));
    assert_eq!(pair.sent(), 14);
    assert_eq!(pair.a().agent.poll_timeout(), None);
}

#[test]
fn an_agent_without_pairs_waits_39_and_a_half_seconds_for_a_check() {
    let mut pair = strangers(Profile::Clean, 7, FULL);
    let now = pair.now();
    let credentials = pair.a().agent.local_credentials().clone();
    let agent = &mut pair.b_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    agent.end_of_remote_candidates(now);
    pair.run_for(Duration::from_millis(39_400));
    assert_eq!(pair.b().agent.state(), State::Checking);
    // Late, but not too late (RFC 8863).
    tell_a(&mut pair, Mode::Full);
    assert!(pair.run_until(Duration::from_secs(2), both_selected));
}

/// I-21: a new pair gets the time that the first ones had (RFC 8863 §4); I-22: then it is over, end-of-candidates or not.
#[test]
fn patience_begins_anew_with_each_new_pair() {
    for ended in [true, false] {
        let mut pair = strangers(Profile::Clean, 7, FULL);
        let now = pair.now();
        let credentials = pair.b().agent.local_credentials().clone();
        let agent = &mut pair.a_mut().agent;
        agent.set_remote_credentials(now, credentials, Mode::Full);
        pair.run_for(Duration::from_secs(20));
        let now = pair.now();
        let agent = &mut pair.a_mut().agent;
        let silent = "1 1 udp 2130706431 10.0.0.9 1 typ host".parse().unwrap();
        agent.add_remote_candidate(now, silent).unwrap();
        // Its check comes to an end at once: the time is not that of its retransmissions.
        let path = drain(agent, now).remove(0).0;
        agent.on_send_error(now, &path);
        let states: Vec<_> = agent.pair_stats().map(|pair| pair.state).collect();
        assert_eq!(states, [PairState::Failed]);
        if ended {
            agent.end_of_remote_candidates(now);
        }
        let failed = |pair: &Agents| pair.a().agent.state() == State::Failed;
        assert!(pair.run_until(Duration::from_secs(60), failed));
        assert_eq!(pair.time(), Duration::from_millis(59_500), "{ended}");
    }
}

/// I-22: as long as a check is out, an agent has not failed, however long ago its pairs were formed.
#[test]
fn an_agent_has_not_failed_while_a_check_is_out() {
    let mut scene = Scene::new(Role::Controlling);
    let start = scene.now;
    // The endpoint has no budget for it until then.
    let held = Duration::from_secs(30);
    scene.agent.hold_checks(start, start + held);
    scene.signal("host", 65_535, 1);
    scene.agent.end_of_remote_candidates(start);
    let whole_life = Duration::from_millis(39_500);
    scene.pass(held + whole_life - Duration::from_millis(1));
    assert_eq!(scene.open.len(), 7);
    assert_eq!(scene.agent.state(), State::Checking);
    scene.pass(Duration::from_millis(1));
    assert_eq!(scene.agent.state(), State::Failed);
}

/// I-13: what a send reports is a hint that anybody can forge, so it ends a check at most.
#[test]
fn a_send_that_fails_ends_the_check_in_progress_and_nothing_that_works() {
    let mut pair = acquainted(Profile::Clean, 8, FULL);
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    assert_eq!(drain(agent, now).len(), 1);
    agent.on_send_error(now, &path_of_a());
    let states = |agent: &Agent| agent.pair_stats().map(|it| it.state).collect::<Vec<_>>();
    assert_eq!(states(agent), [PairState::Failed]);
    // The peer's check comes all the same, and is answered with one of ours.
    assert!(pair.run_until(Duration::from_secs(5), both_selected));
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    agent.on_send_error(now, &path_of_a());
    assert_eq!(states(agent), [PairState::Succeeded]);
    assert_eq!(agent.best_path(), Some(path_of_a()));
}

/// I-2: PRIORITY is that of the candidate which the peer would learn from the check (RFC 8445 §7.1.1).
#[test]
fn a_check_says_which_priority_its_address_would_have_if_it_had_to_be_learned() {
    let mut pair = acquainted(Profile::Clean, 8, FULL);
    let now = pair.now();
    let sent = drain(&mut pair.a_mut().agent, now);
    let host = pair.a().agent.local_candidates().next().unwrap().priority();
    let (_, bytes) = sent.first().unwrap();
    let check = stun::Message::decode(bytes).unwrap();
    let said = check.priority().unwrap().unwrap();
    assert_eq!(host >> 24, 126);
    assert_eq!(said, 110 << 24 | host & 0x00ff_ffff);
}

#[test]
fn retransmissions_are_the_same_bytes() {
    let mut pair = acquainted(Profile::Clean, 8, FULL);
    pair.network().intercept(|_| Verdict::Drop);
    let mut sent = Vec::new();
    for _ in 0..200 {
        let now = pair.now();
        sent.extend(drain(&mut pair.a_mut().agent, now));
        if !pair.step() {
            break;
        }
    }
    let requests: Vec<_> = sent.into_iter().map(|(_, bytes)| bytes).collect();
    assert!(requests.windows(2).all(|two| two[0] == two[1]));
    assert!(!requests.is_empty());
}

#[test]
fn checks_keep_the_pace() {
    let mut pair = strangers(Profile::Clean, 9, FULL);
    let now = pair.now();
    for port in 1..=10 {
        let line = format!("1 1 udp {} 10.0.0.9 {port} typ host", 2_130_000_000 - port);
        let agent = &mut pair.a_mut().agent;
        agent
            .add_remote_candidate(now, line.parse().unwrap())
            .unwrap();
    }
    let credentials = pair.b().agent.local_credentials().clone();
    let agent = &mut pair.a_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    pair.run_for(Duration::from_millis(100));
    // One at once, then one each 20 ms.
    assert_eq!(pair.a().agent.stats().requests_sent, 6);
}

#[test]
fn losing_the_first_check_costs_half_a_second_at_most() {
    let mut pair = acquainted(Profile::Clean, 10, FULL);
    let mut count = 0;
    pair.network().intercept(move |_| {
        count += 1;
        if count <= 2 {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    assert!(pair.run_until(Duration::from_secs(5), both_selected));
    assert!(
        pair.time() <= Duration::from_millis(620),
        "{:?}",
        pair.time()
    );
}

#[test]
fn an_idle_connected_agent_is_small() {
    // What it has on the heap besides is a few short vectors and strings.
    assert!(size_of::<Agent>() <= 2_048, "{}", size_of::<Agent>());
}
