//! Requests to begin streams anew (RFC 6525), one by one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{
    Chunk, OutgoingResetRequest, Parameter, Parameters, ReConfigChunk, ReConfigResponse,
    ReConfigResult,
};
use avocet_sctp::{Config, Direction, Event, StreamId};
use common::raw::{Victim, chunks, data};

const STREAM: StreamId = StreamId::new(1);

/// The peer's request with this number, for streams up to this TSN.
fn ask(victim: &mut Victim, number: u32, last: u32, streams: &[u16]) {
    let mut value = Vec::new();
    for word in [number, 0, last] {
        value.extend_from_slice(&word.to_be_bytes());
    }
    for stream in streams {
        value.extend_from_slice(&stream.to_be_bytes());
    }
    let mut parameters = Vec::new();
    Parameter {
        kind: OutgoingResetRequest::KIND,
        value: &value,
    }
    .encode(&mut parameters);
    victim.hear(&[Chunk::ReConfig(ReConfigChunk {
        parameters: Parameters(&parameters),
    })]);
}

fn answer(victim: &mut Victim, number: u32, result: ReConfigResult) {
    let mut parameters = Vec::new();
    ReConfigResponse {
        response_sequence_number: number,
        result,
    }
    .encode(&mut parameters);
    victim.hear(&[Chunk::ReConfig(ReConfigChunk {
        parameters: Parameters(&parameters),
    })]);
}

/// The answers among what is said.
fn answers(victim: &mut Victim) -> Vec<(u32, ReConfigResult)> {
    let packets = victim.say_all();
    let said = packets.iter().flat_map(|packet| chunks(packet));
    let parameters = said.filter_map(|chunk| match chunk {
        Chunk::ReConfig(chunk) => chunk.parameters.flatten().next(),
        _ => None,
    });
    parameters
        .filter(|parameter| parameter.kind == ReConfigResponse::KIND)
        .map(|parameter| {
            let response = ReConfigResponse::decode(parameter.value).unwrap();
            (response.response_sequence_number, response.result)
        })
        .collect()
}

/// The requests among what is said: the number and the streams.
fn requests(victim: &mut Victim) -> Vec<(u32, Vec<u16>)> {
    let packets = victim.say_all();
    let said = packets.iter().flat_map(|packet| chunks(packet));
    let parameters = said.filter_map(|chunk| match chunk {
        Chunk::ReConfig(chunk) => chunk.parameters.flatten().next(),
        _ => None,
    });
    parameters
        .filter(|parameter| parameter.kind == OutgoingResetRequest::KIND)
        .map(|parameter| {
            let request = OutgoingResetRequest::decode(parameter.value).unwrap();
            let streams = request.streams().map(StreamId::get);
            (request.request_sequence_number, streams.collect())
        })
        .collect()
}

/// P-28: a stream begins anew when everything that was sent before has arrived; until then the answer is that it is under way.
#[test]
fn a_reset_waits_for_the_data_that_was_sent_before_it() {
    let mut victim = Victim::established(Config::default());
    victim.hear(&[data(1, 1, 0, true, true, b"one")]);
    victim.say_all();
    ask(&mut victim, 1, 2, &[1]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::IN_PROGRESS)]);
    // Asked again, the same.
    ask(&mut victim, 1, 2, &[1]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::IN_PROGRESS)]);
    let is_reset = |event: &Event| matches!(event, Event::StreamsReset { .. });
    assert!(!victim.events().iter().any(is_reset));
    victim.hear(&[data(2, 1, 1, true, true, b"two")]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::PERFORMED)]);
    let reset = Event::StreamsReset {
        direction: Direction::Incoming,
        streams: vec![STREAM],
    };
    assert!(victim.events().contains(&reset));
    ask(&mut victim, 1, 2, &[1]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::PERFORMED)]);
    assert!(!victim.events().iter().any(is_reset), "once");
    // The numbers of its messages begin at zero again.
    victim.hear(&[data(3, 1, 0, true, true, b"anew")]);
    let read = std::iter::from_fn(|| victim.association.recv(victim.now, STREAM));
    assert_eq!(read.last().unwrap().data, b"anew"[..]);
}

/// P-28: what names too many streams, or streams that there are not, or comes out of turn, is refused.
#[test]
fn impossible_requests_are_refused() {
    let mut victim = Victim::established(Config::default());
    ask(&mut victim, 1, 0, &[1; 1_001]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::DENIED)]);
    ask(&mut victim, 2, 0, &[16]);
    assert_eq!(answers(&mut victim), [(2, ReConfigResult::WRONG_SSN)]);
    ask(&mut victim, 9, 0, &[1]);
    let refused = [(9, ReConfigResult::BAD_SEQUENCE_NUMBER)];
    assert_eq!(answers(&mut victim), refused);
    assert!(victim.events().is_empty());
    ask(&mut victim, 3, 0, &[1]);
    assert_eq!(answers(&mut victim), [(3, ReConfigResult::PERFORMED)]);
    assert!(victim.is_alive(1));
}

/// P-28: one request is under way at a time, said again as it was until it is answered.
#[test]
fn one_request_is_under_way_at_a_time() {
    let mut victim = Victim::established(Config::default());
    let now = victim.now;
    victim.association.reset_streams(now, &[STREAM]).unwrap();
    let first = requests(&mut victim);
    let [(number, streams)] = &first[..] else {
        panic!("{first:?}");
    };
    assert_eq!(streams, &[1]);
    let other = StreamId::new(2);
    victim.association.reset_streams(now, &[other]).unwrap();
    assert_eq!(requests(&mut victim), []);
    victim.pass(Duration::from_secs(3));
    assert_eq!(requests(&mut victim), first);
    // Under way is no answer.
    answer(&mut victim, *number, ReConfigResult::IN_PROGRESS);
    assert_eq!(requests(&mut victim), []);
    victim.pass(Duration::from_secs(3));
    assert_eq!(requests(&mut victim), first);
    answer(&mut victim, *number, ReConfigResult::PERFORMED);
    assert_eq!(requests(&mut victim), [(number.wrapping_add(1), vec![2])]);
    answer(&mut victim, number.wrapping_add(1), ReConfigResult::DENIED);
    let events = victim.events();
    let refused = Event::ResetRefused {
        streams: vec![other],
    };
    assert!(events.contains(&refused), "{events:?}");
    assert_eq!(requests(&mut victim), []);
}
