//! Layers and sizes: what the payloads say agrees with what the encoder was asked for, and with the dependency descriptors.

use std::collections::BTreeSet;

use rtp::{Frame, Layer};

use crate::{captures, named};

fn layers(frames: &[Frame]) -> BTreeSet<(u8, u8)> {
    let layers = frames.iter().filter_map(|frame| frame.layer);
    layers
        .map(|layer| (layer.spatial, layer.temporal))
        .collect()
}

#[test]
fn temporal_layers_of_vp8_and_av1_come_in_the_pattern_of_the_mode() {
    for name in ["chromium_vp8_l1t3", "chromium_av1_l1t3"] {
        let (frames, _) = named(name).frames();
        let temporal: Vec<_> = frames
            .iter()
            .map(|frame| frame.layer.unwrap().temporal)
            .collect();
        assert!(
            temporal.windows(4).any(|four| four == [0, 2, 1, 2]),
            "{name}: {temporal:?}"
        );
        assert_eq!(
            layers(&frames),
            BTreeSet::from([(0, 0), (0, 1), (0, 2)]),
            "{name}"
        );
        // Nothing refers to the highest layer, and VP8 says so.
        if name.contains("vp8") {
            let highest = frames
                .iter()
                .filter(|frame| frame.layer.unwrap().temporal == 2);
            assert!(highest.clone().all(|frame| frame.discardable));
        }
    }
}

#[test]
fn spatial_layers_of_vp9_and_av1_come_together_as_one_picture() {
    for name in ["chromium_vp9_l3t3_key", "chromium_av1_l3t3_key"] {
        let capture = named(name);
        let (frames, _) = capture.frames();
        let temporal: BTreeSet<_> = layers(&frames).iter().map(|layer| layer.1).collect();
        assert_eq!(temporal, BTreeSet::from([0, 1, 2]), "{name}");
        let highest = layers(&frames).last().unwrap().0;
        assert_eq!(highest, 2, "{name}");
        let key = frames.iter().find(|frame| frame.key).unwrap();
        assert_eq!(key.resolution.unwrap().width, 960, "{name}");
    }
}

#[test]
fn dependency_descriptors_agree_with_the_frames_and_their_layers() {
    for name in [
        "chromium_av1_l1t3",
        "chromium_av1_l3t3_key",
        "chromium_h264_l1t3",
        "chromium_vp9_l3t3_key",
    ] {
        let capture = named(name);
        let (frames, _) = capture.frames();
        let descriptors = capture.descriptors();
        let mut layers: Vec<Layer> = Vec::new();
        let mut open = false;
        for (packet, descriptor) in capture.packets.iter().zip(&descriptors) {
            assert_eq!(
                descriptor.start_of_frame, !open,
                "{name}: frames follow each other"
            );
            open = !descriptor.end_of_frame;
            if packet.marker {
                assert!(
                    descriptor.end_of_frame,
                    "{name}: a picture ends with a frame"
                );
                layers.push(descriptor.dependencies.layer());
            }
        }
        assert_eq!(layers.len(), frames.len(), "{name}");
        for (frame, layer) in frames.iter().zip(&layers) {
            // H.264 has no layers of its own: the descriptor alone tells.
            assert!(frame.layer.is_none_or(|told| told == *layer), "{name}");
        }
        let modes = layers
            .iter()
            .map(|layer| layer.temporal)
            .collect::<BTreeSet<_>>();
        assert_eq!(modes, BTreeSet::from([0, 1, 2]), "{name}");
        let keys = descriptors
            .iter()
            .filter(|told| told.start_of_frame && told.is_key())
            .count();
        assert_eq!(
            keys,
            frames.iter().filter(|frame| frame.key).count(),
            "{name}"
        );
    }
}

#[test]
fn simulcast_comes_as_streams_of_three_sizes() {
    let widths: Vec<_> = ["q", "h", "f"]
        .iter()
        .map(|rid| {
            let capture = named(&format!("chromium_vp8_simulcast_{rid}"));
            let (frames, _) = capture.frames();
            // The stream says its name until the other side has reported of it.
            let id = capture.extension("sdes:rtp-stream-id").unwrap();
            let named = capture.packets[0].extensions.get(id);
            assert_eq!(named, Some(rid.as_bytes()));
            frames[0].resolution.unwrap().width
        })
        .collect();
    assert_eq!(widths, [240, 480, 960]);
}

#[test]
fn every_stream_has_the_layers_of_its_mode_and_no_others() {
    let mut modes = 0;
    for capture in captures() {
        let Some(mode) = capture.index["encoder"]["scalabilityMode"].as_str() else {
            continue;
        };
        let digit = |at: usize| mode.as_bytes()[at] - b'0';
        let (spatial, temporal) = (digit(1), digit(3));
        let (frames, _) = capture.frames();
        let name = &capture.name;
        let seen = layers(&frames);
        if seen.is_empty() {
            // H.264 tells no layers, nor do the others where there is one: the dependency descriptor does, which is compared above.
            assert!(temporal == 1 || name.contains("h264"), "{name}: {mode}");
            continue;
        }
        let all: BTreeSet<_> = seen.iter().map(|layer| layer.1).collect();
        assert_eq!(all, (0..temporal).collect(), "{name}: {mode}");
        let highest = seen.iter().map(|layer| layer.0).max();
        assert_eq!(highest, Some(spatial - 1), "{name}: {mode}");
        modes += 1;
    }
    assert!(modes >= 6, "only {modes} streams with layers");
}
