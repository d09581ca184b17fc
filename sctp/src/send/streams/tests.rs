use std::time::Duration;

use super::*;

fn queue(scheduler: Scheduler, interleaving: bool, weights: &[u16]) -> OutboundStreams {
    let mut streams = OutboundStreams::new(scheduler);
    streams.set_interleaving(interleaving);
    for (id, weight) in (0..).zip(weights) {
        streams.set_weight(StreamId::new(id), *weight);
    }
    streams
}

fn push(streams: &mut OutboundStreams, stream: u16, limit: Limit, length: usize) {
    let data = Payload::of_length(length);
    let to = (StreamId::new(stream), Ordering::Ordered);
    streams.push(netsim::epoch(), to, Ppid::new(53), limit, data);
}

/// Sends so many pieces of 1,000 bytes, and counts them by stream.
fn serve(streams: &mut OutboundStreams, pieces: usize) -> Vec<u16> {
    (0..pieces)
        .map_while(|_| {
            streams.upcoming(1000, &mut Arena::default())?;
            Some(streams.take(1000, &mut Arena::default())?.name.stream.get())
        })
        .collect()
}

fn shares(served: &[u16], streams: u16) -> Vec<usize> {
    (0..streams)
        .map(|stream| served.iter().filter(|one| **one == stream).count())
        .collect()
}

#[test]
fn weights_divide_the_bytes() {
    // P-29, C-11: 128 : 256 : 512 : 1024.
    let mut streams = queue(Scheduler::WeightedFair, true, &[128, 256, 512, 1024]);
    for stream in 0..4 {
        push(&mut streams, stream, Limit::None, 1_000_000);
    }
    let served = serve(&mut streams, 150);
    assert_eq!(shares(&served, 4), [10, 20, 40, 80]);
}

#[test]
fn the_greatest_weight_goes_first_where_that_is_asked_for() {
    let mut streams = queue(Scheduler::Priority, true, &[256, 512, 512]);
    for stream in 0..3 {
        push(&mut streams, stream, Limit::None, 10_000);
    }
    let served = serve(&mut streams, 30);
    assert_eq!(shares(&served[..20], 3), [0, 10, 10]);
    assert_eq!(served[20..], [0; 10]);
}

#[test]
fn without_interleaving_a_message_that_was_begun_is_finished() {
    let mut streams = queue(Scheduler::WeightedFair, false, &[256, 1024]);
    push(&mut streams, 0, Limit::None, 5_000);
    assert_eq!(serve(&mut streams, 1), [0]);
    push(&mut streams, 1, Limit::None, 1_000);
    push(&mut streams, 0, Limit::None, 1_000);
    assert_eq!(serve(&mut streams, 10), [0, 0, 0, 0, 1, 0]);
}

#[test]
fn with_interleaving_a_short_message_overtakes_a_long_one() {
    let mut streams = queue(Scheduler::WeightedFair, true, &[256, 256]);
    push(&mut streams, 0, Limit::None, 500_000);
    serve(&mut streams, 100);
    push(&mut streams, 1, Limit::None, 100);
    assert!(serve(&mut streams, 2).contains(&1));
}

#[test]
fn silence_earns_nothing() {
    let mut streams = queue(Scheduler::WeightedFair, true, &[256, 256]);
    push(&mut streams, 0, Limit::None, 1_000_000);
    serve(&mut streams, 500);
    push(&mut streams, 1, Limit::None, 1_000_000);
    let shares = shares(&serve(&mut streams, 100), 2);
    assert!(shares[0].abs_diff(50) <= 1, "{shares:?}");
}

#[test]
fn round_robin_counts_turns() {
    let mut streams = queue(Scheduler::RoundRobin, true, &[128, 1024]);
    push(&mut streams, 0, Limit::None, 10_000);
    push(&mut streams, 1, Limit::None, 10_000);
    assert_eq!(serve(&mut streams, 4), [0, 1, 0, 1]);
}

#[test]
fn less_important_messages_make_room_the_newest_of_the_least_first() {
    // RFC 7496 §3.2, P-27.
    let mut streams = queue(Scheduler::WeightedFair, false, &[256]);
    for priority in [5, 9, 7, 9] {
        push(&mut streams, 0, Limit::Priority(priority), 100);
    }
    push(&mut streams, 0, Limit::None, 100);
    assert_eq!(streams.make_room(9, 100, 0), (0, 0));
    assert_eq!(streams.make_room(4, 1000, 0), (0, 0));
    assert_eq!(streams.make_room(8, 150, 0), (2, 200));
    assert_eq!(streams.buffered_bytes(StreamId::new(0)), 300);
    assert_eq!(streams.make_room(6, 50, 0), (1, 100));
    assert_eq!(serve(&mut streams, 10).len(), 2);
    assert_eq!(streams.expendable, 0);
}

#[test]
fn what_expired_before_its_turn_is_never_sent_and_takes_no_number() {
    let mut streams = queue(Scheduler::WeightedFair, false, &[256]);
    let soon = netsim::epoch() + Duration::from_millis(10);
    push(&mut streams, 0, Limit::Until(soon), 100);
    push(&mut streams, 0, Limit::None, 100);
    let later = soon + Duration::from_millis(1);
    assert!(streams.take_expired(soon).is_none());
    assert!(
        streams
            .take_expired(later)
            .is_some_and(|given| given.begun.is_none())
    );
    assert!(streams.take_expired(later).is_none());
    streams.upcoming(1000, &mut Arena::default());
    assert_eq!(
        streams
            .take(1000, &mut Arena::default())
            .map(|piece| piece.name.mid),
        Some(Mid::new(0))
    );
}

#[test]
fn a_message_that_is_written_keeps_its_last_byte_until_it_is_finished() {
    let mut streams = queue(Scheduler::WeightedFair, false, &[256]);
    let mut arena = Arena::default();
    let stream = StreamId::new(0);
    let to = (stream, Ordering::Ordered);
    streams.begin(netsim::epoch(), to, Ppid::new(53), Limit::None);
    streams.write(stream, &[1; 1000]);
    assert_eq!(streams.upcoming(1000, &mut arena), None);
    streams.write(stream, &[2; 1]);
    assert_eq!(streams.upcoming(1000, &mut arena), Some(1001));
    assert!(
        streams
            .take(1000, &mut arena)
            .is_some_and(|piece| !piece.ending && piece.beginning)
    );
    assert_eq!(streams.upcoming(1000, &mut arena), None);
    streams.finish(stream, &mut arena).unwrap();
    assert_eq!(streams.upcoming(1000, &mut arena), Some(1));
    assert!(
        streams
            .take(1000, &mut arena)
            .is_some_and(|piece| piece.ending && piece.fsn == 1)
    );
    assert_eq!(streams.turns.len(), 0);
    assert_eq!(streams.next_low(), Some(stream));
    // Nothing is kept of an idle stream.
    assert_eq!(streams.entries.get(0).slot, 0);
}

#[test]
fn a_reset_that_ends_while_an_empty_message_is_written_counts_nothing_twice() {
    let mut streams = queue(Scheduler::RoundRobin, true, &[]);
    let stream = StreamId::new(1);
    let to = (stream, Ordering::Ordered);
    streams.begin(netsim::epoch(), to, Ppid::new(53), Limit::None);
    assert!(streams.begin_reset(stream));
    streams.end_reset(stream, true);
    assert_eq!(
        streams.finish(stream, &mut Arena::default()),
        Err(SendError::Empty)
    );
    assert_eq!(streams.counts(stream).messages, 0);
}

#[test]
fn messages_mix_no_further_than_the_peer_can_hold() {
    // P-29: each of eight is a quarter of what the peer takes; one more is larger than half of it, and holds nobody up.
    let mut streams = queue(Scheduler::WeightedFair, true, &[256; 9]);
    streams.set_peer_window(40_000);
    for stream in 0..8 {
        push(&mut streams, stream, Limit::None, 10_000);
    }
    push(&mut streams, 8, Limit::None, 100_000);
    let served = serve(&mut streams, 180);
    assert_eq!(shares(&served, 9), [10, 10, 10, 10, 10, 10, 10, 10, 100]);
    let mut held = [0; 8];
    let mut most = 0;
    for stream in served {
        if let Some(pieces) = held.get_mut(usize::from(stream)) {
            *pieces = (*pieces + 1) % 10;
        }
        most = most.max(held.iter().sum::<usize>());
    }
    // Two that mix, and the one that is finished.
    assert!(
        (11..=30).contains(&most),
        "{most} pieces of unfinished messages"
    );
    assert_eq!(streams.mixed_bytes, 0);
}
