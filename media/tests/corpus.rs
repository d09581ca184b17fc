//! The clips on a hostile path: read from their files, cut into packets, shuffled, doubled and thinned out, sorted as a jitter
//! buffer does, and put together again. Every frame of which all packets arrived must come out bit-exactly, with the key,
//! size and layer that the reader saw in the file; the unit tests of the readers compare those with ffprobe's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use avocet_media::annex_b::AnnexBCodec;
use avocet_media::obu::ObuFormat;
use avocet_media::{TimedFrame, annex_b, ivf, obu, ogg, wav};
use bytes::Bytes;
use proptest::prelude::*;
use rtp::payload::audio::{AudioDepacketizer, AudioFormat, AudioPacketizer};
use rtp::payload::{Assembler, Depacketizer, Format, Packetizer, Start, av1, h264, h265, vp8, vp9};
use rtp::{Frame, MediaKind, MimeType, Packet, SequenceNumber, SequenceUnwrapper};

macro_rules! clip {
    ($name:literal) => {
        &include_bytes!(concat!("../../testdata/clips/", $name))[..]
    };
}

/// A codec with its clip: frames, both directions, and whether a payload is certain to begin a frame.
struct Case {
    name: &'static str,
    frames: Vec<Frame>,
    packetizer: fn() -> Box<dyn Packetizer>,
    depacketizer: fn() -> Box<dyn Depacketizer>,
    begins: fn(&[u8]) -> bool,
}

fn frames<E: std::fmt::Debug>(
    timed: impl IntoIterator<Item = Result<TimedFrame, E>>,
) -> Vec<Frame> {
    timed
        .into_iter()
        .map(|timed| timed.unwrap().frame)
        .collect()
}

/// Raw sound of one octet for each tick, in frames of 20 ms.
fn raw(codec: MimeType, sound: &'static [u8]) -> Vec<Frame> {
    (0..)
        .zip(sound.chunks(160))
        .map(|(at, data)| Frame {
            duration: Some(data.len() as u32),
            ..Frame::new(codec.clone(), at * 160, Bytes::from_static(data))
        })
        .collect()
}

fn certain<F: Format + Default>(payload: &[u8]) -> bool {
    F::default().inspect(payload).unwrap().start == Start::Certain
}

fn video<F: Format + Default + 'static>(
    name: &'static str,
    frames: Vec<Frame>,
    packetizer: fn() -> Box<dyn Packetizer>,
) -> Case {
    Case {
        name,
        frames,
        packetizer,
        depacketizer: || Box::new(Assembler::new(F::default())),
        begins: certain::<F>,
    }
}

fn sound(
    name: &'static str,
    frames: Vec<Frame>,
    packetizer: fn() -> Box<dyn Packetizer>,
    depacketizer: fn() -> Box<dyn Depacketizer>,
) -> Case {
    Case {
        name,
        frames,
        packetizer,
        depacketizer,
        begins: |_| true,
    }
}

macro_rules! sounds {
    ($name:literal, $frames:expr, $format:expr) => {
        sound(
            $name,
            $frames,
            || Box::new(AudioPacketizer::new($format)),
            || Box::new(AudioDepacketizer::new($format)),
        )
    };
}

fn cases() -> Vec<Case> {
    let h264 = |clip| frames(annex_b::read(clip, AnnexBCodec::H264, 3000));
    let avc: fn() -> Box<dyn Packetizer> = || Box::new(h264::H264Packetizer::default());
    let aom: fn() -> Box<dyn Packetizer> = || Box::new(av1::Av1Packetizer);
    vec![
        video::<vp8::Vp8>(
            "VP8",
            frames(ivf::read(clip!("vp8_320x240_30_5s.ivf"))),
            || Box::new(vp8::Vp8Packetizer::new(0x7ff0, 250)),
        ),
        video::<vp9::Vp9>(
            "VP9",
            frames(ivf::read(clip!("vp9_320x240_30_5s.ivf"))),
            || Box::new(vp9::Vp9Packetizer::new(0x7ff0, 250)),
        ),
        video::<av1::Av1>(
            "AV1 in IVF",
            frames(ivf::read(clip!("av1_320x240_30_3s.ivf"))),
            aom,
        ),
        video::<av1::Av1>(
            "AV1 as OBUs",
            frames(obu::read(
                clip!("av1_320x240_30_3s.obu"),
                ObuFormat::LowOverhead,
                3000,
            )),
            aom,
        ),
        video::<h264::H264>("H.264", h264(clip!("h264_cbp_320x240_30_5s.h264")), avc),
        video::<h264::H264>(
            "H.264 of four slices",
            h264(clip!("h264_high_bframes_slices4_640x360.h264")),
            avc,
        ),
        video::<h265::H265>(
            "H.265",
            frames(annex_b::read(
                clip!("h265_320x240_30_4s.h265"),
                AnnexBCodec::H265,
                3000,
            )),
            || Box::new(h265::H265Packetizer::default()),
        ),
        sounds!(
            "Opus, mono",
            frames(ogg::read(clip!("opus_mono_voip_fec_5s.ogg"))),
            AudioFormat::Opus
        ),
        sounds!(
            "Opus, stereo",
            frames(ogg::read(clip!("opus_stereo_440_660_5s.ogg"))),
            AudioFormat::Opus
        ),
        sounds!(
            "L16",
            frames(wav::read(clip!("wav_440_mono48k_0.5s.wav"))),
            AudioFormat::L16(1)
        ),
        sounds!(
            "PCMU",
            raw(MimeType::PCMU, clip!("pcmu_440_5s.ulaw")),
            AudioFormat::Pcmu(1)
        ),
        // The same octets serve as A-law: nothing is decoded.
        sounds!(
            "PCMA",
            raw(MimeType::PCMA, clip!("pcmu_440_5s.ulaw")),
            AudioFormat::Pcma(1)
        ),
        sounds!(
            "G.722",
            raw(MimeType::G722, clip!("g722_440_5s.g722")),
            AudioFormat::G722
        ),
    ]
}

/// The packets of each frame, numbered so that the numbers wrap on the way.
fn packets(case: &Case, max_payload: usize) -> Vec<Vec<Packet>> {
    // Sound stays whole, so that frames can be compared: that it may be cut is tested beside its packetizer.
    let max_payload = match case.frames[0].codec.kind() {
        MediaKind::Audio => 1920,
        MediaKind::Video => max_payload,
    };
    let mut packetizer = (case.packetizer)();
    let mut count = 65_500_usize;
    let cut = |frame: &Frame| {
        let mut packets = Vec::new();
        packetizer
            .packetize(frame, max_payload, &mut |payload| {
                assert!(payload.data.len() <= max_payload);
                packets.push(Packet {
                    sequence_number: SequenceNumber::new(count as u16),
                    timestamp: payload.timestamp,
                    marker: payload.marker,
                    payload: payload.data,
                    ..Packet::default()
                });
                count += 1;
            })
            .unwrap();
        packets
    };
    case.frames.iter().map(cut).collect()
}

/// What is alike on both sides. Of sound the duration belongs to it; of video packets do not tell it.
fn same(sent: &Frame, got: &Frame) -> bool {
    let video = sent.codec.kind() == MediaKind::Video;
    sent.data == got.data
        && sent.codec == got.codec
        && sent.key == got.key
        && sent.resolution == got.resolution
        && sent.layer == got.layer
        // A file does not always tell, the packets one after another do.
        && (got.discardable || !sent.discardable)
        && (video || sent.duration == got.duration)
}

/// Sends a clip over a path that loses one of `one_in` packets (0: none), doubles all and shuffles within a window; `seed`
/// decides.
fn hostile(case: &Case, max_payload: usize, seed: u64, one_in: u64) {
    let mut dice = seed;
    let mut below = |limit: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % limit
    };
    let mut arrived = Vec::new();
    let mut expected = Vec::new();
    // The receiver knows nothing in front of the first packet.
    let mut before = false;
    for (frame, packets) in case.frames.iter().zip(packets(case, max_payload)) {
        let mut whole = before || (case.begins)(&packets[0].payload);
        for packet in packets {
            before = one_in == 0 || below(one_in) != 0;
            whole &= before;
            if before {
                arrived.extend([packet.clone(), packet]);
            }
        }
        if whole {
            expected.push(frame);
        }
    }
    for at in 0..arrived.len() {
        let other = (at + below(40) as usize).min(arrived.len() - 1);
        arrived.swap(at, other);
    }
    let mut unwrapper = SequenceUnwrapper::new();
    arrived.sort_by_cached_key(|packet| unwrapper.extend(packet.sequence_number));
    let mut depacketizer = (case.depacketizer)();
    let mut got = Vec::new();
    for packet in &arrived {
        depacketizer.push(packet, &mut |frame| got.push(frame));
    }
    depacketizer.flush(&mut |frame| got.push(frame));
    let name = case.name;
    let mut got = got.iter();
    for frame in expected {
        let found = got.find(|got| got.timestamp == frame.timestamp);
        let found = found.unwrap_or_else(|| {
            panic!(
                "{name}, seed {seed}, {max_payload}: the frame at {} is missing",
                frame.timestamp
            )
        });
        assert!(
            same(frame, found),
            "{name}, seed {seed}, {max_payload}: {frame:?} became {found:?}"
        );
    }
    if one_in == 0 {
        assert_eq!(depacketizer.stats().incomplete_frames, 0, "{name}");
    }
}

#[test]
fn every_frame_whose_packets_arrived_comes_out_bit_exactly() {
    for case in cases() {
        assert!(case.frames.len() > 20, "{}", case.name);
        for max_payload in [1188, 300] {
            hostile(&case, max_payload, 1, 0);
            for seed in 0..8 {
                hostile(&case, max_payload, seed, 25);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_loss_any_disorder_and_any_packet_size_leave_what_arrived_bit_exact(
        which in 0_usize..13,
        seed: u64,
        one_in in prop_oneof![Just(0_u64), 2_u64..60],
        max_payload in 700_usize..1400,
    ) {
        hostile(&cases()[which], max_payload, seed, one_in);
    }
}

#[test]
fn frames_go_through_every_container_and_over_the_path_unchanged() {
    // File to packets to file: the file is the one that it was.
    let clip = clip!("vp8_320x240_30_5s.ivf");
    let case = &cases()[0];
    let mut depacketizer = (case.depacketizer)();
    let mut times = rtp::TimestampUnwrapper::new();
    let mut out = Vec::new();
    for packet in packets(case, 1188).iter().flatten() {
        depacketizer.push(packet, &mut |frame| {
            let time = times.extend(frame.timestamp);
            out.push(TimedFrame::new(u64::try_from(time).unwrap(), frame));
        });
    }
    let header = ivf::IvfHeader {
        rate: 30,
        frames: 150,
        ..ivf::IvfHeader::new(MimeType::VP8)
    };
    assert_eq!(ivf::write(Vec::new(), header, &out).unwrap(), clip);
}
