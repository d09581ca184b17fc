//! What is lost: how it is found, when it leaves again, and what it does to the window (RFC 9260 §6.3, §7.2; RFC 8985).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{Config, CongestionAlgorithm};
use common::raw::Victim;

const MTU: usize = 1191;
/// What a packet carries when it is full.
const FULL: usize = 1160;
const OPEN: u32 = 1 << 20;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A sender whose window is counted as RFC 9260 §7 has it.
fn reno() -> Victim {
    let mut config = Config::default();
    config.congestion = CongestionAlgorithm::NewReno;
    Victim::established(config)
}

/// One whose round trip was measured: one chunk is sent and acknowledged.
fn measured(mut victim: Victim, round_trip: Duration) -> Victim {
    victim.send(1, b"measure");
    assert_eq!(victim.say_data(), [0]);
    victim.pass(round_trip);
    victim.acknowledge(1, OPEN, &[], &[]);
    victim
}

fn window(victim: &Victim) -> usize {
    victim.association.stats().congestion_window_bytes
}

fn timeouts(victim: &Victim) -> u64 {
    victim.association.stats().retransmission_timeouts
}

/// P-17: however many packets of a flight are lost, the window halves once (RFC 9260 §7.2.4), and the first repair leaves although more is
/// under way than the window allows. A loss in a later flight halves it again.
#[test]
fn losses_of_one_flight_are_one_loss_and_the_first_repair_leaves_at_once() {
    let mut victim = reno();
    victim.send(1, &[7; 20 * FULL]);
    assert_eq!(victim.say_data().len(), 11);
    let first = window(&victim);
    assert_eq!(first, 10 * MTU);
    victim.pass(millis(100));
    victim.acknowledge(0, OPEN, &[(1, 3)], &[]);
    assert_eq!(window(&victim), first / 2);
    // Seven packets are still under way, and the window holds five.
    assert_eq!(victim.say_data(), [0]);
    victim.acknowledge(0, OPEN, &[(1, 3), (5, 6)], &[]);
    victim.acknowledge(0, OPEN, &[(1, 3), (5, 6), (8, 10)], &[]);
    assert_eq!(window(&victim), first / 2, "4 and 7 were lost with 0");
    let mut said = victim.say_data();
    victim.pass(millis(100));
    victim.acknowledge(4, OPEN, &[(5, 6), (8, 10)], &[]);
    said.extend(victim.say_data());
    assert!(said.starts_with(&[4, 7, 11]), "{said:?}");
    victim.pass(millis(100));
    // What left after the reduction: its loss is news.
    let last = *said.last().unwrap();
    assert!(last >= 14, "{said:?}");
    victim.acknowledge(11, OPEN, &[(12, last)], &[]);
    assert_eq!(window(&victim), 4 * MTU, "the floor (P-15)");
    assert_eq!(timeouts(&victim), 0);
}

/// P-19: T3 leaves a window of one packet, takes all as lost, and takes twice as long the next time (RFC 9260 §6.3.3), up to three seconds.
#[test]
fn a_timeout_sends_one_packet_and_the_next_takes_twice_as_long() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::Ledbat,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        let mut config = Config::default();
        config.congestion = congestion;
        let mut victim = Victim::established(config);
        victim.send(1, &[7; 5 * FULL]);
        assert_eq!(victim.say_data(), [0, 1, 2, 3, 4]);
        // The cookie came back at once, so that data waits for the least timeout.
        for wait in [400, 800, 1600, 3000, 3000] {
            victim.pass(millis(wait - 1));
            assert_eq!(victim.say_data(), [], "{congestion:?}, {wait}");
            victim.pass(millis(1));
            assert_eq!(victim.say_data(), [0], "{congestion:?}, {wait}");
            assert_eq!(window(&victim), MTU, "{congestion:?}");
        }
        // Progress ends the back-off, and the others follow.
        victim.acknowledge(1, OPEN, &[], &[]);
        assert_eq!(victim.say_data().first(), Some(&1), "{congestion:?}");
    }
}

/// P-19: a timeout before anything was ever acknowledged says nothing of what the path holds, and slow start goes on beyond half of the
/// initial window (RFC 5681 §3.1 has it so for a SYN). Any other timeout ends it there (RFC 9260 §7.2.3).
#[test]
fn a_timeout_before_anything_was_acknowledged_does_not_end_slow_start() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        for heard in [false, true] {
            let mut config = Config::default();
            config.congestion = congestion;
            let mut victim = Victim::established(config);
            let mut next = 0;
            if heard {
                victim = measured(victim, millis(100));
                next = 1;
            }
            victim.send(1, &[7; 200 * FULL]);
            assert!(!victim.say_data().is_empty());
            victim.pass(Duration::from_secs(1));
            assert_eq!(victim.say_data(), [next], "{congestion:?}");
            assert_eq!(window(&victim), MTU, "{congestion:?}");
            for _ in 0..40 {
                victim.pass(millis(100));
                next += 1;
                victim.acknowledge(next, OPEN, &[], &[]);
                for _ in 0..10 {
                    victim.say_all();
                    victim.pass(millis(1));
                }
            }
            let packets = window(&victim) / MTU;
            assert_eq!(packets > 15, !heard, "{congestion:?}: {packets}");
        }
    }
}

/// P-19: T3 runs from the last time that the first outstanding chunk was acknowledged (rule R3), and not at all when nothing is outstanding
/// (R2).
#[test]
fn the_timeout_runs_from_the_last_progress() {
    let mut victim = measured(reno(), millis(50));
    victim.send(1, &[7; 2 * FULL]);
    assert_eq!(victim.say_data(), [1, 2]);
    victim.pass(millis(90));
    victim.acknowledge(2, OPEN, &[], &[]);
    // A tail loss probe comes in between, which is no timeout.
    let due = 90 + 400;
    for _ in 91..due {
        victim.pass(millis(1));
        victim.say_all();
    }
    assert_eq!(timeouts(&victim), 0);
    victim.acknowledge(3, OPEN, &[], &[]);
    victim.pass(Duration::from_secs(20));
    assert_eq!(timeouts(&victim), 0, "nothing is outstanding");

    let mut victim = measured(reno(), millis(50));
    victim.send(1, &[7; 2 * FULL]);
    victim.say_all();
    victim.pass(Duration::from_secs(3));
    assert_eq!(timeouts(&victim), 1);
}

/// P-19: a repair of the first outstanding chunk has the whole timeout to arrive (RFC 9260 §7.2.4).
#[test]
fn a_repair_of_the_first_chunk_restarts_the_timeout() {
    let mut victim = measured(reno(), millis(50));
    victim.send(1, &[7; 5 * FULL]);
    assert_eq!(victim.say_data(), [1, 2, 3, 4, 5]);
    victim.pass(millis(60));
    victim.acknowledge(1, OPEN, &[(2, 5)], &[]);
    assert_eq!(victim.say_data(), [1]);
    victim.pass(millis(399));
    assert_eq!(timeouts(&victim), 0);
    victim.pass(millis(20));
    assert_eq!(timeouts(&victim), 1);
}

/// P-19: where T3 was a mistake the window is what it was (RFC 5682), and nothing is sent again for it.
#[test]
fn a_mistaken_timeout_gives_the_window_back() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        let mut config = Config::default();
        config.congestion = congestion;
        let mut victim = Victim::established(config);
        let before = window(&victim);
        victim.send(1, &[7; 5 * FULL]);
        assert_eq!(victim.say_data().len(), 5);
        victim.pass(Duration::from_secs(1));
        assert_eq!(victim.say_data(), [0]);
        assert_eq!(window(&victim), MTU);
        victim.pass(millis(10));
        // Of these only the first was sent again.
        victim.acknowledge(3, OPEN, &[], &[]);
        assert!(window(&victim) >= before, "{congestion:?}");
        assert_eq!(victim.say_data(), [], "{congestion:?}");
    }
}

/// P-20: the tail is probed after two round trips, and what is alone after the longest delay of an acknowledgement more (RFC 8985 §7.2).
#[test]
fn a_tail_is_probed_after_two_round_trips() {
    let mut victim = measured(reno(), millis(50));
    victim.send(1, &[7; FULL]);
    assert_eq!(victim.say_data(), [1]);
    victim.pass(millis(299));
    assert_eq!(victim.say_data(), []);
    victim.pass(millis(1));
    assert_eq!(victim.say_data(), [1]);

    let mut victim = measured(reno(), millis(50));
    victim.send(1, &[7; 3 * FULL]);
    assert_eq!(victim.say_data(), [1, 2, 3]);
    victim.pass(millis(99));
    assert_eq!(victim.say_data(), []);
    victim.pass(millis(1));
    assert_eq!(victim.say_data(), [3]);
    assert_eq!(timeouts(&victim), 0);
}

/// P-20: packets may overtake each other by a quarter of the least round trip before one of them counts as lost, and by more on a path where
/// something was sent again for nothing (RFC 8985 §6.2).
#[test]
fn what_was_repeated_for_nothing_makes_the_sender_wait_longer() {
    let mut victim = measured(reno(), millis(80));
    let mut lose_one = |first: u32, twice: &[u32]| {
        // Each alone in its packet, and too little above the gap to be sure.
        victim.send(1, &[7; 1000]);
        victim.send(1, &[7; 1000]);
        assert_eq!(victim.say_data(), [first, first + 1]);
        victim.pass(millis(80));
        victim.acknowledge(first, OPEN, &[(first + 1, first + 1)], twice);
        let mut waited = 0;
        let again = loop {
            let again = victim.say_data();
            if !again.is_empty() {
                break again;
            }
            victim.pass(millis(1));
            waited += 1;
        };
        assert_eq!(again, [first]);
        victim.pass(millis(80));
        victim.acknowledge(first + 2, OPEN, &[], &[]);
        waited
    };
    assert_eq!(lose_one(1, &[]), 20);
    assert_eq!(lose_one(3, &[1]), 40);
}

/// P-21: what was lost still has to fit into the peer's window, so it takes its room from new data.
#[test]
fn what_was_lost_takes_room_of_the_window_of_the_peer() {
    let mut victim = reno();
    victim.send(1, &[7; 20 * FULL]);
    assert_eq!(victim.say_data().len(), 11);
    victim.pass(millis(100));
    let room = 2 * FULL as u32;
    victim.acknowledge(0, room, &[(1, 10)], &[]);
    assert_eq!(victim.say_data(), [0, 11]);
}

/// P-18: packets do not leave in bursts of a whole window: ten at once or four milliseconds' worth, the rest over the round trip.
#[test]
fn a_window_leaves_over_the_round_trip() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        let mut config = Config::default();
        config.congestion = congestion;
        let mut victim = measured(Victim::established(config), millis(100));
        let mut next = 1;
        // The window grows while the acknowledgements of a round trip come all at once.
        let mut largest = 0;
        for _ in 0..4 {
            victim.send(1, &[7; 100 * FULL]);
            let (mut burst, mut sent) = (0, 0);
            for _ in 0..100 {
                let said = victim.say_data();
                burst = burst.max(said.len());
                sent += said.len() as u32;
                victim.pass(millis(1));
            }
            next += sent;
            victim.acknowledge(next, OPEN, &[], &[]);
            assert!(burst <= 16, "{congestion:?}: {burst}");
            largest = largest.max(sent);
        }
        assert!(largest > 30, "{congestion:?}: {largest}");
    }
}

/// P-40: on another path the least round trip of the old one is forgotten, and what may overtake each other with it.
#[test]
fn another_path_is_measured_anew() {
    let mut victim = measured(reno(), millis(40));
    let now = victim.now;
    victim.association.on_path_change(now);
    victim.send(1, &[7; 1000]);
    assert_eq!(victim.say_data(), [1]);
    victim.pass(millis(200));
    victim.acknowledge(2, OPEN, &[], &[]);
    victim.send(1, &[7; 1000]);
    victim.send(1, &[7; 1000]);
    assert_eq!(victim.say_data(), [2, 3]);
    victim.pass(millis(200));
    victim.acknowledge(2, OPEN, &[(3, 3)], &[]);
    victim.pass(millis(49));
    assert_eq!(victim.say_data(), []);
    victim.pass(millis(1));
    assert_eq!(victim.say_data(), [2]);
}
