use bytes::Bytes;

use super::*;
use crate::payload::tests::{case, ivf, packets_of, receive, shuffled, survives_bad_input};
use crate::payload::{Assembler, Format, PacketizeError, Packetizer, Payload, PayloadError, Start};
use crate::{Frame, Layer, MimeType, Packet, Resolution, SequenceNumber};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/av1_320x240_30_3s.ivf");

/// The temporal units, without the delimiter that each has in the file.
fn clip() -> Vec<Frame> {
    (0..)
        .zip(ivf(CLIP))
        .map(|(at, data)| {
            assert_eq!(data[..2], [0x12, 0]);
            Frame::new(MimeType::AV1, at * 3000, Bytes::copy_from_slice(&data[2..]))
        })
        .collect()
}

fn assembler() -> Assembler<Av1> {
    Assembler::new(Av1::new())
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

#[test]
fn frames_of_a_clip_survive_shuffling_and_duplication_bit_exactly() {
    let frames = clip();
    assert_eq!(frames.len(), 90);
    for max_payload in [40, 300, 1188] {
        let packets = packets_of(&mut Av1Packetizer, &frames, max_payload);
        let (out, _) = receive(&mut assembler(), &shuffled(&packets, 9, 0));
        assert_eq!(out.len(), frames.len());
        for (frame, out) in frames.iter().zip(&out) {
            assert_eq!((frame.timestamp, &frame.data), (out.timestamp, &out.data));
            let resolution = Resolution {
                width: 320,
                height: 240,
            };
            assert_eq!(out.resolution, out.key.then_some(resolution));
        }
        assert!(out[0].key && !out[1].key);
    }
}

#[test]
fn packets_of_a_frame_are_of_nearly_equal_size() {
    let packets = packets_of(&mut Av1Packetizer, &clip()[..1], 300);
    let lens: Vec<_> = packets.iter().map(|packet| packet.payload.len()).collect();
    let (last, others) = lens.split_last().unwrap();
    let max = *others.iter().max().unwrap();
    assert!(others.iter().all(|len| max - len <= 6), "{lens:?}");
    assert!(*last <= max);
}

#[test]
fn frames_with_a_lost_packet_are_dropped_and_all_others_are_exact() {
    let frames = clip();
    let packets = packets_of(&mut Av1Packetizer, &frames, 300);
    for seed in 0..10 {
        let (out, stats) = receive(&mut assembler(), &shuffled(&packets, seed, 20));
        assert!(out.len() < frames.len() && stats.gaps > 0);
        let known = |out: &Frame| frames.iter().any(|frame| frame.data == out.data);
        assert!(out.iter().all(known));
    }
}

#[test]
fn a_remembered_sequence_header_is_put_in_front_of_a_bare_key_frame() {
    // A sequence header, and a key frame with it and without.
    let header = [0x0a, 2, 0x18, 0x15];
    let key = [0x32, 2, 0x10, 7];
    let whole = [header, key].concat();
    let frames = [&whole[..], &key].map(Bytes::copy_from_slice);
    let frames = frames.map(|data| Frame::new(MimeType::AV1, 0, data));
    let mut packets = packets_of(&mut Av1Packetizer, &frames, 100);
    packets[1].timestamp = 3000;
    assert_eq!(packets[0].payload[0], 0x08);
    let (out, _) = receive(&mut assembler(), &packets);
    assert_eq!(out[1].data, whole);
    assert!(out[1].key);
}

#[test]
fn delimiters_and_tile_lists_are_dropped_and_layers_are_read() {
    // W=3: temporal delimiter, tile list, and a frame of layer T1 S2.
    let payload = [0x38, 1, 0x10, 2, 0x40, 9, 0x34, 0x30, 0x30, 5];
    let (out, _) = receive(&mut assembler(), &packets(&[(0, true, &payload)]));
    assert_eq!(out[0].data, &[0x36, 0x30, 2, 0x30, 5][..]);
    assert_eq!(
        out[0].layer,
        Some(Layer {
            spatial: 2,
            temporal: 1
        })
    );
}

#[test]
fn fragments_that_do_not_join_are_dropped() {
    let begun: &[u8] = &[0x58, 0x30, 0x30];
    let rest: &[u8] = &[0x90, 1, 2];
    let whole: &[u8] = &[0x18, 0x30, 0x30];
    let (out, _) = receive(
        &mut assembler(),
        &packets(&[(0, false, begun), (0, true, rest)]),
    );
    assert_eq!(out[0].data, &[0x32, 3, 0x30, 1, 2][..]);
    for bad in [[begun, whole], [whole, rest]] {
        let [first, second] = bad;
        let given = packets(&[(0, false, first), (0, true, second), (1, true, whole)]);
        let (out, stats) = receive(&mut assembler(), &given);
        assert_eq!((out.len(), stats.malformed_packets), (1, 1));
    }
    let (out, stats) = receive(&mut assembler(), &packets(&[(0, true, begun)]));
    assert_eq!((out.len(), stats.incomplete_frames), (0, 1));
}

#[test]
fn only_a_sequence_start_is_certain_after_a_gap() {
    let start = |payload: &[u8]| Av1::new().inspect(payload).map(|info| info.start);
    assert_eq!(start(&[0x18, 0x30, 0]), Ok(Start::Certain));
    assert_eq!(start(&[0x10, 0x08, 0]), Ok(Start::Certain));
    assert_eq!(start(&[0x10, 0x30, 0]), Ok(Start::Possible));
    assert_eq!(start(&[0x90, 0x30, 0]), Ok(Start::No));
    assert_eq!(start(&[0x98, 0x30, 0]), Err(PayloadError::Value));
}

/// H-*
#[test]
fn catalogue_h_av1_lying_lengths_are_dropped() {
    for name in [
        "aggregation W=0 leb128 of 8 bytes 0xff",
        "W=3 with sizes past end",
        "leb128 longer than 8 bytes",
    ] {
        let (frames, stats) = case("AV1", name, assembler(), &[&[0x18, 0x30, 0x30]]);
        assert!(frames.is_empty(), "{name}");
        assert_eq!(stats.malformed_packets, 1, "{name}");
    }
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let mut corpus = packets_of(&mut Av1Packetizer, &clip()[..5], 300);
    corpus.drain(3..corpus.len() - 5);
    corpus.extend(packets(&[(20_000, true, &[0x18, 0x30, 0x30])]));
    survives_bad_input(&mut assembler(), &corpus);
}

#[test]
fn a_packetizer_refuses_what_it_cannot_cut() {
    let mut none = |_: Payload| panic!("nothing is sent");
    let mut refused = |data: &[u8], max_payload| {
        let frame = Frame::new(MimeType::AV1, 0, Bytes::copy_from_slice(data));
        Av1Packetizer.packetize(&frame, max_payload, &mut none)
    };
    assert_eq!(refused(&[0x12, 0], 100), Err(PacketizeError::Empty));
    assert_eq!(refused(&[0x32, 1, 1], 6), Err(PacketizeError::MaxPayload));
    let malformed = PacketizeError::Malformed(PayloadError::Length);
    assert_eq!(refused(&[0x32, 9, 1], 100), Err(malformed));
}

/// The frame OBUs of the clip, and how to read their headers.
fn frame_obus(frames: &[Frame]) -> (Vec<Vec<u8>>, sequence::FrameSyntax) {
    let mut bodies = Vec::new();
    let mut syntax = None;
    for frame in frames {
        let mut rest = &frame.data[..];
        while !rest.is_empty() {
            let obu = Obu::take(&mut rest).unwrap();
            if obu.kind() == obu::SEQUENCE_HEADER {
                syntax = sequence::SequenceHeader::decode(obu.body).unwrap().frames;
            } else if obu.begins_frame() {
                bodies.push(obu.body.to_vec());
            }
        }
    }
    (bodies, syntax.unwrap())
}

/// The numbers are those of the bit stream filter `trace_headers` of FFmpeg.
#[test]
fn references_that_a_frame_refreshes_are_read_from_its_header() {
    let (bodies, syntax) = frame_obus(&clip());
    let mut count = std::collections::BTreeMap::new();
    for body in &bodies {
        let flags = frame_header::refresh_flags(body, &syntax).unwrap();
        *count.entry(flags).or_insert(0) += 1;
    }
    let expected = [
        (1, 12),
        (2, 15),
        (4, 13),
        (8, 14),
        (16, 12),
        (32, 15),
        (65, 1),
        (68, 2),
        (72, 1),
        (80, 3),
        (255, 2),
    ];
    assert_eq!(count.into_iter().collect::<Vec<_>>(), expected);
    for body in &bodies[..3] {
        for len in 0..6.min(body.len()) {
            let _ = frame_header::refresh_flags(&body[..len], &syntax);
        }
    }
}

#[test]
fn a_frame_that_refreshes_no_reference_is_discardable() {
    let mut frames = clip();
    frames.truncate(4);
    let (bodies, syntax) = frame_obus(&frames);
    // The second frame keeps itself in one place: that bit goes.
    assert_eq!(frame_header::refresh_flags(&bodies[1], &syntax), Ok(2));
    let mut data = frames[1].data.to_vec();
    let at = data
        .windows(8)
        .position(|window| window == &bodies[1][..8])
        .unwrap();
    let mut cleared = false;
    for bit in 0..64 {
        data[at + bit / 8] ^= 0x80 >> (bit % 8);
        if frame_header::refresh_flags(&data[at..], &syntax) == Ok(0) {
            cleared = true;
            break;
        }
        data[at + bit / 8] ^= 0x80 >> (bit % 8);
    }
    assert!(cleared);
    frames[1].data = Bytes::from(data);
    for max_payload in [100, 1188] {
        let packets = packets_of(&mut Av1Packetizer, &frames, max_payload);
        let (out, _) = receive(&mut assembler(), &packets);
        let discardable: Vec<_> = out.iter().map(|frame| frame.discardable).collect();
        assert_eq!(discardable, [false, true, false, false]);
    }
}
