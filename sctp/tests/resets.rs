//! Requests to begin streams anew (RFC 6525), one by one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::time::Duration;

use avocet_sctp::chunk::{
    Chunk, IncomingResetRequest, OutgoingResetRequest, Parameter, Parameters, ReConfigChunk,
    ReConfigResponse, ReConfigResult,
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

/// P-28: so is a wish for too many streams, or for some that there are not.
#[test]
fn impossible_wishes_are_refused() {
    let mut victim = Victim::established(Config::default());
    let wish = |victim: &mut Victim, number: u32, streams: &[u16]| {
        let mut value = number.to_be_bytes().to_vec();
        for stream in streams {
            value.extend_from_slice(&stream.to_be_bytes());
        }
        let mut parameters = Vec::new();
        Parameter {
            kind: IncomingResetRequest::KIND,
            value: &value,
        }
        .encode(&mut parameters);
        victim.hear(&[Chunk::ReConfig(ReConfigChunk {
            parameters: Parameters(&parameters),
        })]);
    };
    wish(&mut victim, 1, &[1; 1_001]);
    assert_eq!(answers(&mut victim), [(1, ReConfigResult::DENIED)]);
    wish(&mut victim, 2, &[16]);
    assert_eq!(answers(&mut victim), [(2, ReConfigResult::WRONG_SSN)]);
    // Under way they are not refused anew: the same stream once more is nothing to do.
    wish(&mut victim, 3, &[1, 1]);
    assert_eq!(answers(&mut victim), [(3, ReConfigResult::IN_PROGRESS)]);
    wish(&mut victim, 4, &[1]);
    assert_eq!(answers(&mut victim), [(4, ReConfigResult::NOTHING_TO_DO)]);
    // Nor is one honoured by who is about to end.
    victim.send(2, b"under way");
    victim.say_all();
    victim.association.shutdown(victim.now);
    wish(&mut victim, 5, &[2]);
    assert_eq!(answers(&mut victim), [(5, ReConfigResult::DENIED)]);
}

/// C-08: an application that takes no events makes the peer wait, and nothing grows.
#[test]
fn resets_wait_for_an_application_that_takes_no_events() {
    let mut victim = Victim::established(Config::default());
    for number in 1..=64 {
        ask(&mut victim, number, 0, &[1]);
        assert_eq!(answers(&mut victim), [(number, ReConfigResult::PERFORMED)]);
    }
    ask(&mut victim, 65, 0, &[1]);
    assert_eq!(answers(&mut victim), [(65, ReConfigResult::IN_PROGRESS)]);
    assert_eq!(victim.events().len(), 64);
    ask(&mut victim, 65, 0, &[1]);
    assert_eq!(answers(&mut victim), [(65, ReConfigResult::PERFORMED)]);
}

/// P-28: a request names the last TSN that may belong to its streams, and waits until everything of them was sent.
#[test]
fn a_request_names_what_was_sent_before_it() {
    let mut victim = Victim::established(Config::default());
    victim.send(1, &[7; 40_000]);
    let sent = victim.say_data().len() as u32;
    assert_eq!(sent, 11);
    victim
        .association
        .reset_streams(victim.now, &[STREAM])
        .unwrap();
    assert_eq!(requests(&mut victim), []);
    let mut said = sent;
    let packets = loop {
        victim.acknowledge(said, 1 << 20, &[], &[]);
        let packets = victim.say_all();
        let data = packets.iter().flat_map(|packet| chunks(packet));
        said += data.filter(|chunk| matches!(chunk, Chunk::Data(_))).count() as u32;
        let asked = packets.iter().any(|packet| {
            let mut chunks = chunks(packet).into_iter();
            chunks.any(|chunk| matches!(chunk, Chunk::ReConfig(_)))
        });
        if asked || packets.is_empty() {
            break packets;
        }
    };
    let last = victim.initial_tsn.plus(said - 1);
    let named = packets
        .iter()
        .flat_map(|packet| chunks(packet))
        .find_map(|chunk| {
            let Chunk::ReConfig(chunk) = chunk else {
                return None;
            };
            let parameter = chunk.parameters.flatten().next()?;
            Some(
                OutgoingResetRequest::decode(parameter.value)
                    .unwrap()
                    .last_assigned_tsn,
            )
        });
    assert_eq!(named, Some(last));
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
