//! Windows that close, associations that end, streams that begin anew.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{Chunk, ChunkType, RawChunk, ShutdownChunk};
use avocet_sctp::{
    CloseCause, Config, Direction, Event, Initiator, Message, Ppid, ResetError, SendError,
    SendOptions, StreamId,
};
use common::raw::{Victim, chunks};
use common::{Peers, connect_both, established, pair, pair_with};
use netsim::{LinkConfig, Loss, Side, Verdict};

fn reasons(pair: &Peers) -> [Option<(Initiator, CloseCause)>; 2] {
    [pair.a(), pair.b()].map(|peer| {
        let reason = peer.association.close_reason();
        reason.map(|reason| (reason.initiator, reason.cause))
    })
}

fn both_ended(pair: &Peers) -> bool {
    reasons(pair).iter().all(Option::is_some)
}

/// C-15, P-36.
#[test]
fn a_reader_that_stops_holds_the_sender_back_and_one_that_returns_gets_everything() {
    for (seed, loss) in [(1, 0.0), (2, 0.1), (3, 0.3)] {
        let mut config = Config::default();
        config.max_message_size = 8192;
        config.receive_window_bytes = 32_768;
        let mut pair = common::establish(pair_with(&config, seed));
        let mut link = LinkConfig::delayed(Duration::from_millis(20));
        link.loss = Loss::Random(loss);
        pair.set_link(&link);
        pair.set_pulling(Side::B, false);
        let now = pair.now();
        for number in 0..100u8 {
            pair.a_mut().send(now, 1, &vec![number; 4000]);
        }
        // Far beyond all timeouts: a closed window is no dead peer.
        pair.run_for(Duration::from_secs(120));
        assert!(pair.a().association.is_established(), "loss {loss}");
        assert!(pair.b().messages.is_empty());
        let stream = StreamId::new(1);
        let waiting = pair.a().association.buffered_bytes(stream);
        assert!(waiting > 300_000, "{waiting}");
        pair.set_pulling(Side::B, true);
        let read = |pair: &Peers| pair.b().messages.len() == 100;
        assert!(
            pair.run_until(Duration::from_secs(120), read),
            "loss {loss}"
        );
        let order = pair.b().messages.iter().map(|message| message.data[0]);
        assert!(order.eq(0..100));
    }
}

/// C-15, P-21.
#[test]
fn a_lost_window_update_delays_and_does_not_stop() {
    let mut config = Config::default();
    config.max_message_size = 8192;
    config.receive_window_bytes = 32_768;
    let mut pair = common::establish(pair_with(&config, 4));
    pair.set_pulling(Side::B, false);
    let now = pair.now();
    for number in 0..40u8 {
        pair.a_mut().send(now, 1, &vec![number; 4000]);
    }
    pair.run_for(Duration::from_secs(10));
    // Everything B says while it reads is lost.
    pair.network().intercept(|packet| {
        if packet.path.local.ip() == netsim::ADDRESS_B.ip() {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.set_pulling(Side::B, true);
    pair.run_for(Duration::from_millis(100));
    pair.network().pass_all();
    let read = |pair: &Peers| pair.b().messages.len() == 40;
    assert!(pair.run_until(Duration::from_secs(20), read));
}

#[test]
fn a_shutdown_delivers_everything_first() {
    let mut pair = established(5);
    let now = pair.now();
    pair.a_mut().send(now, 1, &[1; 100_000]);
    pair.b_mut().send(now, 1, &[2; 100_000]);
    let now = pair.now();
    pair.a_mut().association.shutdown(now);
    assert!(pair.run_until(Duration::from_secs(10), both_ended));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(
        reasons(&pair),
        [
            Some((Initiator::Local, CloseCause::Shutdown)),
            Some((Initiator::Remote, CloseCause::Shutdown))
        ]
    );
    assert_eq!(pair.a().messages.len(), 1);
    assert_eq!(pair.b().messages.len(), 1);
    let last = pair.b().events.last();
    assert!(matches!(last, Some(Event::Closed(_))), "{last:?}");
}

#[test]
fn shutdown_completes_when_any_packet_is_lost() {
    for lost in 0..6 {
        for both in [false, true] {
            let mut pair = established(lost);
            let mut count = 0;
            pair.network().intercept(move |_| {
                count += 1;
                if count == lost + 1 {
                    Verdict::Drop
                } else {
                    Verdict::Pass
                }
            });
            let now = pair.now();
            pair.a_mut().send(now, 1, b"last words");
            pair.a_mut().association.shutdown(now);
            if both {
                pair.b_mut().association.shutdown(now);
            }
            assert!(
                pair.run_until(Duration::from_secs(20), both_ended),
                "packet {lost}"
            );
            let causes = reasons(&pair).map(|reason| reason.unwrap().1);
            assert_eq!(causes, [CloseCause::Shutdown; 2], "packet {lost}");
            assert_eq!(pair.b().messages.len(), 1);
        }
    }
}

/// P-31: a SHUTDOWN is believed even where its number is one of the peer's own, as some implementations have it. What is under way goes
/// on, and the end is an orderly one.
#[test]
fn a_shutdown_with_a_number_of_the_wrong_side_loses_nothing() {
    for wrong in [1_000_000, u32::MAX / 2 + 7, u32::MAX - 1_000] {
        let mut victim = Victim::established(Config::default());
        let (now, stream) = (victim.now, StreamId::new(1));
        let message = [1; 5_000];
        victim
            .association
            .send(now, stream, Ppid::new(53), &message, SendOptions::ordered())
            .unwrap();
        let sent = victim.say_all();
        assert_eq!(sent.len(), 5);
        victim.hear(&[Chunk::Shutdown(ShutdownChunk {
            cumulative_tsn_ack: victim.initial_tsn.plus(wrong),
        })]);
        assert_eq!(victim.association.close_reason(), None);
        victim.pass(Duration::from_secs(4));
        let again = victim.say_all();
        assert!(matches!(chunks(&again[0])[..], [Chunk::Data(_), ..]));
        let last = victim.initial_tsn.plus(4);
        victim.hear(&[Chunk::Shutdown(ShutdownChunk {
            cumulative_tsn_ack: last,
        })]);
        let said = victim.say_all();
        assert!(matches!(chunks(&said[0])[..], [Chunk::ShutdownAck(_)]));
    }
}

/// P-31.
#[test]
fn a_shutdown_that_nobody_hears_ends_in_a_bounded_time() {
    let mut pair = established(7);
    pair.network().intercept(|_| Verdict::Drop);
    let (now, before) = (pair.now(), pair.sent());
    pair.a_mut().association.shutdown(now);
    let ended = |pair: &Peers| pair.a().association.close_reason().is_some();
    assert!(pair.run_until(Duration::from_secs(16), ended));
    assert_eq!(
        reasons(&pair)[0],
        Some((Initiator::Network, CloseCause::ShutdownTimeout))
    );
    // Five times RTO.Max (RFC 9260 §9.2), and until then it is said again and again.
    let took = pair.now() - now;
    assert!(took >= Duration::from_millis(14_900), "{took:?}");
    let said = pair.sent() - before;
    assert!((6..=20).contains(&said), "{said}");
}

#[test]
fn an_abort_ends_both_sides_at_once() {
    let mut pair = established(8);
    let now = pair.now();
    pair.a_mut().association.abort(now);
    pair.run_for(Duration::from_millis(25));
    assert_eq!(
        reasons(&pair),
        [
            Some((Initiator::Local, CloseCause::Abort { code: None })),
            Some((Initiator::Remote, CloseCause::Abort { code: Some(12) }))
        ]
    );
    assert!(pair.run_to_rest(Duration::from_secs(1)));
    let refusal = pair.a_mut().association.send(
        now,
        StreamId::new(1),
        Ppid::new(53),
        b"x",
        SendOptions::ordered(),
    );
    assert_eq!(refusal, Err(SendError::Closed));
}

#[test]
fn closing_before_the_handshake_ends_at_once() {
    let mut pair = pair(9);
    connect_both(&mut pair);
    let now = pair.now();
    pair.a_mut().association.shutdown(now);
    assert_eq!(
        pair.a()
            .association
            .close_reason()
            .map(|reason| reason.cause),
        Some(CloseCause::Shutdown)
    );
}

#[test]
fn a_reset_stream_counts_from_zero_again() {
    for (seed, loss) in [(10, 0.0), (11, 0.2)] {
        let mut pair = established(seed);
        let mut link = LinkConfig::delayed(Duration::from_millis(20));
        link.loss = Loss::Random(loss);
        pair.set_link(&link);
        let streams = vec![StreamId::new(1), StreamId::new(3)];
        let now = pair.now();
        for round in 0..5u8 {
            for number in 0..3 {
                let now = pair.now();
                pair.a_mut().send(now, 1, &[round, number]);
                pair.a_mut().send(now, 3, &[round, number]);
            }
            let association = &mut pair.a_mut().association;
            association.reset_streams(now, &streams).unwrap();
            // A second wish for the same is the same wish.
            association.reset_streams(now, &streams).unwrap();
            assert_eq!(
                association.send(now, streams[0], Ppid::new(53), b"x", SendOptions::ordered()),
                Err(SendError::Resetting)
            );
            let goal = usize::from(round) + 1;
            let resets = |events: &[Event], direction| {
                let wanted = Event::StreamsReset {
                    direction,
                    streams: streams.clone(),
                };
                events.iter().filter(|event| **event == wanted).count()
            };
            let done = pair.run_until(Duration::from_secs(60), |pair| {
                resets(&pair.a().events, Direction::Outgoing) == goal
            });
            assert!(done, "round {round}, loss {loss}: {:?}", pair.a().events);
            assert_eq!(resets(&pair.b().events, Direction::Incoming), goal);
        }
        let numbers = |message: &Message| (message.data[0], message.data[1]);
        let read = pair.b().messages.iter().map(numbers).collect::<Vec<_>>();
        assert_eq!(read.len(), 30);
    }
}

#[test]
fn resetting_needs_an_established_association() {
    let mut pair = pair(12);
    let now = pair.now();
    assert_eq!(
        pair.a_mut()
            .association
            .reset_streams(now, &[StreamId::new(1)]),
        Err(ResetError::NotEstablished)
    );
    let mut pair = established(12);
    assert_eq!(
        pair.a_mut()
            .association
            .reset_streams(now, &[StreamId::new(65_535)]),
        Err(ResetError::InvalidStream)
    );
}

#[test]
fn an_idle_association_takes_less_than_four_kilobytes() {
    let mut pair = established(13);
    let now = pair.now();
    pair.a_mut().send(now, 0, &[1; 3000]);
    pair.b_mut().send(now, 0, &[2; 3000]);
    pair.run_for(Duration::from_secs(20));
    // What is freed with it is what it held.
    let fresh = common::Peer::new(Config::default(), 0).association;
    let old = std::mem::replace(&mut pair.a_mut().association, fresh);
    let freed = allocation_counter::measure(|| drop(old)).bytes_current;
    let inline = size_of::<avocet_sctp::Association>();
    let total = usize::try_from(-freed).unwrap() + inline;
    assert!(total < 4096, "{total} bytes, {inline} of them inline");
}

#[test]
fn a_closed_window_is_probed_with_one_chunk_at_a_time() {
    let mut victim = Victim::established(Config::default());
    let say = |victim: &mut Victim, count: usize| {
        for _ in 0..count {
            let (now, stream) = (victim.now, StreamId::new(1));
            let (ppid, options) = (Ppid::new(53), SendOptions::ordered());
            let result = victim
                .association
                .send(now, stream, ppid, &[7; 1000], options);
            result.unwrap();
        }
        victim.say_all().len()
    };
    let acknowledge = |victim: &mut Victim, count: u32, a_rwnd: u32| {
        let mut value = victim
            .initial_tsn
            .plus(count - 1)
            .get()
            .to_be_bytes()
            .to_vec();
        value.extend_from_slice(&a_rwnd.to_be_bytes());
        value.extend_from_slice(&[0; 4]);
        victim.hear(&[Chunk::Unknown(RawChunk {
            kind: ChunkType::SACK,
            flags: 0,
            value: &value,
        })]);
    };
    assert_eq!(say(&mut victim, 3), 3);
    acknowledge(&mut victim, 3, 0);
    assert_eq!(say(&mut victim, 5), 1);
    for _ in 0..30 {
        victim.pass(Duration::from_secs(4));
        assert_eq!(victim.say_all().len(), 1);
        // Still closed: the peer lives, and reads nothing.
        acknowledge(&mut victim, 3, 0);
    }
    assert!(victim.association.is_established());
    acknowledge(&mut victim, 4, 1 << 20);
    assert_eq!(victim.say_all().len(), 4);
}
