//! Whether the peer is there, and what it may ask for without end (RFC 9260 §8).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{Chunk, ChunkType, HeartbeatAckChunk, HeartbeatChunk, RawChunk};
use avocet_sctp::{Config, Event, StreamId};
use common::raw::{Victim, chunks, data, sacks};

/// The information of the next HEARTBEAT, and after which time it came.
fn next_heartbeat(victim: &mut Victim) -> (Duration, Vec<u8>) {
    let begun = victim.now;
    loop {
        let due = victim.association.poll_timeout().unwrap();
        victim.now = due;
        victim.association.handle_timeout(due);
        for packet in victim.say_all() {
            if let Chunk::Heartbeat(heartbeat) = chunks(&packet)[0] {
                return (due - begun, heartbeat.info.to_vec());
            }
        }
    }
}

/// P-30: a silent path is asked every 30 s, give or take half a timeout by chance, and only the answer with the right nonce is one.
#[test]
fn a_heartbeat_is_asked_for_by_chance_and_answered_by_its_nonce() {
    let mut victim = Victim::established(Config::default());
    let mut waits = Vec::new();
    for _ in 0..10 {
        let (waited, info) = next_heartbeat(&mut victim);
        waits.push(waited);
        let before = victim.association.stats().dropped.unexpected;
        let mut guessed = info.clone();
        guessed[11] ^= 1;
        victim.now += Duration::from_millis(10);
        let answer = Chunk::HeartbeatAck(HeartbeatAckChunk { info: &guessed });
        victim.hear(&[answer]);
        assert_eq!(victim.association.stats().dropped.unexpected, before + 1);
        let first = waits.len() == 1;
        assert_eq!(victim.association.stats().round_trip.is_none(), first);
        victim.hear(&[Chunk::HeartbeatAck(HeartbeatAckChunk { info: &info })]);
        let round_trip = victim.association.stats().round_trip.unwrap();
        assert_eq!(round_trip.as_millis(), 10);
    }
    let seconds = |wait: &Duration| (29.9..31.6).contains(&wait.as_secs_f64());
    assert!(waits.iter().all(seconds), "{waits:?}");
    // The timeout is the least one by now.
    let mut waits = waits.split_off(5);
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 2, "{waits:?}");
}

/// C-10, C-13: what does not fit into a packet is not echoed, and no more than four answers wait.
#[test]
fn answers_to_heartbeats_are_few_and_fit_into_a_packet() {
    let mut victim = Victim::established(Config::default());
    let large = [7; 1191 - 12 - 4 + 1];
    victim.hear(&[Chunk::Heartbeat(HeartbeatChunk { info: &large })]);
    assert_eq!(victim.say(), None);
    assert_eq!(victim.association.stats().dropped.malformed, 1);
    let largest = &large[..1172];
    victim.hear(&[Chunk::Heartbeat(HeartbeatChunk { info: largest })]);
    let said = victim.say_all();
    assert!(matches!(chunks(&said[0])[..], [Chunk::HeartbeatAck(ack)] if ack.info == largest));
    assert!(said[0].len() <= Config::default().mtu);
    victim.hear(&[Chunk::Heartbeat(HeartbeatChunk { info: &[0; 8] }); 10]);
    let said = victim.say_all();
    assert_eq!(
        said.iter()
            .map(|packet| chunks(packet).len())
            .sum::<usize>(),
        4
    );
    assert_eq!(victim.association.stats().dropped.replies, 6);
}

/// P-31: data that comes after our SHUTDOWN is acknowledged with another one at once (RFC 9260 §9.2).
#[test]
fn data_after_a_shutdown_is_answered_with_another_one() {
    let mut victim = Victim::established(Config::default());
    victim.association.shutdown(victim.now);
    let said = victim.say_all();
    assert!(matches!(chunks(&said[0])[..], [Chunk::Shutdown(_)]));
    victim.hear(&[data(1, 1, 0, true, true, b"late")]);
    let said = victim.say_all();
    assert_eq!(sacks(&said).len(), 1);
    let heard = chunks(&said[0]);
    assert!(
        heard
            .iter()
            .any(|chunk| matches!(chunk, Chunk::Shutdown(_))),
        "{heard:?}"
    );
    let read = victim.association.recv(victim.now, StreamId::new(1));
    assert_eq!(read.unwrap().data, b"late"[..]);
}

/// P-32: what follows a chunk that cannot be read is not looked at.
#[test]
fn what_follows_a_chunk_that_cannot_be_read_is_dropped() {
    let mut victim = Victim::established(Config::default());
    // A SACK that promises a gap ack block and has none.
    let value = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0];
    let raw = RawChunk {
        kind: ChunkType::SACK,
        flags: 0,
        value: &value,
    };
    victim.hear(&[Chunk::Unknown(raw), data(1, 1, 0, true, true, b"x")]);
    assert!(
        victim
            .association
            .recv(victim.now, StreamId::new(1))
            .is_none()
    );
    assert_eq!(victim.association.stats().dropped.malformed, 1);
    assert!(victim.is_alive(1));
}

/// M-3: a lost probe says nothing about the peer, however many there are and although nothing is heard meanwhile.
#[test]
fn lost_probes_do_not_count_against_the_peer() {
    let mut config = Config::default();
    config.heartbeat_interval = Duration::from_secs(3600);
    let mut victim = Victim::established(config);
    for _ in 0..20 {
        victim.association.probe(victim.now, 1400).unwrap();
        assert_eq!(victim.say_all().len(), 1);
        victim.pass(Duration::from_secs(4));
        assert_eq!(victim.events(), [Event::ProbeLost { bytes: 1400 }]);
    }
    assert!(victim.association.is_established());
}
