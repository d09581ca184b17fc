//! Which pair is nominated and when, and where data goes before (RFC 8445 §8, §12.1). The peer is played by the test.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::{Role, SelectionReason};
use support::scene::{Scene, ms};

const TA: Duration = Duration::from_millis(20);

/// I-14
#[test]
fn a_pair_of_host_candidates_is_nominated_at_once_though_a_better_one_is_silent() {
    let mut scene = Scene::new(Role::Controlling);
    let better = scene.signal("host", 65_535, 1);
    let other = scene.signal("host", 1_000, 2);
    scene.pass(ms(50));
    // It has been heard of, so it might well be waited for.
    scene.ask(better, false, None);
    scene.answer(other);
    scene.pass(TA);
    assert!(scene.nominated(other) <= Some(ms(50) + TA));
    assert!(scene.nominated(other).is_some());
    assert_eq!(scene.nominated(better), None);
}

/// I-14
#[test]
fn what_no_other_pair_can_beat_is_nominated_at_once() {
    let mut scene = Scene::new(Role::Controlling);
    let best = scene.signal("srflx", 65_535, 1);
    let lesser = scene.signal("relay", 65_535, 2);
    scene.pass(ms(50));
    scene.answer(best);
    scene.pass(ms(1));
    assert_eq!(scene.nominated(best), Some(ms(50)));
    assert_eq!(scene.nominated(lesser), None);
}

/// The pair works, so what is lost is sent again without doubling the time: here after twice the round trip.
#[test]
fn a_nomination_is_sent_again_at_equal_intervals() {
    let mut scene = Scene::new(Role::Controlling);
    let path = scene.signal("host", 65_535, 1);
    scene.pass(ms(80));
    scene.answer(path);
    scene.pass(ms(10_000));
    let sendings: Vec<_> = scene.nominations(path).take(7).collect();
    let after = sendings.iter().map(|at| (*at - sendings[0]).as_millis());
    let after: Vec<_> = after.collect();
    assert_eq!(after, [0, 160, 320, 480, 640, 800, 960]);
}

/// I-14: a better pair that was heard of but has not answered is waited for, one round trip or 100 ms and no longer.
#[test]
fn a_better_pair_is_waited_for_one_round_trip_or_100_ms_and_no_longer() {
    for (round_trip, wait) in [(30, 100), (90, 100), (300, 300)] {
        let mut scene = Scene::new(Role::Controlling);
        let better = scene.signal("srflx", 65_535, 1);
        let lesser = scene.signal("relay", 65_535, 2);
        scene.pass(TA);
        scene.pass(ms(round_trip));
        scene.ask(better, false, None);
        scene.answer(lesser);
        scene.pass(ms(wait - 1));
        assert_eq!(scene.nominated(lesser), None, "{round_trip}");
        // The pace allows it within Ta.
        scene.pass(ms(2) + TA);
        let at = scene.nominated(lesser).unwrap();
        let due = TA + ms(round_trip + wait);
        assert!((due..=due + TA).contains(&at), "{round_trip}: {at:?}");
    }
}

/// I-14: one that was asked first and has not answered within the other's round trip and a quarter is not waited for.
#[test]
fn a_better_pair_that_is_silent_is_not_waited_for_beyond_its_time() {
    let mut scene = Scene::new(Role::Controlling);
    scene.signal("srflx", 65_535, 1);
    let lesser = scene.signal("relay", 65_535, 2);
    scene.pass(TA + ms(40));
    scene.answer(lesser);
    scene.pass(ms(1));
    assert_eq!(scene.nominated(lesser), Some(TA + ms(40)));
}

/// I-14: a nomination is changed for 10 ms and 15 % at least.
#[test]
fn a_better_pair_takes_over_when_it_is_faster_by_10_ms_and_15_percent() {
    for (old, new, changes) in [
        (100, 91, false),
        (100, 86, false),
        (100, 85, true),
        (40, 31, false),
        (40, 30, true),
        (200, 190, false),
        (40, 60, false),
    ] {
        let mut scene = Scene::new(Role::Controlling);
        let first = scene.signal("srflx", 1_000, 1);
        for _check_and_nomination in 0..2 {
            scene.pass(ms(old));
            scene.answer(first);
        }
        assert_eq!(scene.agent.best_path(), Some(first));
        let second = scene.signal("srflx", 2_000, 2);
        scene.pass(ms(new));
        scene.answer(second);
        scene.pass(TA);
        let is_nominated = scene.nominated(second).is_some();
        assert_eq!(is_nominated, changes, "{old} {new}");
        if changes {
            scene.answer(second);
            let expected = [
                (first, SelectionReason::First),
                (second, SelectionReason::Better),
            ];
            assert_eq!(scene.selections(), expected);
        }
    }
}

/// I-14: a relay is left for a direct path, however slow.
#[test]
fn a_direct_pair_takes_over_from_a_relayed_one() {
    let mut scene = Scene::new(Role::Controlling);
    let relayed = scene.signal("relay", 65_535, 1);
    scene.pass(ms(20));
    scene.answer(relayed);
    scene.pass(TA);
    scene.answer(relayed);
    let direct = scene.signal("srflx", 65_535, 2);
    scene.pass(ms(70));
    scene.answer(direct);
    scene.pass(TA);
    assert!(scene.nominated(direct).is_some());
}

/// I-15: the counter counts only where both sides know of it, and the larger one wins.
#[test]
fn of_numbered_nominations_the_largest_counts_where_the_option_was_agreed() {
    for (agreed, counter, moves) in [
        (true, Some(6), true),
        (true, Some(4), false),
        (true, Some(5), false),
        (true, None, false),
        (false, Some(6), false),
    ] {
        let mut scene = Scene::new(Role::Controlled);
        scene.agent.set_renomination(agreed);
        let better = scene.signal("host", 65_535, 1);
        let lesser = scene.signal("host", 1_000, 2);
        scene.pass(ms(50));
        scene.answer(better);
        scene.answer(lesser);
        scene.ask(better, true, Some(5));
        assert_eq!(scene.agent.best_path(), Some(better));
        scene.pass(ms(50));
        scene.ask(lesser, true, counter);
        let expected = if moves { lesser } else { better };
        assert_eq!(
            scene.agent.best_path(),
            Some(expected),
            "{agreed} {counter:?}"
        );
    }
}

/// I-16: data takes what works: the nominated pair, else the one with the highest priority.
#[test]
fn before_the_nomination_data_takes_the_best_pair_that_works() {
    let mut scene = Scene::new(Role::Controlled);
    let better = scene.signal("host", 65_535, 1);
    let lesser = scene.signal("host", 1_000, 2);
    let silent = scene.signal("host", 65_534, 3);
    scene.pass(ms(50));
    assert_eq!(scene.agent.best_path(), None);
    scene.answer(lesser);
    assert_eq!(scene.agent.best_path(), Some(lesser));
    scene.answer(better);
    assert_eq!(scene.agent.best_path(), Some(better));
    assert!(scene.selections().is_empty());
    scene.ask(silent, true, None);
    assert_eq!(scene.agent.best_path(), Some(better), "not valid yet");
    scene.ask(lesser, true, None);
    assert_eq!(scene.agent.best_path(), Some(lesser), "nominated");
}
