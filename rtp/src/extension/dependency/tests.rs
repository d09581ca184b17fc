use proptest::prelude::*;

use super::*;
use crate::payload::PayloadError;
use crate::payload::tests::hex;
use crate::{Layer, Resolution};
use std::sync::Arc;

use DecodeTargetIndication::{Discardable, NotPresent, Required, Switch};

/// Captured from Chromium sending AV1 L3T3 (source: testdata/rtp/README.md): a key frame of three spatial layers, each
/// in packets of its own, and the frames after it.
const L3T3: &[&str] = &[
    "c1017280081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e082b04a0941b820ac1282503157f974000ca864330e222222eca8655304224230eca877530077004200ef008601df010d",
    "86017340fc",
    "46017340fc",
    "c3017540fc",
    "88017640fc",
    "48017640fc",
    "c2017840fc",
];

/// Two key frames of L1T2 in a row, with templates 0 to 2 and 6 to 8, and a frame of the second.
const L1T2: [&str; 3] = [
    "800001 80011ea85141010c04fc03bc",
    "8600b5 80c11ea85141010c09fc077c",
    "0800d8",
];

fn value(text: &str) -> Vec<u8> {
    hex(&text.replace(' ', ""))
}

#[test]
fn l3t3_of_chromium_is_read_packet_by_packet() {
    let mut reader = DependencyReader::new();
    let key = reader.read(&value(L3T3[0])).unwrap();
    assert!(key.is_key() && key.start_of_frame && key.end_of_frame);
    assert_eq!(key.frame_number, 0x172);
    let structure = key.structure.clone().unwrap();
    assert_eq!(structure.decode_targets, 9);
    assert_eq!(structure.chains.count, 3);
    assert_eq!(structure.chains.protected_by, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    assert_eq!(key.active_decode_targets, Some(0x1ff));
    let sizes: Vec<_> = structure
        .resolutions
        .iter()
        .map(|r| (r.width, r.height))
        .collect();
    assert_eq!(sizes, [(120, 67), (240, 135), (480, 270)]);
    assert_eq!(
        structure.layer_of(4),
        Layer {
            spatial: 1,
            temporal: 1
        }
    );

    let mut layers = Vec::new();
    for packet in &L3T3[1..] {
        let read = reader.read(&value(packet)).unwrap();
        assert_eq!(read.structure, None);
        let layer = read.dependencies.layer();
        layers.push((read.frame_number - 0x172, layer.spatial, layer.temporal));
        assert_eq!(read.dependencies.chain_diffs().len(), 3);
        assert_eq!(
            read.active_decode_targets,
            Some(0x3f),
            "two of three spatial layers"
        );
    }
    assert_eq!(
        layers,
        [
            (1, 1, 0),
            (1, 1, 0),
            (3, 0, 2),
            (4, 1, 2),
            (4, 1, 2),
            (6, 0, 1)
        ]
    );
}

#[test]
fn packets_without_a_key_frame_before_them_are_not_understood() {
    let mut reader = DependencyReader::new();
    let unknown = Err(DependencyError::UnknownTemplate);
    assert_eq!(reader.read(&value("0800d8")), unknown);
    assert_eq!(reader.active_decode_targets(), None);
}

#[test]
fn templates_of_two_key_frames_in_a_row_are_kept_for_late_packets() {
    let mut reader = DependencyReader::new();
    let first = reader.read(&value(L1T2[0])).unwrap();
    let late = value("010002");
    let before = reader.read(&late).unwrap();
    let second = reader.read(&value(L1T2[1])).unwrap();
    assert_eq!(
        second.structure.as_ref().map(|s| s.template_id_offset),
        Some(6)
    );
    assert_eq!(reader.read(&late), Ok(before), "of the structure before");
    let frame = reader.read(&value(L1T2[2])).unwrap();
    assert_eq!(frame.dependencies.layer().temporal, 1);
    assert!(frame.dependencies.is_discardable());
    assert_eq!(frame.resolution, second.resolution);
    // The same structure again, as in every packet of a key frame, is not another one.
    let again = reader.read(&value(L1T2[1])).unwrap().structure.unwrap();
    assert!(Arc::ptr_eq(&again, &second.structure.unwrap()));
    // A third one drives out the first.
    reader.read(&value(L3T3[0])).unwrap();
    assert_ne!(reader.structure(), first.structure.as_ref());
    assert_eq!(reader.structures(), 2);
}

/// L2T2 by hand: two chains, sizes, one decode target more than templates need.
fn l2t2() -> DependencyStructure {
    let template = |spatial, temporal, dtis: [DecodeTargetIndication; 4], refs: &[u16], chains| {
        FrameDependencies::new(Layer { spatial, temporal })
            .with_indications(&dtis)
            .with_references(refs)
            .with_chain_diffs(chains)
    };
    DependencyStructure {
        template_id_offset: 62,
        decode_targets: 4,
        chains: Chains {
            count: 2,
            protected_by: vec![0, 0, 1, 1],
        },
        templates: vec![
            template(0, 0, [Switch, Switch, Switch, Switch], &[], &[0, 0]),
            template(0, 0, [Switch, Switch, Required, Required], &[4], &[4, 3]),
            template(
                0,
                1,
                [NotPresent, Discardable, NotPresent, Required],
                &[2],
                &[2, 1],
            ),
            template(
                1,
                0,
                [NotPresent, NotPresent, Switch, Switch],
                &[1],
                &[1, 1],
            ),
            template(
                1,
                1,
                [NotPresent, NotPresent, NotPresent, Discardable],
                &[2, 1],
                &[3, 2],
            ),
        ],
        resolutions: vec![
            Resolution {
                width: 320,
                height: 180,
            },
            Resolution {
                width: 640,
                height: 360,
            },
        ],
    }
}

fn written(descriptor: &DependencyDescriptor, structure: &DependencyStructure) -> Vec<u8> {
    let mut value = Vec::new();
    descriptor.encode(structure, &mut value).unwrap();
    value
}

fn key(structure: &DependencyStructure) -> DependencyDescriptor {
    DependencyDescriptor {
        structure: Some(Arc::new(structure.clone())),
        active_decode_targets: Some(structure.all_decode_targets()),
        resolution: structure.resolutions.first().copied(),
        ..DependencyDescriptor::new(65_535, structure.templates[0])
    }
}

#[test]
fn descriptors_come_back_as_they_were_written() {
    let structure = l2t2();
    let mut reader = DependencyReader::new();
    let key = key(&structure);
    assert_eq!(reader.read(&written(&key, &structure)), Ok(key));
    for (id, template) in structure.templates.iter().enumerate() {
        let plain = DependencyDescriptor {
            resolution: Some(structure.resolutions[usize::from(template.layer().spatial)]),
            ..DependencyDescriptor::new(id as u16, *template)
        };
        let value = written(&plain, &structure);
        assert_eq!(value.len(), 3, "a template says it all");
        assert_eq!(reader.read(&value), Ok(plain));
    }
    let custom = DependencyDescriptor {
        active_decode_targets: Some(0b0011),
        end_of_frame: false,
        resolution: structure.resolutions.last().copied(),
        dependencies: structure.templates[3]
            .with_indications(&[NotPresent, Required, Switch, Discardable])
            .with_references(&[1, 16, 17, 256, 257, 4096])
            .with_chain_diffs(&[255, 16]),
        ..DependencyDescriptor::new(9, structure.templates[3])
    };
    assert_eq!(reader.read(&written(&custom, &structure)), Ok(custom));
    assert_eq!(reader.active_decode_targets(), Some(0b0011));
}

#[test]
fn structures_and_frames_that_cannot_be_written_are_refused() {
    let structure = l2t2();
    let refused = |descriptor: &DependencyDescriptor, structure: &DependencyStructure| {
        let mut value = vec![7];
        let error = descriptor.encode(structure, &mut value).unwrap_err();
        assert_eq!(value, [7]);
        error
    };
    let good = key(&structure);
    let mut unordered = structure.clone();
    unordered.templates.swap(1, 4);
    assert_eq!(refused(&good, &unordered), DependencyWriteError::Structure);
    let mut unprotected = structure.clone();
    unprotected.chains.protected_by[1] = 2;
    assert_eq!(
        refused(&good, &unprotected),
        DependencyWriteError::Structure
    );
    let mut empty = structure.clone();
    empty.templates.clear();
    assert_eq!(refused(&good, &empty), DependencyWriteError::Structure);
    let layer = DependencyDescriptor {
        dependencies: FrameDependencies::new(Layer {
            spatial: 2,
            temporal: 0,
        })
        .with_indications(&[Switch; 4])
        .with_chain_diffs(&[0; 2]),
        ..good.clone()
    };
    assert_eq!(refused(&layer, &structure), DependencyWriteError::Layer);
    let short = DependencyDescriptor {
        dependencies: good.dependencies.with_indications(&[Switch; 3]),
        ..good.clone()
    };
    assert_eq!(refused(&short, &structure), DependencyWriteError::Frame);
    let far = DependencyDescriptor {
        dependencies: good.dependencies.with_references(&[4097]),
        ..good
    };
    assert_eq!(refused(&far, &structure), DependencyWriteError::Frame);
}

#[test]
fn every_truncation_of_a_structure_is_an_error() {
    for text in [L3T3[0], L1T2[0], L1T2[1]] {
        let whole = value(text);
        // Behind the third octet the descriptor is extended, and every bit counts but the last of the padding.
        for len in 0..whole.len() {
            let mut reader = DependencyReader::new();
            assert!(reader.read(&whole[..len]).is_err(), "{len} of {text}");
            assert_eq!(reader.structure(), None, "nothing is kept of it");
        }
    }
}

#[test]
fn every_changed_octet_is_read_without_panic_and_within_bounds() {
    for text in [L3T3[0], L1T2[0]] {
        let whole = value(text);
        let mut reader = DependencyReader::new();
        for place in 0..whole.len() {
            for flip in 1..=255 {
                let mut changed = whole.clone();
                changed[place] ^= flip;
                if let Ok(read) = reader.read(&changed)
                    && let Some(structure) = read.structure
                {
                    assert!(structure.templates.len() <= MAX_TEMPLATES);
                    assert!(structure.is_valid());
                }
            }
        }
        assert!(reader.structures() <= 2);
    }
}

#[test]
fn references_without_end_are_malformed() {
    let mut reader = DependencyReader::new();
    reader.read(&value(L1T2[0])).unwrap();
    // Custom references only, each of four bits.
    let mut endless = value("000002");
    let mut bits = crate::bits::BitWriter::new(&mut endless);
    bits.bits(0b00010, 5);
    for _ in 0..=MAX_REFERENCES {
        bits.bits(0b01_0000, 6);
    }
    bits.bits(0, 2);
    let long = DependencyError::Malformed(PayloadError::Length);
    assert_eq!(reader.read(&endless), Err(long));
}

fn any_structure() -> impl Strategy<Value = DependencyStructure> {
    let steps = proptest::collection::vec(0_u8..3, 0..12);
    let noise = proptest::collection::vec(any::<u8>(), 1000);
    (0_u8..64, 1_u8..=32, steps, any::<bool>(), noise).prop_map(
        |(template_id_offset, decode_targets, steps, sized, noise)| {
            let mut noise = noise.into_iter().cycle();
            let mut below = |limit: u8| noise.next().unwrap_or_default() % limit;
            let count = below(decode_targets + 1);
            let mut layer = Layer::default();
            let mut layers = vec![layer];
            for next in steps {
                match next {
                    1 if layer.temporal < MAX_TEMPORAL_LAYER => layer.temporal += 1,
                    2 if layer.spatial < MAX_SPATIAL_LAYER => {
                        layer = Layer {
                            spatial: layer.spatial + 1,
                            temporal: 0,
                        }
                    }
                    _ => {}
                }
                layers.push(layer);
            }
            let templates = layers.iter().map(|layer| {
                let mut template = FrameDependencies::new(*layer);
                for _ in 0..decode_targets {
                    let bits = u32::from(below(4));
                    template.push_indication(DecodeTargetIndication::from_bits(bits));
                }
                for _ in 0..below(4) {
                    template.push_reference(u16::from(below(16)) + 1);
                }
                for _ in 0..count {
                    template.push_chain_diff(below(16));
                }
                template
            });
            let templates: Vec<_> = templates.collect();
            let protected = if count == 0 { 0 } else { decode_targets };
            let protected_by = (0..protected).map(|_| below(count)).collect();
            let sizes = if sized { layer.spatial + 1 } else { 0 };
            DependencyStructure {
                template_id_offset,
                decode_targets,
                chains: Chains {
                    count,
                    protected_by,
                },
                templates,
                resolutions: (0..sizes)
                    .map(|spatial| Resolution {
                        width: 1 << (spatial * 5),
                        height: 65_536 >> spatial,
                    })
                    .collect(),
            }
        },
    )
}

proptest! {
    #[test]
    fn any_structure_and_any_frame_of_it_go_round(
        structure in any_structure(),
        template in any::<proptest::sample::Index>(),
        (start, end, frame_number, active) in any::<(bool, bool, u16, Option<u32>)>(),
        references in proptest::collection::vec(1_u16..=4096, 0..=MAX_REFERENCES),
        attached in any::<bool>(),
        own in any::<[bool; 3]>(),
    ) {
        prop_assert!(structure.is_valid());
        let template = template.get(&structure.templates);
        let mut frame = *template;
        if own[0] {
            let turned: Vec<_> = template.indications().map(|indication| match indication {
                NotPresent => Required,
                other => other,
            }).collect();
            frame = frame.with_indications(&turned);
        }
        if own[1] {
            frame = frame.with_references(&references);
        }
        if own[2] {
            let far: Vec<_> = template.chain_diffs().iter().map(|diff| diff + 200).collect();
            frame = frame.with_chain_diffs(&far);
        }
        let shared = Arc::new(structure.clone());
        let all = structure.all_decode_targets();
        let active = active.map(|targets| targets & all);
        let descriptor = DependencyDescriptor {
            start_of_frame: start,
            end_of_frame: end,
            structure: attached.then(|| Arc::clone(&shared)),
            active_decode_targets: if attached { active.or(Some(all)) } else { active },
            resolution: structure.resolutions.get(usize::from(frame.layer().spatial)).copied(),
            ..DependencyDescriptor::new(frame_number, frame)
        };
        let mut value = Vec::new();
        match descriptor.encode(&structure, &mut value) {
            Ok(()) => {
                let mut reader = DependencyReader::new();
                if !attached {
                    reader = DependencyReader::knowing(shared);
                }
                prop_assert_eq!(reader.read(&value), Ok(descriptor));
            }
            Err(error) => prop_assert_eq!(error, DependencyWriteError::Length),
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_what_is_read_is_written_alike(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
        extended in any::<bool>(),
    ) {
        if extended && let Some(flags) = bytes.get_mut(3) {
            *flags |= 0x80;
        }
        let mut reader = DependencyReader::new();
        let _ = reader.read(&value(L1T2[0]));
        if let Ok(read) = reader.read(&bytes)
            && let Some(structure) = reader.structure().cloned()
            && read.structure.is_some()
        {
            let mut again = Vec::new();
            if read.encode(&structure, &mut again).is_ok() {
                prop_assert_eq!(DependencyReader::new().read(&again), Ok(read));
            }
        }
    }
}
