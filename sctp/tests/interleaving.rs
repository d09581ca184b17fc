//! I-DATA and the schedulers (RFC 8260), and packets without a checksum (RFC 9653).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{Chunk, ForwardTsnChunk, IDataChunk, IForwardTsnChunk, Place};
use avocet_sctp::packet::Packet;
use avocet_sctp::{CloseCause, Config, Mid, Ordering, Ppid, Scheduler, StreamId, Tsn};
use common::raw::{Victim, data, sacks};
use common::{Peer, Peers, establish};
use netsim::{LinkConfig, Pair};

fn slow(config: &Config) -> Peers {
    let mut link = LinkConfig::delayed(Duration::from_millis(10));
    link.rate_bits = Some(2_000_000);
    link.queue_bytes = 20_000;
    let (a, b) = (Peer::new(config.clone(), 1), Peer::new(config.clone(), 2));
    establish(Pair::over(link, 1, a, b))
}

/// P-29: a short message overtakes a long one of another stream, and without I-DATA it waits.
#[test]
fn a_large_message_holds_nobody_up() {
    for interleaving in [true, false] {
        let mut config = Config::default();
        config.interleaving = interleaving;
        let mut pair = slow(&config);
        let now = pair.now();
        pair.a_mut().send(now, 1, &[1; 250_000]);
        pair.run_for(Duration::from_millis(100));
        let now = pair.now();
        pair.a_mut().send(now, 2, &[2; 100]);
        pair.run_for(Duration::from_secs(5));
        let order = pair.b().messages.iter();
        let order = order
            .map(|message| message.stream.get())
            .collect::<Vec<_>>();
        assert_eq!(order, if interleaving { [2, 1] } else { [1, 2] });
    }
}

/// P-29, P-22: large messages that mix are more than the first window together, and none can be read before the last pieces: the window gives way.
#[test]
fn large_messages_that_mix_do_not_block_each_other() {
    let (a, b) = (
        Peer::new(Config::default(), 1),
        Peer::new(Config::default(), 2),
    );
    let link = LinkConfig::delayed(Duration::from_millis(5));
    let mut pair = establish(Pair::over(link, 1, a, b));
    let now = pair.now();
    for stream in 0..7 {
        pair.a_mut().send(now, stream, &[stream as u8; 262_144]);
    }
    let all = |pair: &Peers| pair.b().messages.len() == 7;
    assert!(pair.run_until(Duration::from_secs(2), all));
    assert_eq!(pair.b().association.stats().unread_bytes, 0);
}

/// P-29, P-22: more large messages at once than the peer's window holds are sent so that it can finish some, whatever comes.
#[test]
fn large_messages_beyond_the_window_of_the_peer_do_not_block_each_other() {
    let mut small = Config::default();
    small.receive_window_bytes = 1 << 20;
    let (a, b) = (Peer::new(Config::default(), 1), Peer::new(small, 2));
    let link = LinkConfig::delayed(Duration::from_millis(5));
    let mut pair = establish(Pair::over(link, 1, a, b));
    for stream in 0..20 {
        let now = pair.now();
        pair.a_mut().send(now, stream, &[stream as u8; 262_144]);
        if stream % 5 == 4 {
            pair.run_for(Duration::from_millis(500));
        }
    }
    let all = |pair: &Peers| pair.b().messages.len() == 20;
    assert!(pair.run_until(Duration::from_secs(5), all));
}

/// P-29, C-11: bytes in proportion to the weights while all have something to send.
#[test]
fn streams_get_their_share() {
    let mut pair = slow(&Config::default());
    for (stream, weight) in [(1, 128), (2, 256), (3, 512), (4, 1024)] {
        let association = &mut pair.a_mut().association;
        association.set_stream_weight(StreamId::new(stream), weight);
        let now = pair.now();
        for _ in 0..300 {
            pair.a_mut().send(now, stream, &[0; 1000]);
        }
    }
    let enough = |pair: &Peers| pair.b().messages.len() >= 375;
    assert!(pair.run_until(Duration::from_secs(10), enough));
    let shares = [1, 2, 3, 4].map(|stream| pair.b().read(stream).len());
    for (share, expected) in shares.into_iter().zip([25usize, 50, 100, 200]) {
        assert!(share.abs_diff(expected) <= 5, "{shares:?}");
    }
}

#[test]
fn the_heaviest_stream_goes_first_when_priorities_are_strict() {
    let mut config = Config::default();
    config.scheduler = Scheduler::Priority;
    let mut pair = slow(&config);
    let association = &mut pair.a_mut().association;
    association.set_stream_weight(StreamId::new(2), 1024);
    let now = pair.now();
    pair.a_mut().send(now, 1, &[1; 100_000]);
    pair.a_mut().send(now, 2, &[2; 100_000]);
    pair.run_for(Duration::from_secs(5));
    let order = pair.b().messages.iter();
    assert!(order.map(|message| message.stream.get()).eq([2, 1]));
}

/// P-29: one that does not know I-DATA gets DATA.
#[test]
fn without_i_data_on_both_sides_data_is_used() {
    let mut old = Config::default();
    old.interleaving = false;
    let (a, b) = (Peer::new(Config::default(), 1), Peer::new(old, 2));
    let mut pair = establish(Pair::new(a, b));
    let now = pair.now();
    pair.a_mut().send(now, 1, &[1; 5000]);
    pair.b_mut().send(now, 1, &[2; 5000]);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().read(1), [[1; 5000]]);
    assert_eq!(pair.a().read(1), [[2; 5000]]);
    assert!(!pair.a().association.stats().interleaving);
}

/// C-05: DATA where I-DATA was agreed breaks the protocol; I-DATA where it was not is an unknown chunk.
#[test]
fn the_kinds_of_data_do_not_mix() {
    let mut victim = Victim::established_with(Config::default(), &[0x80, 8, 0, 7, 130, 64, 194, 0]);
    victim.hear(&[data(1, 1, 0, true, true, b"old")]);
    let reason = victim.association.close_reason().unwrap();
    assert_eq!(reason.cause, CloseCause::ProtocolViolation);

    let mut victim = Victim::established(Config::default());
    victim.hear(&[i_data(1, 0, 0, true, b"new")]);
    assert!(victim.association.is_established());
    assert_eq!(victim.association.stats().dropped.unknown, 1);
}

fn i_data(tsn: u32, mid: u32, fsn: u32, ending: bool, payload: &[u8]) -> Chunk<'_> {
    let place = if fsn == 0 {
        Place::Beginning(Ppid::new(53))
    } else {
        Place::Later(fsn)
    };
    Chunk::IData(IDataChunk {
        tsn: Tsn::new(tsn),
        stream: StreamId::new(1),
        mid: Mid::new(mid),
        place,
        ordering: Ordering::Ordered,
        ending,
        immediate: false,
        payload,
    })
}

/// C-05: pieces with gaps in their numbers wait within the window; numbers that contradict each other end the association.
#[test]
fn gaps_in_fragment_numbers_stay_within_the_window() {
    let mut victim = Victim::established_with(Config::default(), &[0x80, 8, 0, 7, 130, 64, 194, 0]);
    // Each message lacks its second piece, and none can be read.
    for message in 0..20_000u32 {
        let tsn = 1 + 2 * message;
        victim.hear(&[
            i_data(tsn, message, 0, false, &[1; 500]),
            i_data(tsn + 1, message, 2, false, &[1; 500]),
        ]);
        victim.say_all();
        if victim.association.close_reason().is_some() {
            break;
        }
        assert!(victim.association.stats().unread_bytes < (10 << 20) + (512 << 10));
    }
    let reason = victim.association.close_reason().unwrap();
    assert_eq!(reason.cause, CloseCause::OutOfResource);
}

/// C-05: the same where messages may mix: one that never ends is cut off with its stream, and pieces of a byte cost what they take.
#[test]
fn pieces_without_end_stay_within_the_window_where_messages_mix() {
    let parameters = [0x80, 8, 0, 7, 130, 64, 194, 0];
    let mut victim = Victim::established_with(Config::default(), &parameters);
    let mut tsn = 1;
    let growth = allocated(|| {
        while tsn < 10_000 {
            victim.hear(&[i_data(tsn, 0, tsn - 1, false, &[1; 1000])]);
            tsn += 1;
        }
    });
    assert!(growth <= (1 << 20) + (64 << 10), "{growth}");
    assert!(victim.association.is_established());
    assert!(victim.association.stats().dropped.refused_stream > 9_000);

    // A byte each of messages whose beginning is missing, of many and of one.
    for one in [false, true] {
        let mut victim = Victim::established_with(Config::default(), &parameters);
        let growth = allocated(|| {
            for number in 0..60_000u32 {
                let (message, fsn) = if one { (0, number + 1) } else { (number, 1) };
                victim.hear(&[i_data(number + 1, message, fsn, false, b"x")]);
                victim.say_all();
            }
        });
        let widest = Config::default().receive_window_bytes;
        assert!(growth <= widest / 4 * 5 + (320 << 10), "{one}: {growth}");
    }
}

/// C-07: FORWARD-TSN of the wrong kind, or not agreed upon, or far ahead, changes nothing; a long leap costs nothing.
#[test]
fn forward_tsn_leaps_are_bounded() {
    let forward = |tsn: u32| {
        let mut bytes = vec![192, 0, 0, 8];
        bytes.extend_from_slice(&tsn.to_be_bytes());
        bytes
    };
    let hear = |victim: &mut Victim, tsn: u32| {
        let bytes = forward(tsn);
        let raw = avocet_sctp::chunk::Chunks::new(&bytes)
            .next()
            .unwrap()
            .unwrap();
        victim.hear(&[Chunk::ForwardTsn(ForwardTsnChunk::decode(raw).unwrap())]);
    };
    let mut victim = Victim::established(Config::default());
    hear(&mut victim, 10);
    assert_eq!(victim.association.stats().dropped.forward_tsn, 1);
    assert!(victim.is_alive(1));

    // Of the wrong kind.
    let mixing = [0x80, 8, 0, 7, 130, 64, 194, 0, 0xc0, 0, 0, 4];
    let mut victim = Victim::established_with(Config::default(), &mixing);
    assert!(victim.association.stats().interleaving);
    hear(&mut victim, 10);
    assert_eq!(victim.association.stats().dropped.forward_tsn, 1);
    let mut victim = Victim::established_with(Config::default(), &[0xc0, 0, 0, 4]);
    let bytes = [194, 0, 0, 8, 0, 0, 0, 10];
    let raw = avocet_sctp::chunk::Chunks::new(&bytes).next();
    let forward = IForwardTsnChunk::decode(raw.unwrap().unwrap()).unwrap();
    victim.hear(&[Chunk::IForwardTsn(forward)]);
    assert_eq!(victim.association.stats().dropped.forward_tsn, 1);
    assert!(victim.is_alive(1));
    // An old one takes nothing back.
    for tsn in 2..6 {
        victim.hear(&[data(tsn, 1, tsn as u16 - 2, true, true, b"x")]);
    }
    victim.say_all();
    hear(&mut victim, 3);
    assert_eq!(sacks(&victim.say_all())[0].cumulative_tsn_ack, Tsn::new(5));
    // Streams that do not exist are not remembered.
    while victim
        .association
        .recv(victim.now, StreamId::new(1))
        .is_some()
    {}
    let before = victim.association.hand_over().unwrap().len();
    let mut bytes = vec![192, 0, 0, 12];
    bytes.extend_from_slice(&6u32.to_be_bytes());
    bytes.extend_from_slice(&[0, 77, 0, 3]);
    let raw = avocet_sctp::chunk::Chunks::new(&bytes).next();
    let forward = ForwardTsnChunk::decode(raw.unwrap().unwrap()).unwrap();
    victim.hear(&[Chunk::ForwardTsn(forward)]);
    assert_eq!(sacks(&victim.say_all())[0].cumulative_tsn_ack, Tsn::new(6));
    assert_eq!(victim.association.hand_over().unwrap().len(), before);

    let mut victim = Victim::established_with(Config::default(), &[0xc0, 0, 0, 4]);
    hear(&mut victim, 70_000);
    assert_eq!(victim.association.stats().dropped.forward_tsn, 1);
    hear(&mut victim, 60_000);
    hear(&mut victim, 120_000);
    assert_eq!(victim.association.stats().dropped.forward_tsn, 1);
    assert!(victim.is_alive(120_001));
}

/// Live bytes that `action` left on the heap.
fn allocated(action: impl FnOnce()) -> usize {
    let info = allocation_counter::measure(action);
    usize::try_from(info.bytes_current).unwrap_or(0)
}

/// P-2: agreed upon by both, packets carry no checksum, but those that set an association up.
#[test]
fn checksums_are_left_out_where_both_agree() {
    for (ours, theirs) in [(true, true), (true, false), (false, true)] {
        let [mut a, mut b] = [Config::default(), Config::default()];
        (a.zero_checksum, b.zero_checksum) = (ours, theirs);
        let mut pair = Pair::new(Peer::new(a, 1), Peer::new(b, 2));
        pair.network().start_recording();
        let mut pair = establish(pair);
        let now = pair.now();
        pair.a_mut().send(now, 1, &[1; 50_000]);
        pair.run_for(Duration::from_secs(1));
        assert_eq!(pair.b().read(1), [[1; 50_000]]);
        let packets = pair.network().recorded();
        let seen = packets
            .iter()
            .map(|packet| (packet.bytes[12], packet.bytes[8..12] == [0; 4]))
            .collect::<Vec<_>>();
        let agreed = ours && theirs;
        assert!(
            seen.iter()
                .filter(|(kind, _)| [1, 2, 10].contains(kind))
                .all(|(_, zero)| !zero)
        );
        assert_eq!(seen.iter().any(|(_, zero)| *zero), agreed);
        assert_eq!(pair.a().association.stats().zero_checksum_sent, agreed);
    }
}

/// C-16: a zero is a wrong checksum unless this side announced that it takes one; then it is taken from a peer that announced nothing
/// of the kind, or another method of error detection, too (RFC 9653 §5.3). A wrong checksum is wrong even where zero is right.
#[test]
fn a_zero_for_a_checksum_needs_an_agreement() {
    let dtls = &[0x80, 1, 0, 8, 0, 0, 0, 1][..];
    let another = &[0x80, 1, 0, 8, 0, 0, 0, 2][..];
    for (taken, parameters) in [
        (false, &[][..]),
        (false, dtls),
        (true, &[][..]),
        (true, dtls),
        (true, another),
    ] {
        let mut config = Config::default();
        config.zero_checksum = taken;
        let mut victim = Victim::established_with(config, parameters);
        let mut bytes = Vec::new();
        let mut chunks = Vec::new();
        data(1, 1, 0, true, true, b"x").encode(&mut chunks);
        let packet = Packet {
            source_port: 5000,
            destination_port: 5000,
            verification_tag: victim.tag,
            chunks: &chunks,
        };
        packet.encode(&mut bytes);
        bytes[8..12].fill(0);
        victim.association.handle_datagram(victim.now, &bytes);
        let read = victim.association.recv(victim.now, StreamId::new(1));
        assert_eq!(read.is_some(), taken);
        // A right one is always right.
        let next = if taken { 2 } else { 1 };
        victim.hear(&[data(next, 2, 0, true, true, b"x")]);
        let read = victim.association.recv(victim.now, StreamId::new(2));
        assert!(read.is_some());
        bytes[8..12].fill(7);
        victim.association.handle_datagram(victim.now, &bytes);
        assert!(victim.association.stats().dropped.checksum >= 1);
        let mut init = Vec::new();
        Packet {
            verification_tag: 0,
            chunks: &victim.association.local_init(),
            ..packet
        }
        .encode(&mut init);
        init[8..12].fill(0);
        let before = victim.association.stats().dropped.checksum;
        victim.association.handle_datagram(victim.now, &init);
        assert_eq!(victim.association.stats().dropped.checksum, before + 1);
        // Nor has what is said to strangers none.
        victim.association.abort(victim.now);
        victim.say_all();
        victim.now += Duration::from_secs(1);
        victim.hear(&[data(9, 1, 0, true, true, b"x")]);
        let answer = victim.say().unwrap();
        assert_ne!(answer[8..12], [0; 4]);
        assert!(Packet::decode(&answer).is_ok());
    }
}
