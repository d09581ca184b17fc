//! Packet sizes: probes (RFC 8899, RFC 4820), another size, a path that became narrower.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{Chunk, ChunkType, Chunks};
use avocet_sctp::{Config, Event, ProbeError};
use common::raw::{Victim, chunks};
use common::{Peers, established};
use netsim::Verdict;

fn narrow(pair: &mut Peers, bytes: usize) {
    pair.network().intercept(move |packet| {
        if packet.bytes.len() > bytes {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
}

fn probe(pair: &mut Peers, bytes: usize) -> Result<(), ProbeError> {
    let now = pair.now();
    pair.a_mut().association.probe(now, bytes)
}

/// M-3: a probe has the size that was asked for, is answered by any SCTP, and its size is reported.
#[test]
fn a_probe_that_gets_through_is_acknowledged() {
    let mut pair = established(1);
    pair.network().start_recording();
    probe(&mut pair, 1400).unwrap();
    assert_eq!(probe(&mut pair, 1400), Err(ProbeError::Busy));
    pair.run_for(Duration::from_millis(500));
    assert!(pair.a().has(&Event::ProbeAcknowledged { bytes: 1400 }));
    let sizes = pair
        .network()
        .recorded()
        .iter()
        .map(|packet| packet.bytes.len());
    let sizes = sizes.collect::<Vec<_>>();
    assert!(sizes.contains(&1400), "{sizes:?}");
    // The answer is small: the way back is not what is tried.
    assert_eq!(sizes.iter().filter(|size| **size > 100).count(), 1);
    assert_eq!(probe(&mut pair, 100), Err(ProbeError::Size));
    probe(&mut pair, 1452).unwrap();
    pair.run_for(Duration::from_millis(500));
    assert!(pair.a().has(&Event::ProbeAcknowledged { bytes: 1452 }));
}

/// M-3: a lost probe is reported, and neither the window nor the peer's credit suffers.
#[test]
fn a_probe_that_is_lost_costs_nothing() {
    let mut pair = established(2);
    narrow(&mut pair, 1300);
    let before = pair.a().association.stats();
    for _ in 0..20 {
        probe(&mut pair, 1400).unwrap();
        pair.run_for(Duration::from_secs(4));
    }
    assert!(pair.a().has(&Event::ProbeLost { bytes: 1400 }));
    let after = pair.a().association.stats();
    assert_eq!(
        after.congestion_window_bytes,
        before.congestion_window_bytes
    );
    assert_eq!(after.retransmission_timeouts, 0);
    assert!(pair.a().association.is_established());
}

#[test]
fn packets_take_the_size_that_was_set() {
    let mut pair = established(3);
    for bytes in [1400, 600, 1191] {
        let now = pair.now();
        pair.a_mut().association.set_max_datagram(now, bytes);
        assert_eq!(pair.a().association.max_datagram(), bytes);
        let already = pair.network().recorded().len();
        pair.network().start_recording();
        pair.a_mut().send(now, 1, &[7; 20_000]);
        pair.run_for(Duration::from_secs(2));
        let sizes = pair.network().recorded()[already..].iter();
        let largest = sizes.map(|packet| packet.bytes.len()).max();
        assert_eq!(largest, Some(bytes & !3));
    }
    assert_eq!(pair.b().read(1), [[7; 20_000]; 3]);
}

/// C-17, RFC 8899 §4.3: full packets that vanish while small ones pass are told from congestion, and a smaller size brings new data through.
#[test]
fn a_path_that_became_narrower_is_noticed() {
    let mut pair = established(4);
    let now = pair.now();
    pair.a_mut().association.set_max_datagram(now, 1400);
    pair.a_mut().send(now, 1, &[1; 100_000]);
    pair.run_for(Duration::from_secs(1));
    narrow(&mut pair, 1250);
    let now = pair.now();
    pair.a_mut().send(now, 1, &[2; 5_000]);
    let hole = Event::BlackHole { bytes: 1400 };
    assert!(pair.run_until(Duration::from_secs(20), |pair| pair.a().has(&hole)));
    // What was sent in larger packets cannot be cut (RFC 9260 §6.9): the layer below lets those be fragmented from now on.
    let now = pair.now();
    pair.a_mut().association.set_max_datagram(now, 1191);
    pair.network().pass_all();
    pair.network().start_recording();
    pair.a_mut().send(now, 2, &[3; 5_000]);
    pair.run_for(Duration::from_secs(20));
    assert!(pair.b().read(2) == [[3; 5_000]] && pair.b().read(1).len() == 2);
    let packets = pair.network().recorded().iter();
    let large = packets.filter(|packet| packet.bytes.len() > 1191).count();
    // Only what was lost, not what is new.
    assert!((1..=8).contains(&large), "{large}");
}

/// Heavy loss at the configured size is no reason to look for a smaller one.
#[test]
fn random_loss_is_no_black_hole() {
    for seed in 0..4 {
        let mut pair = common::pair_on(netsim::Profile::Loss30, seed);
        common::connect_both(&mut pair);
        assert!(pair.run_until(Duration::from_secs(60), common::both_established));
        let now = pair.now();
        for _ in 0..20 {
            pair.a_mut().send(now, 1, &[1; 50_000]);
        }
        pair.run_for(Duration::from_secs(100));
        let hole = |event: &Event| matches!(event, Event::BlackHole { .. });
        assert!(!pair.a().events.iter().any(hole), "seed {seed}");
        assert_eq!(pair.b().read(1).len(), 20);
    }
}

/// RFC 8899 §4.3: nor is it at a size that was found, as long as full packets arrive in between.
#[test]
fn losses_of_full_packets_are_no_black_hole_while_others_arrive() {
    let mut pair = established(6);
    let now = pair.now();
    pair.a_mut().association.set_max_datagram(now, 1400);
    let mut link = netsim::LinkConfig::delayed(Duration::from_millis(20));
    link.loss = netsim::Loss::Random(0.05);
    pair.set_link(&link);
    for _ in 0..20 {
        let now = pair.now();
        pair.a_mut().send(now, 1, &[1; 50_000]);
        pair.run_for(Duration::from_secs(2));
    }
    let stats = pair.a().association.stats();
    assert!(stats.retransmitted_chunks > 20, "{stats:?}");
    let hole = |event: &Event| matches!(event, Event::BlackHole { .. });
    assert!(!pair.a().events.iter().any(hole));
}

/// P-40: another path begins with the configured size, and a probe of the old one is forgotten.
#[test]
fn another_path_begins_with_the_first_size() {
    let mut pair = established(5);
    let now = pair.now();
    pair.a_mut().association.set_max_datagram(now, 1400);
    probe(&mut pair, 1450).unwrap();
    pair.a_mut().association.on_path_change(now);
    assert_eq!(pair.a().association.max_datagram(), Config::default().mtu);
    probe(&mut pair, 1300).unwrap();
    pair.run_for(Duration::from_secs(1));
    assert!(pair.a().has(&Event::ProbeAcknowledged { bytes: 1300 }));
}

/// P-30: an answer with another nonce is none.
#[test]
fn an_answer_that_was_guessed_is_no_answer() {
    let mut victim = Victim::established(Config::default());
    victim.association.probe(victim.now, 1300).unwrap();
    let packet = victim.say().unwrap();
    let said = chunks(&packet);
    assert!(matches!(said[..], [Chunk::Heartbeat(_), Chunk::Pad(_)]));
    let mut ack = vec![ChunkType::HEARTBEAT_ACK.0, 0, 0, 20, 0, 1, 0, 13, 1];
    ack.extend_from_slice(&[0; 11]);
    let raw = Chunks::new(&ack).next().unwrap().unwrap();
    victim.hear(&[Chunk::decode(raw).unwrap()]);
    assert!(victim.events().is_empty());
    assert_eq!(victim.association.stats().dropped.unexpected, 1);
}
