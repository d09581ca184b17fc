//! RFC 7675: who may be sent to, and for how long.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use avocet_ice::{Candidate, Mode, PairState, Role, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile, Side, Verdict};
use support::scene::Scene;
use support::*;

/// From now on nothing that B sends arrives.
fn silence_b(pair: &mut Agents) {
    pair.network().intercept(|packet| {
        if packet.path.local == ADDRESS_B {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
}

#[test]
fn i01_consent_expires_30_s_after_the_last_answer_and_then_there_is_silence() {
    let mut pair = connected(Profile::Clean, 40);
    pair.run_for(Duration::from_secs(20));
    let t0 = pair.time();
    silence_b(&mut pair);
    let lost = |pair: &Agents| pair.a().agent.best_path().is_none();
    assert!(pair.run_until(Duration::from_secs(60), lost));
    let after = pair.time() - t0;
    // The last answer came at most one interval before t0.
    assert!(after <= Duration::from_secs(30), "{after:?}");
    assert!(after >= Duration::from_secs(24), "{after:?}");
    assert_eq!(pair.a().agent.state(), State::Failed);
    let now = pair.now();
    assert_eq!(pair.a().agent.poll_timeout(), None);
    assert!(drain(&mut pair.a_mut().agent, now).is_empty());
    // Not even an answer.
    let bytes = Forgery::genuine(&pair.a().agent, &pair.b().agent).bytes();
    deliver(&mut pair.a_mut().agent, now, path_of_a(), &bytes);
    assert!(drain(&mut pair.a_mut().agent, now).is_empty());
}

/// What waited to be sent when consent ended is not sent any more: answers, checks, and all the like.
#[test]
fn i01_what_was_not_sent_before_consent_expired_is_never_sent() {
    let mut pair = connected(Profile::Clean, 58);
    pair.run_for(Duration::from_secs(20));
    let bytes = Forgery::genuine(&pair.a().agent, &pair.b().agent).bytes();
    let mut now = pair.now();
    let agent = &mut pair.a_mut().agent;
    for _ in 0..5 {
        deliver(agent, now, path_of_a(), &bytes);
    }
    // Nobody asks what is to be sent.
    while let Some(at) = agent.poll_timeout() {
        now = at.max(now);
        agent.handle_timeout(now);
    }
    assert_eq!(agent.state(), State::Failed);
    assert!(drain(agent, now).is_empty());
}

#[test]
fn the_peers_requests_do_not_refresh_our_consent() {
    let mut pair = connected(Profile::Clean, 41);
    // B's requests arrive, its answers do not.
    pair.network().intercept(|packet| {
        let from_b = packet.path.local == ADDRESS_B;
        if from_b && !is_request(&packet.bytes) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    let lost = |pair: &Agents| pair.a().agent.best_path().is_none();
    assert!(pair.run_until(Duration::from_secs(31), lost));
    assert!(pair.a().agent.stats().requests_received > 2);
}

#[test]
fn consent_is_asked_for_every_4_to_6_seconds_and_each_request_is_sent_once() {
    let mut pair = connected(Profile::Clean, 42);
    pair.run_for(Duration::from_secs(600));
    let stats = pair.a().agent.stats();
    assert!(
        (110..=140).contains(&stats.consent_requests_sent),
        "{stats:?}"
    );
    assert_eq!(stats.retransmissions_sent, 0);
    assert_eq!(pair.a().agent.state(), State::Completed);
}

#[test]
fn an_idle_agent_has_one_timer_and_wakes_up_for_consent_only() {
    let mut pair = connected(Profile::Clean, 43);
    pair.run_for(Duration::from_secs(5));
    let next = pair.a().agent.poll_timeout().unwrap();
    let wait = next - pair.now();
    assert!(wait <= Duration::from_secs(6));
    assert!(pair.run_until(
        Duration::from_secs(10),
        |pair| pair.a().agent.poll_timeout() != Some(next)
    ));
    assert!(pair.now() >= next);
}

#[test]
fn a_silent_path_says_disconnected_after_5_s_and_recovers_when_it_speaks_again() {
    let mut pair = connected(Profile::Clean, 44);
    silence_b(&mut pair);
    let t0 = pair.time();
    let gone = |pair: &Agents| pair.a().agent.state() == State::Disconnected;
    assert!(pair.run_until(Duration::from_secs(20), gone));
    let after = pair.time() - t0;
    assert!(after <= Duration::from_secs(11), "{after:?}");
    // Until consent expires data may go on: the hint is only a hint.
    assert!(pair.a().agent.best_path().is_some());
    pair.network().intercept(|_| Verdict::Pass);
    assert!(pair.run_until(Duration::from_secs(10), |pair| both_in(
        pair,
        State::Completed
    )));
}

#[test]
fn a_lost_consent_answer_is_made_up_for_without_a_word() {
    let mut pair = connected(Profile::Clean, 45);
    let mut lost = 0;
    pair.network().intercept(move |packet| {
        let answer = packet.path.local == ADDRESS_B && !is_request(&packet.bytes);
        if answer && lost < 2 {
            lost += 1;
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.run_for(Duration::from_secs(60));
    assert!(!pair.has_event(Side::A, "Disconnected"));
    assert_eq!(pair.a().agent.state(), State::Completed);
}

#[test]
fn consent_of_a_lite_agent_lives_on_the_peers_checks() {
    let mut pair = acquainted(Profile::Clean, 46, (Mode::Full, Mode::Lite));
    assert!(pair.run_until(Duration::from_secs(5), both_selected));
    pair.run_for(Duration::from_secs(300));
    assert!(pair.b().agent.best_path().is_some());
    pair.network().intercept(|_| Verdict::Drop);
    pair.run_for(Duration::from_millis(30_100));
    assert_eq!(pair.b().agent.best_path(), None);
    assert_eq!(pair.b().agent.state(), State::Failed);
}

/// Both agents by hand, with two paths between them that can be cut.
struct TwoPaths {
    a: Host,
    b: Host,
    now: Instant,
    first_works: bool,
    /// The requests of A, and when each left.
    asked: Vec<(Instant, Path)>,
}

const SECOND_A: SocketAddr = SocketAddr::new(ADDRESS_A.ip(), 6_001);

impl TwoPaths {
    fn connected(seed_number: u64) -> Self {
        let mut both = Self {
            a: host(seed_number, Role::Controlling, Mode::Full),
            b: host(seed_number + 1, Role::Controlled, Mode::Full),
            now: netsim::epoch(),
            first_works: true,
            asked: Vec::new(),
        };
        let now = both.now;
        for address in [ADDRESS_A, SECOND_A] {
            both.a
                .agent
                .add_local_candidate(now, Candidate::host(address))
                .unwrap();
        }
        both.b
            .agent
            .add_local_candidate(now, Candidate::host(ADDRESS_B))
            .unwrap();
        let (a, b) = (&both.a.agent, &both.b.agent);
        let (of_a, of_b) = (a.local_credentials().clone(), b.local_credentials().clone());
        let candidates = [a, b].map(|agent| agent.local_candidates().cloned().collect::<Vec<_>>());
        both.a.agent.set_remote_credentials(now, of_b, Mode::Full);
        both.b.agent.set_remote_credentials(now, of_a, Mode::Full);
        let [from_a, from_b] = candidates;
        for candidate in from_b {
            both.a.agent.add_remote_candidate(now, candidate).unwrap();
        }
        for candidate in from_a {
            both.b.agent.add_remote_candidate(now, candidate).unwrap();
        }
        both.run(Duration::from_secs(2));
        both
    }

    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.exchange();
            let deadlines = [self.a.agent.poll_timeout(), self.b.agent.poll_timeout()];
            match deadlines.into_iter().flatten().min() {
                Some(next) if next <= end => self.now = next.max(self.now),
                _ => break,
            }
            self.a.agent.handle_timeout(self.now);
            self.b.agent.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn exchange(&mut self) {
        loop {
            let now = self.now;
            let from_a = drain(&mut self.a.agent, now);
            let from_b = drain(&mut self.b.agent, now);
            if from_a.is_empty() && from_b.is_empty() {
                return;
            }
            let asked = from_a.iter().filter(|(_, bytes)| is_request(bytes));
            self.asked.extend(asked.map(|(path, _)| (now, *path)));
            let passes = |path: &Path| {
                self.first_works || !(path.local == ADDRESS_A || path.remote == ADDRESS_A)
            };
            for (path, bytes) in from_a.iter().filter(|(path, _)| passes(path)) {
                deliver(&mut self.b.agent, now, path.reversed(), bytes);
            }
            for (path, bytes) in from_b.iter().filter(|(path, _)| passes(path)) {
                deliver(&mut self.a.agent, now, path.reversed(), bytes);
            }
        }
    }
}

/// How far apart the requests of A on a path are, in milliseconds.
fn gaps(both: &TwoPaths, path: Path) -> Vec<u128> {
    let asked = both.asked.iter().filter(|(_, other)| *other == path);
    let times: Vec<_> = asked.map(|(at, _)| *at).collect();
    let gaps = times.windows(2).map(|two| (two[1] - two[0]).as_millis());
    gaps.collect()
}

/// I-17, I-19: the path in use is asked about every 4 to 6 s, at random, the one in reserve every 15 to 25 s.
#[test]
fn consent_is_asked_at_random_intervals_in_use_and_in_reserve() {
    let mut both = TwoPaths::connected(90);
    both.run(Duration::from_secs(30));
    both.asked.clear();
    both.run(Duration::from_secs(3_000));
    for (from, range) in [(ADDRESS_A, 4_000..=6_000), (SECOND_A, 15_000..=25_000)] {
        let gaps = gaps(&both, Path::udp(from, ADDRESS_B));
        assert!(gaps.len() > 100, "{from}: {}", gaps.len());
        assert!(
            gaps.iter().all(|gap| range.contains(gap)),
            "{from}: {gaps:?}"
        );
        // All of the range is used.
        let tenth = (range.end() - range.start()) / 10;
        assert!(
            gaps.iter().any(|gap| *gap < range.start() + tenth),
            "{from}"
        );
        assert!(gaps.iter().any(|gap| *gap > range.end() - tenth), "{from}");
    }
}

/// I-17, I-01 of the catalogue: to the millisecond, and no forged answer puts it off.
#[test]
fn i01_consent_ends_30_s_after_the_last_answer_whatever_is_forged() {
    let mut pair = connected(Profile::Clean, 47);
    pair.run_for(Duration::from_secs(20));
    // From now on nothing that B sends arrives, and somebody sees all that A sends.
    let (sees, seen) = mpsc::channel();
    pair.network().intercept(move |packet| {
        if packet.path.local == ADDRESS_B {
            return Verdict::Drop;
        }
        sees.send(packet.bytes.clone()).unwrap();
        Verdict::Pass
    });
    let last = |pair: &Agents| pair.a().agent.pair_stats().next().unwrap().last_answer;
    let since = last(&pair).unwrap();
    let guess = "a-guess-a-guess-a-guess-";
    let genuine = Forgery::genuine(&pair.a().agent, &pair.b().agent).bytes();
    let mut forged = 0;
    while pair.a().agent.best_path().is_some() {
        pair.run_for(Duration::from_millis(100));
        let now = pair.now();
        assert!(now <= since + Duration::from_millis(30_100));
        let agent = &mut pair.a_mut().agent;
        // Each request is answered with the wrong password, and the peer's own check is no answer either.
        for bytes in seen.try_iter().filter(|it| is_request(it)) {
            deliver(agent, now, path_of_a(), &success(&bytes, guess, ADDRESS_A));
            forged += 1;
        }
        deliver(agent, now, path_of_a(), &genuine);
        if let Some(last) = last(&pair) {
            assert_eq!(last, since);
        }
    }
    assert!(forged > 5, "{forged}");
    assert!(pair.now() >= since + Duration::from_secs(30));
    assert_eq!(pair.a().agent.state(), State::Failed);
}

/// I-18
#[test]
fn the_round_trip_and_the_age_of_the_last_answer_are_told() {
    let mut pair = connected(Profile::Clean, 48);
    for _ in 0..10 {
        pair.run_for(Duration::from_secs(6));
        let now = pair.now();
        let stats = pair.a().agent.pair_stats().next().unwrap();
        let age = now - stats.last_answer.unwrap();
        assert!(age <= Duration::from_millis(6_050), "{age:?}");
        let round_trip = stats.current_round_trip_time;
        assert_eq!(round_trip, Some(Duration::from_millis(50)));
    }
    silence_b(&mut pair);
    let before = pair.a().agent.pair_stats().next().unwrap().last_answer;
    pair.run_for(Duration::from_secs(15));
    let after = pair.a().agent.pair_stats().next().unwrap().last_answer;
    assert_eq!(after, before);
    assert_eq!(pair.a().agent.state(), State::Disconnected);
}

/// W3C `RTCIceCandidatePairStats`: requests are counted without retransmissions when they are sent and with them when
/// they are received, consent counts among the requests, and round trips are those of answers that are unambiguous.
#[test]
fn the_counters_of_a_pair_count_what_those_of_the_w3c_count() {
    let mut scene = Scene::new(Role::Controlled);
    let path = scene.signal("host", 65_535, 1);
    scene.pass(Duration::from_millis(600));
    scene.answer(path);
    scene.open.clear();
    let nomination = scene.ask(path, true, None);
    scene.hear(path, &nomination);
    let stats = |scene: &Scene| scene.agent.pair_stats().next().unwrap();
    let first = stats(&scene);
    assert_eq!((first.requests_sent, first.retransmissions_sent), (1, 1));
    assert_eq!((first.requests_received, first.responses_sent), (2, 2));
    assert_eq!(first.responses_received, 1);
    assert_eq!(first.current_round_trip_time, None, "which was answered?");
    assert_eq!(first.round_trip_time_measurements, 0);
    let mut total = Duration::ZERO;
    for (round, delay) in [(1, 40), (2, 90)] {
        while scene.open.is_empty() {
            scene.pass(Duration::from_millis(10));
        }
        scene.pass(Duration::from_millis(delay));
        let round_trip = scene.now - scene.open[0].0;
        scene.answer(path);
        total += round_trip;
        let now = stats(&scene);
        assert_eq!(now.requests_sent, 1 + round);
        assert_eq!(now.consent_requests_sent, round);
        assert_eq!(now.responses_received, 1 + round);
        assert_eq!(now.current_round_trip_time, Some(round_trip));
        assert_eq!(now.total_round_trip_time, total);
        assert_eq!(now.round_trip_time_measurements, round);
        assert_eq!(now.last_answer, Some(scene.now));
    }
    assert_eq!(stats(&scene).retransmissions_sent, 1);
    assert_eq!((first.state, first.nominated), (PairState::Succeeded, true));
    assert_eq!(first.path, path);
}

/// I-39: an hour of quiet costs no more wake-ups than consent checks.
#[test]
fn an_idle_agent_wakes_up_to_ask_for_consent_and_for_nothing_else() {
    let mut pair = connected(Profile::Clean, 49);
    pair.run_for(Duration::from_secs(100));
    let now = pair.now();
    let mut agent = std::mem::replace(
        &mut pair.a_mut().agent,
        host(1, Role::Controlling, Mode::Full).agent,
    );
    let pwd = pair.b().agent.local_credentials().pwd.clone();
    let before = agent.stats().consent_requests_sent;
    let (mut at, mut wake_ups) = (now, 0);
    while let Some(next) = agent.poll_timeout() {
        assert!(next > at);
        at = next;
        if at > now + Duration::from_secs(3_600) {
            break;
        }
        agent.handle_timeout(at);
        wake_ups += 1;
        for (path, bytes) in drain(&mut agent, at) {
            deliver(&mut agent, at, path, &success(&bytes, &pwd, ADDRESS_A));
        }
    }
    let asked = agent.stats().consent_requests_sent - before;
    assert!((600..=900).contains(&asked), "{asked}");
    assert_eq!(wake_ups, asked);
}

#[test]
fn when_the_selected_path_dies_the_other_valid_pair_takes_over() {
    for seed in (100..140).step_by(2) {
        let mut both = TwoPaths::connected(seed);
        let first = Path::udp(ADDRESS_A, ADDRESS_B);
        assert_eq!(both.a.agent.best_path(), Some(first));
        both.run(Duration::from_secs(60));
        both.first_works = false;
        // At most 6 s until a consent check stays unanswered, 5 s until that counts.
        both.run(Duration::from_millis(11_100));
        let second = Path::udp(SECOND_A, ADDRESS_B);
        assert_eq!(both.a.agent.best_path(), Some(second), "{seed}");
        assert_eq!(both.b.agent.best_path(), Some(second.reversed()), "{seed}");
        both.run(Duration::from_secs(120));
        assert_eq!(both.a.agent.best_path(), Some(second));
        assert_eq!(both.a.agent.stats().selected_candidate_pair_changes, 2);
        let state = both.a.agent.state();
        assert!(matches!(state, State::Connected | State::Completed));
    }
}
