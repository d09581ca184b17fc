use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::payload::tests::{case, ivf, packets_of, receive, shuffled, survives_bad_input};
use crate::payload::{Assembler, PacketizeError, Packetizer, Payload, PayloadError};
use crate::{Frame, Layer, MimeType, Packet, Resolution, SequenceNumber};

const CLIP: &[u8] = include_bytes!("../../../../testdata/clips/vp9_320x240_30_5s.ivf");

fn clip() -> Vec<Frame> {
    (0..)
        .zip(ivf(CLIP))
        .map(|(at, data)| Frame::new(MimeType::VP9, at * 3000, Bytes::from(data)))
        .collect()
}

fn assembler() -> Assembler<Vp9> {
    Assembler::new(Vp9::new())
}

#[test]
fn frames_of_a_clip_survive_shuffling_and_duplication_bit_exactly() {
    let frames = clip();
    assert_eq!(frames.len(), 150);
    for max_payload in [60, 1188] {
        let packets = packets_of(&mut Vp9Packetizer::new(0x7ffe, 0), &frames, max_payload);
        let (out, _) = receive(&mut assembler(), &shuffled(&packets, 5, 0));
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
fn frames_with_a_lost_packet_are_dropped_and_all_others_are_exact() {
    let frames = clip();
    let packets = packets_of(&mut Vp9Packetizer::new(1, 1), &frames, 300);
    for seed in 0..10 {
        let (out, stats) = receive(&mut assembler(), &shuffled(&packets, seed, 20));
        assert!(out.len() < frames.len() && stats.gaps > 0);
        let known = |out: &Frame| frames.iter().any(|frame| frame.data == out.data);
        assert!(out.iter().all(known));
    }
}

/// A layer frame in one packet: P, layer, B and E.
fn layer_frame(spatial: u8, inter_picture: bool, data: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    Descriptor {
        inter_picture,
        flexible: true,
        references: [u8::from(inter_picture), 0, 0],
        start_of_frame: true,
        end_of_frame: true,
        layer: Some(LayerIndices {
            spatial,
            inter_layer: spatial > 0,
            ..LayerIndices::default()
        }),
        structure: (spatial == 0 && !inter_picture).then(|| ScalabilityStructure {
            spatial_layers: 2,
            resolutions: vec![
                Resolution {
                    width: 160,
                    height: 120
                };
                2
            ],
            group: None,
        }),
        ..Descriptor::default()
    }
    .encode(&mut payload);
    payload.extend_from_slice(data);
    payload
}

fn packets(payloads: &[(u32, bool, Vec<u8>)]) -> Vec<Packet> {
    (0..)
        .zip(payloads)
        .map(|(number, (timestamp, marker, payload))| Packet {
            sequence_number: SequenceNumber::new(number),
            timestamp: *timestamp,
            marker: *marker,
            payload: Bytes::from(payload.clone()),
            ..Packet::default()
        })
        .collect()
}

#[test]
fn spatial_layers_of_a_picture_are_one_frame() {
    let frames = clip();
    let (key, delta) = (&frames[0].data, &frames[1].data);
    let packets = packets(&[
        (0, false, layer_frame(0, false, key)),
        (0, true, layer_frame(1, false, delta)),
        (9, false, layer_frame(0, true, delta)),
        (9, true, layer_frame(1, true, delta)),
    ]);
    let (out, _) = receive(&mut assembler(), &packets);
    assert_eq!(out[0].data, [&key[..], delta].concat());
    assert_eq!(
        out[0].layer,
        Some(Layer {
            spatial: 1,
            temporal: 0
        })
    );
    assert_eq!((out[0].key, out[1].key, out.len()), (true, false, 2));
}

#[test]
fn a_picture_whose_lowest_layer_was_lost_is_dropped() {
    let frames = clip();
    let delta = &frames[1].data;
    let mut packets = packets(&[
        (0, true, layer_frame(0, true, delta)),
        (9, false, layer_frame(0, true, delta)),
        (9, true, layer_frame(1, true, delta)),
        (18, true, layer_frame(0, true, delta)),
    ]);
    packets.remove(1);
    let (out, stats) = receive(&mut assembler(), &packets);
    let timestamps: Vec<_> = out.iter().map(|out| out.timestamp).collect();
    assert_eq!(timestamps, [0, 18]);
    assert_eq!(stats.incomplete_frames, 1);
}

#[test]
fn temporal_layers_pass_through() {
    let mut frames = clip();
    for (frame, temporal) in frames.iter_mut().zip([0, 2, 1, 2].into_iter().cycle()) {
        frame.layer = Some(Layer {
            spatial: 0,
            temporal,
        });
    }
    let packets = packets_of(&mut Vp9Packetizer::new(0, 0), &frames[..12], 1188);
    let (out, _) = receive(&mut assembler(), &packets);
    assert!(
        frames
            .iter()
            .zip(&out)
            .all(|(frame, out)| frame.layer == out.layer)
    );
}

/// H-*
#[test]
fn catalogue_h_vp9_lying_descriptors_are_dropped() {
    let good = layer_frame(0, true, &clip()[1].data);
    for name in [
        "flexible mode P_DIFF chain without end",
        "SS with N_G=255 and no data",
    ] {
        let (frames, stats) = case("VP9", name, assembler(), &[&good]);
        assert!(frames.is_empty(), "{name}");
        assert_eq!(stats.malformed_packets, 1, "{name}");
    }
    let chain = [0x50, 3, 3, 3, 3, 0x80];
    assert_eq!(
        Descriptor::decode(&mut &chain[..]),
        Err(PayloadError::Length)
    );
    let group = [0x02, 0x08, 255, 0, 0];
    assert_eq!(
        Descriptor::decode(&mut &group[..]),
        Err(PayloadError::Truncated)
    );
}

/// H-*
#[test]
fn catalogue_h_truncations_and_mutations_never_panic() {
    let mut corpus = packets_of(&mut Vp9Packetizer::new(1, 1), &clip()[..4], 500);
    let delta = clip()[1].data.slice(..80);
    corpus.extend(packets(&[
        (20_000, false, layer_frame(0, false, &delta)),
        (20_000, true, layer_frame(1, false, &delta)),
    ]));
    survives_bad_input(&mut assembler(), &corpus);
}

#[test]
fn a_packetizer_refuses_what_is_not_vp9() {
    let mut packetizer = Vp9Packetizer::new(0, 0);
    let mut none = |_: Payload| panic!("nothing is sent");
    let frame = Frame::new(MimeType::VP9, 0, Bytes::from_static(&[1, 2, 3]));
    let refused = packetizer.packetize(&frame, 99, &mut none);
    assert_eq!(refused, Err(PacketizeError::Malformed(PayloadError::Value)));
    let refused = packetizer.packetize(&clip()[0], 8, &mut none);
    assert_eq!(refused, Err(PacketizeError::MaxPayload));
}

fn structures() -> impl Strategy<Value = ScalabilityStructure> {
    let picture = (0_u8..8, any::<bool>(), 0_usize..=3, any::<[u8; 3]>());
    let picture = picture.prop_map(|(temporal, switching_up, count, mut references)| {
        references[count..].fill(0);
        PictureOfGroup {
            temporal,
            switching_up,
            reference_count: count as u8,
            references,
        }
    });
    let side = || 0_u32..65_536;
    let group = proptest::option::of(proptest::collection::vec(picture, 0..256));
    (1_u8..=8, any::<bool>(), (side(), side()), group).prop_map(
        |(layers, sized, (width, height), group)| {
            let count = if sized { usize::from(layers) } else { 0 };
            ScalabilityStructure {
                spatial_layers: layers,
                resolutions: vec![Resolution { width, height }; count],
                group,
            }
        },
    )
}

proptest! {
    #[test]
    fn descriptors_are_read_as_they_were_written(
        flags: [bool; 5],
        picture_id in proptest::option::of(prop_oneof![
            (0_u8..128).prop_map(PictureId::Short),
            (0_u16..0x8000).prop_map(PictureId::Long),
        ]),
        layer in proptest::option::of((0_u8..8, any::<bool>(), 0_u8..8, any::<bool>())),
        tl0_picture_index: u8,
        references in proptest::collection::vec(1_u8..128, 1..4),
        structure in proptest::option::of(structures()),
    ) {
        let [inter_picture, flexible, start_of_frame, end_of_frame, not_for_upper_layers] = flags;
        let mut descriptor = Descriptor {
            picture_id, inter_picture, flexible, start_of_frame, end_of_frame, not_for_upper_layers,
            layer: layer.map(|(temporal, switching_up, spatial, inter_layer)| LayerIndices {
                temporal, switching_up, spatial, inter_layer,
            }),
            structure,
            ..Descriptor::default()
        };
        if !flexible && layer.is_some() {
            descriptor.tl0_picture_index = tl0_picture_index;
        }
        if flexible && inter_picture {
            descriptor.references[..references.len()].copy_from_slice(&references);
        }
        let mut written = Vec::new();
        descriptor.encode(&mut written);
        prop_assert_eq!(Descriptor::decode(&mut &written[..]), Ok(descriptor));
        for len in 0..written.len() {
            let cut = Descriptor::decode(&mut &written[..len]);
            prop_assert_eq!(cut, Err(PayloadError::Truncated));
        }
    }
}

/// A picture of three spatial layers, the upper two predicted from the one below.
fn svc_picture(timestamp: u32, temporal: u8, key: bool) -> Picture {
    let layers = (0..3).map(|spatial| LayerFrame {
        spatial,
        inter_picture: !key,
        inter_layer: spatial > 0 && key,
        not_for_upper_layers: !key || spatial == 2,
        references: if key { [0; 3] } else { [1, 0, 0] },
        resolution: key.then_some(Resolution {
            width: 320 << spatial,
            height: 180 << spatial,
        }),
        data: Bytes::from(vec![spatial + 1; 700 << spatial]),
    });
    Picture {
        timestamp,
        temporal,
        switching_up: temporal > 0,
        layers: layers.collect(),
    }
}

fn svc_packets(packetizer: &mut Vp9Packetizer, pictures: &[Picture]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for picture in pictures {
        packetizer
            .packetize_picture(picture, 1000, &mut |payload| {
                packets.push(Packet {
                    sequence_number: SequenceNumber::new(packets.len() as u16),
                    timestamp: payload.timestamp,
                    marker: payload.marker,
                    payload: payload.data,
                    ..Packet::default()
                });
            })
            .unwrap();
    }
    packets
}

#[test]
fn pictures_of_three_spatial_layers_go_round_in_either_mode() {
    let pictures = [
        svc_picture(0, 0, true),
        svc_picture(3000, 1, false),
        svc_picture(6000, 0, false),
    ];
    for flexible in [false, true] {
        let mut packetizer = Vp9Packetizer::new(0x7fff, 255);
        if flexible {
            packetizer = packetizer.flexible();
        }
        let packets = svc_packets(&mut packetizer, &pictures);
        assert!(packets.iter().all(|packet| packet.payload.len() <= 1000));
        // One marker and three layer frames to a picture.
        let descriptors: Vec<_> = packets
            .iter()
            .map(|packet| Descriptor::decode(&mut &packet.payload[..]).unwrap())
            .collect();
        let ends = descriptors.iter().filter(|d| d.end_of_frame).count();
        assert_eq!((packets.iter().filter(|p| p.marker).count(), ends), (3, 9));
        let structures = descriptors.iter().filter_map(|d| d.structure.as_ref());
        let structures: Vec<_> = structures.collect();
        assert_eq!(structures.len(), 1, "on the key picture only");
        assert_eq!(structures[0].spatial_layers, 3);
        assert_eq!(structures[0].resolutions[2].width, 1280);
        assert!(descriptors.iter().all(|d| d.flexible == flexible));
        let named = descriptors
            .iter()
            .filter(|d| d.references == [1, 0, 0])
            .count();
        assert_eq!(named > 0, flexible);
        let last = descriptors.last().unwrap();
        assert_eq!(
            last.picture_id,
            Some(PictureId::Long(1)),
            "wraps at 15 bits"
        );
        if !flexible {
            assert_eq!(last.tl0_picture_index, 1, "two base pictures from 255 on");
        }

        let (frames, _) = receive(&mut Assembler::new(Vp9::new()), &shuffled(&packets, 3, 0));
        assert_eq!(frames.len(), 3);
        for (frame, picture) in frames.iter().zip(&pictures) {
            let whole: Vec<u8> = picture
                .layers
                .iter()
                .flat_map(|l| l.data.to_vec())
                .collect();
            assert_eq!(frame.data, whole);
            let layer = frame.layer.unwrap();
            assert_eq!((layer.spatial, layer.temporal), (2, picture.temporal));
        }
    }
}

#[test]
fn upper_layers_can_be_left_out_of_a_picture_on_the_way() {
    let pictures = [svc_picture(0, 0, true), svc_picture(3000, 0, false)];
    let packets = svc_packets(&mut Vp9Packetizer::new(0, 0), &pictures);
    // A relay forwards two layers, numbers anew, and marks the new end of the picture.
    let kept = packets.iter().filter(|packet| {
        let descriptor = Descriptor::decode(&mut &packet.payload[..]).unwrap();
        descriptor.layer.is_some_and(|layer| layer.spatial < 2)
    });
    let mut kept: Vec<_> = kept.cloned().collect();
    for at in 0..kept.len() {
        kept[at].sequence_number = SequenceNumber::new(at as u16);
        kept[at].marker = kept
            .get(at + 1)
            .is_none_or(|next| next.timestamp != kept[at].timestamp);
    }
    let (frames, _) = receive(&mut Assembler::new(Vp9::new()), &kept);
    let layers: Vec<_> = frames
        .iter()
        .map(|frame| frame.layer.unwrap().spatial)
        .collect();
    assert_eq!(layers, [1, 1]);
}

#[test]
fn pictures_that_cannot_be_sent_are_refused_whole() {
    let mut nothing = |_: Payload| panic!("nothing is sent");
    let mut packetizer = Vp9Packetizer::new(0, 0).flexible();
    let empty = Picture::default();
    assert_eq!(
        packetizer.packetize_picture(&empty, 1000, &mut nothing),
        Err(PacketizeError::Empty)
    );
    let mut nameless = svc_picture(0, 0, false);
    nameless.layers[1].references = [0; 3];
    let refused = packetizer.packetize_picture(&nameless, 1000, &mut nothing);
    assert_eq!(refused, Err(PacketizeError::Malformed(PayloadError::Value)));
    let short = packetizer.packetize_picture(&svc_picture(0, 0, true), 10, &mut nothing);
    assert_eq!(short, Err(PacketizeError::MaxPayload));
}
