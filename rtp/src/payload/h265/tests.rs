use bytes::Bytes;

use super::*;
use crate::payload::nal::{push_unit, units};
use crate::payload::tests::{
    access_units, case, packets_of, receive, shuffled, survives_bad_input,
};
use crate::payload::{Assembler, Format, PacketizeError, Packetizer, Payload, PayloadError};
use crate::{Frame, MimeType, Packet, Resolution, SequenceNumber};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/h265_320x240_30_4s.h265");

fn clip() -> Vec<Frame> {
    access_units(MimeType::H265, CLIP, |unit| {
        (unit[0] >> 1 < 32, unit[0] >> 1 < 32 && unit[2] & 0x80 != 0)
    })
}

fn assembler() -> Assembler<H265> {
    Assembler::new(H265::new())
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

const SLICE: &[u8] = &[0x02, 0x01, 0x80, 7];

#[test]
fn frames_of_a_clip_survive_shuffling_and_duplication_bit_exactly() {
    let frames = clip();
    assert_eq!(frames.len(), 120);
    for max_payload in [60, 1188] {
        let packets = packets_of(&mut H265Packetizer::default(), &frames, max_payload);
        let (out, _) = receive(&mut assembler(), &shuffled(&packets, 4, 0));
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
fn frames_with_a_lost_packet_are_dropped_and_all_others_hold_their_slices() {
    let frames = clip();
    let packets = packets_of(&mut H265Packetizer::default(), &frames, 300);
    for seed in 0..10 {
        let (out, stats) = receive(&mut assembler(), &shuffled(&packets, seed, 20));
        assert!(out.len() < frames.len() && !out.is_empty() && stats.gaps > 0);
        for out in out {
            let frame = frames.iter().find(|frame| frame.timestamp == out.timestamp);
            let slices = |data: &Bytes| -> Vec<Vec<u8>> {
                let slices = units(data).filter(|unit| unit[0] >> 1 < 32);
                slices.map(<[u8]>::to_vec).collect()
            };
            assert_eq!(slices(&out.data), slices(&frame.unwrap().data));
        }
    }
}

#[test]
fn remembered_parameter_sets_are_put_in_front_of_a_bare_key_frame() {
    let frames = clip();
    let mut bare = Vec::new();
    let mut with_sets = Vec::new();
    for unit in units(&frames[0].data) {
        match unit[0] >> 1 {
            32..=34 => push_unit(&mut with_sets, unit),
            19 | 20 => push_unit(&mut bare, unit),
            _ => {}
        }
    }
    with_sets.extend_from_slice(&bare);
    let sent = [
        frames[0].clone(),
        Frame::new(MimeType::H265, 9, Bytes::from(bare)),
    ];
    let (out, _) = receive(
        &mut assembler(),
        &packets_of(&mut H265Packetizer::default(), &sent, 1188),
    );
    assert_eq!(out[1].data, with_sets);
    assert_eq!(
        out[1].resolution,
        Some(Resolution {
            width: 320,
            height: 240
        })
    );
}

/// H-*
#[test]
fn catalogue_h_h265_bad_aggregates_and_fragments_are_dropped() {
    for name in ["AP with 1-byte NAL size", "FU without FU header"] {
        let (frames, stats) = case("H265", name, assembler(), &[SLICE]);
        assert!(frames.is_empty(), "{name}");
        assert_eq!(stats.malformed_packets, 1, "{name}");
    }
    let inspect = |payload: &[u8]| H265::new().inspect(payload).map(|info| info.start);
    // An aggregation inside an aggregation, a fragment of a fragment, and a forbidden temporal id.
    assert_eq!(
        inspect(&[0x60, 1, 0, 3, 0x60, 1, 0]),
        Err(PayloadError::Value)
    );
    assert_eq!(inspect(&[0x62, 1, 0x80 | 49, 0]), Err(PayloadError::Value));
    assert_eq!(inspect(&[0x02, 0, 0x80]), Err(PayloadError::Value));
}

/// H-*
#[test]
fn catalogue_h_h265_paci_is_opened_once() {
    // PACI of type 1 with an extension of 2 octets.
    let paci = [0x64, 1, 1 << 1, 2 << 4, 0xaa, 0xbb, 0x80, 7];
    let (out, _) = receive(&mut assembler(), &packets(&[(0, true, &paci)]));
    assert_eq!(units(&out[0].data).collect::<Vec<_>>(), [SLICE]);
    let nested = [0x64, 1, 50 << 1, 0, 1 << 1, 0, 0x80, 7];
    assert_eq!(H265::new().inspect(&nested), Err(PayloadError::Value));
    let lying = [0x64, 1, 1 << 1 | 1, 0xf0, 1, 2, 3];
    assert_eq!(H265::new().inspect(&lying), Err(PayloadError::Length));
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let mut corpus = packets_of(&mut H265Packetizer::default(), &clip()[..4], 300);
    corpus.drain(4..corpus.len() - 4);
    corpus.extend(packets(&[(20_000, true, SLICE)]));
    survives_bad_input(&mut assembler(), &corpus);
}

/// H-*
#[test]
fn catalogue_h_parameter_sets_cut_or_mutated_never_panic() {
    let set = &units(CLIP).find(|unit| unit[0] >> 1 == 33).unwrap()[2..];
    assert!(sps::resolution(set).is_ok());
    for len in 0..set.len() {
        let _ = sps::resolution(&set[..len]);
    }
    let mut mutant = set.to_vec();
    for place in 0..set.len() {
        for value in 1..=255 {
            mutant[place] = set[place] ^ value;
            let _ = sps::resolution(&mutant);
        }
        mutant[place] = set[place];
    }
}

#[test]
fn a_packetizer_refuses_what_it_cannot_cut() {
    let frames = clip();
    let refused =
        H265Packetizer::default().packetize(&frames[0], 3, &mut |_: Payload| panic!("nothing"));
    assert_eq!(refused, Err(PacketizeError::MaxPayload));
    let none = Frame::new(MimeType::H265, 0, Bytes::from_static(b"no start code"));
    let refused =
        H265Packetizer::default().packetize(&none, 999, &mut |_: Payload| panic!("nothing"));
    assert_eq!(refused, Err(PacketizeError::Malformed(PayloadError::Value)));
}

fn ordered(payloads: &[(u32, bool, &[u8])]) -> (Vec<Frame>, crate::payload::DepacketizerStats) {
    let mut assembler = Assembler::new(H265::with_decoding_order_numbers());
    receive(&mut assembler, &packets(payloads))
}

#[test]
fn decoding_order_numbers_are_read_only_where_they_were_agreed() {
    // A unit, an aggregate of two with a step between, and a unit in two fragments.
    let payloads: [(u32, bool, &[u8]); 4] = [
        (0, false, &[0x02, 0x01, 0xff, 0xff, 0x80, 7]),
        (
            0,
            false,
            &[
                0x60, 0x01, 0, 0, 0, 4, 0x02, 0x01, 0x00, 8, 0, 0, 4, 0x02, 0x01, 0x00, 9,
            ],
        ),
        (0, false, &[0x62, 0x01, 0x81, 0, 5, 0x00, 10]),
        (0, true, &[0x62, 0x01, 0x41, 11]),
    ];
    let (frames, _) = ordered(&payloads);
    let found: Vec<_> = units(&frames[0].data).collect();
    let expected: [&[u8]; 4] = [
        SLICE,
        &[0x02, 0x01, 0x00, 8],
        &[0x02, 0x01, 0x00, 9],
        &[0x02, 0x01, 0x00, 10, 11],
    ];
    assert_eq!(found, expected);
    // Without agreement the same octets belong to the unit.
    let (frames, _) = receive(&mut assembler(), &packets(&payloads[..1]));
    assert!(frames[0].data.ends_with(payloads[0].2));
    let plain = packets(&[(0, true, SLICE)]);
    let (frames, _) = receive(&mut assembler(), &plain);
    assert!(frames[0].data.ends_with(SLICE));
}

#[test]
fn units_out_of_decoding_order_give_the_frame_up() {
    let (frames, stats) = ordered(&[
        (0, false, &[0x02, 0x01, 0, 9, 0x80, 7]),
        (0, true, &[0x02, 0x01, 0, 8, 0x00, 7]),
        (1, true, &[0x02, 0x01, 0, 8, 0x80, 7]),
    ]);
    assert_eq!((frames.len(), stats.malformed_packets), (1, 1));
    // Numbers cut short.
    let (frames, stats) = ordered(&[
        (0, true, &[0x02, 0x01, 0]),
        (1, true, &[0x60, 0x01, 0]),
        (2, true, &[0x60, 0x01, 0, 0, 0, 4, 0x02, 0x01, 0x00, 8, 0]),
        (3, true, &[0x62, 0x01, 0x81, 0, 5]),
    ]);
    assert!(frames.is_empty());
    assert_eq!(stats.malformed_packets, 4);
}

#[test]
fn delimiters_and_filler_are_left_out_on_request() {
    let mut data = Vec::new();
    let all: [&[u8]; 3] = [&[0x46, 0x01, 0x10], SLICE, &[0x4c, 0x01, 0xff, 0x80]];
    for unit in all {
        push_unit(&mut data, unit);
    }
    let frame = Frame::new(MimeType::H265, 0, Bytes::from(data));
    let mut packetizer = H265Packetizer::default().with_extras(Extras::Drop);
    let packets = packets_of(&mut packetizer, &[frame], 1188);
    assert_eq!((packets.len(), &packets[0].payload[..]), (1, SLICE));
    assert!(packets[0].marker);
}

/// The size is told by the packet that a sender puts its parameter sets in, before anything is decoded.
#[test]
fn an_aggregate_of_parameter_sets_tells_the_size() {
    let frames = clip();
    let packets = packets_of(&mut H265Packetizer::default(), &frames[..1], 1188);
    let info = H265::new().inspect(&packets[0].payload).unwrap();
    let size = info.resolution.map(|size| (size.width, size.height));
    assert_eq!(size, Some((320, 240)));
}
