use bytes::Bytes;

use super::*;
use crate::payload::nal::{push_unit, units};
use crate::payload::tests::{
    access_units, case, packets_of, receive, shuffled, survives_bad_input,
};
use crate::payload::{Assembler, PacketizeError, Packetizer, Payload};
use crate::{Frame, MimeType, Packet, Resolution, SequenceNumber};

const BASELINE: &[u8] = include_bytes!("../../../../testdata/clips/h264_cbp_320x240_30_5s.h264");
const HIGH: &[u8] =
    include_bytes!("../../../../testdata/clips/h264_high_bframes_slices4_640x360.h264");

fn clip(stream: &[u8]) -> Vec<Frame> {
    // A new access unit: the first slice of a picture, or the first unit behind a slice that is not one.
    access_units(MimeType::H264, stream, |unit| match unit[0] & 0x1f {
        1..=5 => (true, unit[1] & 0x80 != 0),
        _ => (false, false),
    })
}

fn assembler() -> Assembler<H264> {
    Assembler::new(H264::new())
}

#[test]
fn frames_of_the_clips_survive_shuffling_and_duplication_bit_exactly() {
    let clips = [(BASELINE, 150, 320, 240), (HIGH, 120, 640, 360)];
    for (stream, count, width, height) in clips {
        let frames = clip(stream);
        assert_eq!(frames.len(), count);
        for max_payload in [60, 1188] {
            let mut packetizer = H264Packetizer::default();
            let packets = packets_of(&mut packetizer, &frames, max_payload);
            let (out, _) = receive(&mut assembler(), &shuffled(&packets, 3, 0));
            assert_eq!(out.len(), count);
            for (frame, out) in frames.iter().zip(&out) {
                assert_eq!((frame.timestamp, &frame.data), (out.timestamp, &out.data));
                let idr = units(&frame.data).any(|unit| unit[0] & 0x1f == 5);
                assert_eq!(out.key, idr);
                assert_eq!(out.resolution, idr.then_some(Resolution { width, height }));
                let reference =
                    units(&frame.data).any(|unit| unit[0] & 0x1f <= 5 && unit[0] & 0x60 != 0);
                assert_eq!(out.discardable, !reference);
            }
        }
    }
    let (out, _) = receive(
        &mut assembler(),
        &packets_of(&mut H264Packetizer::default(), &clip(HIGH), 1188),
    );
    assert!(out.iter().any(|frame| frame.discardable));
}

#[test]
fn frames_with_a_lost_packet_are_dropped_and_all_others_hold_their_slices() {
    for stream in [BASELINE, HIGH] {
        let frames = clip(stream);
        let packets = packets_of(&mut H264Packetizer::default(), &frames, 300);
        for seed in 0..10 {
            let (out, stats) = receive(&mut assembler(), &shuffled(&packets, seed, 20));
            assert!(out.len() < frames.len() && !out.is_empty());
            assert!(stats.incomplete_frames > 0);
            for out in out {
                let frame = frames.iter().find(|frame| frame.timestamp == out.timestamp);
                let slices = |data: &Bytes| -> Vec<Vec<u8>> {
                    let slices = units(data).filter(|unit| unit[0] & 0x1f <= 5);
                    slices.map(<[u8]>::to_vec).collect()
                };
                assert_eq!(slices(&out.data), slices(&frame.unwrap().data));
            }
        }
    }
}

#[test]
fn remembered_parameter_sets_are_put_in_front_of_a_bare_key_frame() {
    let (sps, pps, idr) = (
        [0x67, 0x42, 0xc0, 0x1e, 0xd9],
        [0x68, 0xce],
        [0x65, 0x88, 1],
    );
    let delimiter = [0x09, 0x10];
    let mut with_sets = Vec::new();
    push_unit(&mut with_sets, &delimiter);
    for unit in [&sps[..], &pps, &idr] {
        push_unit(&mut with_sets, unit);
    }
    let mut bare = Vec::new();
    push_unit(&mut bare, &delimiter);
    push_unit(&mut bare, &idr);
    let frame = |timestamp, data: &[u8]| {
        Frame::new(MimeType::H264, timestamp, Bytes::copy_from_slice(data))
    };
    let frames = [frame(0, &with_sets), frame(1, &bare)];
    let packets = packets_of(&mut H264Packetizer::default(), &frames, 1188);
    let (out, _) = receive(&mut assembler(), &packets);
    assert_eq!(out[1].data, with_sets);

    let mut format = H264::new();
    format.add_parameter_set(&sps);
    format.add_parameter_set(&pps);
    let (out, _) = receive(&mut Assembler::new(format), &packets[1..]);
    assert_eq!(out[0].data, with_sets);
}

#[test]
fn mode_0_sends_whole_units_or_refuses() {
    let frames = clip(BASELINE);
    let mut packetizer = H264Packetizer::new(PacketizationMode::SingleNalUnit);
    let refused = packetizer.packetize(&frames[0], 100, &mut |_: Payload| panic!("nothing"));
    assert_eq!(refused, Err(PacketizeError::TooLarge));
    let packets = packets_of(&mut packetizer, &frames[..3], 65_000);
    assert!(packets.iter().all(|packet| packet.payload[0] & 0x1f < 24));
    let (out, _) = receive(&mut assembler(), &packets);
    assert_eq!(out.len(), 3);
    let short = H264Packetizer::default().packetize(&frames[0], 2, &mut |_: Payload| {});
    assert_eq!(short, Err(PacketizeError::MaxPayload));
    let none = Frame::new(MimeType::H264, 0, Bytes::from_static(b"no start code"));
    assert!(
        packetizer
            .packetize(&none, 999, &mut |_: Payload| {})
            .is_err()
    );
}

const SLICE: &[u8] = &[0x61, 0x88, 1];

/// H-*
#[test]
fn catalogue_h_h264_good_cases_are_taken() {
    let (frames, _) = case("H264", "single NAL IDR", assembler(), &[SLICE]);
    // At the beginning of a stream a key frame without parameter sets may have lost them.
    assert!(frames.is_empty());
    let mut format = H264::new();
    format.add_parameter_set(&[0x67, 0x42, 0xc0, 0x1e, 0xd9]);
    let packet = Packet {
        marker: true,
        payload: Bytes::from_static(&[0x65, 0xe1, 0x62, 0x63]),
        ..Packet::default()
    };
    let (out, _) = receive(&mut Assembler::new(format), &[packet]);
    assert!(out[0].key && out[0].data.ends_with(&[0, 0, 0, 1, 0x65, 0xe1, 0x62, 0x63]));

    let (frames, _) = case("H264", "STAP-A SPS+PPS", assembler(), &[SLICE]);
    let found: Vec<_> = units(&frames[0].data).collect();
    assert_eq!(found, [&[0x67, 0x42, 0x00, 0x1e][..], &[0x68, 0xce]]);
}

/// H-*
#[test]
fn catalogue_h_h264_single_nal_idr_behind_a_whole_frame_is_one_unit() {
    let before = Packet {
        marker: true,
        payload: Bytes::from_static(SLICE),
        ..Packet::default()
    };
    let idr = Packet {
        sequence_number: SequenceNumber::new(1),
        timestamp: 3000,
        marker: true,
        payload: Bytes::from(crate::payload::tests::hex("65616263")),
        ..Packet::default()
    };
    let (out, _) = receive(&mut assembler(), &[before, idr]);
    assert_eq!(
        units(&out[1].data).collect::<Vec<_>>(),
        [&[0x65, 0x61, 0x62, 0x63]]
    );
}

/// H-*
#[test]
fn catalogue_h_h264_bad_aggregates_and_fragments_are_dropped() {
    for name in [
        "STAP-A with 1 byte left for a size",
        "STAP-A with zero-size NAL",
        "STAP-A inside STAP-A",
        "FU-A header missing",
        "FU-A middle without start",
        "FU-A start twice",
        "FU-B / STAP-B / MTAP (non-interleaved mode)",
        "empty payload",
    ] {
        let (frames, stats) = case("H264", name, assembler(), &[SLICE]);
        assert!(frames.is_empty(), "{name}");
        let dropped = stats.malformed_packets + stats.orphaned_packets + stats.empty_packets;
        assert_eq!(dropped, 1, "{name}");
    }
}

/// H-*
#[test]
fn catalogue_h_h264_second_fragment_start_drops_the_part_before() {
    let fragments: [&[u8]; 3] = [
        &[0x7c, 0x81, 0x88, 1, 1],
        &[0x7c, 0x81, 0x88, 2],
        &[0x7c, 0x41, 3],
    ];
    let packets: Vec<_> = fragments
        .into_iter()
        .zip(0..)
        .map(|(payload, number)| Packet {
            sequence_number: SequenceNumber::new(number),
            marker: number == 2,
            payload: Bytes::from_static(payload),
            ..Packet::default()
        })
        .collect();
    let (out, _) = receive(&mut assembler(), &packets);
    assert_eq!(
        units(&out[0].data).collect::<Vec<_>>(),
        [&[0x61, 0x88, 2, 3]]
    );
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let mut packets = packets_of(&mut H264Packetizer::default(), &clip(BASELINE)[..4], 400);
    // Parameter sets, a few fragments of the key frame, and the small frames behind it.
    packets.drain(4..packets.len() - 6);
    survives_bad_input(&mut assembler(), &packets);
    let packets = packets_of(&mut H264Packetizer::default(), &clip(HIGH)[5..7], 200);
    survives_bad_input(&mut assembler(), &packets);
}

/// H-*
#[test]
fn catalogue_h_parameter_sets_cut_or_mutated_never_panic() {
    for stream in [BASELINE, HIGH] {
        let sps = units(stream).find(|unit| unit[0] & 0x1f == 7).unwrap();
        assert!(SequenceParameterSet::decode(sps).is_ok());
        for len in 0..sps.len() {
            let _ = SequenceParameterSet::decode(&sps[..len]);
        }
        let mut mutant = sps.to_vec();
        for place in 0..sps.len() {
            for value in 1..=255 {
                mutant[place] = sps[place] ^ value;
                let _ = SequenceParameterSet::decode(&mutant);
            }
            mutant[place] = sps[place];
        }
    }
}

/// RFC 6184 §5.4: these belong to the interleaved mode, which is never negotiated.
#[test]
fn catalogue_h_h264_interleaved_packets_are_dropped_and_harm_nothing() {
    for kind in [25, 26, 27, 29, 30, 31, 0] {
        let mut assembler = assembler();
        let bad = [0x60 | kind, 0x81, 0, 0, 0, 3, 0x61, 0x88, 1];
        let payloads: [&[u8]; 3] = [SLICE, &bad, SLICE];
        let packets: Vec<_> = (0..)
            .zip(payloads)
            .map(|(number, payload)| Packet {
                sequence_number: SequenceNumber::new(number),
                timestamp: u32::from(number),
                marker: true,
                payload: Bytes::copy_from_slice(payload),
                ..Packet::default()
            })
            .collect();
        let (out, stats) = receive(&mut assembler, &packets);
        assert_eq!((out.len(), stats.malformed_packets), (2, 1), "{kind}");
    }
}

#[test]
fn delimiters_and_filler_are_left_out_on_request() {
    let mut data = Vec::new();
    let all: [&[u8]; 3] = [&[0x09, 0x10], SLICE, &[0x0c, 0xff, 0x80]];
    for unit in all {
        push_unit(&mut data, unit);
    }
    let frame = Frame::new(MimeType::H264, 0, Bytes::from(data));
    let mut packetizer = H264Packetizer::default().with_extras(Extras::Drop);
    let packets = packets_of(&mut packetizer, std::slice::from_ref(&frame), 1188);
    assert_eq!((packets.len(), &packets[0].payload[..]), (1, SLICE));
    let all = packets_of(&mut H264Packetizer::default(), &[frame], 1188);
    assert_eq!(
        all[0].payload[0] & 0x1f,
        24,
        "sent, all three in one packet"
    );
}

#[test]
fn an_aggregate_of_parameter_sets_tells_the_size() {
    let packets = packets_of(&mut H264Packetizer::default(), &clip(BASELINE)[..1], 1188);
    let info = crate::payload::Format::inspect(&H264::new(), &packets[0].payload).unwrap();
    let size = info.resolution.map(|size| (size.width, size.height));
    assert_eq!(size, Some((320, 240)));
}
