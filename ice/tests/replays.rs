//! What the peer really said, recorded and played again later, from where it came and from elsewhere (catalogue I-08).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::mpsc;
use std::time::Duration;

use avocet_ice::{Agent, Candidate, Mode, PairState, Role, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile, Verdict};
use stun::Message;
use support::scene::{Scene, ms};
use support::{connected, deliver, drain, host, path_of_a, snapshot};

const ELSEWHERE: ([u8; 4], u16) = ([192, 0, 2, 66], 6);

/// Longer than a nomination counts as the peer's present wish.
const A_WHILE: Duration = Duration::from_secs(60);

/// A controlled agent with two pairs that work, the better one first.
fn two_pairs(renomination: bool) -> (Scene, Path, Path) {
    let mut scene = Scene::new(Role::Controlled);
    scene.agent.set_renomination(renomination);
    let better = scene.signal("host", 65_535, 1);
    let lesser = scene.signal("host", 1_000, 2);
    scene.live(ms(500));
    (scene, better, lesser)
}

fn from_elsewhere() -> Path {
    Path::udp(ADDRESS_A, ELSEWHERE.into())
}

#[test]
fn i08_a_nomination_of_a_pair_that_was_left_moves_nothing_when_it_is_played_again() {
    for starts_with_lesser in [true, false] {
        let (mut scene, better, lesser) = two_pairs(false);
        let (first, second) = match starts_with_lesser {
            true => (lesser, better),
            false => (better, lesser),
        };
        let recorded = scene.ask(first, true, None);
        assert_eq!(scene.agent.best_path(), Some(first));
        scene.live(A_WHILE);
        scene.ask(second, true, None);
        assert_eq!(scene.agent.best_path(), Some(second));
        for _ in 0..3 {
            scene.live(A_WHILE);
            let before = snapshot(&scene.agent);
            for path in [first, second] {
                // It is an answer that the peer may have missed.
                assert!(scene.hear(path, &recorded));
                assert_eq!(snapshot(&scene.agent), before);
            }
            // Whoever plays it may be in the middle, and have it answered from there.
            scene.hear(from_elsewhere(), &recorded);
            scene.live(ms(1_000));
            assert_eq!(scene.agent.best_path(), Some(second));
        }
        assert_eq!(scene.agent.stats().repeated_nominations, 9);
        // The peer itself can go back.
        scene.ask(first, true, None);
        assert_eq!(scene.agent.best_path(), Some(first));
    }
}

/// A lite agent makes no checks of its own: for it every pair that a request came on works.
#[test]
fn i08_a_lite_agent_follows_no_nomination_twice() {
    let mut scene = Scene::with(Role::Controlled, |config| config.mode = Mode::Lite);
    let better = scene.signal("host", 65_535, 1);
    let lesser = scene.signal("host", 1_000, 2);
    let recorded = scene.ask(lesser, true, None);
    assert_eq!(scene.agent.best_path(), Some(lesser));
    scene.pass(ms(8_000));
    scene.ask(better, true, None);
    scene.pass(ms(8_000));
    for path in [lesser, better, from_elsewhere()] {
        assert!(scene.hear(path, &recorded));
        assert_eq!(scene.agent.best_path(), Some(better));
    }
    assert_eq!(scene.agent.stats().repeated_nominations, 3);
    scene.ask(lesser, true, None);
    assert_eq!(scene.agent.best_path(), Some(lesser));
}

/// A browser says it with each of its checks. None of them is forgotten, however many there are.
#[test]
fn i08_the_first_of_two_thousand_nominations_moves_nothing_when_it_is_played_again() {
    let (mut scene, better, lesser) = two_pairs(false);
    let recorded: Vec<_> = (0..2_000).map(|_| scene.ask(better, true, None)).collect();
    scene.live(A_WHILE);
    // A new one is taken for an old one now and then; then the next one counts.
    let tries = 1
        + (0..5)
            .take_while(|_| {
                scene.ask(lesser, true, None);
                scene.agent.best_path() != Some(lesser)
            })
            .count();
    assert!(tries < 5, "{tries}");
    scene.live(A_WHILE);
    let before = snapshot(&scene.agent);
    for bytes in &recorded {
        assert!(scene.hear(better, bytes));
    }
    assert_eq!(snapshot(&scene.agent), before);
}

#[test]
fn i08_a_nomination_that_is_repeated_before_its_pair_works_counts_once_and_from_its_first_time() {
    let mut scene = Scene::new(Role::Controlled);
    let better = scene.signal("host", 65_535, 1);
    let lesser = scene.signal("host", 1_000, 2);
    let recorded = scene.ask(lesser, true, None);
    scene.pass(ms(100));
    scene.ask(better, true, None);
    // The peer sends its question again until it has the answer, and somebody else does after that.
    for _ in 0..10 {
        scene.pass(ms(1_000));
        assert!(scene.hear(lesser, &recorded));
    }
    scene.answer(better);
    scene.answer(lesser);
    assert_eq!(scene.agent.best_path(), Some(better));
    let paths: Vec<_> = scene
        .selections()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, [better]);
}

/// Who is as fast as the peer can have a nomination come from elsewhere, too, before anything is chosen. It counts where
/// it works, once.
#[test]
fn i08_a_nomination_that_comes_two_ways_counts_once_and_where_it_works() {
    for is_elsewhere_first in [true, false] {
        let mut scene = Scene::new(Role::Controlled);
        let path = scene.signal("relay", 1_000, 1);
        scene.pass(ms(50));
        let mut twin = Scene::new(Role::Controlled);
        let recorded = twin.ask(path, true, None);
        let (first, second) = match is_elsewhere_first {
            true => (from_elsewhere(), path),
            false => (path, from_elsewhere()),
        };
        assert!(scene.hear(first, &recorded));
        assert!(scene.hear(second, &recorded));
        scene.answer(path);
        let selected: Vec<_> = scene
            .selections()
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(selected, [path]);
        if is_elsewhere_first {
            continue;
        }
        // Somebody in the middle has our check answered from there: a better pair than the relay, and not chosen.
        scene.live(ms(2_000));
        let pairs: Vec<_> = scene.agent.pair_stats().collect();
        assert!(pairs.iter().all(|pair| pair.state == PairState::Succeeded));
        let nominated = pairs.iter().filter(|pair| pair.nominated);
        assert_eq!(nominated.map(|pair| pair.path).collect::<Vec<_>>(), [path]);
        assert_eq!(scene.agent.best_path(), Some(path));
    }
}

/// With numbers the largest counts; one that is played again is no larger, and makes none smaller.
#[test]
fn i08_a_numbered_nomination_that_is_played_again_neither_counts_nor_lowers_the_number() {
    let (mut scene, better, lesser) = two_pairs(true);
    let recorded: Vec<_> = [(better, 1), (lesser, 2), (better, 3)]
        .into_iter()
        .map(|(path, number)| {
            let bytes = scene.ask(path, true, Some(number));
            assert_eq!(scene.agent.best_path(), Some(path));
            scene.live(A_WHILE);
            bytes
        })
        .collect();
    let before = snapshot(&scene.agent);
    for (path, bytes) in [(better, &recorded[0]), (lesser, &recorded[1])] {
        assert!(scene.hear(path, bytes));
        assert_eq!(snapshot(&scene.agent), before);
    }
    for path in [better, lesser] {
        for bytes in &recorded {
            assert!(scene.hear(path, bytes));
            assert_eq!(snapshot(&scene.agent), before);
        }
    }
    for bytes in &recorded {
        scene.hear(from_elsewhere(), bytes);
        scene.live(ms(1_000));
        assert_eq!(scene.agent.best_path(), Some(better));
    }
    scene.ask(lesser, true, Some(4));
    assert_eq!(scene.agent.best_path(), Some(lesser));
}

/// I-23: what was sealed with the passwords of before says nothing of the pairs of now, and soon gets no answer.
#[test]
fn i08_a_nomination_of_before_a_restart_moves_nothing() {
    let (mut scene, better, lesser) = two_pairs(false);
    let recorded = scene.ask(lesser, true, None);
    let now = scene.now;
    scene.agent.restart(now);
    scene.peer.restart(now);
    let credentials = scene.peer.local_credentials().clone();
    scene
        .agent
        .set_remote_credentials(now, credentials, Mode::Full);
    scene.signal("host", 65_535, 1);
    scene.signal("host", 1_000, 2);
    scene.open.clear();
    scene.live(ms(2_000));
    scene.ask(better, true, None);
    scene.live(ms(10_000));
    let before = snapshot(&scene.agent);
    assert!(
        scene.hear(lesser, &recorded),
        "the peer may not have followed yet"
    );
    assert_eq!(snapshot(&scene.agent), before);
    scene.live(A_WHILE);
    let before = snapshot(&scene.agent);
    assert!(!scene.hear(lesser, &recorded));
    assert_eq!(scene.agent.stats().dropped_unknown_username, 1);
    assert_eq!(snapshot(&scene.agent), before);
    assert_eq!(scene.agent.best_path(), Some(better));
}

/// I-09: checks that settled a conflict of roles settle none when they are played again.
#[test]
fn i07_a_check_that_claimed_a_role_changes_none_when_it_is_played_again() {
    for roles in [
        [Role::Controlling; 2],
        [Role::Controlled; 2],
        [Role::Controlling, Role::Controlled],
    ] {
        let mut now = netsim::epoch();
        let mut agents = [81, 82].map(|seed| host(seed, Role::Controlling, Mode::Full).agent);
        for ((agent, role), address) in agents.iter_mut().zip(roles).zip([ADDRESS_A, ADDRESS_B]) {
            agent.set_role(now, role);
            agent
                .add_local_candidate(now, Candidate::host(address))
                .unwrap();
        }
        support::introduce(&mut agents, now);
        let mut heard: Vec<(usize, Path, Vec<u8>)> = Vec::new();
        for _ in 0..300 {
            for side in [0, 1] {
                for (path, bytes) in drain(&mut agents[side], now) {
                    heard.push((1 - side, path.reversed(), bytes));
                    let (to, path, bytes) = heard.last().unwrap();
                    deliver(&mut agents[*to], now, *path, bytes);
                }
            }
            now += ms(10);
            agents
                .iter_mut()
                .for_each(|agent| agent.handle_timeout(now));
        }
        let is_done = |agent: &Agent| agent.state() == State::Completed;
        assert!(agents.iter().all(is_done), "{roles:?}");
        let claims = heard.iter().filter(|(.., bytes)| {
            let message = Message::decode(bytes).unwrap();
            message.ice_controlling().unwrap().is_some()
                || message.ice_controlled().unwrap().is_some()
        });
        assert!(claims.count() >= 2);
        let before = agents.each_ref().map(snapshot);
        let elsewhere = |path: &Path| Path::udp(path.local, ELSEWHERE.into());
        for (to, path, bytes) in heard.iter().chain(heard.iter().rev()) {
            deliver(&mut agents[*to], now, *path, bytes);
            drain(&mut agents[*to], now);
            assert_eq!(agents.each_ref().map(snapshot), before, "{roles:?}");
        }
        let roles = agents.each_ref().map(Agent::role);
        for (to, path, bytes) in &heard {
            deliver(&mut agents[*to], now, elsewhere(path), bytes);
            assert_eq!(agents.each_ref().map(Agent::role), roles);
        }
    }
}

/// I-17: consent is an answer to a question that is open. Answers and questions of before, played again, are none.
#[test]
fn i01_consent_ends_30_s_after_the_last_answer_whatever_is_played_again() {
    let mut pair = connected(Profile::Clean, 57);
    let (sees, seen) = mpsc::channel();
    pair.network().intercept(move |packet| {
        if packet.path.local == ADDRESS_B {
            sees.send(packet.bytes.clone()).unwrap();
        }
        Verdict::Pass
    });
    pair.run_for(A_WHILE);
    // From now on the peer is silent, and somebody plays all that it said.
    pair.network().intercept(|packet| match packet.path.local {
        ADDRESS_B => Verdict::Drop,
        _ => Verdict::Pass,
    });
    let recorded: Vec<_> = seen.try_iter().collect();
    assert!(recorded.len() > 20, "{}", recorded.len());
    let since = pair
        .a()
        .agent
        .pair_stats()
        .next()
        .unwrap()
        .last_answer
        .unwrap();
    while pair.a().agent.best_path().is_some() {
        pair.run_for(ms(100));
        let now = pair.now();
        assert!(now <= since + ms(30_100));
        for bytes in &recorded {
            deliver(&mut pair.a_mut().agent, now, path_of_a(), bytes);
        }
    }
    assert!(pair.now() >= since + Duration::from_secs(30));
    assert_eq!(pair.a().agent.state(), State::Failed);
}
