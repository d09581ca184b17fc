//! For every format of the registry: any frames, cut to any size, come back as they were through a path that shuffles and
//! duplicates; with loss, what comes back is exact.

use bytes::Bytes;
use proptest::prelude::*;

use super::{packets_of, receive, shuffled};
use crate::payload::Registry;
use crate::{Codec, Frame, MimeType};

/// A frame that is key if `key`, with the least that its packetizer looks at, and `body` behind it.
fn frame(codec: &Codec, timestamp: u32, key: bool, body: &[u8]) -> Frame {
    // No zeros, so that no start code arises.
    let body: Vec<u8> = body.iter().map(|octet| octet | 1).collect();
    let mut data = match (codec.mime.name(), key) {
        ("VP8", _) => vec![u8::from(!key), 0, 0],
        ("VP9", true) => vec![0x82, 0x49, 0x83, 0x42, 0, 0x13, 0xf0, 0x0e, 0xf0, 0],
        ("VP9", false) => vec![0x86, 0, 0x40, 0],
        // A unit that may begin a frame anywhere, then a slice.
        ("H264", true) => vec![
            0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0, 0, 0, 1, 0x65, 0x88,
        ],
        ("H264", false) => vec![0, 0, 0, 1, 0x61, 0x9a],
        ("H265", true) => vec![
            0, 0, 0, 1, 0x40, 1, 0xc, 0, 0, 0, 1, 0x42, 1, 1, 0, 0, 0, 1, 0x26, 1, 0xaf,
        ],
        ("H265", false) => vec![0, 0, 0, 1, 0x02, 1, 0xd0],
        ("H266", true) => vec![
            0, 0, 0, 1, 0, 0x71, 0x10, 0, 0, 0, 1, 0, 0x79, 1, 0, 0, 0, 1, 0, 0x39, 0xc1,
        ],
        ("H266", false) => vec![0, 0, 0, 1, 0, 1, 0x81],
        _ => Vec::new(),
    };
    if codec.mime == MimeType::AV1 {
        // A temporal unit that begins for certain with a sequence header, then a frame; each with its size.
        data.extend_from_slice(&[0x0a, 1, 0x08]);
        data.push(0x32);
        crate::leb128::encode(body.len() + 1, &mut data);
        data.push(if key { 0x10 } else { 0x30 });
    }
    data.extend_from_slice(&body);
    Frame {
        key,
        ..Frame::new(codec.mime.clone(), timestamp, Bytes::from(data))
    }
}

fn codecs() -> [Codec; 6] {
    [
        MimeType::VP8,
        MimeType::VP9,
        MimeType::AV1,
        MimeType::H264,
        MimeType::H265,
        MimeType::H266,
    ]
    .map(|mime| Codec {
        fmtp: "packetization-mode=1".to_owned(),
        ..Codec::new(mime, 90_000)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_video_frames_come_back_as_they_were(
        bodies in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 1..3000)), 1..12),
        max_payload in 40_usize..1400,
        seed: u64,
        loss in any::<bool>(),
    ) {
        let formats = Registry::standard();
        for codec in codecs() {
            let frames: Vec<_> = bodies
                .iter()
                .zip((0..).step_by(3000))
                .enumerate()
                .map(|(at, ((key, body), timestamp))| frame(&codec, timestamp, at == 0 || *key, body))
                .collect();
            let mut packetizer = formats.packetizer(&codec, seed as u32).unwrap();
            let packets = packets_of(packetizer.as_mut(), &frames, max_payload);
            let mut depacketizer = formats.depacketizer(&codec).unwrap();
            let mut path = shuffled(&packets, seed, if loss { 15 } else { 0 });
            // Behind the end of a stream nothing shows that its last packet is missing.
            if let Some(last) = packets.last()
                && path.last() != Some(last)
            {
                path.push(last.clone());
            }
            let (out, stats) = receive(depacketizer.as_mut(), &path);
            if !loss {
                prop_assert_eq!(out.len(), frames.len(), "{}", codec.mime);
                prop_assert_eq!(stats.incomplete_frames, 0);
            }
            for out in &out {
                let sent = frames.iter().find(|frame| frame.timestamp == out.timestamp).unwrap();
                // With losses a key frame can get remembered parameter sets in front.
                prop_assert!(out.data.ends_with(&sent.data) || loss && sent.key, "{}", codec.mime);
                prop_assert_eq!(out.key, sent.key, "{}", codec.mime);
            }
        }
    }

    #[test]
    fn any_sound_comes_back_as_it_was(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..40),
        (stereo, talkspurt, seed) in any::<(bool, bool, u64)>(),
    ) {
        let formats = Registry::standard();
        for mime in [
            MimeType::OPUS, MimeType::PCMU, MimeType::PCMA, MimeType::G722, MimeType::L16, MimeType::CN,
        ] {
            let channels = if mime == MimeType::G722 { 1 } else { 1 + u16::from(stereo) };
            let codec = Codec { channels: Some(channels), ..Codec::new(mime, 8_000) };
            let mut timestamp = 0_u32;
            let frames: Vec<_> = bodies
                .iter()
                .map(|body| {
                    // Whole samples of every format; of Opus one frame of 20 ms.
                    let mut data: Vec<u8> = body.iter().flat_map(|octet| [*octet; 4]).collect();
                    if codec.mime == MimeType::OPUS {
                        data[0] = 31 << 3;
                    }
                    timestamp = timestamp.wrapping_add(10_000);
                    Frame {
                        talkspurt_start: talkspurt,
                        ..Frame::new(codec.mime.clone(), timestamp, Bytes::from(data))
                    }
                })
                .collect();
            let mut packetizer = formats.packetizer(&codec, 0).unwrap();
            let packets = packets_of(packetizer.as_mut(), &frames, 1200);
            let mut depacketizer = formats.depacketizer(&codec).unwrap();
            let (out, _) = receive(depacketizer.as_mut(), &shuffled(&packets, seed, 0));
            prop_assert_eq!(out.len(), frames.len(), "{}", codec.mime);
            for (out, sent) in out.iter().zip(&frames) {
                prop_assert_eq!((&out.data, out.timestamp), (&sent.data, sent.timestamp));
            }
        }
    }
}
