//! When acknowledgements leave and what they say (RFC 9260 §6.2), and how packets are filled (§6.10).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{Chunk, ChunkType, DataChunk, RawChunk};
use avocet_sctp::packet::Packet;
use avocet_sctp::{Config, Ppid, SendOptions, StreamId, Tsn};
use common::raw::{Victim, chunks, data, sacks};
use common::{Peers, established};

/// Supports FORWARD-TSN, and the next acknowledgement may be put off.
fn patient() -> Victim {
    let mut victim = Victim::established_with(Config::default(), &[0xc0, 0, 0, 4]);
    victim.hear(&[data(1, 1, 0, true, true, b"first")]);
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim.hear(&[data(2, 1, 1, true, true, b"second")]);
    assert!(victim.say_all().is_empty());
    victim.pass(Duration::from_millis(200));
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim
}

/// P-10: nothing is put off where something is missing or came twice, where the peer asks for it, or gave something up, and not after a
/// pause either.
#[test]
fn what_cannot_wait_is_acknowledged_at_once() {
    let mut victim = patient();
    victim.hear(&[data(4, 1, 3, true, true, b"beyond a gap")]);
    let said = victim.say_all();
    let sack = sacks(&said)[0];
    let blocks = sack.gap_ack_blocks();
    let blocks = blocks.map(|block| (block.start, block.end));
    assert!(blocks.eq([(2, 2)]));
    victim.hear(&[data(3, 1, 2, true, true, b"which is filled")]);
    assert_eq!(sacks(&victim.say_all())[0].cumulative_tsn_ack, Tsn::new(4));

    let mut victim = patient();
    victim.hear(&[data(1, 1, 0, true, true, b"first")]);
    let said = victim.say_all();
    assert!(sacks(&said)[0].duplicates().eq([Tsn::new(1)]));

    let mut victim = patient();
    let Chunk::Data(chunk) = data(3, 1, 2, true, true, b"answer this") else {
        panic!("DATA");
    };
    victim.hear(&[Chunk::Data(DataChunk {
        immediate: true,
        ..chunk
    })]);
    assert_eq!(sacks(&victim.say_all())[0].cumulative_tsn_ack, Tsn::new(3));

    let mut victim = patient();
    let raw = RawChunk {
        kind: ChunkType::FORWARD_TSN,
        flags: 0,
        value: &[0, 0, 0, 9],
    };
    victim.hear(&[Chunk::Unknown(raw)]);
    assert_eq!(sacks(&victim.say_all())[0].cumulative_tsn_ack, Tsn::new(9));

    let mut victim = patient();
    victim.pass(Duration::from_secs(10));
    victim.say_all();
    victim.hear(&[data(3, 1, 2, true, true, b"after a pause")]);
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim.hear(&[data(4, 1, 3, true, true, b"and another")]);
    assert!(victim.say_all().is_empty());
}

/// P-10: where timeouts are short an acknowledgement is not put off for longer than half of one.
#[test]
fn a_short_timeout_shortens_the_delay() {
    let mut config = Config::default();
    config.rto_min = Duration::from_millis(100);
    let mut victim = Victim::established(config);
    victim.send(1, b"measure");
    victim.say_all();
    victim.pass(Duration::from_millis(10));
    victim.acknowledge(1, 1 << 20, &[], &[]);
    victim.hear(&[data(1, 1, 0, true, true, b"first")]);
    assert_eq!(sacks(&victim.say_all()).len(), 1);
    victim.hear(&[data(2, 1, 1, true, true, b"second")]);
    victim.pass(Duration::from_millis(50));
    assert!(victim.say_all().is_empty());
    // The timeout is 10 ms and four times the least variance, of 28 ms.
    victim.pass(Duration::from_millis(11));
    assert_eq!(sacks(&victim.say_all()).len(), 1);
}

/// P-12: as many gaps as there may be fit into one packet, duplicates included.
#[test]
fn an_acknowledgement_fits_into_a_packet() {
    let mut victim = patient();
    for tsn in (4..2_000).step_by(2) {
        victim.hear(&[data(tsn, 1, 0, true, true, b"x")]);
        victim.hear(&[data(tsn, 1, 0, true, true, b"x")]);
    }
    let said = victim.say_all();
    assert_eq!(said.len(), 1);
    assert!(said[0].len() <= Config::default().mtu, "{}", said[0].len());
    let sack = sacks(&said)[0];
    assert!(sack.gap_ack_blocks().len() >= 250);
    assert!(sack.duplicates().len() <= 20);
}

/// P-21, P-22: a buffer that is full is said to be, and one that is read from is said to be open before anybody asks.
#[test]
fn a_full_buffer_is_said_to_be_full_and_a_read_one_to_be_open() {
    let mut victim = Victim::established(Config::default());
    let mut tsn = 1;
    let mut windows = Vec::new();
    while victim.association.stats().dropped.window_overruns == 0 {
        let ssn = (tsn - 1) as u16;
        victim.hear(&[data(tsn, 1, ssn, true, true, &[7; 1000])]);
        windows.extend(sacks(&victim.say_all()).iter().map(|sack| sack.a_rwnd));
        tsn += 1;
    }
    // Another one of these would not fit.
    assert!(*windows.last().unwrap() < 1_000 + 256, "{windows:?}");
    assert!(windows.is_sorted_by(|a, b| a >= b), "{windows:?}");
    // A small message more or less is not worth a word; where nothing fits a packet's worth is, and then some packets' worth.
    let stream = StreamId::new(1);
    let mut read_until_told = || {
        for read in 1.. {
            victim.association.recv(victim.now, stream).unwrap();
            let said = victim.say_all();
            if !said.is_empty() {
                return (read, sacks(&said)[0].a_rwnd);
            }
        }
        (0, 0)
    };
    let (first, window) = read_until_told();
    assert!(first == 2 && window >= 1_000, "{first} {window}");
    let (second, window) = read_until_told();
    assert!(
        (4..=6).contains(&second) && window >= 5_000,
        "{second} {window}"
    );
}

/// P-33: what is small travels together, in packets as large as may be.
#[test]
fn small_messages_share_packets() {
    let mut pair = established(1);
    let now = pair.now();
    pair.network().start_recording();
    for number in 0..60 {
        pair.a_mut().send(now, number % 4, &[7; 100]);
    }
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().messages.len(), 60);
    let packets = pair.network().recorded();
    let sizes = packets
        .iter()
        .map(|packet| packet.bytes.len())
        .filter(|size| *size > 100)
        .collect::<Vec<_>>();
    // 60 chunks of 116 or 120 bytes in packets of 1,191: nine or ten in each.
    assert!(sizes.len() <= 7, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= Config::default().mtu));
}

/// P-33: an INIT, an INIT ACK and a SHUTDOWN COMPLETE stand alone, whatever else there is to say.
#[test]
fn what_must_stand_alone_does() {
    let mut pair = common::pair(2);
    pair.network().start_recording();
    common::connect_both(&mut pair);
    let now = pair.now();
    pair.a_mut().send(now, 1, b"early");
    pair.b_mut().send(now, 1, b"early");
    pair.run_for(Duration::from_millis(500));
    let now = pair.now();
    pair.a_mut().send(now, 1, b"late");
    pair.a_mut().association.shutdown(now);
    let ended = |pair: &Peers| pair.b().association.close_reason().is_some();
    assert!(pair.run_until(Duration::from_secs(5), ended));
    let mut alone = [0; 3];
    for packet in pair.network().recorded() {
        let kinds = chunks(&packet.bytes);
        for chunk in &kinds {
            let index = match chunk {
                Chunk::Init(_) => 0,
                Chunk::InitAck(_) => 1,
                Chunk::ShutdownComplete(_) => 2,
                _ => continue,
            };
            assert_eq!(kinds.len(), 1, "{kinds:?}");
            alone[index] += 1;
        }
    }
    assert!(alone.iter().all(|count| *count > 0), "{alone:?}");
}

/// P-26: what is given up on more streams than one packet can name is made known in packets of the usual size, and nothing waits for it.
#[test]
fn a_list_of_skipped_streams_fits_into_a_packet() {
    for interleaving in [false, true] {
        let mut config = Config::default();
        config.interleaving = interleaving;
        let mut pair = common::establish(common::pair_with(&config, 3));
        pair.network().start_recording();
        pair.network().intercept(|packet| {
            let decoded = Packet::decode(&packet.bytes).unwrap();
            let carries_data = decoded
                .chunks()
                .flatten()
                .any(|raw| [0, 64].contains(&raw.kind.0));
            if carries_data {
                netsim::Verdict::Drop
            } else {
                netsim::Verdict::Pass
            }
        });
        let lifetime = avocet_sctp::Reliability::Lifetime(Duration::from_millis(500));
        let options = SendOptions::ordered().with_reliability(lifetime);
        for stream in 0..800 {
            let (now, stream) = (pair.now(), StreamId::new(stream));
            let association = &mut pair.a_mut().association;
            association
                .send(now, stream, Ppid::new(53), b"lost", options)
                .unwrap();
        }
        pair.run_for(Duration::from_secs(5));
        pair.network().pass_all();
        let now = pair.now();
        for stream in 0..800 {
            pair.a_mut().send(now, stream, b"there");
        }
        pair.run_for(Duration::from_secs(10));
        assert_eq!(pair.b().messages.len(), 800);
        let packets = pair.network().recorded();
        let largest = packets.iter().map(|packet| packet.bytes.len()).max();
        assert!(largest <= Some(config.mtu), "{largest:?}");
    }
}
