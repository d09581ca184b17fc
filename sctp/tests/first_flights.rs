//! What it costs when the first packets are lost: each alone, each two of them, and all of a flight.
//!
//! `cargo test` takes the first packets of either side; `AVOCET_FULL_MATRIX=1 cargo test --release` those of three flights.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{Config, CongestionAlgorithm, Ppid, SendOptions, StreamId};
use netsim::{LinkConfig, Pair, Verdict};

use crate::common::bulk::Bulk;

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Beginning {
    /// The side that sends the data.
    Sender,
    /// The other one.
    Receiver,
    Both,
    /// Nobody: the INITs were in the descriptions.
    Descriptions,
}

/// A transfer over 100 Mbit/s and a round trip of 100 ms.
#[derive(Clone, Copy, Debug)]
struct Start {
    beginning: Beginning,
    /// ICE measured the round trip.
    known: bool,
    congestion: CongestionAlgorithm,
}

impl Start {
    fn new(beginning: Beginning, known: bool) -> Self {
        Self {
            beginning,
            known,
            congestion: CongestionAlgorithm::default(),
        }
    }

    /// When the first message arrived, and a megabyte. `is_lost` hears the number of each packet, counted from 0 over both directions, and
    /// when it left.
    fn run(self, is_lost: impl Fn(u64, Duration) -> bool + Send + 'static) -> (Duration, Duration) {
        let mut link = LinkConfig::delayed(ROUND_TRIP / 2);
        link.rate_bits = Some(100_000_000);
        link.queue_bytes = 1_250_000;
        let mut config = Config::default();
        config.congestion = self.congestion;
        let a = Bulk::new(&config, 1, true);
        let b = Bulk::new(&config, 2, false);
        let mut pair = Pair::over(link, 1, a, b);
        let now = pair.now();
        let mut count = 0;
        pair.network().intercept(move |packet| {
            count += 1;
            if is_lost(count - 1, packet.sent - now) {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let round_trip = self.known.then_some(ROUND_TRIP);
        let (stream, ppid) = (StreamId::new(1), Ppid::new(53));
        let (from_a, from_b) = (
            pair.a().association.local_init(),
            pair.b().association.local_init(),
        );
        let a = &mut pair.a_mut().association;
        let sent = a.send(now, stream, ppid, b"open", SendOptions::ordered());
        sent.unwrap();
        match self.beginning {
            Beginning::Sender | Beginning::Both => a.connect(now, round_trip),
            Beginning::Descriptions => a.connect_with(now, &from_b, round_trip).unwrap(),
            Beginning::Receiver => {}
        }
        let b = &mut pair.b_mut().association;
        match self.beginning {
            Beginning::Receiver | Beginning::Both => b.connect(now, round_trip),
            Beginning::Descriptions => b.connect_with(now, &from_a, round_trip).unwrap(),
            Beginning::Sender => {}
        }
        pair.a_mut().turn(now);
        let limit = Duration::from_secs(20);
        assert!(pair.run_until(limit, |pair| pair.b().received > 0));
        let first = pair.time();
        assert!(pair.run_until(limit, |pair| pair.b().received >= 1_000_000));
        (first, pair.time())
    }
}

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// P-6, P-7, P-19: what the loss of two packets adds to the time of the first byte and of the first megabyte, at the most. One side alone that begins repeats
/// its INIT or its COOKIE ECHO after three known round trips and after six more, or after one second and two; where both begin the other's
/// handshake is there already, so that two losses cost less; and where there is no handshake a loss costs what it costs later.
#[test]
fn whichever_two_packets_are_lost_first_the_data_comes_within_bounds() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let count = if full { 32 } else { 6 };
    for (beginning, known, limits) in [
        (Beginning::Sender, true, [900, 900]),
        (Beginning::Sender, false, [3000, 3000]),
        (Beginning::Receiver, true, [900, 950]),
        (Beginning::Receiver, false, [3000, 3050]),
        (Beginning::Both, true, [300, 400]),
        (Beginning::Both, false, [1000, 1050]),
        (Beginning::Descriptions, true, [200, 50]),
    ] {
        let start = Start::new(beginning, known);
        let (first, megabyte) = start.run(|_, _| false);
        let [first_limit, megabyte_limit] = limits.map(|limit| Duration::from_millis(limit + 10));
        for one in 0..count {
            for other in one..count {
                let (f, m) = start.run(move |number, _| number == one || number == other);
                assert!(
                    f <= first + first_limit && m <= megabyte + megabyte_limit,
                    "{start:?}, {one}, {other}: {f:?} and {m:?}, without losses {first:?} and {megabyte:?}"
                );
            }
        }
    }
}

/// P-19: where all of the first flight is lost nothing was learnt of the path but that: it takes a timeout and the round trips from one
/// packet on, and not those of congestion avoidance from half of the initial window.
#[test]
fn a_first_flight_that_is_lost_whole_leaves_no_mark() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        // The first flight of a side that begins alone is the one packet with its COOKIE ECHO.
        for beginning in [
            Beginning::Receiver,
            Beginning::Both,
            Beginning::Descriptions,
        ] {
            let mut start = Start::new(beginning, true);
            start.congestion = congestion;
            let (_, megabyte) = start.run(|_, _| false);
            // The flight that follows the handshake, or leaves without one.
            let (begin, end) = match beginning {
                Beginning::Descriptions => (0, 40),
                // Its first packet goes with the COOKIE ECHO, which is lost as well.
                Beginning::Both => (90, 190),
                _ => (150, 190),
            };
            let silent = Duration::from_millis(begin)..Duration::from_millis(end);
            let (_, late) = start.run(move |_, sent| silent.contains(&sent));
            let limit = megabyte + Duration::from_millis(400) + 5 * ROUND_TRIP;
            assert!(late <= limit, "{start:?}: {late:?} after {megabyte:?}");
        }
    }
}
