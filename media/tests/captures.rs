//! What Chromium, Firefox and GStreamer sent, out of `testdata/captures`: every packet has its place in a frame, every frame is
//! the one that the encoder counted, and cutting it into packets of our own and back changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use avocet_media::rtpdump;
use rtp::dependency::{DependencyDescriptor, DependencyReader};
use rtp::payload::audio::{AudioDepacketizer, AudioFormat, AudioPacketizer};
use rtp::payload::red::{RedDepacketizer, blocks};
use rtp::payload::{
    Depacketizer, DepacketizerStats, Packetizer, av1, depacketizer, h264, h265, nal_units, vp8, vp9,
};
use rtp::{Frame, Layer, MediaKind, MimeType, Packet, PayloadType, SequenceNumber};
use serde_json::Value;

/// A capture, and what the index says of it.
struct Capture {
    name: String,
    codec: MimeType,
    payload_type: PayloadType,
    index: Value,
    packets: Vec<Packet>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/captures")
}

fn captures() -> Vec<Capture> {
    let index = fs::read_to_string(directory().join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let captures = index["captures"].as_array().unwrap();
    captures.iter().map(capture).collect()
}

fn capture(index: &Value) -> Capture {
    let file = index["file"].as_str().unwrap();
    let dump = File::open(directory().join(file)).unwrap();
    let packets = rtpdump::read(dump).map(|dumped| dumped.unwrap().decode().unwrap());
    let payload_type = index["payloadType"].as_u64().unwrap() as u8;
    Capture {
        name: file.replace(".rtpdump", ""),
        codec: index["codec"].as_str().unwrap().parse().unwrap(),
        payload_type: PayloadType::new(payload_type).unwrap(),
        index: index.clone(),
        packets: packets.collect(),
    }
}

fn named(name: &str) -> Capture {
    let mut captures = captures().into_iter();
    let found = captures.find(|capture| capture.name == name);
    found.unwrap_or_else(|| panic!("no capture {name}"))
}

impl Capture {
    fn is_video(&self) -> bool {
        self.codec.kind() == MediaKind::Video
    }

    fn depacketizer(&self) -> Box<dyn Depacketizer + Send> {
        if self.codec == MimeType::RED {
            let opus = AudioDepacketizer::new(AudioFormat::Opus);
            return Box::new(RedDepacketizer::new(self.payload_type, opus));
        }
        depacketizer(&self.codec).unwrap()
    }

    fn packetizer(&self) -> Box<dyn Packetizer> {
        match &self.codec {
            codec if *codec == MimeType::VP8 => Box::new(vp8::Vp8Packetizer::new(1, 1)),
            codec if *codec == MimeType::VP9 => Box::new(vp9::Vp9Packetizer::new(1, 1)),
            codec if *codec == MimeType::AV1 => Box::new(av1::Av1Packetizer),
            codec if *codec == MimeType::H264 => Box::new(h264::H264Packetizer::default()),
            codec if *codec == MimeType::H265 => Box::new(h265::H265Packetizer::default()),
            codec if *codec == MimeType::RED => Box::new(AudioPacketizer::new(AudioFormat::Opus)),
            codec => Box::new(AudioPacketizer::new(AudioFormat::new(codec, 1).unwrap())),
        }
    }

    fn frames(&self) -> (Vec<Frame>, DepacketizerStats) {
        let mut depacketizer = self.depacketizer();
        let mut frames = Vec::new();
        for packet in &self.packets {
            depacketizer.push(packet, &mut |frame| frames.push(frame));
        }
        depacketizer.flush(&mut |frame| frames.push(frame));
        (frames, depacketizer.stats())
    }

    fn encoder(&self, word: &str) -> Option<u64> {
        self.index["encoder"][word].as_u64()
    }

    /// The id of a header extension by the end of its URI.
    fn extension(&self, uri: &str) -> Option<u8> {
        let extensions = self.index["extensions"].as_object()?;
        let found = extensions.iter().find(|(known, _)| known.ends_with(uri));
        found.map(|(_, id)| id.as_u64().unwrap() as u8)
    }

    /// The dependency descriptor of every packet, read in order.
    fn descriptors(&self) -> Vec<DependencyDescriptor> {
        let id = self.extension("dependency-descriptor-rtp-header-extension");
        let id = id.unwrap_or_else(|| panic!("{}: not negotiated", self.name));
        let mut reader = DependencyReader::new();
        let read = |packet: &Packet| {
            let value = packet.extensions.get(id);
            let value = value.unwrap_or_else(|| panic!("{}: a packet without", self.name));
            reader.read(value).unwrap()
        };
        self.packets.iter().map(read).collect()
    }
}

fn layers(frames: &[Frame]) -> BTreeSet<(u8, u8)> {
    let layers = frames.iter().filter_map(|frame| frame.layer);
    layers
        .map(|layer| (layer.spatial, layer.temporal))
        .collect()
}

#[test]
fn every_packet_of_every_capture_belongs_to_a_frame() {
    let captures = captures();
    for codec in [
        "VP8", "VP9", "AV1", "H264", "H265", "opus", "red", "G722", "PCMU", "PCMA",
    ] {
        assert!(
            captures.iter().any(|capture| capture.codec.name() == codec),
            "no {codec}"
        );
    }
    for capture in captures {
        let name = &capture.name;
        let (frames, stats) = capture.frames();
        assert!(frames.len() >= 25, "{name}: {} frames", frames.len());
        let dropped = stats.malformed_packets + stats.orphaned_packets + stats.oversized_frames;
        assert_eq!(
            (dropped, stats.incomplete_frames),
            (0, 0),
            "{name}: {stats:?}"
        );
        // The first packet counts as behind a gap: what was before it is not known.
        assert_eq!(stats.gaps, 1, "{name}");
        assert!(frames[0].key, "{name} begins with a key frame");
        // One sender takes what its encoder puts in front off the second timestamp.
        for pair in frames[1..].windows(2) {
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert!(step > 0 && step < 90_000, "{name}: a step of {step}");
            if !capture.is_video() {
                assert_eq!(pair[0].duration, Some(step), "{name}");
            }
        }
    }
}

#[test]
fn frames_keys_and_sizes_are_those_of_which_the_encoder_tells() {
    for capture in captures() {
        let name = &capture.name;
        let (frames, _) = capture.frames();
        let is_video = capture.is_video();
        if let Some(sent) = capture.encoder("framesSent").filter(|_| is_video) {
            // Of a picture with spatial layers the encoder counts each one as a frame.
            let seen = match name.contains("l3t3") {
                true => {
                    let descriptors = capture.descriptors();
                    let starts = descriptors.iter().filter(|told| told.start_of_frame);
                    starts.count()
                }
                false => frames.len(),
            };
            assert_eq!(seen as u64, sent, "{name}");
        }
        if let Some(sent) = capture.encoder("packetsSent") {
            assert_eq!(capture.packets.len() as u64, sent, "{name}");
        }
        if let Some(keys) = capture.encoder("keyFramesEncoded").filter(|_| is_video) {
            let seen = frames.iter().filter(|frame| frame.key).count() as u64;
            assert_eq!(seen, keys, "{name}");
        }
        for frame in frames.iter().filter(|frame| frame.key && is_video) {
            let size = frame
                .resolution
                .unwrap_or_else(|| panic!("{name}: a key without size"));
            if let (Some(width), Some(height)) = (
                capture.encoder("frameWidth"),
                capture.encoder("frameHeight"),
            ) {
                let told = (u64::from(size.width), u64::from(size.height));
                assert_eq!(told, (width, height), "{name}");
            }
        }
    }
}

#[test]
fn frames_of_the_captures_go_out_in_our_packets_and_come_back_bit_exactly() {
    for capture in captures() {
        // Layers of VP9 cannot be sent; what is inside RED goes out as Opus.
        let spatial = capture.name.contains("l3t3");
        let (frames, _) = capture.frames();
        let mut packetizer = capture.packetizer();
        let mut depacketizer = match capture.codec == MimeType::RED {
            true => depacketizer(&MimeType::OPUS).unwrap(),
            false => capture.depacketizer(),
        };
        let mut number = SequenceNumber::new(65_000);
        let mut out = Vec::new();
        for frame in &frames {
            let mut packets = Vec::new();
            let cut = packetizer.packetize(frame, 900, &mut |payload| packets.push(payload));
            cut.unwrap_or_else(|error| panic!("{}: {error}", capture.name));
            for payload in packets {
                number = number.next();
                let packet = Packet {
                    sequence_number: number,
                    timestamp: payload.timestamp,
                    marker: payload.marker,
                    payload: payload.data,
                    ..Packet::default()
                };
                depacketizer.push(&packet, &mut |frame| out.push(frame));
            }
        }
        assert_eq!(frames.len(), out.len(), "{}", capture.name);
        for (frame, out) in frames.iter().zip(&out) {
            let (sent, got) = (&frame.data, &out.data);
            if matches!(capture.codec.name(), "H264" | "H265") {
                // One sender ends a parameter set with a zero, which no NAL unit does.
                assert!(nal_units(sent).eq(nal_units(got)), "{}", capture.name);
            } else {
                assert!(sent == got, "{}", capture.name);
            }
            assert_eq!(frame.key, out.key, "{}", capture.name);
            if !spatial {
                assert_eq!(frame.layer, out.layer, "{}", capture.name);
            }
        }
    }
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
fn redundant_blocks_repeat_what_was_sent_before() {
    let capture = named("chromium_red");
    let mut sent: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut repeated = 0;
    for packet in &capture.packets {
        let blocks = blocks(&packet.payload).unwrap();
        let (primary, redundant) = blocks.split_last().unwrap();
        for block in redundant.iter().filter(|block| !block.data.is_empty()) {
            let time = packet.timestamp.wrapping_sub(block.timestamp_offset.into());
            let before = sent.iter().find(|(known, _)| *known == time);
            repeated += usize::from(before.is_some());
            assert!(before.is_none_or(|(_, data)| data == block.data));
        }
        sent.push((packet.timestamp, primary.data.to_vec()));
    }
    assert!(repeated * 10 > capture.packets.len() * 9);

    // Without every second packet nothing is missing.
    let mut depacketizer = capture.depacketizer();
    let mut frames = Vec::new();
    for packet in capture.packets.iter().step_by(2) {
        depacketizer.push(packet, &mut |frame| frames.push(frame));
    }
    let last = sent.len() - 1 + sent.len() % 2;
    let data: Vec<_> = frames.iter().map(|frame| frame.data.to_vec()).collect();
    let expected: Vec<_> = sent[..last].iter().map(|(_, data)| data.clone()).collect();
    assert!(data.ends_with(&expected));
}
