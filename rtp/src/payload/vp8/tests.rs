use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::payload::tests::{case, ivf, packets_of, receive, shuffled, survives_bad_input};
use crate::payload::{
    Assembler, Depacketizer, Format, MAX_FRAME_BYTES, MAX_FRAME_PACKETS, PacketizeError,
    Packetizer, Payload, PayloadError, Start,
};
use crate::{Frame, Layer, MimeType, Packet, Resolution, SequenceNumber};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/vp8_320x240_30_5s.ivf");

fn clip() -> Vec<Frame> {
    (0..)
        .zip(ivf(CLIP))
        .map(|(at, data)| Frame::new(MimeType::VP8, at * 3000, Bytes::from(data)))
        .collect()
}

fn packet(number: u16, timestamp: u32, marker: bool, payload: &'static [u8]) -> Packet {
    Packet {
        sequence_number: SequenceNumber::new(number),
        timestamp,
        marker,
        payload: Bytes::from_static(payload),
        ..Packet::default()
    }
}

fn received(packets: &[Packet]) -> (Vec<Frame>, crate::payload::DepacketizerStats) {
    receive(&mut Assembler::new(Vp8), packets)
}

#[test]
fn frames_of_a_clip_survive_shuffling_and_duplication_bit_exactly() {
    let frames = clip();
    assert_eq!(frames.len(), 150);
    for max_payload in [100, 1188] {
        let packets = packets_of(&mut Vp8Packetizer::new(0x7ffe, 255), &frames, max_payload);
        let arrived = shuffled(&packets, max_payload as u64, 0);
        let (out, stats) = received(&arrived);
        assert_eq!(out.len(), frames.len());
        assert_eq!(stats.late_packets, packets.len() as u64);
        for (at, (frame, out)) in frames.iter().zip(&out).enumerate() {
            assert_eq!((frame.timestamp, &frame.data), (out.timestamp, &out.data));
            assert_eq!(out.after_loss, at == 0);
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
fn frames_with_a_lost_packet_are_dropped_and_all_others_are_exact() {
    let frames = clip();
    let packets = packets_of(&mut Vp8Packetizer::new(1, 1), &frames, 300);
    for seed in 0..20 {
        let arrived = shuffled(&packets, seed, 20);
        let whole: Vec<_> = frames
            .iter()
            .filter(|frame| {
                let of_frame = |packet: &&Packet| packet.timestamp == frame.timestamp;
                let mut kept: Vec<_> = arrived.iter().filter(of_frame).collect();
                kept.dedup_by_key(|packet| packet.sequence_number);
                kept.len() == packets.iter().filter(of_frame).count()
            })
            .map(|frame| frame.data.clone())
            .collect();
        let (out, _) = received(&arrived);
        let out: Vec<_> = out.into_iter().map(|frame| frame.data).collect();
        assert_eq!(out, whole);
        assert!(whole.len() < frames.len());
    }
}

#[test]
fn frames_end_with_the_timestamp_when_markers_are_missing() {
    let frames = clip();
    let mut packets = packets_of(&mut Vp8Packetizer::new(1, 1), &frames, 1188);
    for packet in &mut packets {
        packet.marker = false;
    }
    let (out, _) = received(&packets);
    assert_eq!(out.len(), frames.len());
    assert!(
        frames
            .iter()
            .zip(&out)
            .all(|(frame, out)| frame.data == out.data)
    );
}

#[test]
fn padding_between_the_packets_of_a_frame_is_no_gap() {
    let packets = [
        packet(9, 0, false, &[0x10, 0x00, 1]),
        packet(10, 0, false, &[]),
        packet(11, 0, true, &[0x00, 2]),
    ];
    let (out, stats) = received(&packets);
    assert_eq!(out[0].data, &[0x00, 1, 2][..]);
    assert_eq!((out.len(), stats.empty_packets), (1, 1));
}

#[test]
fn a_lost_last_packet_takes_its_frame_along_and_no_other() {
    let packets = [
        packet(9, 0, false, &[0x10, 0x01, 1]),
        packet(11, 3000, true, &[0x10, 0x01, 2]),
        packet(12, 6000, true, &[0x10, 0x01, 3]),
    ];
    let (out, stats) = received(&packets);
    let timestamps: Vec<_> = out
        .iter()
        .map(|out| (out.timestamp, out.after_loss))
        .collect();
    assert_eq!(timestamps, [(3000, true), (6000, false)]);
    assert_eq!(stats.incomplete_frames, 1);
}

#[test]
fn two_frame_starts_in_one_timestamp_are_refused() {
    let packets = [
        packet(1, 0, false, &[0x10, 0x01]),
        packet(2, 0, true, &[0x10, 0x01]),
        packet(3, 9, true, &[0x10, 0x01]),
    ];
    let (out, stats) = received(&packets);
    assert_eq!((out.len(), stats.malformed_packets), (1, 1));
}

#[test]
fn layers_and_discardability_pass_through() {
    let mut frames = clip();
    frames.truncate(4);
    for (frame, temporal) in frames.iter_mut().zip([0, 2, 1, 0]) {
        frame.layer = Some(Layer {
            spatial: 0,
            temporal,
        });
        frame.discardable = temporal == 2;
    }
    let packets = packets_of(&mut Vp8Packetizer::new(1, 254), &frames, 1188);
    let (out, _) = received(&packets);
    for (frame, out) in frames.iter().zip(&out) {
        assert_eq!(
            (frame.layer, frame.discardable),
            (out.layer, out.discardable)
        );
    }
    let mut base: Vec<_> = packets
        .iter()
        .map(|packet| Descriptor::decode(&mut &packet.payload[..]).unwrap())
        .map(|descriptor| descriptor.tl0_picture_index)
        .collect();
    base.dedup();
    assert_eq!(base, [Some(255), Some(0)]);
}

/// H-*
#[test]
fn catalogue_h_vp8_truncated_descriptors_are_dropped() {
    for name in [
        "descriptor X=1 truncated",
        "X=1 I=1 M=1 truncated picture id",
    ] {
        let (frames, stats) = case("VP8", name, Assembler::new(Vp8), &[&[0x10, 0x01]]);
        assert!(frames.is_empty());
        assert_eq!(stats.malformed_packets, 1);
    }
}

/// H-*
#[test]
fn catalogue_h_vp8_base_index_without_temporal_layer_is_tolerated() {
    let payload = [0x90, 0x40, 7, 0x01];
    let mut rest = &payload[..];
    let descriptor = Descriptor::decode(&mut rest).unwrap();
    assert_eq!(descriptor.tl0_picture_index, Some(7));
    assert_eq!(descriptor.temporal_layer, None);
    assert_eq!(rest, [0x01]);
    assert_eq!(Vp8.inspect(&payload).unwrap().start, Start::Certain);
}

/// H-*
#[test]
fn catalogue_h_frames_past_the_caps_are_given_up() {
    let mut assembler = Assembler::new(Vp8);
    let big: &'static [u8] = vec![0; 60_000].leak();
    let mut frames = 0;
    for number in 0..u16::try_from(MAX_FRAME_BYTES / 60_000 + 10).unwrap() {
        let payload = if number == 0 { &[0x10, 0x01] } else { big };
        assembler.push(&packet(number, 1, false, payload), &mut |_| frames += 1);
    }
    assert_eq!((frames, assembler.stats().oversized_frames), (0, 1));

    let mut assembler = Assembler::new(Vp8);
    for number in 0..=u16::try_from(MAX_FRAME_PACKETS).unwrap() {
        let payload: &[u8] = if number == 0 { &[0x10, 0x01] } else { &[0, 9] };
        assembler.push(&packet(number, 1, false, payload), &mut |_| frames += 1);
    }
    assert_eq!((frames, assembler.stats().oversized_frames), (0, 1));
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let packets = packets_of(&mut Vp8Packetizer::new(1, 1), &clip()[..6], 400);
    survives_bad_input(&mut Assembler::new(Vp8), &packets);
}

#[test]
fn a_packetizer_refuses_what_it_cannot_cut() {
    let mut packetizer = Vp8Packetizer::new(0, 0);
    let mut none = |_: Payload| panic!("nothing is sent");
    let frame = Frame::new(MimeType::VP8, 0, Bytes::from_static(&[1]));
    let packetize = packetizer.packetize(&frame, 4, &mut none);
    assert_eq!(packetize, Err(PacketizeError::MaxPayload));
    let empty = Frame::new(MimeType::VP8, 0, Bytes::new());
    assert_eq!(
        packetizer.packetize(&empty, 9, &mut none),
        Err(PacketizeError::Empty)
    );
    let other = Frame::new(MimeType::VP9, 0, Bytes::from_static(&[1]));
    assert_eq!(
        packetizer.packetize(&other, 9, &mut none),
        Err(PacketizeError::Codec)
    );
}

proptest! {
    #[test]
    fn descriptors_are_read_as_they_were_written(
        flags: (bool, bool),
        partition in 0_u8..8,
        picture_id in proptest::option::of(prop_oneof![
            (0_u8..128).prop_map(PictureId::Short),
            (0_u16..0x8000).prop_map(PictureId::Long),
        ]),
        tl0_picture_index: Option<u8>,
        layer in proptest::option::of((0_u8..4, any::<bool>())),
        key_index in proptest::option::of(0_u8..32),
    ) {
        let descriptor = Descriptor {
            non_reference: flags.0,
            start_of_partition: flags.1,
            partition,
            picture_id,
            tl0_picture_index,
            temporal_layer: layer.map(|(id, sync)| TemporalLayer { id, sync }),
            key_index,
        };
        let mut written = Vec::new();
        descriptor.encode(&mut written);
        prop_assert!(written.len() <= Descriptor::MAX_LEN);
        prop_assert_eq!(Descriptor::decode(&mut &written[..]), Ok(descriptor));
        for len in 0..written.len() {
            let cut = Descriptor::decode(&mut &written[..len]);
            prop_assert_eq!(cut, Err(PayloadError::Truncated));
        }
    }
}
