//! Our association with the crate `sctp-proto`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::time::Instant;

use avocet_interop_sctp::scenario::{self, LOSSES};
use avocet_interop_sctp::trouble;
use avocet_interop_sctp::{Fact, Features, Ours, Pair, Proto, Weather, Wish};

fn pair_with(theirs: Proto, weather: Weather) -> Pair<Ours, Proto> {
    let ours = Ours::new(1, Features::default());
    Pair::new(ours, theirs, Instant::now(), weather)
}

fn connected(weather: Weather) -> Pair<Ours, Proto> {
    let mut pair = pair_with(Proto::passive(), weather);
    pair.connect(true, false);
    pair
}

#[test]
fn either_side_connects_under_loss() {
    for loss in [0.0, 5.0, 20.0] {
        for seed in 0..20 {
            pair_with(Proto::passive(), Weather::rough(loss, seed)).connect(true, false);
            pair_with(Proto::active(), Weather::rough(loss, seed)).connect(false, true);
            pair_with(Proto::active(), Weather::rough(loss, seed)).connect(true, true);
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
        scenario::reset_and_reuse_together(&mut connected(Weather::rough(loss, 4)));
    }
}

/// It is our side that is asked, and what we wrote.
#[test]
fn a_shutdown_from_either_side_delivers_what_we_wrote() {
    for loss in LOSSES {
        for seed in 0..20 {
            for side in 0..2 {
                let pair = &mut connected(Weather::rough(loss, seed));
                let sent = scenario::end_in_order(pair, 0, side, &[0]);
                assert!(
                    pair.heard[1] == sent,
                    "{loss} {seed} {side}: {}",
                    pair.heard[1].len()
                );
            }
        }
    }
}

#[test]
fn an_abort_from_our_side_is_heard() {
    scenario::abort(&mut connected(Weather::fine()), 0);
}

#[test]
fn payloads_of_every_kind_arrive_as_what_they_are() {
    for loss in LOSSES {
        scenario::payload_kinds(&mut connected(Weather::rough(loss, 12)));
    }
}

#[test]
fn small_messages_travel_together() {
    scenario::bundling(&mut connected(Weather::fine()), &[0, 1]);
}

#[test]
fn numbers_begin_at_zero_again() {
    let ours = Ours::before_the_wrap();
    let weather = Weather::rough(1.0, 13);
    let mut pair = Pair::new(ours, Proto::passive(), Instant::now(), weather);
    pair.connect(true, false);
    scenario::numbers_wrap(&mut pair, 3_000);
}

#[test]
fn packets_change_their_size_on_the_way() {
    for loss in LOSSES {
        scenario::packet_sizes(&mut connected(Weather::rough(loss, 14)));
    }
}

#[test]
fn a_reader_that_sleeps_loses_nothing() {
    for loss in LOSSES {
        scenario::slow_reader(&mut connected(Weather::rough(loss, 6)));
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
    for wish in [
        Wish {
            retransmits: Some(0),
            ..Wish::default()
        },
        // One packet of a hundred gets lost twice: about five messages of two hundred, and of some two hundred none (seed 8, for one).
        Wish {
            retransmits: Some(1),
            ..Wish::default()
        },
        Wish {
            unordered: true,
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
        let mut pair = connected(Weather::rough(10.0, 9));
        scenario::partial_reliability(&mut pair, wish);
    }
}

#[test]
fn inits_of_descriptions_replace_the_handshake() {
    for loss in LOSSES {
        let ours = Ours::new(1, Features::default());
        let mut pair = Pair::new(
            ours,
            Proto::active(),
            Instant::now(),
            Weather::rough(loss, 7),
        );
        let (own, theirs) = (pair.a.0.local_init(), pair.b.snap_init());
        pair.a.0.connect_with(pair.now, &theirs, None).unwrap();
        pair.b.connect_with(theirs, &own);
        pair.settle();
        // Our first DATA leaves at once: there is nothing to wait for.
        assert!(pair.facts[0].contains(&Fact::Connected), "{:?}", pair.facts);
        assert!(pair.a.0.is_established());
        scenario::ordered(&mut pair);
    }
}

#[test]
fn a_thousand_streams_keep_their_order() {
    for loss in LOSSES {
        trouble::many_streams(&mut connected(Weather::rough(loss, 21)));
    }
}

#[test]
fn packets_may_arrive_twice() {
    let weather = Weather {
        twice_percent: 20.0,
        ..Weather::rough(2.0, 25)
    };
    let mut pair = connected(weather);
    scenario::ordered(&mut pair);
    scenario::unordered(&mut pair);
    scenario::reset_and_reuse_together(&mut pair);
}

#[test]
fn a_path_may_be_away_for_a_while() {
    for loss in LOSSES {
        trouble::outage(&mut connected(Weather::rough(loss, 26)), loss);
    }
}

#[test]
fn a_path_that_is_gone_is_given_up() {
    trouble::dead_path(&mut connected(Weather::fine()), &[0]);
}

#[test]
fn both_sides_may_end_at_the_same_moment() {
    for loss in LOSSES {
        trouble::shutdown_together(&mut connected(Weather::rough(loss, 24)), &[0], &[0]);
    }
}

#[test]
fn a_stream_begins_anew_behind_what_was_written() {
    for loss in LOSSES {
        trouble::reset_behind_data(&mut connected(Weather::rough(loss, 23)), &[0, 1]);
    }
}

#[test]
fn large_messages_on_many_streams_do_not_block_each_other() {
    trouble::large_at_once(&mut connected(Weather::rough(1.0, 29)), 40);
}
