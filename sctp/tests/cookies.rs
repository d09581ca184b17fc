//! State cookies that come late, twice, from before a restart or in the wrong packet (RFC 9260 §5.1.5, §5.2.4).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{
    CauseCode, Chunk, CookieAckChunk, CookieEchoChunk, ForwardTsnChunk, InitAckChunk, InitChunk,
    Parameter, ParameterType, Parameters,
};
use avocet_sctp::packet::Packet;
use avocet_sctp::{Association, Config, Event, StreamId, Tsn};
use common::raw::{Victim, chunks, data};

fn fresh() -> Victim {
    Victim {
        association: Association::new(Config::default(), [3; 32]).unwrap(),
        now: netsim::epoch(),
        tag: 0,
        initial_tsn: Tsn::new(0),
    }
}

fn init<'a>(tag: u32, parameters: &'a [u8]) -> InitChunk<'a> {
    InitChunk {
        initiate_tag: tag,
        a_rwnd: 1 << 20,
        outbound_streams: 16,
        inbound_streams: 16,
        initial_tsn: Tsn::new(1),
        parameters: Parameters(parameters),
    }
}

/// Has the INIT of a peer with this tag answered: the tag and the cookie in the INIT ACK.
fn ask(victim: &mut Victim, tag: u32) -> (u32, Vec<u8>) {
    victim.hear_tagged(0, &[Chunk::Init(init(tag, &[]))]);
    let answer = victim.say().unwrap();
    assert_eq!(Packet::decode(&answer).unwrap().verification_tag, tag);
    let [Chunk::InitAck(ack)] = chunks(&answer)[..] else {
        panic!("INIT ACK");
    };
    let mut parameters = ack.init.parameters.flatten();
    let cookie = parameters.find(|parameter| parameter.kind == ParameterType::STATE_COOKIE);
    (ack.init.initiate_tag, cookie.unwrap().value.to_vec())
}

fn echo(victim: &mut Victim, tag: u32, cookie: &[u8]) {
    victim.hear_tagged(tag, &[Chunk::CookieEcho(CookieEchoChunk { cookie })]);
}

/// P-4, C-04: a cookie lives for a minute, and one that is older is said to be stale by how much.
#[test]
fn a_cookie_lives_for_a_minute() {
    let mut victim = fresh();
    let (tag, cookie) = ask(&mut victim, 7);
    victim.now += Duration::from_secs(61);
    echo(&mut victim, tag, &cookie);
    assert!(!victim.association.is_established());
    let answer = victim.say().unwrap();
    let [Chunk::Error(error)] = chunks(&answer)[..] else {
        panic!("ERROR");
    };
    let cause = error.causes.flatten().next().unwrap();
    assert_eq!(
        (cause.code, cause.value),
        (CauseCode::STALE_COOKIE, &1_000_000u32.to_be_bytes()[..])
    );
    let (tag, cookie) = ask(&mut victim, 7);
    victim.now += Duration::from_secs(59);
    echo(&mut victim, tag, &cookie);
    assert!(victim.association.is_established());
}

/// C-04: a cookie counts only in a packet with the tag that it was made for.
#[test]
fn a_cookie_in_a_packet_with_another_tag_is_dropped() {
    let mut victim = fresh();
    let (tag, cookie) = ask(&mut victim, 7);
    for wrong in [0, 7, tag.wrapping_add(1)] {
        echo(&mut victim, wrong, &cookie);
        assert!(!victim.association.is_established());
    }
    assert_eq!(victim.association.stats().dropped.verification_tag, 3);
    assert_eq!(victim.say(), None);
    echo(&mut victim, tag, &cookie);
    assert!(victim.association.is_established());
}

/// C-14, P-39: of two cookies made while an association stood, the second does not restart what the first one made: its tie-tags are those of
/// an association that is gone (action C).
#[test]
fn a_cookie_from_before_a_restart_is_of_no_use() {
    let mut victim = Victim::established(Config::default());
    let (first_tag, first) = ask(&mut victim, 7);
    let (second_tag, second) = ask(&mut victim, 8);
    echo(&mut victim, first_tag, &first);
    assert_eq!(victim.events(), [Event::Restarted]);
    victim.say_all();
    echo(&mut victim, second_tag, &second);
    assert_eq!(victim.say(), None);
    assert!(victim.events().is_empty());
    victim.tag = first_tag;
    assert!(victim.is_alive(1));
}

/// P-5, P-4: a peer that began anew while our INIT was under way is known by its last name (action B), also where our own handshake was
/// quicker.
#[test]
fn a_peer_that_began_anew_meanwhile_is_known_by_its_last_name() {
    let mut victim = fresh();
    victim.association.connect(victim.now, None);
    let packet = victim.say().unwrap();
    let [Chunk::Init(ours)] = chunks(&packet)[..] else {
        panic!("INIT");
    };
    let tag = ours.initiate_tag;
    let (_, cookie) = ask(&mut victim, 8);
    let mut parameters = Vec::new();
    Parameter {
        kind: ParameterType::STATE_COOKIE,
        value: b"cookie",
    }
    .encode(&mut parameters);
    let ack = InitAckChunk {
        init: init(7, &parameters),
    };
    victim.hear_tagged(tag, &[Chunk::InitAck(ack)]);
    victim.hear_tagged(tag, &[Chunk::CookieAck(CookieAckChunk)]);
    assert!(victim.association.is_established());
    victim.say_all();
    echo(&mut victim, tag, &cookie);
    let answer = victim.say().unwrap();
    assert_eq!(Packet::decode(&answer).unwrap().verification_tag, 8);
    assert!(matches!(chunks(&answer)[..], [Chunk::CookieAck(_), ..]));
    victim.tag = tag;
    assert!(victim.is_alive(1));
}

/// P-7: what waits to be said goes into the packet that answers the cookie.
#[test]
fn the_first_data_goes_with_the_answer_to_the_cookie() {
    let mut victim = fresh();
    victim.send(1, b"early");
    let (tag, cookie) = ask(&mut victim, 7);
    echo(&mut victim, tag, &cookie);
    let answer = victim.say().unwrap();
    assert!(matches!(
        chunks(&answer)[..],
        [Chunk::CookieAck(_), Chunk::Data(data)] if data.payload == b"early"
    ));
}

/// P-32: unknown parameters of an INIT are passed over or end the reading, and are reported or not, as their high bits say (RFC 9260 §3.2.1).
#[test]
fn unknown_parameters_are_treated_as_their_high_bits_say() {
    for (kind, goes_on, reported) in [
        (0x3fab, false, false),
        (0x7fab, false, true),
        (0xbfab, true, false),
        (0xffab, true, true),
    ] {
        let mut parameters = Vec::new();
        for (kind, value) in [
            (ParameterType(kind), &b"what"[..]),
            (ParameterType::FORWARD_TSN_SUPPORTED, &[]),
        ] {
            Parameter { kind, value }.encode(&mut parameters);
        }
        let mut victim = fresh();
        victim.hear_tagged(0, &[Chunk::Init(init(7, &parameters))]);
        let answer = victim.say().unwrap();
        let [Chunk::InitAck(ack)] = chunks(&answer)[..] else {
            panic!("INIT ACK");
        };
        let theirs = ack.init.parameters.flatten().collect::<Vec<_>>();
        let report = theirs
            .iter()
            .find(|parameter| parameter.kind == ParameterType::UNRECOGNIZED);
        let whole = parameters[..8].to_vec();
        assert_eq!(
            report.map(|report| report.value.to_vec()),
            reported.then_some(whole),
            "{kind:#x}"
        );
        let cookie = theirs
            .iter()
            .find(|parameter| parameter.kind == ParameterType::STATE_COOKIE);
        echo(&mut victim, ack.init.initiate_tag, cookie.unwrap().value);
        // What came behind it was read: FORWARD-TSN is agreed on.
        victim.tag = ack.init.initiate_tag;
        let raw = avocet_sctp::chunk::Chunks::new(&[192, 0, 0, 8, 0, 0, 0, 5])
            .next()
            .unwrap()
            .unwrap();
        victim.hear(&[Chunk::ForwardTsn(ForwardTsnChunk::decode(raw).unwrap())]);
        let next = if goes_on { 6 } else { 1 };
        victim.hear(&[data(next, 1, 0, true, true, b"x")]);
        let read = victim.association.recv(victim.now, StreamId::new(1));
        assert!(read.is_some(), "{kind:#x}");
        assert_eq!(
            victim.association.stats().dropped.forward_tsn,
            u64::from(!goes_on),
            "{kind:#x}"
        );
    }
}
