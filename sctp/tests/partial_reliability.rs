//! Messages that may be given up (RFC 3758, RFC 7496), with DATA and with I-DATA.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{Config, Ordering, Ppid, Reliability, SendError, SendOptions, StreamId};
use common::{Peers, connect_both, establish, pair_with};
use netsim::{LinkConfig, Loss, Pair, Profile, Verdict};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn config(interleaving: bool) -> Config {
    let mut config = Config::default();
    config.interleaving = interleaving;
    config
}

fn send(pair: &mut Peers, stream: u16, options: SendOptions, data: &[u8]) -> Result<(), SendError> {
    let now = pair.now();
    let stream = StreamId::new(stream);
    pair.a_mut()
        .association
        .send(now, stream, Ppid::new(53), data, options)
}

const ONCE: Reliability = Reliability::Retransmissions(0);

fn is_data(bytes: &[u8]) -> bool {
    // What carries more than a word of payload.
    bytes.len() > 60
}

fn drop_data(pair: &mut Peers, count: usize) {
    let mut left = count;
    pair.network().intercept(move |packet| {
        if left > 0 && is_data(&packet.bytes) {
            left -= 1;
            return Verdict::Drop;
        }
        Verdict::Pass
    });
}

/// P-27: a message whose retransmissions are used up is given up, and FORWARD-TSN lets the ones behind it through.
#[test]
fn a_message_that_is_sent_once_and_lost_holds_nobody_up() {
    for interleaving in [false, true] {
        let mut pair = establish(pair_with(&config(interleaving), 1));
        drop_data(&mut pair, 1);
        let options = SendOptions::ordered().with_reliability(ONCE);
        for byte in 0..4 {
            send(&mut pair, 1, options, &[byte; 1100]).unwrap();
        }
        pair.run_for(Duration::from_secs(1));
        let read = pair.b().read(1);
        assert_eq!(
            read.iter().map(|data| data[0]).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let stats = pair.a().association.stats();
        assert_eq!(
            (stats.abandoned_messages, stats.retransmitted_chunks),
            (1, 0)
        );
        assert_eq!(
            (stats.outstanding_bytes, stats.interleaving),
            (0, interleaving)
        );
        let stream = pair
            .a()
            .association
            .stream_stats(pair.now(), StreamId::new(1));
        assert_eq!((stream.messages_sent, stream.abandoned_messages), (4, 1));
    }
}

/// P-27: one piece lost gives the whole message up, the pieces that were not sent included.
#[test]
fn a_message_is_given_up_whole() {
    for interleaving in [false, true] {
        let mut pair = establish(pair_with(&config(interleaving), 2));
        drop_data(&mut pair, 3);
        let options = SendOptions::ordered().with_reliability(ONCE);
        send(&mut pair, 1, options, &[1; 200_000]).unwrap();
        send(&mut pair, 1, SendOptions::ordered(), &[2; 50]).unwrap();
        pair.run_for(Duration::from_secs(3));
        assert_eq!(pair.b().read(1), [[2; 50]]);
        let stats = pair.a().association.stats();
        assert_eq!((stats.outstanding_bytes, stats.abandoned_messages), (0, 1));
        assert!(
            stats.payload_bytes_sent < 150_000,
            "{}",
            stats.payload_bytes_sent
        );
        assert_eq!(pair.b().association.stats().unread_bytes, 0);
    }
}

/// P-27: a lifetime ends on both sides of the wire: what is queued is never sent, what is lost is not repaired.
#[test]
fn what_is_too_old_is_not_sent() {
    for interleaving in [false, true] {
        let mut pair = establish(pair_with(&config(interleaving), 3));
        pair.network().intercept(|packet| {
            if is_data(&packet.bytes) {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        let lifetime = Reliability::Lifetime(Duration::from_millis(100));
        let options = SendOptions::unordered().with_reliability(lifetime);
        for byte in 0..100 {
            send(&mut pair, 1, options, &[byte; 1100]).unwrap();
        }
        pair.run_for(Duration::from_secs(2));
        pair.network().intercept(|_| Verdict::Pass);
        send(&mut pair, 1, SendOptions::ordered(), b"after").unwrap();
        pair.run_for(Duration::from_secs(5));
        assert_eq!(pair.b().read(1), [b"after"]);
        let stats = pair.a().association.stats();
        assert_eq!(
            (stats.outstanding_bytes, stats.abandoned_messages),
            (0, 100)
        );
    }
}

/// P-27: retransmissions are counted: two are made, a third is not.
#[test]
fn retransmissions_are_counted() {
    let mut pair = establish(pair_with(&config(false), 4));
    pair.network().intercept(|packet| {
        if is_data(&packet.bytes) {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    let options = SendOptions::ordered().with_reliability(Reliability::Retransmissions(2));
    send(&mut pair, 1, options, &[1; 1000]).unwrap();
    pair.run_for(Duration::from_secs(20));
    let stats = pair.a().association.stats();
    assert_eq!(
        (stats.retransmitted_chunks, stats.abandoned_messages),
        (2, 1)
    );
    assert_eq!(stats.outstanding_bytes, 0);
}

/// P-27: at most one FORWARD-TSN leaves in a round trip.
#[test]
fn forward_tsn_is_not_repeated_within_a_round_trip() {
    let mut pair = Pair::on(
        Profile::Loss10,
        5,
        common::Peer::new(config(false), 10),
        common::Peer::new(config(false), 11),
    );
    connect_both(&mut pair);
    assert!(pair.run_until(Duration::from_secs(10), common::both_established));
    pair.network().start_recording();
    let options = SendOptions::unordered().with_reliability(ONCE);
    for _ in 0..2000 {
        let _ = send(&mut pair, 1, options, &[1; 1000]);
        pair.run_for(Duration::from_millis(2));
    }
    let is_forward = |packet: &&netsim::Packet| {
        let chunks = avocet_sctp::packet::Packet::decode(&packet.bytes).unwrap();
        let mut chunks = chunks.chunks().flatten();
        chunks.any(|raw| raw.kind.0 == 192)
    };
    let packets = pair.network().recorded();
    let times = packets.iter().filter(is_forward);
    let times = times.map(|packet| packet.sent).collect::<Vec<_>>();
    assert!(times.len() > 20, "{}", times.len());
    let round_trip = Duration::from_millis(20);
    let close = times
        .windows(2)
        .filter(|pair| pair[1].saturating_duration_since(pair[0]) < round_trip)
        .count();
    // T3 may say it at once.
    assert!(close <= 2, "{close} of {}", times.len());
}

/// RFC 3758 §3.3: a peer that does not know FORWARD-TSN gets every message.
#[test]
fn without_forward_tsn_every_message_is_reliable() {
    let mut victim = common::raw::Victim::established(Config::default());
    let options = SendOptions::ordered().with_reliability(ONCE);
    let (now, stream) = (victim.now, StreamId::new(1));
    victim
        .association
        .send(now, stream, Ppid::new(53), &[1; 500], options)
        .unwrap();
    for _ in 0..4 {
        assert!(victim.say_all().iter().any(|packet| is_data(packet)));
        victim.pass(Duration::from_secs(4));
    }
    assert_eq!(victim.association.stats().abandoned_messages, 0);
    // Nor what the peer's reports show to be lost.
    let mut victim = common::raw::Victim::established(Config::default());
    for _ in 0..5 {
        let association = &mut victim.association;
        let sent = association.send(now, stream, Ppid::new(53), &[1; 1100], options);
        sent.unwrap();
    }
    assert_eq!(victim.say_data(), [0, 1, 2, 3, 4]);
    victim.pass(Duration::from_millis(100));
    victim.acknowledge(0, 1 << 20, &[(1, 4)], &[]);
    assert_eq!(victim.say_data(), [0]);
    assert_eq!(victim.association.stats().abandoned_messages, 0);
}

/// Reliability goals: every message whole or absent, in order, reliable ones all there, on hostile networks.
#[test]
fn every_unreliable_message_is_whole_or_absent_on_every_network() {
    for profile in [
        Profile::Loss10,
        Profile::BurstLoss,
        Profile::Shuffle,
        Profile::Loss30,
    ] {
        for seed in 0..6u64 {
            let interleaving = seed.is_multiple_of(2);
            mixed(profile, seed, interleaving);
        }
    }
}

fn mixed(profile: Profile, seed: u64, interleaving: bool) {
    let config = config(interleaving);
    let (a, b) = (
        common::Peer::new(config.clone(), seed * 2),
        common::Peer::new(config, seed * 2 + 1),
    );
    let mut pair = Pair::on(profile, seed, a, b);
    connect_both(&mut pair);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut reliable = Vec::new();
    for number in 0..300u32 {
        let stream = (number % 6) as u16;
        let mut data = vec![number as u8; rng.random_range(4..6000)];
        data[..4].copy_from_slice(&number.to_be_bytes());
        let ordering = if stream.is_multiple_of(2) {
            Ordering::Ordered
        } else {
            Ordering::Unordered
        };
        let reliability = match stream {
            0 | 1 => Reliability::Reliable,
            2 | 3 => Reliability::Retransmissions(rng.random_range(0..2)),
            _ => Reliability::Lifetime(Duration::from_millis(rng.random_range(0..200))),
        };
        let mut options = SendOptions::ordered().with_reliability(reliability);
        options.ordering = ordering;
        if stream < 2 {
            reliable.push(number);
        }
        send(&mut pair, stream, options, &data).unwrap();
        pair.run_for(Duration::from_millis(5));
    }
    let drained = |pair: &Peers| pair.a().association.stats().outstanding_bytes == 0;
    let note = format!("{profile:?} seed {seed}");
    assert!(pair.run_until(Duration::from_secs(300), drained), "{note}");
    pair.run_for(Duration::from_secs(2));
    let messages = &pair.b().messages;
    let mut last = [None; 6];
    for message in messages {
        let number = u32::from_be_bytes(message.data[..4].try_into().unwrap());
        assert!(
            message.data[4..].iter().all(|byte| *byte == number as u8),
            "{note}"
        );
        assert_eq!(number % 6, u32::from(message.stream.get()), "{note}");
        if message.ordering == Ordering::Ordered {
            let last = &mut last[message.stream.get() as usize];
            assert!(*last < Some(number), "{note}: {number} after {last:?}");
            *last = Some(number);
        }
    }
    let mut all = messages
        .iter()
        .filter(|message| message.stream.get() < 2)
        .map(|message| u32::from_be_bytes(message.data[..4].try_into().unwrap()))
        .collect::<Vec<_>>();
    all.sort_unstable();
    assert_eq!(all, reliable, "{note}");
    assert_eq!(pair.b().association.stats().unread_bytes, 0, "{note}");
}

/// RFC 7496 §3.2, through the whole association.
#[test]
fn an_important_message_takes_the_place_of_less_important_ones() {
    let mut config = config(false);
    config.send_buffer_bytes = 20_000;
    let mut link = LinkConfig::delayed(Duration::from_millis(10));
    link.rate_bits = Some(100_000);
    link.loss = Loss::None;
    let (a, b) = (
        common::Peer::new(config.clone(), 1),
        common::Peer::new(config, 2),
    );
    let mut pair = establish(Pair::over(link, 1, a, b));
    let priority = |number| SendOptions::ordered().with_reliability(Reliability::Priority(number));
    let mut filled = 0;
    while send(&mut pair, 1, priority(5), &[5; 1000]).is_ok() {
        filled += 1;
        pair.run_for(Duration::from_millis(1));
    }
    assert_eq!(
        send(&mut pair, 1, priority(5), &[5; 1000]),
        Err(SendError::Full)
    );
    send(&mut pair, 1, priority(1), &[1; 1000]).unwrap();
    pair.run_for(Duration::from_secs(30));
    let read = pair.b().read(1);
    assert_eq!(read.last().unwrap()[0], 1);
    assert_eq!(read.len(), filled);
}
