//! What Chromium, Firefox and GStreamer sent, out of `testdata/captures`: every packet has its place in a frame, every frame is
//! the one that the encoder counted, and cutting it into packets of our own and back changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod hostile;
mod layers;
mod sound;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use avocet_media::rtpdump;
use bytes::Bytes;
use rtp::dependency::{DependencyDescriptor, DependencyReader};
use rtp::payload::audio::{AudioDepacketizer, AudioFormat, AudioPacketizer};
use rtp::payload::red::RedDepacketizer;
use rtp::payload::{
    Depacketizer, DepacketizerStats, Packetizer, Registry, av1, depacketizer, h264, h265,
    nal_units, vp8, vp9,
};
use rtp::{Codec, Frame, MediaKind, MimeType, Packet, PayloadType, SequenceNumber};
use serde_json::Value;

/// A capture, and what the index says of it.
struct Capture {
    name: String,
    codec: Codec,
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
    let mime = index["codec"].as_str().unwrap().parse().unwrap();
    let mut codec = Codec::new(mime, index["clockRate"].as_u64().unwrap_or(0) as u32);
    codec.channels = index["channels"].as_u64().map(|channels| channels as u16);
    Capture {
        name: file.replace(".rtpdump", ""),
        codec,
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
        if self.codec.mime == MimeType::RED {
            let opus = AudioDepacketizer::new(AudioFormat::Opus);
            return Box::new(RedDepacketizer::new(self.payload_type, opus));
        }
        Registry::standard().depacketizer(&self.codec).unwrap()
    }

    fn packetizer(&self) -> Box<dyn Packetizer> {
        match &self.codec.mime {
            codec if *codec == MimeType::VP8 => Box::new(vp8::Vp8Packetizer::new(1, 1)),
            codec if *codec == MimeType::VP9 => Box::new(vp9::Vp9Packetizer::new(1, 1)),
            codec if *codec == MimeType::AV1 => Box::new(av1::Av1Packetizer),
            codec if *codec == MimeType::H264 => Box::new(h264::H264Packetizer::default()),
            codec if *codec == MimeType::H265 => Box::new(h265::H265Packetizer::default()),
            codec if *codec == MimeType::RED => Box::new(AudioPacketizer::new(AudioFormat::Opus)),
            codec => {
                let channels = self.codec.channels.unwrap_or(1);
                Box::new(AudioPacketizer::new(
                    AudioFormat::new(codec, channels).unwrap(),
                ))
            }
        }
    }

    fn frames(&self) -> (Vec<Frame>, DepacketizerStats) {
        let mut depacketizer = self.depacketizer();
        let mut frames = Vec::new();
        for packet in &self.packets {
            let mut packet = packet.clone();
            // Tones and comfort noise come between the packets of the codec: they keep their place.
            if self.accompanying().contains(&packet.payload_type.get()) {
                packet.payload = Bytes::new();
            }
            depacketizer.push(&packet, &mut |frame| frames.push(frame));
        }
        depacketizer.flush(&mut |frame| frames.push(frame));
        (frames, depacketizer.stats())
    }

    /// The payload types of comfort noise and tones.
    fn accompanying(&self) -> Vec<u8> {
        let types = self.index["accompanying"].as_object();
        let types = types.into_iter().flat_map(|types| types.values());
        let numbers = types.flat_map(|list| list.as_array().unwrap());
        numbers
            .map(|number| number.as_u64().unwrap() as u8)
            .collect()
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

#[test]
fn every_packet_of_every_capture_belongs_to_a_frame() {
    let captures = captures();
    for codec in [
        "VP8", "VP9", "AV1", "H264", "H265", "opus", "red", "G722", "PCMU", "PCMA", "L16",
    ] {
        assert!(
            captures
                .iter()
                .any(|capture| capture.codec.mime.name() == codec),
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
            if !capture.is_video() && capture.accompanying().is_empty() {
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
fn every_frame_has_the_octets_key_and_size_that_ffprobe_sees() {
    let mut tables = 0;
    for capture in captures() {
        let name = &capture.name;
        let table = directory().join("ffprobe").join(format!("{name}.csv"));
        let Ok(table) = fs::read_to_string(table) else {
            // Sound without frames in a file, or with pauses.
            assert!(!capture.is_video(), "{name}: no table");
            continue;
        };
        tables += 1;
        let (frames, _) = capture.frames();
        let octets = |frame: &Frame| match capture.codec.mime.name() {
            // In a file a temporal delimiter stands in front, which does not travel in RTP.
            "AV1" => frame.data.len() + 2,
            // One sender ends a parameter set with a zero, which no NAL unit does.
            "H264" | "H265" => nal_units(&frame.data).map(|unit| 4 + unit.len()).sum(),
            _ => frame.data.len(),
        };
        let mut lengths: Vec<usize> = frames.iter().map(octets).collect();
        if let ("H265", [first, .., last]) = (capture.codec.mime.name(), &mut *lengths) {
            // It takes the zero in front of a start code for the end of the frame before.
            (*first, *last) = (*first + 1, *last - 1);
        }
        let mut size = None;
        let seen: Vec<_> = frames
            .iter()
            .zip(lengths)
            .map(|(frame, length)| {
                size = frame.resolution.or(size);
                let size = size.map(|size| format!(",{},{}", size.width, size.height));
                let key = u8::from(frame.key);
                format!("{length},{key}{}", size.unwrap_or_default())
            })
            .collect();
        let expected: Vec<_> = table.lines().collect();
        assert_eq!(seen, expected, "{name}");
    }
    assert!(tables >= 24, "only {tables} tables");
}

#[test]
fn frames_of_the_captures_go_out_in_our_packets_and_come_back_bit_exactly() {
    for capture in captures() {
        // Layers of VP9 cannot be sent; what is inside RED goes out as Opus.
        let spatial = capture.name.contains("l3t3");
        let (frames, _) = capture.frames();
        let mut packetizer = capture.packetizer();
        let mut depacketizer = match capture.codec.mime == MimeType::RED {
            true => depacketizer(&MimeType::OPUS).unwrap(),
            false => capture.depacketizer(),
        };
        // What was one packet of sound has to be one again.
        let max_payload = if capture.is_video() { 900 } else { 1_200 };
        let mut number = SequenceNumber::new(65_000);
        let mut out = Vec::new();
        for frame in &frames {
            let mut packets = Vec::new();
            let cut =
                packetizer.packetize(frame, max_payload, &mut |payload| packets.push(payload));
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
            if matches!(capture.codec.mime.name(), "H264" | "H265") {
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
