//! Packets of no association, and offers of an impossible one (P-1, P-3).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{
    AbortChunk, Chunk, ErrorCauses, HeartbeatChunk, InitAckChunk, InitChunk, Parameters,
    ShutdownAckChunk, ShutdownChunk, ShutdownCompleteChunk,
};
use avocet_sctp::packet::Packet;
use avocet_sctp::{Association, CloseCause, Config, Event, Initiator, Tsn};
use common::raw::{PEER_TAG, Victim, chunks, data};

const ABORT: Chunk<'_> = Chunk::Abort(AbortChunk {
    reflected_tag: false,
    causes: ErrorCauses(&[]),
});

/// `NAME` of a chunk and the tag of its packet.
fn tagged(packet: &[u8]) -> (u32, Chunk<'_>) {
    let tag = Packet::decode(packet).unwrap().verification_tag;
    let [chunk] = chunks(packet)[..] else {
        panic!("one chunk");
    };
    (tag, chunk)
}

fn init(tag: u32, outbound_streams: u16) -> InitChunk<'static> {
    InitChunk {
        initiate_tag: tag,
        a_rwnd: 1 << 20,
        outbound_streams,
        inbound_streams: 1,
        initial_tsn: Tsn::new(77),
        parameters: Parameters(&[]),
    }
}

fn aborted() -> Victim {
    let mut victim = Victim::established(Config::default());
    victim.association.abort(victim.now);
    assert_eq!(victim.say_all().len(), 1);
    victim
}

#[test]
fn a_peer_that_goes_on_after_the_end_hears_of_it_once_in_a_while_and_no_more() {
    let mut victim = aborted();
    let tag = victim.tag;
    for tsn in 1..1000 {
        victim.hear(&[data(tsn, 0, 0, true, true, b"more")]);
        let answers = victim.say_all();
        assert_eq!(answers.len(), usize::from(tsn == 1));
        for answer in &answers {
            let (reflected, chunk) = tagged(answer);
            assert_eq!(reflected, tag);
            assert!(matches!(chunk, Chunk::Abort(abort) if abort.reflected_tag));
        }
    }
    assert_eq!(victim.association.stats().dropped.replies, 998);
    assert_eq!(victim.association.poll_timeout(), None);
    victim.now += Duration::from_millis(100);
    victim.hear(&[Chunk::Heartbeat(HeartbeatChunk { info: &[] })]);
    assert_eq!(victim.say_all().len(), 1);
}

#[test]
fn the_last_words_of_a_peer_are_not_answered() {
    let mut victim = aborted();
    let complete = |reflected_tag| Chunk::ShutdownComplete(ShutdownCompleteChunk { reflected_tag });
    let reflected = Chunk::Abort(AbortChunk {
        reflected_tag: true,
        causes: ErrorCauses(&[]),
    });
    for chunk in [ABORT, reflected, complete(false), complete(true)] {
        for tag in [victim.tag, PEER_TAG, 0] {
            victim.now += Duration::from_secs(1);
            victim.hear_tagged(tag, &[chunk]);
            assert_eq!(victim.say_all().len(), 0, "{chunk:?}");
        }
    }
    // Not even in company.
    victim.hear(&[data(1, 0, 0, true, true, b"and"), ABORT]);
    assert_eq!(victim.say_all().len(), 0);
}

#[test]
fn what_comes_before_the_beginning_is_not_answered_with_an_abort() {
    let mut association = Association::new(Config::default(), [3; 32]).unwrap();
    let now = netsim::epoch();
    let mut victim = Victim {
        association,
        now,
        tag: 7,
        initial_tsn: Tsn::new(0),
    };
    victim.hear(&[data(1, 0, 0, true, true, b"early")]);
    assert_eq!(victim.say(), None);
    victim.hear(&[Chunk::ShutdownAck(ShutdownAckChunk)]);
    let answer = victim.say().unwrap();
    assert!(matches!(
        tagged(&answer),
        (7, Chunk::ShutdownComplete(complete)) if complete.reflected_tag
    ));
    association = victim.association;
    association.connect(now, None);
    let mut buf = Vec::new();
    association.poll_transmit(now, &mut buf).unwrap();
    assert!(matches!(chunks(&buf)[..], [Chunk::Init(_)]));
}

#[test]
fn an_impossible_init_is_refused_and_changes_nothing() {
    let mut victim = Victim::established(Config::default());
    victim.hear_tagged(0, &[Chunk::Init(init(9, 0))]);
    let answer = victim.say().unwrap();
    assert!(matches!(
        tagged(&answer),
        (9, Chunk::Abort(abort)) if !abort.reflected_tag
    ));
    victim.now += Duration::from_secs(1);
    let deaf = InitChunk {
        inbound_streams: 0,
        ..init(9, 1)
    };
    victim.hear_tagged(0, &[Chunk::Init(deaf)]);
    let answer = victim.say().unwrap();
    assert!(matches!(tagged(&answer), (9, Chunk::Abort(_))));
    victim.now += Duration::from_secs(1);
    let narrow = InitChunk {
        a_rwnd: 1_499,
        ..init(9, 1)
    };
    victim.hear_tagged(0, &[Chunk::Init(narrow)]);
    let answer = victim.say().unwrap();
    assert!(matches!(tagged(&answer), (9, Chunk::Abort(_))));
    victim.now += Duration::from_secs(1);
    victim.hear_tagged(0, &[Chunk::Init(init(0, 0))]);
    assert_eq!(victim.say(), None, "nobody to answer");
    assert!(victim.is_alive(1));
}

#[test]
fn an_impossible_init_ack_ends_the_association_at_once() {
    for (ack, tag) in [(init(9, 0), 9), (init(9, 1), 9), (init(0, 1), 0)] {
        let mut association = Association::new(Config::default(), [3; 32]).unwrap();
        let now = netsim::epoch();
        association.connect(now, None);
        let mut buf = Vec::new();
        association.poll_transmit(now, &mut buf).unwrap();
        let [Chunk::Init(ours)] = chunks(&buf)[..] else {
            panic!("INIT");
        };
        let mut victim = Victim {
            association,
            now,
            tag: ours.initiate_tag,
            initial_tsn: ours.initial_tsn,
        };
        victim.hear(&[Chunk::InitAck(InitAckChunk { init: ack })]);
        let answer = victim.say().unwrap();
        let expected = if tag == 0 { victim.tag } else { tag };
        let (named, Chunk::Abort(abort)) = tagged(&answer) else {
            panic!("ABORT");
        };
        assert_eq!((named, abort.reflected_tag), (expected, tag == 0));
        assert!(matches!(
            victim.events()[..],
            [Event::Closed(reason)]
                if reason.cause == CloseCause::Incompatible && reason.initiator == Initiator::Local
        ));
    }
}

/// P-1: the T bit says that the tag is the receiver's own name for itself; with the other one, or without the bit, it is no word of the peer
/// (RFC 9260 §8.5.1).
#[test]
fn the_t_bit_goes_with_the_tag_of_the_peer_alone() {
    let abort = |reflected_tag| {
        Chunk::Abort(AbortChunk {
            reflected_tag,
            causes: ErrorCauses(&[]),
        })
    };
    let complete = |reflected_tag| Chunk::ShutdownComplete(ShutdownCompleteChunk { reflected_tag });
    let mut victim = Victim::established(Config::default());
    let tag = victim.tag;
    victim.hear_tagged(tag, &[abort(true)]);
    assert!(victim.is_alive(1));
    let shutting_down = || {
        let mut victim = Victim::established(Config::default());
        victim.hear(&[Chunk::Shutdown(ShutdownChunk {
            cumulative_tsn_ack: victim.initial_tsn.plus(u32::MAX),
        })]);
        assert_eq!(victim.say_all().len(), 1);
        victim
    };
    let mut victim = shutting_down();
    for (tag, chunk) in [
        (victim.tag, complete(true)),
        (PEER_TAG, complete(false)),
        (PEER_TAG + 1, complete(true)),
        (PEER_TAG + 1, complete(false)),
    ] {
        victim.hear_tagged(tag, &[chunk]);
        assert_eq!(victim.association.close_reason(), None, "{tag} {chunk:?}");
    }
    for (tag, reflected) in [(victim.tag, false), (PEER_TAG, true)] {
        let mut victim = shutting_down();
        victim.hear_tagged(tag, &[complete(reflected)]);
        let reason = victim.association.close_reason().unwrap();
        assert_eq!(reason.cause, CloseCause::Shutdown);
    }
}
