use bytes::Bytes;

use super::sps::tests::{Front, SIZE, sps_body};
use super::*;
use crate::payload::nal::{push_unit, units};
use crate::payload::tests::{packets_of, receive, shuffled, survives_bad_input};
use crate::payload::{
    Assembler, DepacketizerStats, Format, PacketizeError, Packetizer, Payload, PayloadError, Start,
};
use crate::{Frame, MimeType, Packet, SequenceNumber};

const DELIMITER: &[u8] = &[0, 0xa1, 0x28];
const DCI: &[u8] = &[0, 0x69, 0x80];
const VPS: &[u8] = &[0, 0x71, 0x10, 0x80];
const PPS: &[u8] = &[0, 0x81, 0x04, 0x80];
const PREFIX_APS: &[u8] = &[0, 0x89, 0x21, 0x80];
const PICTURE_HEADER: &[u8] = &[0, 0x99, 0x11, 0x80];
const SUFFIX_SEI: &[u8] = &[0, 0xc1, 0x01, 0x80];
const END_OF_SEQUENCE: &[u8] = &[0, 0xa9];
/// A slice of a trailing picture with its picture header inside.
const SLICE: &[u8] = &[0, 0x01, 0x91, 7];

fn sps() -> Vec<u8> {
    let body = sps_body(Front {
        profile: true,
        ..Front::default()
    });
    [&[0, 0x79][..], &body].concat()
}

fn frame(timestamp: u32, all: &[&[u8]]) -> Frame {
    let mut data = Vec::new();
    for unit in all {
        push_unit(&mut data, unit);
    }
    Frame::new(MimeType::H266, timestamp, Bytes::from(data))
}

/// A unit of this type with a first octet and octets without zeros behind it.
fn unit(kind: u8, first: u8, len: usize, seed: usize) -> Vec<u8> {
    let rest = (0..len).map(|at| (at * 31 + seed * 7) as u8 | 1);
    [0, kind << 3 | 1, first].into_iter().chain(rest).collect()
}

/// A made stream, for want of an encoder: a key picture with all its parameter sets every 12, pictures of one slice, and
/// pictures of four slices behind a picture header.
fn stream() -> Vec<Frame> {
    let sps = sps();
    (0..60)
        .map(|at: usize| {
            let timestamp = 3000 * at as u32;
            let slice = |kind, first, part| unit(kind, first, 20 + (at * 379 + part) % 2500, at);
            match at % 12 {
                0 => {
                    let idr = slice(7, 0xc1, 0);
                    let sets: [&[u8]; 7] = [DELIMITER, DCI, VPS, &sps, PPS, PREFIX_APS, &idr];
                    frame(timestamp, &sets)
                }
                5 => {
                    let parts: Vec<_> = (0..4).map(|part| slice(0, 0x11, part)).collect();
                    let mut all: Vec<&[u8]> = vec![PREFIX_APS, PICTURE_HEADER];
                    all.extend(parts.iter().map(Vec::as_slice));
                    all.push(SUFFIX_SEI);
                    frame(timestamp, &all)
                }
                _ => frame(timestamp, &[PREFIX_APS, &slice(0, 0x91, 0), SUFFIX_SEI]),
            }
        })
        .collect()
}

fn assembler() -> Assembler<H266> {
    Assembler::new(H266::new())
}

fn packets(payloads: &[(u32, bool, &[u8])]) -> Vec<Packet> {
    (0..)
        .zip(payloads)
        .map(|(number, &(timestamp, marker, payload))| Packet {
            sequence_number: SequenceNumber::new(number),
            timestamp,
            marker,
            payload: Bytes::copy_from_slice(payload),
            ..Packet::default()
        })
        .collect()
}

fn ordered(payloads: &[(u32, bool, &[u8])]) -> (Vec<Frame>, DepacketizerStats) {
    let mut assembler = Assembler::new(H266::with_decoding_order_numbers());
    receive(&mut assembler, &packets(payloads))
}

fn packetized(frame: &Frame, max_payload: usize) -> Vec<Packet> {
    packets_of(
        &mut H266Packetizer::default(),
        std::slice::from_ref(frame),
        max_payload,
    )
}

#[test]
fn frames_of_a_stream_survive_shuffling_and_duplication_bit_exactly() {
    let frames = stream();
    for max_payload in [60, 1188] {
        let packets = packets_of(&mut H266Packetizer::default(), &frames, max_payload);
        let (out, _) = receive(&mut assembler(), &shuffled(&packets, 4, 0));
        assert_eq!(out.len(), frames.len());
        for (at, (frame, out)) in frames.iter().zip(&out).enumerate() {
            assert_eq!((frame.timestamp, &frame.data), (out.timestamp, &out.data));
            assert_eq!(out.key, at % 12 == 0);
            assert_eq!(out.resolution, out.key.then_some(SIZE));
        }
    }
}

#[test]
fn frames_with_a_lost_packet_are_dropped_and_all_others_are_exact() {
    let frames = stream();
    let packets = packets_of(&mut H266Packetizer::default(), &frames, 300);
    for seed in 0..20 {
        let mut path = shuffled(&packets, seed, 20);
        // Behind the end of a stream nothing shows that its last packet is missing.
        path.extend(packets.last().cloned());
        let (out, stats) = receive(&mut assembler(), &path);
        assert!(out.len() < frames.len() && !out.is_empty() && stats.gaps > 0);
        for out in out {
            let sent = frames.iter().find(|frame| frame.timestamp == out.timestamp);
            assert_eq!(sent.unwrap().data, out.data);
        }
    }
}

/// The adaptation parameter sets in front of a slice may be what was lost.
#[test]
fn after_a_gap_a_frame_begins_with_parameter_sets_and_not_with_a_slice() {
    let mut lossy = packets(&[
        (0, true, DELIMITER),
        (1, false, PREFIX_APS),
        (1, true, SLICE),
        (2, true, SLICE),
        (3, true, SLICE),
        (4, false, &sps()),
        (4, true, &[0, 0x39, 0xc1, 7]),
    ]);
    lossy.remove(1);
    lossy.remove(3);
    let (frames, stats) = receive(&mut assembler(), &lossy);
    let timestamps: Vec<_> = frames.iter().map(|frame| frame.timestamp).collect();
    assert_eq!(timestamps, [0, 2, 4]);
    // In front of the first packet there is a gap too.
    assert_eq!((stats.gaps, stats.incomplete_frames), (3, 1));
    // One of an upper layer lies inside of an access unit.
    let mut upper = sps();
    upper[0] = 1;
    let start = |unit: &[u8]| H266::new().inspect(unit).unwrap().start;
    assert_eq!(start(&upper), Start::Possible);
    for unit in [DELIMITER, DCI, VPS, &sps(), &[0, 0x61, 0x80]] {
        assert_eq!(start(unit), Start::Certain);
    }
    for unit in [PPS, PREFIX_APS, PICTURE_HEADER, SLICE, END_OF_SEQUENCE] {
        assert_eq!(start(unit), Start::Possible);
    }
}

#[test]
fn remembered_parameter_sets_are_put_in_front_of_a_bare_key_frame() {
    let idr: &[u8] = &[0, 0x41, 0xc1, 7];
    let sps = sps();
    let second_pps: &[u8] = &[0, 0x81, 0x08, 0x80];
    let whole = frame(0, &[VPS, &sps, PPS, second_pps, PREFIX_APS, idr]);
    let sent = [whole, frame(1, &[DELIMITER, PREFIX_APS, idr])];
    let packets = packets_of(&mut H266Packetizer::default(), &sent, 1188);
    let (out, _) = receive(&mut assembler(), &packets);
    let expected = frame(1, &[DELIMITER, VPS, &sps, PPS, second_pps, PREFIX_APS, idr]);
    assert_eq!(out[1].data, expected.data);
    assert_eq!((out[1].key, out[1].resolution), (true, Some(SIZE)));
    // From the description they do the same. Of one id the newest stays, and other units are not kept.
    let mut format = H266::new();
    let mut older = sps.clone();
    older.push(9);
    for unit in [VPS, &older, &sps, PPS, second_pps, PREFIX_APS, SLICE, &[0]] {
        format.add_parameter_set(unit);
    }
    let (out, _) = receive(&mut Assembler::new(format), &packetized(&sent[1], 1188));
    assert_eq!(out[0].data, expected.data);
}

#[test]
fn aggregates_have_the_lowest_layer_and_the_lowest_temporal_id() {
    let all: [&[u8]; 3] = [
        &[0x83, 0x02, 0x91, 1],
        &[0x02, 0x03, 0x91, 2],
        &[5, 0x04, 0x91, 3],
    ];
    let packets = packetized(&frame(0, &all), 100);
    assert_eq!(packets.len(), 1);
    assert_eq!(
        packets[0].payload[..6],
        [0x82, 28 << 3 | 2, 0, 4, 0x83, 0x02]
    );
    assert!(packets[0].marker);
    let info = H266::new().inspect(&packets[0].payload).unwrap();
    assert_eq!(
        info.layer.map(|layer| (layer.spatial, layer.temporal)),
        Some((3, 1))
    );
}

#[test]
fn units_are_cut_at_the_budget_and_the_end_of_the_picture_is_marked() {
    let first = unit(0, 0x11, 30, 1);
    let last = unit(0, 0x11, 30, 2);
    let mut upper = unit(0, 0x11, 30, 3);
    upper[0] = 1;
    let sei = unit(24, 1, 30, 4);
    let sent = frame(
        0,
        &[PREFIX_APS, PICTURE_HEADER, &first, &last, &upper, &sei],
    );
    let packets = packetized(&sent, 21);
    // Type 28 once, then each unit in two fragments: S, E and P in front of the type.
    let headers: Vec<_> = packets
        .iter()
        .map(|packet| (packet.payload[1] >> 3, packet.payload[2], packet.marker))
        .collect();
    let expected = [
        (28, 0, false),
        (29, 0x80, false),
        (29, 0x40, false),
        (29, 0x80, false),
        (29, 0x60, false),
        (29, 0x80, false),
        (29, 0x60, false),
        (29, 0x80 | 24, false),
        (29, 0x40 | 24, true),
    ];
    assert_eq!(headers, expected);
    assert!(packets.iter().all(|packet| packet.payload.len() <= 21));
    // A frame from the middle of a stream needs one before it.
    let (out, _) = receive(&mut assembler(), &shuffled(&packets, 1, 0));
    assert!(out.is_empty());
    let both = packets_of(
        &mut H266Packetizer::default(),
        &[frame(9, &[DELIMITER]), sent.clone()],
        21,
    );
    let (out, _) = receive(&mut assembler(), &both);
    assert_eq!(out[1].data, sent.data);
}

#[test]
fn packets_tell_key_frames_layers_and_what_nobody_refers_to() {
    let info = |unit: &[u8]| H266::new().inspect(unit).unwrap();
    for kind in 0..28 {
        let unit = [0x02, kind << 3 | 3, 0x91, 7];
        let told = info(&unit);
        assert_eq!(told.key, (7..=9).contains(&kind), "{kind}");
        assert!(!told.discardable);
        let layer = told.layer.unwrap();
        assert_eq!((layer.spatial, layer.temporal), (2, 2));
        // A picture header inside, and nothing refers to the picture.
        let unit = [0x02, kind << 3 | 3, 0xb1, 7];
        assert_eq!(info(&unit).discardable, kind < 12, "{kind}");
    }
    // Without a picture header the bit means something else.
    assert!(!info(&[0, 0x01, 0x31, 7]).discardable);
    let frames = [
        frame(0, &[&sps(), &[0, 0x49, 0xc1, 7]]),
        frame(1, &[&[0, 0x02, 0xb1, 7], SUFFIX_SEI]),
        frame(2, &[&[0, 0x51, 0xd1, 7]]),
    ];
    let packets = packets_of(&mut H266Packetizer::default(), &frames, 100);
    let (out, _) = receive(&mut assembler(), &packets);
    let told: Vec<_> = out.iter().map(|out| (out.key, out.discardable)).collect();
    assert_eq!(told, [(true, false), (false, true), (false, false)]);
    for (frame, out) in frames.into_iter().zip(out) {
        let mut described = frame;
        crate::payload::describe(&mut described);
        assert_eq!(
            (described.key, described.discardable),
            (out.key, out.discardable)
        );
        assert_eq!(described.resolution, out.resolution);
    }
}

/// H-*
#[test]
fn catalogue_h_h266_bad_aggregates_and_fragments_are_dropped() {
    let inspect = |payload: &[u8]| H266::new().inspect(payload).map(|info| info.start);
    let aggregation = 28 << 3 | 1;
    let fragment = 29 << 3 | 1;
    let cases: [(&[u8], PayloadError); 17] = [
        (&[0], PayloadError::Truncated),
        (&[0, 0x01], PayloadError::Truncated),
        (&[0, 0x00, 0x80], PayloadError::Value),
        // Types without meaning.
        (&[0, 30 << 3 | 1, 0x80], PayloadError::Value),
        (&[0, 31 << 3 | 1, 0x80], PayloadError::Value),
        // An aggregate of nothing, with half a size, with a unit past its end, of half a header, of a header only.
        (&[0, aggregation], PayloadError::Truncated),
        (&[0, aggregation, 0], PayloadError::Truncated),
        (&[0, aggregation, 0, 5, 0, 1, 0x91, 7], PayloadError::Length),
        (
            &[0, aggregation, 0xff, 0xff, 0, 1, 0x91],
            PayloadError::Length,
        ),
        (&[0, aggregation, 0, 1, 0], PayloadError::Truncated),
        (&[0, aggregation, 0, 2, 0, 1], PayloadError::Truncated),
        (&[0, aggregation, 0, 0], PayloadError::Truncated),
        // An aggregate in an aggregate, a fragment in one, a fragment of a fragment, one of nothing.
        (
            &[0, aggregation, 0, 3, 0, aggregation, 0],
            PayloadError::Value,
        ),
        (
            &[0, aggregation, 0, 4, 0, fragment, 0x80, 7],
            PayloadError::Value,
        ),
        (&[0, fragment, 0x80 | 29, 7], PayloadError::Value),
        (&[0, fragment, 0x80], PayloadError::Truncated),
        (&[0, fragment], PayloadError::Truncated),
    ];
    for (payload, error) in cases {
        assert_eq!(inspect(payload), Err(error), "{payload:02x?}");
        let sent = packets(&[(0, true, payload), (1, true, DELIMITER)]);
        let (out, stats) = receive(&mut assembler(), &sent);
        assert_eq!(
            (out.len(), stats.malformed_packets),
            (1, 1),
            "{payload:02x?}"
        );
    }
}

/// H-*
#[test]
fn catalogue_h_h266_fragments_without_start_or_end_are_dropped() {
    let fragment = 29 << 3 | 1;
    let (start, middle, end) = (
        [0, fragment, 0x80, 0x91, 1],
        [0, fragment, 0, 2, 3],
        [0, fragment, 0x40, 4, 5],
    );
    let after = |payloads: &[&[u8]]| {
        let last = payloads.len() - 1;
        let mut all = vec![(0, true, DELIMITER)];
        all.extend(
            payloads
                .iter()
                .enumerate()
                .map(|(at, payload)| (1, at == last, *payload)),
        );
        all.push((2, true, SLICE));
        let (out, _) = receive(&mut assembler(), &packets(&all));
        assert_eq!(out.last().unwrap().timestamp, 2);
        out.into_iter().find(|out| out.timestamp == 1)
    };
    let whole = after(&[&start, &middle, &end]).unwrap();
    let found: Vec<_> = units(&whole.data).collect();
    assert_eq!(found, [[0, 1, 0x91, 1, 2, 3, 4, 5]]);
    assert_eq!(after(&[&middle, &end]), None);
    assert_eq!(after(&[&end]), None);
    assert_eq!(after(&[&start, &middle]), None);
    assert_eq!(after(&[&start, SLICE]), None);
    // A unit that is begun anew takes the place of what there was of it.
    let anew = after(&[&start, &middle, &start, &end]).unwrap();
    assert!(anew.data.ends_with(&[0, 1, 0x91, 1, 4, 5]) && anew.data.len() == 10);
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let mut corpus = packets_of(&mut H266Packetizer::default(), &stream()[..7], 300);
    corpus.drain(6..corpus.len() - 4);
    corpus.extend(packets(&[(20_000, true, DELIMITER), (20_001, true, SLICE)]));
    survives_bad_input(&mut assembler(), &corpus);
    let first: Vec<_> = [DELIMITER, VPS, SLICE]
        .iter()
        .map(|unit| [&unit[..2], &[0, 9], &unit[2..]].concat())
        .collect();
    let corpus: Vec<_> = (0..)
        .zip(&first)
        .map(|(at, unit)| (at, true, &unit[..]))
        .collect();
    let mut with_numbers = Assembler::new(H266::with_decoding_order_numbers());
    survives_bad_input(&mut with_numbers, &packets(&corpus));
}

/// The size is told by the packet that a sender puts its parameter sets in, before anything is decoded.
#[test]
fn an_aggregate_of_parameter_sets_tells_the_size() {
    let packets = packetized(&stream()[0], 100);
    let info = H266::new().inspect(&packets[0].payload).unwrap();
    assert_eq!((info.resolution, info.start), (Some(SIZE), Start::Certain));
}

#[test]
fn decoding_order_numbers_are_read_only_where_they_were_agreed() {
    // A unit, an aggregate of two whose second has no number, and a unit in two fragments. The numbers wrap.
    let payloads: [(u32, bool, &[u8]); 4] = [
        (0, false, &[0, 0xa1, 0xff, 0xfe, 0x28]),
        (
            0,
            false,
            &[
                0, 0xe1, 0xff, 0xff, 0, 4, 0, 0x89, 0x21, 8, 0, 4, 0, 0x89, 0x22, 9,
            ],
        ),
        (0, false, &[0, 0xe9, 0x80, 0, 1, 0x91, 10]),
        (0, true, &[0, 0xe9, 0x40, 11]),
    ];
    let (frames, _) = ordered(&payloads);
    let found: Vec<_> = units(&frames[0].data).collect();
    let expected: [&[u8]; 4] = [
        DELIMITER,
        &[0, 0x89, 0x21, 8],
        &[0, 0x89, 0x22, 9],
        &[0, 0x01, 0x91, 10, 11],
    ];
    assert_eq!(found, expected);
    // Without agreement the same octets belong to the unit.
    let (frames, _) = receive(&mut assembler(), &packets(&payloads[..1]));
    assert!(frames[0].data.ends_with(payloads[0].2));
}

#[test]
fn units_out_of_decoding_order_give_the_frame_up() {
    let (frames, stats) = ordered(&[
        (0, false, &[0, 0xa1, 0, 9, 0x28]),
        (0, true, &[0, 0x01, 0, 8, 0x91, 7]),
        (1, true, &[0, 0x01, 0, 8, 0x91, 7]),
        // The second unit of the aggregate has number 10, so 9 comes late.
        (
            2,
            false,
            &[0, 0xe1, 0, 9, 0, 3, 0, 0x89, 1, 0, 3, 0, 0x89, 2],
        ),
        (2, true, &[0, 0x01, 0, 9, 0x91, 7]),
    ]);
    assert_eq!((frames.len(), stats.malformed_packets), (1, 2));
    // Numbers cut short.
    let (frames, stats) = ordered(&[
        (0, true, &[0, 0x01, 0]),
        (1, true, &[0, 0x01, 0, 1]),
        (2, true, &[0, 0xe1, 0]),
        (3, true, &[0, 0xe9, 0x80, 0]),
        (4, true, &[0, 0xe9, 0x80, 0, 5]),
    ]);
    assert!(frames.is_empty());
    assert_eq!(stats.malformed_packets, 5);
}

#[test]
fn a_packetizer_refuses_what_it_cannot_cut() {
    let refused = |frame: &Frame, max_payload| {
        H266Packetizer::default().packetize(frame, max_payload, &mut |_: Payload| panic!("nothing"))
    };
    let frames = stream();
    assert_eq!(refused(&frames[0], 3), Err(PacketizeError::MaxPayload));
    let malformed = Err(PacketizeError::Malformed(PayloadError::Value));
    let none = Frame::new(MimeType::H266, 0, Bytes::from_static(b"no start code"));
    assert_eq!(refused(&none, 999), malformed);
    // A unit that is all header, one of no temporal layer, and one that would be taken for a fragment.
    let bad: [&[u8]; 3] = [&[0, 0x01], &[0, 0x08, 1], &[0, 0xe9, 0x80, 7]];
    for unit in bad {
        assert_eq!(refused(&frame(0, &[SLICE, unit]), 999), malformed);
    }
    let other = Frame::new(MimeType::H265, 0, frames[0].data.clone());
    assert_eq!(refused(&other, 999), Err(PacketizeError::Codec));
}

#[test]
fn the_end_of_a_sequence_is_all_header_and_travels() {
    let sent = [frame(0, &[DELIMITER, SLICE, END_OF_SEQUENCE])];
    for max_payload in [5, 100] {
        let packets = packets_of(&mut H266Packetizer::default(), &sent, max_payload);
        let (out, _) = receive(&mut assembler(), &packets);
        assert_eq!(out[0].data, sent[0].data);
    }
}

#[test]
fn delimiters_and_filler_are_left_out_on_request() {
    let sent = frame(0, &[DELIMITER, SLICE, &[0, 0xc9, 0xff, 0x80]]);
    let mut packetizer = H266Packetizer::default().with_extras(Extras::Drop);
    let packets = packets_of(&mut packetizer, &[sent], 1188);
    assert_eq!((packets.len(), &packets[0].payload[..]), (1, SLICE));
    assert!(packets[0].marker);
}
