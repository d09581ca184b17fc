//! Messages that are written and read piece by piece, and readers that do not read.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{
    Association, Config, Event, MessagePiece, PieceEnd, Ppid, ReceiveLimit, RefusalReason,
    Reliability, SendError, SendOptions, StreamId,
};
use common::raw::Victim;

const STREAM: StreamId = StreamId::new(1);
const PPID: Ppid = Ppid::new(53);

fn config(interleaving: bool) -> Config {
    let mut config = Config::default();
    config.interleaving = interleaving;
    config
}

/// Two associations without a network between them, read by hand.
struct Ends {
    ends: [Association; 2],
    now: std::time::Instant,
}

impl Ends {
    fn connected(config: &Config) -> Self {
        let now = netsim::epoch();
        let ends = [1, 2].map(|seed| Association::new(config.clone(), [seed; 32]).unwrap());
        let mut this = Self { ends, now };
        for end in &mut this.ends {
            end.connect(now, None);
        }
        this.exchange();
        this
    }

    /// Carries packets until nobody has any, and lets the time pass that is waited for.
    fn exchange(&mut self) {
        for _ in 0..1_000 {
            self.now += Duration::from_millis(1);
            let mut quiet = true;
            for from in [0, 1] {
                self.ends[from].handle_timeout(self.now);
                let mut buf = Vec::new();
                while self.ends[from].poll_transmit(self.now, &mut buf).is_some() {
                    self.ends[1 - from].handle_datagram(self.now, &buf);
                    buf.clear();
                    quiet = false;
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn events(&mut self, end: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.ends[end].poll_event()).collect()
    }

    fn pieces(&mut self) -> Vec<MessagePiece> {
        std::iter::from_fn(|| self.ends[1].recv_piece(self.now, STREAM)).collect()
    }
}

/// C-15: a message of 24 MiB passes through two associations that hold a few.
#[test]
fn a_huge_message_is_never_held() {
    for interleaving in [false, true] {
        let mut small = config(interleaving);
        (small.send_buffer_bytes, small.receive_window_bytes) = (1 << 20, 1 << 20);
        let mut ends = Ends::connected(&small);
        ends.ends[1].set_partial_delivery(STREAM, Some(16_384));
        let now = ends.now;
        ends.ends[0]
            .begin_message(now, STREAM, PPID, SendOptions::ordered())
            .unwrap();
        let total = 24 << 20;
        let block = (0..251u8).cycle().take(251 * 400).collect::<Vec<_>>();
        let (mut sent, mut got, mut finished) = (0usize, 0usize, false);
        let mut most = 0;
        let mut firsts = 0;
        while got < total {
            let now = ends.now;
            while sent < total {
                let from = sent % 251;
                let length = (block.len() - from).min(total - sent);
                match ends.ends[0].write(now, STREAM, &block[from..from + length]) {
                    Ok(taken) => sent += taken,
                    Err(SendError::Full) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            if sent == total && !std::mem::replace(&mut finished, true) {
                ends.ends[0].finish_message(now, STREAM).unwrap();
            }
            ends.exchange();
            let held = ends.ends[0].stats().outstanding_bytes + ends.ends[1].stats().unread_bytes;
            most = most.max(held);
            for piece in ends.pieces() {
                let expected = (0..251u8).cycle().skip(got % 251);
                assert!(
                    piece
                        .data
                        .iter()
                        .copied()
                        .eq(expected.take(piece.data.len()))
                );
                got += piece.data.len();
                firsts += usize::from(piece.beginning);
                assert_eq!(piece.end == PieceEnd::Complete, got == total);
            }
        }
        assert_eq!(firsts, 1);
        assert!(most < 5 << 19, "{most}");
        let stats = ends.ends[1].stats();
        assert_eq!(
            (stats.messages_received, stats.bytes_received),
            (1, total as u64)
        );
    }
}

#[test]
fn a_message_can_only_be_written_after_it_was_begun() {
    let mut ends = Ends::connected(&config(true));
    let (now, options) = (ends.now, SendOptions::ordered());
    let a = &mut ends.ends[0];
    assert_eq!(a.write(now, STREAM, b"x"), Err(SendError::NotBegun));
    assert_eq!(a.finish_message(now, STREAM), Err(SendError::NotBegun));
    a.begin_message(now, STREAM, PPID, options).unwrap();
    assert_eq!(
        a.begin_message(now, STREAM, PPID, options),
        Err(SendError::Unfinished)
    );
    assert_eq!(
        a.send(now, STREAM, PPID, b"x", options),
        Err(SendError::Unfinished)
    );
    assert_eq!(a.finish_message(now, STREAM), Err(SendError::Empty));
    a.send(now, STREAM, PPID, b"x", options).unwrap();
    a.begin_message(now, STREAM, PPID, options).unwrap();
    assert_eq!(a.write(now, STREAM, b"yz"), Ok(2));
    assert_eq!(a.buffered_bytes(STREAM), 3);
    a.finish_message(now, STREAM).unwrap();
    ends.exchange();
    let read = ends.pieces();
    assert_eq!(
        read.iter().map(|piece| &piece.data[..]).collect::<Vec<_>>(),
        [&b"x"[..], b"yz"]
    );
    assert_eq!(ends.ends[0].stats().outstanding_bytes, 0);
}

/// A writer that gives up leaves a reader who knows it, and the stream goes on.
#[test]
fn a_message_given_up_half_way_ends_for_its_reader() {
    for interleaving in [false, true] {
        let mut ends = Ends::connected(&config(interleaving));
        ends.ends[1].set_partial_delivery(STREAM, Some(1000));
        let (now, options) = (ends.now, SendOptions::ordered());
        ends.ends[0]
            .begin_message(now, STREAM, PPID, options)
            .unwrap();
        ends.ends[0].write(now, STREAM, &[1; 20_000]).unwrap();
        ends.exchange();
        let begun = ends.pieces();
        assert!(begun.iter().all(|piece| piece.end == PieceEnd::More));
        assert!(begun[0].beginning && begun.iter().skip(1).all(|piece| !piece.beginning));
        ends.ends[0].abandon_message(ends.now, STREAM).unwrap();
        ends.ends[0]
            .send(ends.now, STREAM, PPID, b"next", options)
            .unwrap();
        ends.exchange();
        let rest = ends.pieces();
        assert_eq!(rest.len(), 2, "{rest:?}");
        assert_eq!((rest[0].end, rest[0].data.len()), (PieceEnd::Abandoned, 0));
        assert_eq!((&rest[1].data[..], rest[1].beginning), (&b"next"[..], true));
        let stats = ends.ends[0].stats();
        assert_eq!((stats.outstanding_bytes, stats.abandoned_messages), (0, 1));
        assert_eq!(ends.ends[1].stats().unread_bytes, 0);
    }
}

/// A slow writer without I-DATA is alone with the association; with I-DATA the others go on.
#[test]
fn a_message_that_is_being_written_stops_the_others_only_without_i_data() {
    for interleaving in [false, true] {
        let mut ends = Ends::connected(&config(interleaving));
        let (now, options) = (ends.now, SendOptions::ordered());
        ends.ends[0]
            .begin_message(now, STREAM, PPID, options)
            .unwrap();
        ends.ends[0].write(now, STREAM, &[1; 20_000]).unwrap();
        ends.exchange();
        ends.ends[0]
            .send(ends.now, StreamId::new(2), PPID, b"other", options)
            .unwrap();
        ends.exchange();
        let other = ends.ends[1].recv(ends.now, StreamId::new(2));
        assert_eq!(other.is_some(), interleaving);
        ends.ends[0].finish_message(ends.now, STREAM).unwrap();
        ends.exchange();
        assert_eq!(ends.pieces()[0].data.len(), 20_000);
    }
}

/// C-8: a message beyond our limit closes its stream, and the others go on.
#[test]
fn a_message_beyond_the_limit_closes_its_stream_alone() {
    // By a byte of its last piece, or by many pieces.
    for (interleaving, size) in [
        (false, 10_001),
        (false, 20_000),
        (true, 10_001),
        (true, 20_000),
    ] {
        let mut ours = config(interleaving);
        ours.max_message_size = 10_000;
        let mut ends = Ends::connected(&ours);
        let options = SendOptions::ordered();
        ends.ends[0]
            .send(ends.now, STREAM, PPID, &[1; 10_000], options)
            .unwrap();
        ends.exchange();
        let largest = ends.ends[1].recv(ends.now, STREAM).unwrap();
        assert_eq!(largest.data.len(), 10_000);
        ends.ends[0]
            .send(ends.now, STREAM, PPID, &vec![1; size], options)
            .unwrap();
        ends.ends[0]
            .send(ends.now, STREAM, PPID, b"lost", options)
            .unwrap();
        ends.ends[0]
            .send(ends.now, StreamId::new(2), PPID, b"fine", options)
            .unwrap();
        ends.exchange();
        let refused = Event::StreamRefused {
            stream: STREAM,
            reason: RefusalReason::MessageTooLarge,
        };
        assert!(ends.events(1).contains(&refused));
        assert!(ends.ends[1].recv(ends.now, StreamId::new(2)).is_some());
        assert_eq!(ends.ends[1].recv(ends.now, STREAM), None);
        // What arrives later is acknowledged and forgotten.
        ends.ends[0]
            .send(ends.now, STREAM, PPID, &[2; 5_000], options)
            .unwrap();
        ends.exchange();
        assert_eq!(ends.ends[1].recv(ends.now, STREAM), None);
        assert_eq!(ends.ends[0].stats().outstanding_bytes, 0);
        assert_eq!(ends.ends[1].stats().unread_bytes, 0);
        // A reset makes the stream new.
        ends.ends[0].reset_streams(ends.now, &[STREAM]).unwrap();
        ends.exchange();
        ends.ends[0]
            .send(ends.now, STREAM, PPID, b"again", options)
            .unwrap();
        ends.exchange();
        assert_eq!(
            ends.ends[1].recv(ends.now, STREAM).unwrap().data,
            &b"again"[..]
        );
    }
}

/// P-36: a reader that is late is shut out alone, by the policy of its stream.
#[test]
fn a_stream_that_nobody_reads_reaches_its_limit_alone() {
    let limit = |drops_unordered| {
        Some(ReceiveLimit {
            bytes: 50_000,
            drops_unordered,
        })
    };
    let mut ends = Ends::connected(&config(true));
    ends.ends[1].set_receive_limit(STREAM, limit(false));
    ends.ends[1].set_receive_limit(StreamId::new(2), limit(true));
    for _ in 0..100 {
        let now = ends.now;
        ends.ends[0]
            .send(now, STREAM, PPID, &[1; 10_000], SendOptions::ordered())
            .unwrap();
        ends.ends[0]
            .send(
                now,
                StreamId::new(2),
                PPID,
                &[2; 10_000],
                SendOptions::unordered(),
            )
            .unwrap();
        ends.exchange();
    }
    let refused = Event::StreamRefused {
        stream: STREAM,
        reason: RefusalReason::Unread,
    };
    assert!(ends.events(1).contains(&refused));
    let stats = ends.ends[1].stats();
    assert_eq!(stats.dropped.over_limit, 95);
    assert!(stats.dropped.refused_stream > 0 && stats.unread_bytes < 120_000);
    // What was there before can be read, and the second stream goes on.
    assert_eq!(
        std::iter::from_fn(|| ends.ends[1].recv(ends.now, STREAM)).count(),
        5
    );
    let second = StreamId::new(2);
    assert_eq!(
        std::iter::from_fn(|| ends.ends[1].recv(ends.now, second)).count(),
        5
    );
    ends.ends[0]
        .send(ends.now, second, PPID, b"new", SendOptions::unordered())
        .unwrap();
    ends.exchange();
    assert!(ends.ends[1].recv(ends.now, second).is_some());
}

/// A stream that the application refuses takes nothing, and holds nothing.
#[test]
fn a_refused_stream_holds_nothing() {
    let mut ends = Ends::connected(&config(false));
    let options = SendOptions::ordered();
    ends.ends[0]
        .send(ends.now, STREAM, PPID, &[1; 100_000], options)
        .unwrap();
    ends.exchange();
    ends.ends[1].refuse_stream(ends.now, STREAM);
    assert_eq!(ends.ends[1].stats().unread_bytes, 0);
    ends.ends[0]
        .send(ends.now, STREAM, PPID, &[1; 100_000], options)
        .unwrap();
    ends.exchange();
    assert_eq!(ends.ends[1].stats().unread_bytes, 0);
    assert_eq!(ends.ends[0].stats().outstanding_bytes, 0);
    assert_eq!(ends.ends[1].next_readable(), None);
}

/// C-16: what a stream counts.
#[test]
fn a_stream_counts_what_passes() {
    let mut ends = Ends::connected(&config(true));
    let options = SendOptions::ordered();
    for _ in 0..3 {
        ends.ends[0]
            .send(ends.now, STREAM, PPID, &[1; 5_000], options)
            .unwrap();
    }
    let waiting = ends.ends[0].stream_stats(ends.now + Duration::from_millis(7), STREAM);
    assert_eq!(waiting.oldest_buffered, Some(Duration::from_millis(7)));
    assert_eq!(waiting.buffered_bytes, 15_000);
    ends.exchange();
    let sent = ends.ends[0].stream_stats(ends.now, STREAM);
    assert_eq!(
        (sent.messages_sent, sent.bytes_sent, sent.oldest_buffered),
        (3, 15_000, None)
    );
    let got = ends.ends[1].stream_stats(ends.now, STREAM);
    assert_eq!(
        (got.messages_received, got.bytes_received, got.unread_bytes),
        (3, 15_000, 15_000)
    );
    ends.ends[0].reset_streams(ends.now, &[STREAM]).unwrap();
    ends.exchange();
    assert_eq!(ends.ends[0].stream_stats(ends.now, STREAM).messages_sent, 0);
    assert_eq!(
        ends.ends[1]
            .stream_stats(ends.now, STREAM)
            .messages_received,
        0
    );
}

/// A shutdown waits for the end of the message that is being written.
#[test]
fn a_shutdown_lets_a_message_be_finished() {
    let mut ends = Ends::connected(&config(true));
    ends.ends[0]
        .begin_message(ends.now, STREAM, PPID, SendOptions::ordered())
        .unwrap();
    ends.ends[0].write(ends.now, STREAM, &[1; 10_000]).unwrap();
    ends.ends[0].shutdown(ends.now);
    ends.exchange();
    assert_eq!(ends.ends[0].close_reason(), None);
    ends.ends[0].write(ends.now, STREAM, &[2; 10]).unwrap();
    ends.ends[0].finish_message(ends.now, STREAM).unwrap();
    ends.exchange();
    for _ in 0..4 {
        // An acknowledgement may be put off.
        ends.now += Duration::from_millis(200);
        ends.exchange();
    }
    assert_eq!(
        ends.ends[1].recv(ends.now, STREAM).unwrap().data.len(),
        10_010
    );
    assert!(ends.ends[0].close_reason().is_some());
}

/// P-27 with pieces: a message whose lifetime ends while it is written is given up on both sides.
#[test]
fn a_message_that_is_written_too_slowly_expires() {
    let mut ends = Ends::connected(&config(false));
    ends.ends[1].set_partial_delivery(STREAM, Some(1));
    let lifetime = Reliability::Lifetime(Duration::from_millis(500));
    let options = SendOptions::ordered().with_reliability(lifetime);
    ends.ends[0]
        .begin_message(ends.now, STREAM, PPID, options)
        .unwrap();
    ends.ends[0].write(ends.now, STREAM, &[1; 5_000]).unwrap();
    ends.exchange();
    ends.now += Duration::from_secs(1);
    ends.ends[0]
        .send(
            ends.now,
            StreamId::new(2),
            PPID,
            b"wakes",
            SendOptions::ordered(),
        )
        .unwrap();
    ends.exchange();
    assert_eq!(
        ends.ends[0].write(ends.now, STREAM, &[1; 10]),
        Err(SendError::NotBegun)
    );
    assert_eq!(ends.pieces().last().unwrap().end, PieceEnd::Abandoned);
}

/// A window that is full of what nobody reads opens again for whoever reads in pieces.
#[test]
fn pieces_push_back() {
    let mut victim = Victim::established(Config::default());
    victim.association.set_partial_delivery(STREAM, Some(1));
    let block = [7; 1000];
    let mut tsn = 1;
    while victim.association.stats().dropped.window_overruns == 0 {
        victim.hear(&[common::raw::data(tsn, 1, 0, tsn == 1, false, &block)]);
        tsn += 1;
        assert!(tsn < 2000);
    }
    assert!(victim.association.is_established());
    assert!(victim.association.stats().unread_bytes <= 512 << 10);
    let mut read = 0;
    while let Some(piece) = victim.association.recv_piece(victim.now, STREAM) {
        read += piece.data.len();
    }
    assert_eq!(read as u32, (tsn - 2) * 1000);
}
