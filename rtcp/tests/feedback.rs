//! Feedback about packets, extended reports and the rarer requests, both ways.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use avocet_rtcp::{
    ApplicationLayerFeedback, Arrival, Compound, CongestionControlFeedbackBuilder, Datagrams,
    DecodeError, DlrrItem, Ecn, EncodeError, LayerBitrate, LossNotification, MAX_ARRIVALS,
    MAX_DLRR_ITEMS, NtpTime, Packet, RapidResynchronisationRequest, SdesItem,
    TemporaryBitrateEntry, TransportFeedback, TransportFeedbackBuilder, UnknownXrBlock, Writer,
    XrBlock, XrBlockToSend,
};
use proptest::prelude::*;
use rtp::{SequenceNumber, Ssrc};
use serde_json::Value;

const US: Ssrc = Ssrc::new(1);
const THEM: Ssrc = Ssrc::new(2);

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn cases() -> Vec<(String, Vec<u8>)> {
    let cases: Value =
        serde_json::from_str(include_str!("../../testdata/rtp/rtcp_cases.json")).unwrap();
    let cases = cases["cases"].as_array().unwrap().iter();
    cases
        .map(|case| {
            let text = |field: &str| case[field].as_str().unwrap().to_owned();
            (text("name"), hex(&text("hex")))
        })
        .collect()
}

fn case(name: &str) -> Vec<u8> {
    let found = cases()
        .into_iter()
        .find(|(found, _)| found.starts_with(name));
    found.unwrap().1
}

fn one(bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let mut compound = Compound::new(bytes);
    let first = compound.next().unwrap();
    assert!(compound.next().is_none());
    first
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    write(&mut Writer::new(&mut buf));
    buf
}

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

fn arrivals(count: u16) -> Vec<Option<Arrival>> {
    let ecn = |number: u16| Ecn::from_bits((number % 4) as u8);
    (0..count)
        .map(|number| {
            (number % 5 != 0).then(|| Arrival {
                ecn: ecn(number),
                offset: number,
            })
        })
        .collect()
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

///
#[test]
fn q08_extended_reports_go_round() {
    let bytes = case("XR RRTR");
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let blocks: Vec<_> = report.blocks().collect();
    let [XrBlock::ReceiverReferenceTime(time), XrBlock::Dlrr(dlrr)] = blocks[..] else {
        panic!("{blocks:?}");
    };
    assert_eq!(time, NtpTime::new(0x83aa_7e80_8000_0000));
    let items: Vec<_> = dlrr.items().collect();
    let item = DlrrItem {
        ssrc: THEM,
        last_receiver_report: 0x7e80_8000,
        delay_since_last_receiver_report: 65_536,
    };
    assert_eq!(items, [item]);
    let again = written(|writer| {
        let blocks = [
            XrBlockToSend::ReceiverReferenceTime(time),
            XrBlockToSend::Dlrr(&items),
        ];
        writer.extended_report(report.ssrc, &blocks).unwrap();
    });
    assert_eq!(again, bytes);

    let layers = [(0, 0, 100), (2, 1, 0xff_ffff)].map(|(spatial, temporal, rate)| LayerBitrate {
        spatial,
        temporal,
        kilobits_per_second: rate,
    });
    let other = UnknownXrBlock {
        block_type: 1,
        type_specific: 0x45,
        body: &[1, 2, 3, 4],
    };
    let bytes = written(|writer| {
        let blocks = [
            XrBlockToSend::TargetBitrate(&layers),
            XrBlockToSend::Other(other),
            XrBlockToSend::Other(UnknownXrBlock {
                body: &[1, 2, 3, 4, 5],
                ..other
            }),
        ];
        writer.extended_report(US, &blocks).unwrap();
    });
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let blocks: Vec<_> = report.blocks().collect();
    assert!(matches!(blocks[0], XrBlock::TargetBitrate(target) if target.layers().eq(layers)));
    assert!(matches!(blocks[1], XrBlock::Unknown(block) if block == other));
    assert!(matches!(blocks[2], XrBlock::Unknown(block) if block.body == [1, 2, 3, 4, 5, 0, 0, 0]));
}

///
#[test]
fn q08_blocks_of_wrong_lengths_are_refused_or_left_unread() {
    // A block that runs past the packet.
    assert_eq!(
        one(&hex("80cf00020000000104000002")).err(),
        Some(DecodeError::Length)
    );
    // A reference time of one word and a DLRR of two: known types in forms that are not.
    let bytes = hex("80cf000600000001040000011111111105000002222222222222222 2"
        .replace(' ', "")
        .as_str());
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(report.blocks().count(), 2);
    let unread = |block| matches!(block, XrBlock::Unknown(_));
    assert!(report.blocks().all(unread));

    let items = vec![DlrrItem::default(); 60];
    let bytes = written(|writer| {
        let blocks = [XrBlockToSend::Dlrr(&items)];
        writer.extended_report(US, &blocks).unwrap();
    });
    let Ok(Packet::ExtendedReport(report)) = one(&bytes) else {
        panic!();
    };
    let Some(XrBlock::Dlrr(dlrr)) = report.blocks().next() else {
        panic!();
    };
    assert_eq!(
        (dlrr.items().len(), dlrr.ignored_items()),
        (MAX_DLRR_ITEMS, 10)
    );

    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf);
    let body = vec![0; 262_140];
    let long = UnknownXrBlock {
        block_type: 1,
        type_specific: 0,
        body: &body,
    };
    let refused = writer.extended_report(US, &[XrBlockToSend::Other(long)]);
    assert_eq!(refused, Err(EncodeError::TooLong));
    writer.extended_report(US, &[]).unwrap();
    assert!(buf.is_empty());
}

#[test]
fn temporary_bit_rates_go_round() {
    let rates = [0, 1, 131_071, 131_072, 2_500_000, u64::MAX];
    let entries: Vec<_> = (0..)
        .zip(rates)
        .map(|(place, bits_per_second)| TemporaryBitrateEntry {
            ssrc: Ssrc::new(place),
            bits_per_second,
            overhead_bytes: [0, 40, 511, 512][place as usize % 4],
        })
        .collect();
    let bytes = written(|writer| {
        writer.temporary_bitrate_request(US, &entries);
        writer.temporary_bitrate_request(US, &[]);
        writer.temporary_bitrate_notification(THEM, &entries[..1]);
        writer.temporary_bitrate_notification(THEM, &[]);
    });
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [
        Packet::TemporaryBitrateRequest(request),
        Packet::TemporaryBitrateNotification(granted),
        Packet::TemporaryBitrateNotification(none),
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((request.sender_ssrc, granted.sender_ssrc), (US, THEM));
    for (read, wanted) in request.entries().zip(&entries) {
        assert_eq!(read.ssrc, wanted.ssrc);
        assert!(read.bits_per_second <= wanted.bits_per_second);
        let lost = wanted.bits_per_second - read.bits_per_second;
        assert!(lost <= wanted.bits_per_second >> 16);
        assert_eq!(read.overhead_bytes, wanted.overhead_bytes.min(511));
    }
    assert_eq!((granted.entries().len(), none.entries().len()), (1, 0));
    // The exponent saturates instead of shifting out of sight.
    let bytes = hex("83cd0004000000010000000000000002ffffffff");
    let Ok(Packet::TemporaryBitrateRequest(request)) = one(&bytes) else {
        panic!();
    };
    assert_eq!(request.entries().next().unwrap().bits_per_second, u64::MAX);
    assert_eq!(
        one(&hex("83cd00030000000100000000 00000002"
            .replace(' ', "")
            .as_str()))
        .err(),
        Some(DecodeError::Length)
    );
}

#[test]
fn requests_and_notices_of_one_stream_go_round() {
    let resynchronise = RapidResynchronisationRequest {
        sender_ssrc: US,
        media_ssrc: THEM,
    };
    let loss = LossNotification {
        sender_ssrc: US,
        media_ssrc: THEM,
        last_decoded: SequenceNumber::new(65_535),
        last_received: SequenceNumber::new(9),
        decodable: true,
    };
    let other = ApplicationLayerFeedback {
        sender_ssrc: US,
        media_ssrc: THEM,
        data: b"TEST1234",
    };
    let bytes = written(|writer| {
        writer.rapid_resynchronisation_request(US, THEM);
        writer.loss_notification(loss);
        writer.application_layer_feedback(&other).unwrap();
        writer.source_description_items(
            US,
            &[(SdesItem::CNAME, "c"), (0, "x"), (SdesItem::MID, "0")],
        );
    });
    assert_eq!(bytes[..12], hex("85cd00020000000100000002"));
    assert_eq!(
        bytes[12..32],
        hex("8fce000400000001000000024c4e5446ffff0015")
    );
    let packets: Vec<_> = Compound::new(&bytes).map(Result::unwrap).collect();
    let [
        Packet::RapidResynchronisationRequest(a),
        Packet::LossNotification(b),
        Packet::ApplicationLayerFeedback(c),
        Packet::SourceDescription(sdes),
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((a, b, c), (resynchronise, loss, other));
    let chunk = sdes.chunks().next().unwrap();
    let items: Vec<_> = chunk.items().map(|item| (item.kind, item.value)).collect();
    let expected: [(u8, &[u8]); 2] = [(SdesItem::CNAME, b"c"), (SdesItem::MID, b"0")];
    assert_eq!(items, expected);
    let data = vec![0; 262_140];
    let long = ApplicationLayerFeedback {
        data: &data,
        ..other
    };
    let refused = Writer::new(&mut Vec::new()).application_layer_feedback(&long);
    assert_eq!(refused, Err(EncodeError::TooLong));
}

/// media 3.3 no. 10
#[test]
fn packets_are_cut_into_datagrams_between_two_of_them() {
    let bytes = written(|writer| {
        for number in 0..100 {
            writer.picture_loss_indication(US, Ssrc::new(number));
        }
        writer.source_description(US, &"x".repeat(200));
        writer.nack(
            US,
            THEM,
            (0..1_000).map(|step| SequenceNumber::new(step * 20)),
        );
    });
    for max_bytes in [0, 12, 100, 500, 1_200, usize::MAX] {
        let datagrams: Vec<_> = Datagrams::new(&bytes, max_bytes).collect();
        assert_eq!(datagrams.concat(), bytes);
        for datagram in &datagrams {
            let packets = Compound::new(datagram).map(Result::unwrap).count();
            assert!(datagram.len() <= max_bytes || packets == 1);
        }
        if max_bytes == 1_200 {
            let needed = bytes.len().div_ceil(1_200);
            assert!(datagrams.len() <= needed + 4);
            assert!(datagrams.iter().all(|datagram| datagram.len() <= 1_200));
        }
    }
    assert_eq!(Datagrams::new(&[], 1_200).count(), 0);
    assert_eq!(
        Datagrams::new(&[1, 2, 3], 1_200).collect::<Vec<_>>(),
        [[1, 2, 3]]
    );
}

/// Everything that a packet can be asked.
fn read_all(bytes: &[u8]) -> usize {
    let mut read = 0;
    for packet in Compound::new(bytes).flatten() {
        read += match packet {
            Packet::TransportFeedback(feedback) => feedback.statuses().count(),
            Packet::CongestionControlFeedback(feedback) => feedback
                .streams()
                .map(|stream| stream.arrivals().count())
                .sum(),
            Packet::ExtendedReport(report) => report
                .blocks()
                .map(|block| match block {
                    XrBlock::Dlrr(dlrr) => dlrr.items().count(),
                    XrBlock::TargetBitrate(target) => target.layers().count(),
                    _ => 1,
                })
                .sum(),
            Packet::TemporaryBitrateRequest(limits)
            | Packet::TemporaryBitrateNotification(limits) => limits.entries().count(),
            Packet::SourceDescription(sdes) => {
                sdes.chunks().map(|chunk| chunk.items().count()).sum()
            }
            Packet::Nack(nack) => nack.sequence_numbers().count(),
            Packet::FullIntraRequest(request) => request.entries().count(),
            Packet::ReceiverEstimatedMaximumBitrate(estimate) => estimate.ssrcs().count(),
            Packet::Goodbye(goodbye) => goodbye.sources().count(),
            _ => 1,
        };
    }
    read
}

/// Every truncation and every changed octet of every case: no panic, and bounded work. The two long ones, of a hundred
/// packets and more, have every value of each octet with `AVOCET_FULL_MATRIX=1` only.
#[test]
fn every_truncation_and_every_changed_octet_is_read_within_bounds() {
    let mut corpus: Vec<_> = cases().into_iter().map(|(_, bytes)| bytes).collect();
    let mut builder = CongestionControlFeedbackBuilder::new(1_200);
    let taken = builder.push(US, SequenceNumber::new(9), &arrivals(20));
    assert_eq!(taken, 20);
    corpus.push(written(|writer| {
        writer.congestion_control_feedback(US, 7, &builder);
        let layer = LayerBitrate {
            spatial: 1,
            temporal: 2,
            kilobits_per_second: 3,
        };
        let blocks = [XrBlockToSend::TargetBitrate(&[layer])];
        writer.extended_report(US, &blocks).unwrap();
        let limit = TemporaryBitrateEntry {
            ssrc: US,
            bits_per_second: 1_000,
            overhead_bytes: 40,
        };
        writer.temporary_bitrate_request(US, &[limit]);
        writer.rapid_resynchronisation_request(US, THEM);
    }));
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    for bytes in corpus.iter().filter(|bytes| bytes.len() < 2_000) {
        for length in 0..bytes.len() {
            assert!(read_all(&bytes[..length]) <= 70_000);
        }
        let all = full || bytes.len() < 400;
        for place in 0..bytes.len() {
            for flip in (1..=255).filter(|&flip| all || u8::is_power_of_two(flip)) {
                let mut changed = bytes.clone();
                changed[place] ^= flip;
                assert!(read_all(&changed) <= 70_000);
            }
        }
    }
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

    #[test]
    fn any_feedback_bytes_are_read_without_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 205_u8..208,
        format in 0_u8..32,
    ) {
        let words = u8::try_from((bytes.len() / 4).saturating_sub(1)).unwrap();
        if let [first, second, high, low, ..] = &mut bytes[..] {
            (*first, *second, *high, *low) = (0x80 | format, kind, 0, words);
        }
        prop_assert!(read_all(&bytes) <= 70_000);
    }
}
