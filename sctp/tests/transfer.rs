//! Everything arrives, once and in order (RFC 9260 §6).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{Config, CongestionAlgorithm, Event, Message, Ppid, SendError, StreamId};
use bytes::Bytes;
use common::{Peer, Peers, both_established, connect_both, established, pair_on};
use netsim::{LinkConfig, Loss, Pair, Profile};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

fn content(rng: &mut StdRng, number: u32, most: usize) -> Vec<u8> {
    let mut data = vec![0; rng.random_range(4..=most)];
    rng.fill_bytes(&mut data);
    data[..4].copy_from_slice(&number.to_be_bytes());
    data
}

/// Feeds `count` messages of each of four streams both ways, as the buffers take them, and checks what came out.
fn exchange(pair: &mut Peers, seed: u64, count: u32, most: usize, limit: Duration) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
    for number in 0..count {
        let stream = (number % 4) as u16;
        for side in &mut sent {
            side.push(content(&mut rng, number, most));
        }
        let now = pair.now();
        for (index, side) in sent.iter().enumerate() {
            let data = side.last().unwrap();
            let peer = if index == 0 {
                pair.a_mut()
            } else {
                pair.b_mut()
            };
            match stream {
                3 => peer.send_unordered(now, stream, data),
                2 => peer.give(now, stream, data.clone().into()),
                _ => peer.send(now, stream, data),
            }
        }
        if number % 8 == 0 {
            pair.run_for(Duration::from_millis(20));
        }
    }
    let count = count as usize;
    let all = |pair: &Peers| pair.a().messages.len() >= count && pair.b().messages.len() >= count;
    let done = pair.run_until(limit, all);
    let have = [pair.a().messages.len(), pair.b().messages.len()];
    assert!(
        done,
        "seed {seed}: {have:?} of {count}, {:?} {:?}",
        pair.outcomes(),
        pair.network().drops()
    );
    pair.run_for(Duration::from_secs(1));
    check(&sent[0], &pair.b().messages, seed);
    check(&sent[1], &pair.a().messages, seed);
}

fn check(sent: &[Vec<u8>], got: &[Message], seed: u64) {
    for stream in 0..4u16 {
        let expected = sent.iter().enumerate();
        let mut expected = expected
            .filter(|(number, _)| number % 4 == usize::from(stream))
            .map(|(_, data)| &data[..])
            .collect::<Vec<_>>();
        let mut read = got
            .iter()
            .filter(|message| message.stream.get() == stream)
            .map(|message| &message.data[..])
            .collect::<Vec<_>>();
        if stream == 3 {
            expected.sort_unstable();
            read.sort_unstable();
        }
        assert!(expected == read, "seed {seed}, stream {stream}");
    }
}

/// Exactly once and in order: 192 seeds by default, 10,000 where `AVOCET_FULL_MATRIX` is set. Odd seeds use DATA, even ones I-DATA.
#[test]
fn every_message_arrives_once_and_in_order_on_every_network() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let seeds = if full { 834 } else { 16 };
    for profile in Profile::ALL {
        for seed in 0..seeds {
            let mut pair = pair_on(profile, seed);
            connect_both(&mut pair);
            exchange(&mut pair, seed, 60, 5000, Duration::from_secs(1500));
        }
    }
}

#[test]
fn messages_of_every_size_around_a_packet_arrive() {
    let mut pair = established(1);
    for size in (1..40).chain(1100..1240).chain(2300..2340) {
        let now = pair.now();
        let data = (0..size).map(|byte| byte as u8).collect::<Vec<_>>();
        pair.a_mut().send(now, 7, &data);
        pair.run_for(Duration::from_millis(50));
        assert_eq!(pair.b().messages.last().unwrap().data, data);
    }
}

#[test]
fn the_largest_message_arrives() {
    let mut pair = established(2);
    let now = pair.now();
    let data = vec![5; 262_144];
    pair.a_mut().send(now, 0, &data);
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.b().read(0), [&data[..]]);
}

/// P-12, 5.3 no. 5.
#[test]
fn tsn_wraps_around_under_loss() {
    // 10,000 chunks from both sides: the initial TSNs are random, so a seed is looked for whose number wraps soon, from where
    // one was found.
    let seed = (3_996_085..u64::MAX)
        .find(|seed| {
            let tsn = initial_tsn(*seed * 2);
            tsn > 0xffff_f000
        })
        .unwrap();
    let mut link = LinkConfig::delayed(Duration::from_millis(5));
    link.loss = Loss::Random(0.03);
    link.reorder = 0.1;
    link.reorder_delay = Duration::from_millis(10);
    let mut config = Config::default();
    config.mtu = 508;
    let a = Peer::new(config.clone(), seed * 2);
    let b = Peer::new(config, seed * 2 + 1);
    let mut pair = Pair::over(link, seed, a, b);
    connect_both(&mut pair);
    let mut expected = 0;
    while expected < 10_000u32 {
        let now = pair.now();
        for _ in 0..100 {
            let mut data = [7; 400];
            data[..4].copy_from_slice(&expected.to_be_bytes());
            pair.a_mut().send(now, 1, &data);
            expected += 1;
        }
        pair.run_for(Duration::from_millis(300));
    }
    let done = |pair: &Peers| pair.b().messages.len() == 10_000;
    assert!(pair.run_until(Duration::from_secs(600), done));
    for (number, message) in pair.b().messages.iter().enumerate() {
        assert_eq!(message.data[..4], (number as u32).to_be_bytes());
    }
}

/// The first TSN that an association with this seed will use, read from its INIT.
fn initial_tsn(seed: u64) -> u32 {
    let mut peer = Peer::new(Config::default(), seed);
    let now = netsim::epoch();
    peer.association.connect(now, None);
    let mut buf = Vec::new();
    peer.association.poll_transmit(now, &mut buf).unwrap();
    u32::from_be_bytes(buf[28..32].try_into().unwrap())
}

#[test]
fn unordered_messages_overtake_a_gap_and_ordered_ones_wait() {
    let mut config = Config::default();
    // Streams then take turns message by message.
    config.interleaving = false;
    let mut pair = common::establish(common::pair_with(&config, 3));
    let mut first = true;
    pair.network().intercept(move |packet| {
        let data = packet.bytes[12] == 0 && packet.bytes.len() > 1000;
        if data && std::mem::take(&mut first) {
            netsim::Verdict::Drop
        } else {
            netsim::Verdict::Pass
        }
    });
    let now = pair.now();
    pair.a_mut().send(now, 1, &[1; 1100]);
    pair.a_mut().send(now, 1, &[2; 1100]);
    pair.a_mut().send(now, 2, &[3; 1100]);
    pair.a_mut().send_unordered(now, 1, &[4; 3000]);
    pair.run_for(Duration::from_millis(25));
    let order = |pair: &Peers| {
        let messages = pair.b().messages.iter();
        messages.map(|message| message.data[0]).collect::<Vec<_>>()
    };
    assert_eq!(order(&pair), [3, 4]);
    pair.run_for(Duration::from_secs(2));
    assert_eq!(order(&pair), [3, 4, 1, 2]);
}

#[test]
fn a_message_that_is_given_is_held_until_it_is_acknowledged_and_not_copied() {
    let mut pair = established(1);
    let mut content = vec![7; 100_000];
    content[99_999] = 8;
    let given = Bytes::from(content);
    let now = pair.now();
    pair.a_mut().give(now, 1, given.clone());
    assert!(!given.is_unique());
    assert_eq!(pair.a().association.stats().outstanding_bytes / 1000, 100);
    assert!(pair.run_until(Duration::from_secs(5), |pair| pair.b().messages.len() == 1));
    assert_eq!(pair.b().messages[0].data, given);
    pair.run_for(Duration::from_secs(1));
    assert!(given.is_unique());
    // A small one is copied: it would hold more than itself.
    let given = Bytes::from(vec![9; 100]);
    let now = pair.now();
    pair.a_mut().give(now, 1, given.clone());
    assert!(given.is_unique());
    assert_eq!(pair.a().association.stats().bytes_sent, 100_100);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().messages[1].data, given);
}

#[test]
fn a_full_send_buffer_says_so_and_says_when_it_is_not() {
    let mut config = Config::default();
    config.send_buffer_bytes = 10_000;
    let mut pair = common::establish(common::pair_with(&config, 4));
    let now = pair.now();
    let stream = StreamId::new(0);
    let ppid = Ppid::new(53);
    let options = avocet_sctp::SendOptions::ordered();
    let association = &mut pair.a_mut().association;
    let mut count = 0;
    let refusal = loop {
        match association.send(now, stream, ppid, &[0; 1000], options) {
            Ok(()) => count += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((refusal, count), (SendError::Full, 9));
    assert_eq!(association.buffered_bytes(stream), 9000);
    assert_eq!(
        association.send(now, stream, ppid, &[0; 10_001], options),
        Err(SendError::TooLarge { limit: 10_000 })
    );
    assert_eq!(
        association.send(now, stream, ppid, &[], options),
        Err(SendError::Empty)
    );
    pair.run_for(Duration::from_secs(1));
    assert!(pair.has_event(netsim::Side::A, "Writable(StreamId(0))"));
    assert!(pair.has_event(netsim::Side::A, "BufferedAmountLow"));
    assert_eq!(pair.a().association.buffered_bytes(stream), 0);
    assert_eq!(pair.b().messages.len(), 9);
}

/// P-35: whoever was refused hears of room, the longest waiting first, and nobody else does.
#[test]
fn every_stream_that_was_refused_hears_of_room_once_and_in_turn() {
    let mut config = Config::default();
    config.send_buffer_bytes = 20_000;
    let mut pair = common::establish(common::pair_with(&config, 14));
    let write = |pair: &mut Peers, stream: u16| {
        let now = pair.now();
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(53));
        let options = avocet_sctp::SendOptions::ordered();
        let association = &mut pair.a_mut().association;
        association.send(now, stream, ppid, &[0; 4000], options)
    };
    while write(&mut pair, 1).is_ok() {}
    for stream in [9, 3, 9, 5, 1] {
        assert_eq!(write(&mut pair, stream), Err(SendError::Full));
    }
    pair.a_mut().events.clear();
    let writable = |pair: &Peers| {
        let events = pair.a().events.iter();
        let streams = events.filter_map(|event| match event {
            Event::Writable(stream) => Some(stream.get()),
            _ => None,
        });
        streams.collect::<Vec<_>>()
    };
    pair.run_for(Duration::from_secs(1));
    assert_eq!(writable(&pair), [1, 9, 3, 5]);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(writable(&pair).len(), 4, "once");
    // Whoever was served may fill the buffer again; the others stand before it then.
    while write(&mut pair, 1).is_ok() {}
    assert_eq!(write(&mut pair, 3), Err(SendError::Full));
    pair.a_mut().events.clear();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(writable(&pair), [1, 3]);
}

#[test]
fn a_single_lost_packet_is_repaired_without_a_timeout() {
    let mut pair = established(5);
    let mut count = 0;
    pair.network().intercept(move |packet| {
        count += u32::from(packet.bytes.len() > 1000);
        if packet.bytes.len() > 1000 && count == 3 {
            netsim::Verdict::Drop
        } else {
            netsim::Verdict::Pass
        }
    });
    let now = pair.now();
    pair.a_mut().send(now, 0, &[9; 12_000]);
    assert!(pair.run_until(Duration::from_millis(130), |pair| {
        pair.b().messages.len() == 1
    }));
    assert_eq!(pair.a().association.stats().retransmission_timeouts, 0);
}

#[test]
fn a_lost_tail_is_repaired_without_a_timeout() {
    let mut pair = established(8);
    let now = pair.now();
    pair.a_mut().send(now, 0, &[1; 12_000]);
    pair.run_for(Duration::from_secs(2));
    let mut count = 0;
    pair.network().intercept(move |packet| {
        let data = packet.bytes.len() > 300;
        count += u32::from(data);
        // The last three of six packets.
        if data && (4..=6).contains(&count) {
            netsim::Verdict::Drop
        } else {
            netsim::Verdict::Pass
        }
    });
    let now = pair.now();
    pair.a_mut().send(now, 0, &[2; 6_900]);
    assert!(pair.run_until(Duration::from_millis(350), |pair| {
        pair.b().messages.len() == 2
    }));
    assert_eq!(pair.a().association.stats().retransmission_timeouts, 0);
}

#[test]
fn a_rate_limit_holds_and_can_be_lifted() {
    let mut pair = established(9);
    let now = pair.now();
    pair.a_mut().association.set_rate_limit(Some(800_000));
    pair.a_mut().send(now, 0, &[1; 200_000]);
    pair.a_mut().send(now, 0, &[1; 200_000]);
    pair.run_for(Duration::from_millis(1800));
    assert_eq!(pair.b().messages.len(), 0);
    pair.run_for(Duration::from_millis(400));
    assert_eq!(pair.b().messages.len(), 1);
    pair.a_mut().association.set_rate_limit(None);
    pair.run_for(Duration::from_millis(400));
    assert_eq!(pair.b().messages.len(), 2);
}

/// P-16: a window that rested for a while is not trusted any more.
#[test]
fn a_pause_takes_the_window_back_to_where_it_began() {
    for congestion in [
        CongestionAlgorithm::NewReno,
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::Ledbat,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        let mut config = Config::default();
        config.congestion = congestion;
        let mut pair = common::establish(common::pair_with(&config, 11));
        let initial = pair.a().association.stats().congestion_window_bytes;
        let now = pair.now();
        pair.a_mut().send(now, 0, &[1; 262_144]);
        pair.run_for(Duration::from_secs(2));
        let grown = pair.a().association.stats().congestion_window_bytes;
        assert!(grown > 2 * initial, "{congestion:?}: {grown}");
        pair.run_for(Duration::from_secs(60));
        let now = pair.now();
        pair.a_mut().send(now, 0, &[1; 100]);
        pair.run_for(Duration::from_millis(1));
        let rested = pair.a().association.stats().congestion_window_bytes;
        assert!(rested <= initial, "{congestion:?}: {rested}");
    }
}

/// P-40.
#[test]
fn another_path_begins_with_the_first_window() {
    let mut pair = established(10);
    let initial = pair.a().association.stats().congestion_window_bytes;
    let now = pair.now();
    pair.a_mut().send(now, 0, &[1; 200_000]);
    pair.run_for(Duration::from_secs(2));
    assert!(pair.a().association.stats().congestion_window_bytes > initial);
    let now = pair.now();
    pair.a_mut().association.on_path_change(now);
    let stats = pair.a().association.stats();
    assert_eq!(
        (stats.congestion_window_bytes, stats.round_trip),
        (initial, None)
    );
}

/// C-17, P-30.
#[test]
fn an_idle_path_is_probed_and_a_dead_one_is_given_up() {
    let mut pair = established(6);
    pair.run_for(Duration::from_secs(300));
    assert!(both_established(&pair));
    let sent = pair.sent();
    pair.run_for(Duration::from_secs(300));
    let probes = pair.sent() - sent;
    assert!((30..=44).contains(&probes), "{probes}");
    pair.network().intercept(|_| netsim::Verdict::Drop);
    pair.run_for(Duration::from_secs(400));
    assert!(pair.a().association.close_reason().is_some());
    assert!(pair.b().association.close_reason().is_some());
}
