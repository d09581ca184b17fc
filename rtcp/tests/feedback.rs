//! Feedback about packets, transport-wide and of RFC 8888, both ways.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_rtcp::{
    Arrival, Compound, CongestionControlFeedbackBuilder, DecodeError, Ecn, MAX_ARRIVALS, Packet,
    TransportFeedback, TransportFeedbackBuilder,
};
use proptest::prelude::*;
use rtp::SequenceNumber;
use support::{THEM, US, arrivals, case, hex, one, written};

fn transport(bytes: &[u8]) -> TransportFeedback<'_> {
    let feedback = match one(bytes) {
        Ok(Packet::TransportFeedback(feedback)) => Some(feedback),
        _ => None,
    };
    feedback.unwrap()
}

///
#[test]
fn q00_transport_wide_feedback_is_read_and_written_back() {
    let bytes = case("TWCC base 10");
    let feedback = transport(&bytes);
    assert_eq!((feedback.sender_ssrc, feedback.media_ssrc), (US, THEM));
    assert_eq!(feedback.base_sequence_number, SequenceNumber::new(10));
    assert_eq!((feedback.reference_time, feedback.feedback_count), (100, 5));
    assert_eq!(feedback.status_count(), 7);
    let statuses: Vec<_> = feedback.statuses().collect();
    for (number, status) in (10..).zip(&statuses) {
        assert_eq!(status.sequence_number, SequenceNumber::new(number));
        assert_eq!(status.delta, Some(4));
    }
    let mut builder = TransportFeedbackBuilder::new(SequenceNumber::new(10), 100 * 256 + 4, 1_200);
    assert!(builder.is_empty());
    for (place, status) in (1..).zip(&statuses) {
        assert!(builder.push(status.sequence_number, 100 * 256 + 4 * place));
    }
    assert_eq!(builder.next_sequence_number(), SequenceNumber::new(17));
    assert_eq!(builder.len(), bytes.len());
    let again = written(|writer| writer.transport_feedback(US, THEM, 5, &builder));
    assert_eq!(again, bytes);
}

///
#[test]
fn q06_transport_wide_feedback_that_lies_is_refused() {
    for name in ["TWCC packet count 65535", "TWCC deltas missing"] {
        assert_eq!(one(&case(name)).err(), Some(DecodeError::Length), "{name}");
    }
    // Eight runs of 8,191 and one of 7 that did not arrive: all 65,535 may be spoken of, in 40 octets.
    let mut bytes = hex("8fcd000900000001000000020000ffff00000000");
    for _ in 0..8 {
        bytes.extend([0x1f, 0xff]);
    }
    bytes.extend([0x00, 0x07, 0, 0]);
    let feedback = transport(&bytes);
    assert_eq!(feedback.status_count(), 65_535);
    assert_eq!(feedback.statuses().count(), 65_535);
    assert!(feedback.statuses().all(|status| status.delta.is_none()));
    // The same with runs of nothing, which make no progress.
    let mut bytes = hex("8fcd000500000001000000020000ffff00000000");
    bytes.extend([0, 0, 0, 0]);
    assert_eq!(one(&bytes).err(), Some(DecodeError::Length));
    // A reserved symbol: nobody knows how long its delta is.
    let mut bytes = hex("8fcd0005000000010000000200000007 00000000"
        .replace(' ', "")
        .as_str());
    bytes.extend([0xff, 0xff, 0, 0]);
    assert_eq!(one(&bytes).err(), Some(DecodeError::Length));
    let mut bytes = hex("8fcd000500000001000000020000000700000000");
    bytes.extend([0x60, 0x07, 0, 0]);
    assert_eq!(one(&bytes).err(), Some(DecodeError::Length));
    // Behind the last packet of a vector the symbols mean nothing.
    let mut bytes = hex("8fcd000500000001000000020000000200000000");
    bytes.extend([0xd7, 0xff, 9, 9]);
    assert_eq!(transport(&bytes).statuses().count(), 2);
}

#[test]
fn reference_time_is_signed_and_wraps() {
    let arrivals = [-1, -256, 0xff_ffff * 256, 0x100_0000 * 256];
    for (arrival, expected) in arrivals.into_iter().zip([-1, -1, -1, 0]) {
        let mut builder = TransportFeedbackBuilder::new(SequenceNumber::new(0), arrival, 1_200);
        assert!(builder.push(SequenceNumber::new(0), arrival));
        let bytes = written(|writer| writer.transport_feedback(US, THEM, 0, &builder));
        let feedback = transport(&bytes);
        assert_eq!(feedback.reference_time, expected, "{arrival}");
        let delta = feedback.statuses().next().unwrap().delta.unwrap();
        assert_eq!(i64::from(delta), arrival.rem_euclid(256));
    }
}

#[test]
fn packets_that_do_not_fit_a_feedback_are_refused_and_begin_the_next() {
    let number = SequenceNumber::new;
    let mut builder = TransportFeedbackBuilder::new(number(65_530), 0, 1_200);
    assert!(builder.push(number(65_533), 10));
    let before = written(|writer| writer.transport_feedback(US, THEM, 0, &builder));
    assert!(!builder.push(number(65_533), 11), "the same number");
    assert!(!builder.push(number(65_530), 11), "a number further back");
    assert!(!builder.push(number(65_534), 10 + 32_768), "too late");
    assert!(!builder.push(number(65_534), 9 - 32_768), "too early");
    assert!(!builder.push(number(65_534), i64::MIN), "far too early");
    assert!(!builder.push(number(32_761), 11), "half a circle ahead");
    let after = written(|writer| writer.transport_feedback(US, THEM, 0, &builder));
    assert_eq!(before, after);
    assert!(builder.push(number(3), 10 - 32_768), "early enough");
    assert!(
        builder.push(number(32_760), 9),
        "0x7ffe packets are missing at most"
    );

    let mut sent = 0;
    let mut builder = TransportFeedbackBuilder::new(number(0), 0, 100);
    // Large deltas of alternating packets: the worst there is.
    while builder.push(number(sent * 2), i64::from(sent) * 1_000) {
        sent += 1;
    }
    let bytes = written(|writer| writer.transport_feedback(US, THEM, 0, &builder));
    assert!(bytes.len() <= 100 && bytes.len() > 96, "{}", bytes.len());
    let arrived = transport(&bytes)
        .statuses()
        .filter(|status| status.delta.is_some());
    assert_eq!(arrived.count(), usize::from(sent));
    let empty = TransportFeedbackBuilder::new(number(0), 0, 100);
    assert!(written(|writer| writer.transport_feedback(US, THEM, 0, &empty)).is_empty());
}

///
#[test]
fn q10_congestion_control_feedback_goes_round() {
    for count in [1, 2, 3, 100] {
        let (first, second) = (arrivals(count), arrivals(count + 1));
        let mut builder = CongestionControlFeedbackBuilder::new(1_200);
        let begin = SequenceNumber::new(65_534);
        assert_eq!(builder.push(US, begin, &first), first.len());
        assert_eq!(
            builder.push(THEM, SequenceNumber::new(7), &second),
            second.len()
        );
        assert_eq!(builder.push(THEM, begin, &[]), 0);
        let bytes = written(|writer| writer.congestion_control_feedback(US, 0x1234_5678, &builder));
        assert_eq!(bytes.len(), builder.len());
        let Ok(Packet::CongestionControlFeedback(feedback)) = one(&bytes) else {
            panic!();
        };
        assert_eq!(
            (feedback.sender_ssrc, feedback.report_timestamp),
            (US, 0x1234_5678)
        );
        let streams: Vec<_> = feedback.streams().collect();
        assert_eq!(streams.len(), 2);
        assert_eq!(
            (streams[0].ssrc, streams[0].begin_sequence_number),
            (US, begin)
        );
        let read = |place: usize| streams[place].arrivals().map(|(_, arrival)| arrival);
        assert!(read(0).eq(first) && read(1).eq(second));
        assert_eq!(streams[0].arrivals().next().unwrap().0, begin);
    }
}

/// RFC 8888 §3.1 by hand. One stream, two packets of which the second arrived 1,000/1,024 s ago with CE.
#[test]
fn q10_congestion_control_feedback_of_known_octets() {
    let bytes = hex("8bcd000500000001000000020064000200 00e3e8 00010000"
        .replace(' ', "")
        .as_str());
    let Ok(Packet::CongestionControlFeedback(feedback)) = one(&bytes) else {
        panic!();
    };
    let stream = feedback.streams().next().unwrap();
    let read: Vec<_> = stream.arrivals().collect();
    let arrival = Arrival {
        ecn: Ecn::Ce,
        offset: 1_000,
    };
    let number = SequenceNumber::new;
    assert_eq!(read, [(number(100), None), (number(101), Some(arrival))]);
    assert_eq!(feedback.report_timestamp, 65_536);
}

/// media 3.3 no. 3.
#[test]
fn q10_congestion_control_feedback_is_capped() {
    let mut builder = CongestionControlFeedbackBuilder::new(usize::MAX);
    let many = arrivals(20_000);
    assert_eq!(
        builder.push(US, SequenceNumber::new(0), &many),
        MAX_ARRIVALS
    );
    let bytes = written(|writer| writer.congestion_control_feedback(US, 0, &builder));
    let Ok(Packet::CongestionControlFeedback(feedback)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(
        feedback.streams().next().unwrap().arrivals().len(),
        MAX_ARRIVALS
    );
    for count in [16_385_u16, 65_535] {
        let mut beyond = bytes.clone();
        beyond[14..16].copy_from_slice(&count.to_be_bytes());
        assert_eq!(one(&beyond).err(), Some(DecodeError::Length), "{count}");
    }
    let mut builder = CongestionControlFeedbackBuilder::new(100);
    let mut taken = 0;
    let mut datagrams = 0;
    while taken < many.len() {
        let begin = SequenceNumber::new(taken as u16);
        let more = builder.push(US, begin, &many[taken..]);
        assert!(more > 0 && builder.len() <= 100);
        taken += more;
        datagrams += 1;
        builder = CongestionControlFeedbackBuilder::new(100);
    }
    assert_eq!(datagrams, 20_000_usize.div_ceil(40));
    let none = CongestionControlFeedbackBuilder::new(10).push(US, SequenceNumber::new(0), &many);
    assert_eq!(none, 0, "not even a header fits");
    // The lie of a stream that is longer than the packet.
    let short = hex("8bcd0004000000010000000200000003 0000e3e8 "
        .replace(' ', "")
        .as_str());
    assert!(Compound::new(&short).next().unwrap().is_err());
}

/// How far the next packet is behind the one before: near, and now and then so far that a run fills one chunk or more.
fn gaps() -> impl Strategy<Value = u16> {
    prop_oneof![20 => 1_u16..60, 1 => 8_150_u16..8_250, 1 => 1_u16..30_000]
}

#[test]
fn long_runs_of_missing_packets_are_as_few_chunks_as_can_be() {
    for (gap, octets) in [(8_191, 28), (8_192, 28), (16_383, 28), (32_766, 32)] {
        let mut builder = TransportFeedbackBuilder::new(SequenceNumber::new(0), 0, 64);
        assert!(builder.push(SequenceNumber::new(gap), 0));
        assert_eq!(builder.len(), octets, "{gap}");
        // What is refused changes nothing.
        let next = builder.next_sequence_number();
        assert!(!builder.push(SequenceNumber::new(0x7fff), 0));
        assert_eq!(
            (builder.len(), builder.next_sequence_number()),
            (octets, next)
        );
    }
}

proptest! {
    /// What goes into a builder comes out of the packet, however packets were lost, late or reordered.
    #[test]
    fn transport_wide_feedback_says_what_was_gathered(
        base: u16,
        start in -1_000_000_i64..1_000_000_000,
        steps in proptest::collection::vec((gaps(), -600_i64..2_000), 1..400),
        max_bytes in 64_usize..1_300,
    ) {
        let mut number = SequenceNumber::new(base);
        let mut builder = TransportFeedbackBuilder::new(number, start, max_bytes);
        let mut time = start;
        let mut expected = Vec::new();
        for (step, later) in steps {
            if !builder.push(number, time) {
                break;
            }
            expected.push((number, time));
            number = number.plus(step);
            time += later;
        }
        prop_assert!(!expected.is_empty());
        let bytes = written(|writer| writer.transport_feedback(US, THEM, 9, &builder));
        prop_assert_eq!(bytes.len(), builder.len());
        prop_assert!(bytes.len() <= max_bytes);
        let feedback = transport(&bytes);
        prop_assert_eq!(feedback.statuses().len(), feedback.statuses().count());
        let mut clock = (start.div_euclid(256)) * 256;
        let mut read = Vec::new();
        for status in feedback.statuses() {
            if let Some(delta) = status.delta {
                clock += i64::from(delta);
                read.push((status.sequence_number, clock));
            }
        }
        prop_assert_eq!(read, expected);
    }
}
