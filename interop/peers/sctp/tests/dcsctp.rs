//! Our association with the crate `dcsctp`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::time::Instant;

use avocet_interop_sctp::scenario::{self, LOSSES};
use avocet_interop_sctp::{Dcsctp, Fact, Features, Ours, Pair, Weather, Wish};

fn pair_with(weather: Weather, features: Features) -> Pair<Ours, Dcsctp> {
    let now = Instant::now();
    let (ours, theirs) = (Ours::new(1, features), Dcsctp::new(now, features));
    Pair::new(ours, theirs, now, weather)
}

fn connected(weather: Weather) -> Pair<Ours, Dcsctp> {
    let mut pair = pair_with(weather, Features::default());
    pair.connect(true, true);
    pair
}

#[test]
fn either_side_connects_or_both_do_under_loss() {
    for loss in [0.0, 5.0, 20.0] {
        for seed in 0..20 {
            for (a, b) in [(true, false), (false, true), (true, true)] {
                pair_with(Weather::rough(loss, seed), Features::default()).connect(a, b);
            }
        }
    }
}

#[test]
fn ordered_messages_arrive_once_and_in_order() {
    for loss in LOSSES {
        scenario::ordered(&mut connected(Weather::rough(loss, 1)));
    }
}

#[test]
fn unordered_messages_arrive_once() {
    for loss in LOSSES {
        scenario::unordered(&mut connected(Weather::rough(loss, 2)));
    }
}

#[test]
fn messages_of_many_packets_arrive_whole() {
    for loss in LOSSES {
        scenario::large(&mut connected(Weather::rough(loss, 3)));
    }
}

#[test]
fn streams_begin_anew_and_are_used_again() {
    for loss in LOSSES {
        scenario::reset_and_reuse(&mut connected(Weather::rough(loss, 4)));
    }
}

#[test]
fn a_shutdown_from_either_side_delivers_what_was_written() {
    for loss in LOSSES {
        for side in 0..2 {
            scenario::shutdown(&mut connected(Weather::rough(loss, 5)), side);
        }
    }
}

#[test]
fn an_abort_from_either_side_is_heard() {
    for side in 0..2 {
        scenario::abort(&mut connected(Weather::fine()), side);
    }
}

#[test]
fn a_reader_that_sleeps_loses_nothing() {
    for loss in LOSSES {
        scenario::slow_reader(&mut connected(Weather::rough(loss, 6)));
    }
}

#[test]
fn a_restart_of_either_side_is_noticed_and_messages_flow_again() {
    for loss in LOSSES {
        let mut pair = connected(Weather::rough(loss, 7));
        scenario::ordered(&mut pair);
        pair.b = Dcsctp::new(pair.now, Features::default());
        pair.facts[1].clear();
        pair.connect(false, true);
        assert!(pair.facts[0].contains(&Fact::Restarted));
        scenario::ordered(&mut pair);
        pair.a = Ours::new(2, Features::default());
        pair.facts[0].clear();
        pair.connect(true, false);
        assert!(pair.facts[1].contains(&Fact::Restarted));
        scenario::ordered(&mut pair);
    }
}

#[test]
fn an_idle_association_lives_on() {
    for loss in LOSSES {
        scenario::idle(&mut connected(Weather::rough(loss, 11)));
    }
}

#[test]
fn messages_may_be_given_up_by_count_or_by_time_and_arrive_whole_or_not_at_all() {
    for interleaving in [false, true] {
        for wish in [
            Wish {
                retransmits: Some(0),
                ..Wish::default()
            },
            Wish {
                retransmits: Some(1),
                ..Wish::default()
            },
            Wish {
                lifetime: Some(60),
                ..Wish::default()
            },
            Wish {
                unordered: true,
                retransmits: Some(0),
                ..Wish::default()
            },
            Wish {
                unordered: true,
                lifetime: Some(60),
                ..Wish::default()
            },
        ] {
            let features = Features {
                interleaving,
                ..Features::default()
            };
            let mut pair = pair_with(Weather::rough(10.0, 8), features);
            pair.connect(true, true);
            scenario::partial_reliability(&mut pair, wish);
        }
    }
}

#[test]
fn interleaved_messages_arrive() {
    for loss in LOSSES {
        let features = Features {
            interleaving: true,
            ..Features::default()
        };
        let mut pair = pair_with(Weather::rough(loss, 9), features);
        pair.connect(true, true);
        assert!(pair.a.0.stats().interleaving);
        assert!(
            pair.b
                .socket()
                .get_metrics()
                .unwrap()
                .uses_message_interleaving
        );
        scenario::ordered(&mut pair);
        scenario::unordered(&mut pair);
        scenario::large(&mut pair);
        scenario::reset_and_reuse(&mut pair);
    }
}

#[test]
fn packets_need_no_checksum_when_both_sides_say_so() {
    for (ours, theirs) in [(true, true), (true, false), (false, true)] {
        let features = |zero_checksum| Features {
            zero_checksum,
            ..Features::default()
        };
        let now = Instant::now();
        let mut pair = Pair::new(
            Ours::new(1, features(ours)),
            Dcsctp::new(now, features(theirs)),
            now,
            Weather::rough(1.0, 10),
        );
        pair.connect(true, true);
        scenario::ordered(&mut pair);
        assert_eq!(pair.unchecked > 100, ours && theirs);
    }
}

#[test]
fn payloads_of_every_kind_arrive_as_what_they_are() {
    for loss in LOSSES {
        scenario::payload_kinds(&mut connected(Weather::rough(loss, 12)));
    }
}

#[test]
fn small_messages_travel_together() {
    for interleaving in [false, true] {
        let features = Features {
            interleaving,
            ..Features::default()
        };
        let mut pair = pair_with(Weather::fine(), features);
        pair.connect(true, true);
        // The other side sends each message as soon as it has it.
        scenario::bundling(&mut pair, &[0]);
    }
}

#[test]
fn numbers_begin_at_zero_again() {
    let now = Instant::now();
    let theirs = Dcsctp::new(now, Features::default());
    let weather = Weather::rough(1.0, 13);
    let mut pair = Pair::new(Ours::before_the_wrap(), theirs, now, weather);
    pair.connect(true, true);
    scenario::numbers_wrap(&mut pair, 70_000);
}

#[test]
fn packets_change_their_size_on_the_way() {
    for loss in LOSSES {
        let mut pair = connected(Weather::rough(loss, 14));
        scenario::probe(&mut pair, 1_400);
        scenario::packet_sizes(&mut pair);
    }
}

#[test]
fn every_way_to_end_works_with_everything_switched_on() {
    let features = Features {
        interleaving: true,
        zero_checksum: true,
    };
    for side in 0..2 {
        let mut pair = pair_with(Weather::rough(1.0, 15), features);
        pair.connect(true, true);
        scenario::ordered(&mut pair);
        scenario::reset_and_reuse(&mut pair);
        scenario::shutdown(&mut pair, side);
        assert!(pair.unchecked > 100);
    }
}
