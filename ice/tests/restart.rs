//! ICE restarts (RFC 8445 §9) and the end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{AddCandidateError, Candidate, Event, Mode, State};
use netsim::{Profile, Verdict};
use support::*;

fn selections(host: &Host) -> usize {
    let is_selection = |event: &&Event| matches!(event, Event::Selected { .. });
    host.events.iter().filter(is_selection).count()
}

#[test]
fn the_old_path_carries_on_until_a_new_one_is_selected() {
    let mut pair = connected(Profile::Clean, 80);
    let now = pair.now();
    let old = pair.a().agent.local_credentials().clone();
    pair.a_mut().agent.restart(now);
    assert_ne!(*pair.a().agent.local_credentials(), old);
    // Signalling takes a minute; consent goes on with the old credentials.
    for _ in 0..60 {
        pair.run_for(Duration::from_secs(1));
        assert_eq!(pair.a().agent.best_path(), Some(path_of_a()));
        assert_eq!(pair.b().agent.best_path(), Some(path_of_a().reversed()));
        assert!(pair.a().agent.is_proved(&path_of_a()));
    }
    let now = pair.now();
    pair.b_mut().agent.restart(now);
    tell_b(&mut pair, Mode::Full);
    pair.run_for(Duration::from_millis(300));
    tell_a(&mut pair, Mode::Full);
    let again = |pair: &Agents| selections(pair.a()) == 2 && selections(pair.b()) == 2;
    assert!(
        pair.run_until(Duration::from_secs(5), again),
        "{:?}",
        pair.outcomes()
    );
    pair.run_for(Duration::from_secs(100));
    assert!(both_in(&pair, State::Completed));
    assert_eq!(pair.a().agent.pair_stats().count(), 1);
}

#[test]
fn a_restart_revives_a_failed_agent() {
    let mut pair = connected(Profile::Clean, 81);
    pair.network().intercept(|_| Verdict::Drop);
    assert!(pair.run_until(Duration::from_secs(60), |pair| both_in(pair, State::Failed)));
    pair.network().intercept(|_| Verdict::Pass);
    let now = pair.now();
    pair.a_mut().agent.restart(now);
    pair.b_mut().agent.restart(now);
    assert!(both_in(&pair, State::New));
    tell_a(&mut pair, Mode::Full);
    tell_b(&mut pair, Mode::Full);
    assert!(pair.run_until(Duration::from_secs(5), |pair| both_in(
        pair,
        State::Completed
    )));
}

#[test]
fn a_peer_that_restarts_alone_is_followed() {
    let mut pair = connected(Profile::Clean, 82);
    let now = pair.now();
    pair.b_mut().agent.restart(now);
    tell_a(&mut pair, Mode::Full);
    tell_b(&mut pair, Mode::Full);
    let again = |pair: &Agents| selections(pair.a()) == 2 && selections(pair.b()) == 2;
    assert!(
        pair.run_until(Duration::from_secs(5), again),
        "{:?}",
        pair.outcomes()
    );
}

#[test]
fn two_restarts_in_a_row_keep_the_path_in_use() {
    let mut pair = connected(Profile::Clean, 83);
    let now = pair.now();
    pair.a_mut().agent.restart(now);
    pair.run_for(Duration::from_secs(3));
    let now = pair.now();
    pair.a_mut().agent.restart(now);
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.a().agent.best_path(), Some(path_of_a()));
}

#[test]
fn old_credentials_are_forgotten_when_the_new_path_is_selected() {
    let mut pair = connected(Profile::Clean, 84);
    let check = Forgery::genuine(&pair.a().agent, &pair.b().agent).bytes();
    let now = pair.now();
    pair.a_mut().agent.restart(now);
    pair.b_mut().agent.restart(now);
    tell_a(&mut pair, Mode::Full);
    tell_b(&mut pair, Mode::Full);
    // For half a minute what was sent before is still answered (I-23).
    for seconds in [0, 29] {
        pair.run_for(Duration::from_secs(seconds));
        let now = pair.now();
        let agent = &mut pair.a_mut().agent;
        drain(agent, now);
        deliver(agent, now, path_of_a(), &check);
        let answers = drain(agent, now);
        let answer = answers.iter().find(|(_, bytes)| !is_request(bytes));
        let answer = stun::Message::decode(&answer.unwrap().1).unwrap();
        assert_eq!(answer.class(), stun::Class::Success);
    }
    pair.run_for(Duration::from_secs(2));
    let now = pair.now();
    let agent = &mut pair.a_mut().agent;
    let before = agent.stats().dropped_unknown_username;
    deliver(agent, now, path_of_a(), &check);
    assert_eq!(agent.stats().dropped_unknown_username, before + 1);
}

#[test]
fn candidates_of_other_credentials_are_refused_or_forgotten() {
    let mut pair = strangers(Profile::Clean, 85, FULL);
    let now = pair.now();
    let ufrag = pair.b().agent.local_credentials().ufrag.clone();
    let line = |port: u16, ufrag: &str| -> Candidate {
        let line = format!("1 1 udp 2130706431 10.0.0.2 {port} typ host ufrag {ufrag}");
        line.parse().unwrap()
    };
    let credentials = pair.b().agent.local_credentials().clone();
    let agent = &mut pair.a_mut().agent;
    agent.add_remote_candidate(now, line(1, &ufrag)).unwrap();
    agent.add_remote_candidate(now, line(2, "other")).unwrap();
    agent.set_remote_credentials(now, credentials, Mode::Full);
    let ports: Vec<_> = agent
        .pair_stats()
        .map(|pair| pair.path.remote.port())
        .collect();
    assert_eq!(ports, [1]);
    assert_eq!(
        agent.add_remote_candidate(now, line(3, "other")),
        Err(AddCandidateError::Generation)
    );
}

#[test]
fn a_closed_agent_is_silent_and_stays_closed() {
    let mut pair = connected(Profile::Clean, 86);
    let now = pair.now();
    pair.a_mut().agent.close(now);
    pair.a_mut().agent.close(now);
    assert_eq!(pair.a().agent.state(), State::Closed);
    pair.a_mut().agent.restart(now);
    tell_a_closed(&mut pair);
    assert_eq!(pair.a().agent.state(), State::Closed);
    assert_eq!(pair.a().agent.best_path(), None);
    assert!(!pair.a().agent.is_proved(&path_of_a()));
    let sent = pair.sent();
    pair.b_mut().agent.close(now);
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.sent(), sent);
    let is_closed = |event: &Event| *event == Event::StateChanged(State::Closed);
    assert_eq!(
        pair.a()
            .events
            .iter()
            .filter(|event| is_closed(event))
            .count(),
        1
    );
}

fn tell_a_closed(pair: &mut Agents) {
    let now = pair.now();
    let credentials = pair.b().agent.local_credentials().clone();
    let agent = &mut pair.a_mut().agent;
    agent.set_remote_credentials(now, credentials, Mode::Full);
    let candidate = "1 1 udp 1 10.0.0.2 5 typ host".parse().unwrap();
    assert_eq!(
        agent.add_remote_candidate(now, candidate),
        Err(AddCandidateError::Closed)
    );
}
