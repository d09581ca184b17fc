//! Our association with the crate `dcsctp`: many streams, huge messages, and paths that lose, repeat and go away.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::time::Instant;

use avocet_interop_sctp::scenario;
use avocet_interop_sctp::trouble;
use avocet_interop_sctp::{Dcsctp, Features, Ours, Pair, Weather, Wish};
use dcsctp::api::Options;

const EVERY_FEATURE: [Features; 2] = [
    Features {
        interleaving: false,
        zero_checksum: false,
    },
    Features {
        interleaving: true,
        zero_checksum: true,
    },
];

/// What is lost, of a hundred, and what both sides can: with loss comes reordering.
const WEATHERS: [(f64, Features); 3] = [
    (0.0, EVERY_FEATURE[1]),
    (5.0, EVERY_FEATURE[0]),
    (5.0, EVERY_FEATURE[1]),
];

fn connected(weather: Weather, features: Features) -> Pair<Ours, Dcsctp> {
    let now = Instant::now();
    let (ours, theirs) = (Ours::new(1, features), Dcsctp::new(now, features));
    let mut pair = Pair::new(ours, theirs, now, weather);
    pair.connect(true, true);
    pair
}

#[test]
fn a_thousand_streams_keep_their_order() {
    for (loss, features) in WEATHERS {
        trouble::many_streams(&mut connected(Weather::rough(loss, 21), features));
    }
}

#[test]
fn a_short_message_overtakes_a_long_one() {
    let interleaving = Features {
        interleaving: true,
        ..Features::default()
    };
    trouble::overtaking(&mut connected(Weather::fine(), interleaving));
}

#[test]
fn large_messages_on_many_streams_do_not_block_each_other() {
    let mut pair = connected(Weather::rough(1.0, 29), EVERY_FEATURE[1]);
    trouble::large_at_once(&mut pair, 40);
}

#[test]
fn one_message_of_ten_megabytes_arrives_whole() {
    for (loss, interleaving) in [(0.0, true), (1.0, false)] {
        let mut config = sctp::Config::default();
        config.interleaving = interleaving;
        config.max_message_size = 10 << 20;
        config.receive_window_bytes = 20 << 20;
        config.send_buffer_bytes = 10 << 20;
        let options = Options {
            enable_message_interleaving: interleaving,
            max_message_size: 10 << 20,
            max_send_buffer_size: 12 << 20,
            per_stream_send_queue_limit: 12 << 20,
            max_receiver_window_buffer_size: 20 << 20,
            max_retransmissions: None,
            ..Options::default()
        };
        let now = Instant::now();
        let ours = Ours::with(config, 1);
        let theirs = Dcsctp::with(now, &options);
        let mut pair = Pair::new(ours, theirs, now, Weather::rough(loss, 22));
        pair.connect(true, true);
        trouble::huge(&mut pair);
    }
}

#[test]
fn a_stream_begins_anew_behind_what_was_written() {
    for (loss, features) in WEATHERS {
        // What the other side has not begun to send goes with its stream.
        trouble::reset_behind_data(&mut connected(Weather::rough(loss, 23), features), &[0]);
    }
}

#[test]
fn both_sides_may_end_at_the_same_moment() {
    for (loss, features) in WEATHERS {
        trouble::shutdown_together(
            &mut connected(Weather::rough(loss, 24), features),
            &[0, 1],
            &[0, 1],
        );
    }
}

#[test]
fn packets_may_arrive_twice() {
    for features in EVERY_FEATURE {
        let weather = Weather {
            twice_percent: 20.0,
            ..Weather::rough(2.0, 25)
        };
        let mut pair = connected(weather, features);
        scenario::ordered(&mut pair);
        scenario::unordered(&mut pair);
        scenario::reset_and_reuse(&mut pair);
        scenario::shutdown(&mut pair, 0);
    }
}

#[test]
fn a_path_may_be_away_for_a_while() {
    for (loss, features) in WEATHERS {
        trouble::outage(&mut connected(Weather::rough(loss, 26), features), loss);
    }
}

#[test]
fn a_path_that_is_gone_is_given_up_by_both() {
    let now = Instant::now();
    let options = Options {
        max_retransmissions: Some(10),
        ..Options::default()
    };
    let ours = Ours::new(1, Features::default());
    let theirs = Dcsctp::with(now, &options);
    let mut pair = Pair::new(ours, theirs, now, Weather::fine());
    pair.connect(true, true);
    trouble::dead_path(&mut pair, &[0, 1]);
}

#[test]
fn messages_are_given_up_where_packets_have_no_checksum_and_arrive_twice() {
    for wish in [
        Wish {
            retransmits: Some(1),
            unordered: true,
            ..Wish::default()
        },
        Wish {
            lifetime: Some(60),
            ..Wish::default()
        },
    ] {
        for features in EVERY_FEATURE {
            let weather = Weather {
                twice_percent: 5.0,
                ..Weather::rough(15.0, 27)
            };
            scenario::partial_reliability(&mut connected(weather, features), wish);
        }
    }
}

#[test]
fn numbers_of_interleaved_messages_begin_at_zero_again() {
    let now = Instant::now();
    let theirs = Dcsctp::new(now, EVERY_FEATURE[1]);
    let weather = Weather::rough(1.0, 28);
    let mut pair = Pair::new(Ours::before_the_wrap(), theirs, now, weather);
    pair.connect(true, true);
    assert!(pair.a.0.stats().interleaving);
    scenario::numbers_wrap(&mut pair, 5_000);
}
