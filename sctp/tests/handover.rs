//! INIT in the description (SNAP), hand-over to another process, and resets that the peer wishes for.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{
    Chunk, ChunkType, Chunks, IncomingResetRequest, Parameters, ReConfigChunk,
};
use avocet_sctp::{
    Association, Config, Direction, Event, HandoverError, Ppid, RemoteInitError, SendOptions,
    StreamId,
};
use common::raw::{Victim, chunks, data};
use common::{Peer, Peers, established, pair};

const STREAM: StreamId = StreamId::new(1);

/// P-8: with both INITs known beforehand, data is the first thing that is said, and it is answered.
#[test]
fn an_init_from_the_description_replaces_the_handshake() {
    let mut pair = pair(1);
    pair.network().start_recording();
    let inits = [
        pair.a().association.local_init(),
        pair.b().association.local_init(),
    ];
    let now = pair.now();
    pair.a_mut().send(now, 1, b"first");
    pair.a_mut()
        .association
        .connect_with(now, &inits[1], None)
        .unwrap();
    pair.b_mut()
        .association
        .connect_with(now, &inits[0], None)
        .unwrap();
    assert!(pair.a().association.is_established());
    pair.run_for(Duration::from_millis(60));
    assert_eq!(pair.b().read(1), [b"first"]);
    let kinds = pair
        .network()
        .recorded()
        .iter()
        .map(|packet| packet.bytes[12]);
    assert!(
        kinds
            .collect::<Vec<_>>()
            .iter()
            .all(|kind| *kind == 64 || *kind == 3)
    );
    assert!(pair.a().association.stats().interleaving);
    let now = pair.now();
    let again = pair.a_mut().association.connect_with(now, &inits[1], None);
    assert_eq!(again, Err(RemoteInitError::Begun));
}

/// P-8: ours is the same whenever it is asked for, and the same that goes over the wire without SNAP.
#[test]
fn the_init_of_the_description_is_the_init_of_the_wire() {
    let mut peer = Peer::new(Config::default(), 7);
    let told = peer.association.local_init();
    assert!(told.len() * 4 / 3 < 2048);
    assert_eq!(told, peer.association.local_init());
    peer.association.connect(netsim::epoch(), None);
    let mut buf = Vec::new();
    peer.association
        .poll_transmit(netsim::epoch(), &mut buf)
        .unwrap();
    assert_eq!(buf[12..], told);
}

/// P-8: the one of a browser (Chromium 156, with the field trial) is taken; what is none is refused, and nothing happened.
#[test]
fn inits_of_descriptions_are_looked_at() {
    let mut chromium = vec![0x01, 0, 0, 0x1e, 0x41, 0x85, 0xfc, 0xd2, 0, 0x50, 0, 0];
    chromium.extend_from_slice(&[
        0xff, 0xff, 0xff, 0xff, 0xdf, 0xcb, 0xdd, 0x22, 0xb0, 0, 0, 0x04,
    ]);
    chromium.truncate(20);
    chromium[2..4].copy_from_slice(&20u16.to_be_bytes());
    let now = netsim::epoch();
    let mut association = Peer::new(Config::default(), 1).association;
    for length in 0..chromium.len() {
        let refused = association.connect_with(now, &chromium[..length], None);
        assert!(
            matches!(refused, Err(RemoteInitError::Malformed(_))),
            "{length}"
        );
    }
    let mut impossible = chromium.clone();
    impossible[4..8].fill(0);
    let refused = association.connect_with(now, &impossible, None);
    assert_eq!(refused, Err(RemoteInitError::Incompatible));
    association.connect_with(now, &chromium, None).unwrap();
    assert!(association.is_established());
}

/// P-8: what the first packet costs when it is lost or comes too early: a timeout of three round trips, not a second.
#[test]
fn data_that_comes_before_the_peer_is_ready_is_said_again() {
    let mut pair = pair(2);
    let inits = [
        pair.a().association.local_init(),
        pair.b().association.local_init(),
    ];
    let now = pair.now();
    let round_trip = Some(Duration::from_millis(40));
    pair.a_mut().send(now, 1, b"first");
    pair.a_mut()
        .association
        .connect_with(now, &inits[1], round_trip)
        .unwrap();
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    pair.b_mut()
        .association
        .connect_with(now, &inits[0], round_trip)
        .unwrap();
    assert!(pair.run_until(Duration::from_millis(900), |pair| {
        !pair.b().messages.is_empty()
    }));
}

/// P-38: another process goes on, in both directions, with the numbers of the streams.
#[test]
fn an_association_moves_to_another_process() {
    let mut pair = established(3);
    let now = pair.now();
    for byte in 0..5 {
        pair.a_mut().send(now, 1, &[byte; 5000]);
        pair.b_mut().send(now, 2, &[byte; 5000]);
        pair.a_mut().send_unordered(now, 3, &[byte; 50]);
    }
    assert_eq!(pair.a().association.hand_over(), Err(HandoverError::Busy));
    pair.run_for(Duration::from_secs(2));
    let bytes = pair.a().association.hand_over().unwrap();
    let now = pair.now();
    let taken = Association::take_over(Config::default(), [9; 32], now, &bytes).unwrap();
    pair.a_mut().association = taken;
    assert!(pair.a().association.is_established());
    for byte in 5..8 {
        pair.a_mut().send(now, 1, &[byte; 5000]);
        pair.b_mut().send(now, 2, &[byte; 5000]);
        pair.a_mut().send_unordered(now, 3, &[byte; 50]);
    }
    pair.run_for(Duration::from_secs(2));
    let firsts = |peer: &Peer, stream| {
        peer.read(stream)
            .iter()
            .map(|data| data[0])
            .collect::<Vec<_>>()
    };
    assert_eq!(firsts(pair.b(), 1), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(firsts(pair.a(), 2), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(pair.b().read(3).len(), 8);
    // A reset and an end still work.
    let now = pair.now();
    pair.a_mut()
        .association
        .reset_streams(now, &[STREAM])
        .unwrap();
    pair.run_for(Duration::from_secs(1));
    let reset = Event::StreamsReset {
        direction: Direction::Incoming,
        streams: vec![STREAM],
    };
    assert!(pair.b().has(&reset));
    let now = pair.now();
    pair.b_mut().association.shutdown(now);
    pair.run_for(Duration::from_secs(2));
    assert!(pair.a().association.close_reason().is_some());
}

/// P-38: a stream that was refused stays refused in the other process.
#[test]
fn a_refused_stream_moves_as_what_it_is() {
    let mut victim = Victim::established(Config::default());
    victim.association.refuse_stream(victim.now, STREAM);
    victim.say_all();
    let bytes = victim.association.hand_over().unwrap();
    victim.association =
        Association::take_over(Config::default(), [9; 32], victim.now, &bytes).unwrap();
    victim.hear(&[data(1, 1, 0, true, true, b"refused")]);
    assert_eq!(victim.association.recv(victim.now, STREAM), None);
    assert_eq!(victim.association.stats().dropped.refused_stream, 1);
    assert!(victim.is_alive(2));
}

#[test]
fn what_is_no_hand_over_is_refused() {
    let now = netsim::epoch();
    let fresh = Peer::new(Config::default(), 1).association;
    assert_eq!(fresh.hand_over(), Err(HandoverError::NotEstablished));
    let pair = established(4);
    let bytes = pair.a().association.hand_over().unwrap();
    for length in 0..bytes.len() {
        let cut = Association::take_over(Config::default(), [1; 32], now, &bytes[..length]);
        assert!(cut.is_err(), "{length}");
    }
    let mut other = bytes;
    other[0] = 99;
    assert!(Association::take_over(Config::default(), [1; 32], now, &other).is_err());
}

/// P-28: the peer's wish that our streams begin anew is honoured.
#[test]
fn a_wish_for_a_reset_is_honoured() {
    let mut victim = Victim::established(Config::default());
    let (now, ppid) = (victim.now, Ppid::new(53));
    victim
        .association
        .send(now, STREAM, ppid, b"x", SendOptions::ordered())
        .unwrap();
    victim.say_all();
    let wish = [0, 14, 0, 10, 0, 0, 0, 1, 0, 1];
    let request = IncomingResetRequest::decode(&wish[4..]).unwrap();
    assert!(request.streams().eq([STREAM]));
    let mut parameters = Vec::new();
    request.encode(&mut parameters);
    assert_eq!(parameters[..10], wish);
    let chunk = Chunk::ReConfig(ReConfigChunk {
        parameters: Parameters(&parameters),
    });
    victim.hear(&[chunk]);
    let said = victim.say_all().concat();
    let mut kinds = Chunks::new(&said[12..]);
    assert_eq!(kinds.next().unwrap().unwrap().kind, ChunkType::RE_CONFIG);
    // Our own request follows, and is what answers the wish.
    victim.hear(&[]);
    let outgoing = |victim: &mut Victim| {
        let packets = victim.say_all();
        let said = packets.iter().flat_map(|packet| chunks(packet));
        let mut requests = said.filter_map(|chunk| match chunk {
            Chunk::ReConfig(chunk) => chunk.parameters.flatten().next(),
            _ => None,
        });
        requests.any(|parameter| parameter.kind.0 == 13)
    };
    let mut asked = said.windows(2).any(|pair| pair == [0, 13]);
    for _ in 0..5 {
        victim.pass(Duration::from_millis(1000));
        asked |= outgoing(&mut victim);
    }
    assert!(asked);
    let sent = victim
        .association
        .send(victim.now, STREAM, ppid, b"x", SendOptions::ordered());
    assert_eq!(sent, Err(avocet_sctp::SendError::Resetting));
}

/// C-14, in 10,000 seeds where `AVOCET_FULL_MATRIX` is set: INITs that cross, under loss, always lead to one association.
#[test]
fn inits_that_cross_meet() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    let seeds = if full { 10_000 } else { 200 };
    for seed in 0..seeds {
        let mut pair = common::pair_on(netsim::Profile::Loss30, seed);
        common::connect_both(&mut pair);
        let both = |pair: &Peers| common::both_established(pair);
        assert!(
            pair.run_until(Duration::from_secs(120), both),
            "seed {seed}"
        );
    }
}
