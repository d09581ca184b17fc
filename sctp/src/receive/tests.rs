use bytes::Bytes;

use super::*;
use crate::chunk::DataChunk;
use crate::serial::Ssn;

impl Receiver {
    fn on_data(&mut self, chunk: &DataChunk<'_>, wanted: bool) -> Result<(), Violation> {
        self.on_chunk(
            chunk.tsn,
            chunk.immediate,
            &Fragment::of_data(chunk),
            wanted,
        )
    }
}

fn receiver(window: usize) -> Receiver {
    let config = Config {
        receive_window_bytes: window,
        max_message_size: 10_000,
        ..Config::default()
    };
    Receiver::new(&config, Tsn::new(0xffff_fffe), false)
}

/// A chunk `offset` after the first one.
fn chunk(offset: u32, ssn: u16, flags: &str, payload: &'static [u8]) -> DataChunk<'static> {
    DataChunk {
        tsn: Tsn::new(0xffff_fffe).plus(offset),
        stream: StreamId::new(1),
        ssn: Ssn::new(ssn),
        ppid: Ppid::new(53),
        ordering: if flags.contains('U') {
            Ordering::Unordered
        } else {
            Ordering::Ordered
        },
        beginning: flags.contains('B'),
        ending: flags.contains('E'),
        immediate: flags.contains('I'),
        payload,
    }
}

fn read(receiver: &mut Receiver) -> Vec<Bytes> {
    std::iter::from_fn(|| receiver.recv(StreamId::new(1)))
        .map(|message| message.data)
        .collect()
}

/// Reads the gap ack blocks, the duplicates and the window of the SACK that would be sent.
fn sack(receiver: &mut Receiver) -> (u32, Vec<(u16, u16)>, usize, u32) {
    let mut buf = Vec::new();
    receiver.encode_sack(1000, &mut buf);
    let raw = crate::chunk::Chunks::new(&buf).next().unwrap().unwrap();
    let sack = SackChunk::decode(raw).unwrap();
    (
        sack.cumulative_tsn_ack.get(),
        sack.gap_ack_blocks()
            .map(|block| (block.start, block.end))
            .collect(),
        sack.duplicates().len(),
        sack.a_rwnd,
    )
}

#[test]
fn gaps_across_the_wrap_are_reported_and_filled() {
    let mut receiver = receiver(100_000);
    receiver.on_data(&chunk(1, 1, "BE", b"one"), true).unwrap();
    receiver
        .on_data(&chunk(3, 3, "BE", b"three"), true)
        .unwrap();
    receiver.on_data(&chunk(4, 4, "BE", b"four"), true).unwrap();
    receiver
        .on_data(&chunk(3, 3, "BE", b"three"), true)
        .unwrap();
    let (cumulative, blocks, duplicates, window) = sack(&mut receiver);
    assert_eq!(cumulative, 0xffff_fffd);
    assert_eq!(blocks, [(2, 2), (4, 5)]);
    assert_eq!(duplicates, 1);
    assert!(window < 100_000);
    assert!(read(&mut receiver).is_empty());
    receiver.on_data(&chunk(0, 0, "BE", b"zero"), true).unwrap();
    receiver.on_data(&chunk(2, 2, "BE", b"two"), true).unwrap();
    assert_eq!(sack(&mut receiver).0, 2);
    let all = [&b"zero"[..], b"one", b"two", b"three", b"four"];
    assert_eq!(read(&mut receiver), all);
    // Nothing is left that counts.
    assert_eq!(sack(&mut receiver).3, 100_000);
}

#[test]
fn an_unordered_message_beyond_a_gap_is_delivered_when_its_last_piece_comes() {
    let mut receiver = receiver(100_000);
    receiver.on_data(&chunk(3, 0, "UE", b"c"), true).unwrap();
    receiver.on_data(&chunk(1, 0, "UB", b"a"), true).unwrap();
    assert!(read(&mut receiver).is_empty());
    receiver.on_data(&chunk(2, 0, "U", b"b"), true).unwrap();
    assert_eq!(read(&mut receiver), [&b"abc"[..]]);
    receiver.on_data(&chunk(0, 0, "BE", b"late"), true).unwrap();
    assert_eq!(read(&mut receiver), [&b"late"[..]]);
    assert_eq!(sack(&mut receiver).3, 100_000);
}

#[test]
fn pieces_that_do_not_belong_together_are_a_violation() {
    for (first, second) in [("", ""), ("B", "BE"), ("B", "UE")] {
        let mut receiver = receiver(100_000);
        let result = receiver
            .on_data(&chunk(0, 0, first, b"x"), true)
            .and_then(|()| receiver.on_data(&chunk(1, 0, second, b"y"), true));
        assert_eq!(result, Err(Violation::Pieces), "{first} {second}");
    }
}

#[test]
fn the_next_chunk_in_order_is_taken_when_all_else_waits_for_it() {
    let mut receiver = receiver(20_000);
    let mut offset = 1;
    while receiver.counts().window_overruns == 0 {
        receiver
            .on_data(&chunk(offset, offset as u16, "BE", &[7; 1000]), true)
            .unwrap();
        offset += 1;
    }
    assert_eq!(sack(&mut receiver).3 / 1000, 0);
    receiver
        .on_data(&chunk(0, 0, "BE", &[7; 1000]), true)
        .unwrap();
    assert_eq!(read(&mut receiver).len() as u32, offset - 1);
    assert!(receiver.is_ack_due());
    assert_eq!(sack(&mut receiver).3, 20_000);
}

#[test]
fn a_number_used_twice_is_refused() {
    let mut receiver = receiver(20_000);
    receiver.on_data(&chunk(0, 0, "BE", b"a"), true).unwrap();
    receiver.on_data(&chunk(1, 0, "BE", b"b"), true).unwrap();
    receiver.on_data(&chunk(2, 2, "BE", b"c"), true).unwrap();
    receiver.on_data(&chunk(3, 2, "BE", b"d"), true).unwrap();
    receiver.on_data(&chunk(4, 1, "BE", b"e"), true).unwrap();
    assert_eq!(read(&mut receiver), [&b"a"[..], b"e", b"c"]);
    assert_eq!(receiver.counts().refused_messages, 2);
    assert_eq!(sack(&mut receiver).3, 20_000);
}

#[test]
fn a_reset_forgets_what_its_messages_waited_for() {
    let mut receiver = receiver(20_000);
    receiver
        .on_data(&chunk(0, 3, "BE", b"never"), true)
        .unwrap();
    receiver.reset_streams(&[StreamId::new(1)]);
    receiver.on_data(&chunk(1, 0, "BE", b"new"), true).unwrap();
    assert_eq!(read(&mut receiver), [&b"new"[..]]);
    assert_eq!(sack(&mut receiver).3, 20_000);
}

/// P-23: what no gap ack block could report is dropped.
#[test]
fn what_lies_too_far_ahead_is_dropped() {
    let mut receiver = receiver(100_000);
    let reach = u32::from(u16::MAX);
    let far = chunk(reach, 1, "BE", b"x");
    receiver.on_data(&far, true).unwrap();
    assert_eq!(receiver.counts().window_overruns, 1);
    let last = chunk(reach - 1, 1, "BE", b"x");
    receiver.on_data(&last, true).unwrap();
    assert_eq!(receiver.counts().window_overruns, 1);
    assert_eq!(sack(&mut receiver).1, [(u16::MAX, u16::MAX)]);
}

/// P-24: neighbours that belong to different messages make none, whatever their flags say.
#[test]
fn pieces_of_different_messages_are_not_joined_beyond_a_gap() {
    let mut receiver = receiver(100_000);
    receiver.on_data(&chunk(1, 0, "B", b"one's"), true).unwrap();
    receiver
        .on_data(&chunk(2, 1, "E", b"other's"), true)
        .unwrap();
    assert!(read(&mut receiver).is_empty());
    let filled = receiver.on_data(&chunk(0, 9, "BE", b"x"), true);
    assert_eq!(filled, Err(Violation::Pieces));
}

/// P-12: the 16 bits of the numbers of a stream's messages wrap, in order and out of it.
#[test]
fn the_numbers_of_messages_wrap() {
    let mut receiver = receiver(100_000);
    for number in 0..70_000u32 {
        // Every second pair comes the wrong way round.
        let number = if number % 4 > 1 { number ^ 1 } else { number };
        let payload = if number.is_multiple_of(2) { b"e" } else { b"o" };
        receiver
            .on_data(&chunk(number, number as u16, "BE", payload), true)
            .unwrap();
        if number % 4 == 2 {
            let all = read(&mut receiver);
            assert_eq!(all, [&b"e"[..], b"o", b"e", b"o"], "{number}");
        }
    }
}

/// Transport 3.6 asks for everything once: also what is unordered and comes again, before the gap is filled and after.
#[test]
fn what_comes_twice_is_delivered_once() {
    let mut receiver = receiver(100_000);
    for _ in 0..2 {
        receiver.on_data(&chunk(1, 0, "UBE", b"b"), true).unwrap();
    }
    for _ in 0..2 {
        receiver.on_data(&chunk(0, 0, "UBE", b"a"), true).unwrap();
        receiver.on_data(&chunk(1, 0, "UBE", b"b"), true).unwrap();
    }
    assert_eq!(read(&mut receiver), [&b"b"[..], b"a"]);
    assert_eq!(receiver.counts().duplicate_chunks, 4);
}
