use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::chunk::{Chunks, GapAckBlock, SackChunk};
use crate::serial::Mid;

fn piece(length: usize) -> Piece {
    Piece {
        name: MessageName {
            stream: StreamId::new(1),
            ordering: Ordering::Ordered,
            mid: Mid::new(0),
        },
        ppid: Ppid::new(53),
        fsn: 0,
        limit: Limit::None,
        beginning: true,
        ending: true,
        payload: Payload::of_length(length),
    }
}

fn sent(count: usize, now: Instant) -> Outstanding {
    let mut outstanding = Outstanding::new(Tsn::new(0xffff_fffa), 1000);
    for _ in 0..count {
        outstanding.send(now, piece(100), false, &Arena::default(), &mut Vec::new());
    }
    outstanding
}

/// An acknowledgement of the first `acked` chunks, with blocks of offsets from the first chunk, both ends included.
fn sack(
    outstanding: &mut Outstanding,
    now: Instant,
    acked: u32,
    blocks: &[(u32, u32)],
) -> Result<SackOutcome, SackError> {
    let mut buf = Vec::new();
    let cumulative = Tsn::new(0xffff_fffa).plus(acked.wrapping_sub(1));
    let blocks = blocks.iter().map(|(start, end)| GapAckBlock {
        start: (start + 1 - acked) as u16,
        end: (end + 1 - acked) as u16,
    });
    SackChunk::encode_from(&mut buf, (cumulative, 100_000), blocks, [].into_iter());
    let raw = Chunks::new(&buf).next().unwrap().unwrap();
    outstanding.on_sack(now, &SackChunk::decode(raw).unwrap(), false, None)
}

fn lost(outstanding: &mut Outstanding, now: Instant) -> Vec<u64> {
    let first = Unwrapped::first(Tsn::new(0xffff_fffa));
    std::iter::from_fn(|| {
        let (tsn, ..) = outstanding.next_lost()?;
        outstanding.send_again(now, tsn, false, &Arena::default(), &mut Vec::new());
        Some(tsn.since(first))
    })
    .collect()
}

#[test]
fn three_acknowledgements_above_a_chunk_make_it_lost() {
    let start = netsim::epoch();
    let now = start + ROUND_TRIP;
    let mut outstanding = sent(10, start);
    for end in [2, 3] {
        let outcome = sack(&mut outstanding, now, 1, &[(2, end)]).unwrap();
        assert!(!outcome.found_losses);
    }
    let outcome = sack(&mut outstanding, now, 1, &[(2, 4)]).unwrap();
    assert!(outcome.found_losses);
    assert_eq!(lost(&mut outstanding, now), [1]);
    // What was sent later has to arrive before it is lost again.
    for end in 5..9 {
        sack(&mut outstanding, now, 1, &[(2, end)]).unwrap();
    }
    assert!(lost(&mut outstanding, now).is_empty());
    assert_eq!(outstanding.flight_bytes(), 200);
}

#[test]
fn one_acknowledgement_of_three_packets_makes_a_chunk_lost() {
    let start = netsim::epoch();
    let now = start + ROUND_TRIP;
    let mut outstanding = Outstanding::new(Tsn::new(0xffff_fffa), 1000);
    for _ in 0..10 {
        outstanding.send(
            start,
            piece(1000),
            false,
            &Arena::default(),
            &mut Vec::new(),
        );
    }
    assert!(
        !sack(&mut outstanding, now, 0, &[(1, 2)])
            .unwrap()
            .found_losses
    );
    assert!(
        sack(&mut outstanding, now, 0, &[(1, 3)])
            .unwrap()
            .found_losses
    );
    assert_eq!(lost(&mut outstanding, now), [0]);
}

#[test]
fn what_is_taken_back_is_outstanding_again() {
    let start = netsim::epoch();
    let now = start + ROUND_TRIP;
    let mut outstanding = sent(10, start);
    sack(&mut outstanding, now, 1, &[(2, 5)]).unwrap();
    assert_eq!(outstanding.flight_bytes(), 500);
    sack(&mut outstanding, now, 1, &[(4, 5)]).unwrap();
    assert_eq!(outstanding.flight_bytes(), 700);
    outstanding.on_timeout();
    assert_eq!(lost(&mut outstanding, now), [1, 2, 3, 6, 7, 8, 9]);
}

#[test]
fn a_chunk_that_is_overdue_is_lost_without_another_word() {
    let start = netsim::epoch();
    let now = start + ROUND_TRIP;
    let mut outstanding = sent(10, start);
    let outcome = sack(&mut outstanding, now, 1, &[(2, 2)]).unwrap();
    assert!(!outcome.found_losses);
    let due = start + ROUND_TRIP * 5 / 4;
    assert_eq!(outstanding.loss_due(), Some(due));
    let mut outcome = SackOutcome::default();
    outstanding.find_overdue(due, false, None, &mut outcome);
    assert_eq!((outcome.found_losses, outcome.lost_bytes), (true, 100));
    assert_eq!(lost(&mut outstanding, due), [1]);
    assert_eq!(outstanding.loss_due(), None);
}

#[test]
fn a_repair_that_is_lost_is_found_by_what_was_sent_after_it() {
    let start = netsim::epoch();
    let mut outstanding = sent(5, start);
    let now = start + ROUND_TRIP;
    for end in 1..4 {
        sack(&mut outstanding, now, 0, &[(1, end)]).unwrap();
    }
    assert_eq!(lost(&mut outstanding, now), [0]);
    for _ in 0..5 {
        outstanding.send(now, piece(100), false, &Arena::default(), &mut Vec::new());
    }
    sack(&mut outstanding, now, 0, &[(1, 4)]).unwrap();
    assert!(lost(&mut outstanding, now).is_empty());
    let later = now + ROUND_TRIP;
    sack(&mut outstanding, later, 0, &[(1, 8)]).unwrap();
    assert_eq!(lost(&mut outstanding, later), [0]);
}

#[test]
fn what_a_full_report_has_no_room_for_is_not_taken_as_lost() {
    let start = netsim::epoch();
    let mut outstanding = sent(100, start);
    let now = start + ROUND_TRIP;
    // Every second one is missing, and there is room for few blocks.
    let every_second = |from: u32, count: u32| {
        (0..count)
            .map(|n| (from + 2 * n + 1, from + 2 * n + 1))
            .collect::<Vec<_>>()
    };
    let outcome = sack(&mut outstanding, now, 0, &every_second(0, 21)).unwrap();
    assert!(outcome.found_losses);
    let holes = (0..42).step_by(2).collect::<Vec<u64>>();
    assert_eq!(lost(&mut outstanding, now), holes);
    // Repairs arrive. What was sent before them and lies beyond the report is unknown, and no longer in flight.
    let later = now + ROUND_TRIP;
    let outcome = sack(&mut outstanding, later, 20, &every_second(20, 21)).unwrap();
    assert_eq!(outcome.latest_round_trip, None);
    let reported_end = 62;
    assert_eq!(
        outstanding.lost_bytes() - outcome.lost_bytes,
        (100 - reported_end) * 100
    );
    let again = lost(&mut outstanding, later);
    assert!(
        again.iter().all(|place| *place < reported_end as u64),
        "{again:?}"
    );
    sack(&mut outstanding, later + ROUND_TRIP, 100, &[]).unwrap();
    assert!(outstanding.is_empty());
    assert_eq!(
        (outstanding.flight_bytes(), outstanding.lost_bytes()),
        (0, 0)
    );
}

/// P-9, P-12: a chunk that could not be reported when it arrived gives no round trip, whether a block or the cumulative TSN tells of it later.
#[test]
fn a_round_trip_is_not_measured_on_what_a_full_report_had_no_room_for() {
    let start = netsim::epoch();
    for (holes, by_block) in [(21, true), (21, false), (2, true), (2, false)] {
        let mut outstanding = sent(100, start);
        let now = start + ROUND_TRIP;
        assert!(
            sack(&mut outstanding, now, 1, &[])
                .unwrap()
                .round_trip
                .is_some()
        );
        outstanding.send(now, piece(100), false, &Arena::default(), &mut Vec::new());
        let blocks = (1..=holes).map(|n| (2 * n, 2 * n)).collect::<Vec<_>>();
        let later = now + ROUND_TRIP;
        sack(&mut outstanding, later, 1, &blocks).unwrap();
        let (acked, blocks): (_, &[_]) = if by_block {
            (99, &[(100, 100)])
        } else {
            (101, &[])
        };
        let outcome = sack(&mut outstanding, later + ROUND_TRIP, acked, blocks).unwrap();
        assert_eq!(outcome.round_trip.is_some(), holes < 20, "{by_block}");
    }
}

/// Losses that acknowledgements had no room to show are repaired like others, and are no sign of how much is lost now.
#[test]
fn losses_that_are_found_late_are_not_of_late() {
    let start = netsim::epoch();
    for (quarters, of_late) in [(5, 100), (10, 100), (11, 0)] {
        let mut outstanding = sent(10, start);
        sack(&mut outstanding, start + ROUND_TRIP, 1, &[(2, 2)]).unwrap();
        let mut outcome = SackOutcome::default();
        let now = start + ROUND_TRIP * quarters / 4;
        outstanding.find_overdue(now, false, None, &mut outcome);
        assert!(outcome.found_losses);
        assert_eq!(outcome.lost_bytes, of_late, "{quarters}");
    }
}

#[test]
fn a_timeout_is_a_mistake_when_the_first_answer_is_to_what_was_not_sent_again() {
    let start = netsim::epoch();
    let mut outstanding = sent(5, start);
    outstanding.on_timeout();
    let (tsn, ..) = outstanding.next_lost().unwrap();
    let now = start + ROUND_TRIP * 10;
    outstanding.send_again(now, tsn, false, &Arena::default(), &mut Vec::new());
    let outcome = sack(&mut outstanding, now + ROUND_TRIP / 20, 2, &[]).unwrap();
    assert!(outcome.timeout_was_spurious);
    assert_eq!(outstanding.flight_bytes(), 300);
    assert!(lost(&mut outstanding, now).is_empty());

    let mut outstanding = sent(5, start);
    outstanding.on_timeout();
    let (tsn, ..) = outstanding.next_lost().unwrap();
    outstanding.send_again(now, tsn, false, &Arena::default(), &mut Vec::new());
    let outcome = sack(&mut outstanding, now + ROUND_TRIP, 1, &[]).unwrap();
    assert!(!outcome.timeout_was_spurious);
    assert_eq!(lost(&mut outstanding, now), [1, 2, 3, 4]);
}

const ROUND_TRIP: Duration = Duration::from_millis(20);

#[test]
fn lies_are_told_from_news() {
    let now = netsim::epoch();
    let mut outstanding = sent(10, now);
    sack(&mut outstanding, now, 5, &[]).unwrap();
    assert_eq!(
        sack(&mut outstanding, now, 4, &[]).unwrap_err(),
        SackError::Stale
    );
    assert_eq!(
        sack(&mut outstanding, now, 11, &[]).unwrap_err(),
        SackError::NeverSent
    );
    let beyond = sack(&mut outstanding, now, 5, &[(6, 10)]);
    assert_eq!(beyond.unwrap_err(), SackError::Malformed);
    assert!(sack(&mut outstanding, now, 5, &[(6, 9)]).is_ok());
    assert!(sack(&mut outstanding, now, 10, &[]).is_ok());
    assert!(outstanding.is_empty());
}

#[test]
fn a_round_trip_is_not_measured_on_what_was_sent_again() {
    let now = netsim::epoch();
    let later = now + Duration::from_millis(30);
    let mut outstanding = sent(3, now);
    let outcome = sack(&mut outstanding, later, 1, &[]).unwrap();
    assert_eq!(outcome.round_trip, Some(Duration::from_millis(30)));
    outstanding.send(later, piece(100), false, &Arena::default(), &mut Vec::new());
    outstanding.on_timeout();
    lost(&mut outstanding, now);
    let outcome = sack(&mut outstanding, later, 4, &[]).unwrap();
    assert_eq!(outcome.round_trip, None);
    // Nor on what was found lost and sent again without a timeout.
    let mut outstanding = sent(5, now);
    for end in 1..4 {
        sack(&mut outstanding, later, 0, &[(1, end)]).unwrap();
    }
    assert_eq!(lost(&mut outstanding, later), [0]);
    let outcome = sack(&mut outstanding, later, 5, &[]).unwrap();
    assert_eq!(outcome.round_trip, None);
}

#[test]
fn flight_and_release_match_a_naive_count_under_random_acknowledgements() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = netsim::epoch();
        let mut outstanding = sent(60, now);
        let mut cumulative = 0u32;
        let mut released = 0;
        for _ in 0..30 {
            cumulative = rng.random_range(cumulative..=60.min(cumulative + 4));
            let mut reported = BTreeSet::new();
            let mut blocks = Vec::new();
            let mut place = cumulative + 1;
            while place < 60 && blocks.len() < 5 {
                let start = rng.random_range(place..60);
                let end = rng.random_range(start..60.min(start + 6));
                blocks.push((start, end));
                reported.extend(start..=end);
                place = end + 2;
            }
            let outcome = sack(&mut outstanding, now, cumulative, &blocks).unwrap();
            released += outcome.released_bytes;
            let again = lost(&mut outstanding, now);
            assert!(
                again
                    .iter()
                    .all(|offset| !reported.contains(&(*offset as u32)))
            );
            let missing = (cumulative..60).filter(|offset| !reported.contains(offset));
            assert_eq!(
                outstanding.flight_bytes(),
                missing.count() * 100,
                "seed {seed}"
            );
            assert_eq!(released, cumulative as usize * 164);
        }
    }
}
