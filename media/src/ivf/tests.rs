use std::io::Cursor;

use bytes::Bytes;
use rtp::{Frame, MimeType, Resolution};

use super::*;
use crate::testing::*;
use crate::{DemuxError, MAX_ELEMENT_BYTES, MuxError, Muxer};

const TABLES: [(&[u8], &str, MimeType); 3] = [
    (
        VP8,
        include_str!("../../../testdata/clips/ffprobe/vp8_320x240_30_5s.ivf.csv"),
        MimeType::VP8,
    ),
    (
        VP9,
        include_str!("../../../testdata/clips/ffprobe/vp9_320x240_30_5s.ivf.csv"),
        MimeType::VP9,
    ),
    (
        AV1,
        include_str!("../../../testdata/clips/ffprobe/av1_320x240_30_3s.ivf.csv"),
        MimeType::AV1,
    ),
];

#[test]
fn frames_are_those_that_ffprobe_sees_with_their_times_keys_and_sizes() {
    for (clip, table, codec) in TABLES {
        let probed = probed(table);
        let frames = whole(IvfDemuxer::new(), clip);
        assert_eq!(frames.len(), probed.len());
        for (timed, probed) in frames.iter().zip(&probed) {
            // The position is that of the frame's header.
            let bytes = &clip[probed.bytes.start + 12..probed.bytes.end + 12];
            let data = match codec == MimeType::AV1 {
                true => &bytes[2..],
                false => bytes,
            };
            assert_eq!(timed.frame.data, data);
            assert_eq!(Some(timed.time as i64), probed.pts.map(|pts| pts * 3000));
            assert_eq!(timed.frame.timestamp, timed.time as u32);
            assert_eq!(timed.frame.duration, Some(3000));
            assert_eq!(timed.frame.key, probed.key);
            let resolution = Resolution {
                width: 320,
                height: 240,
            };
            assert_eq!(timed.frame.resolution, probed.key.then_some(resolution));
            assert_eq!(timed.frame.codec, codec);
        }
    }
}

#[test]
fn what_was_read_is_written_bit_exactly() {
    for (clip, ..) in TABLES {
        let mut demuxer = IvfDemuxer::new();
        crate::Demuxer::push(&mut demuxer, clip);
        crate::Demuxer::poll(&mut demuxer).unwrap();
        let header = demuxer.header().unwrap().clone();
        let frames = whole(IvfDemuxer::new(), clip);
        // The header of the clip has the count already.
        assert_eq!(muxed(IvfMuxer::new(header), &frames), clip);
    }
}

#[test]
fn the_header_is_patched_with_the_count_and_the_size_of_the_first_frame() {
    let frames = whole(IvfDemuxer::new(), VP8);
    let header = IvfHeader {
        rate: 30,
        ..IvfHeader::new(MimeType::VP8)
    };
    let live = write(Vec::new(), header.clone(), &frames).unwrap();
    assert_eq!(live[24..28], [0; 4], "a live file tells no count");
    assert_eq!(live[32..], VP8[32..]);
    assert_eq!(whole(IvfDemuxer::new(), &live), frames);
    let mut writer = Writer::new(Cursor::new(Vec::new()), IvfMuxer::new(header));
    for frame in &frames {
        writer.write(frame).unwrap();
    }
    assert_eq!(writer.finish_with_header().unwrap().into_inner(), VP8);
}

#[test]
fn times_of_64_bits_and_beyond_24_hours_survive() {
    // 27 hours and 14 years on the clock of video.
    for start in [90_000 * 100_000, 1_u64 << 55] {
        let times = [start, start + 3000, start + 6000];
        let frames: Vec<_> = times
            .iter()
            .map(|&time| {
                let data = Bytes::from_static(&[0x11, 2, 3]);
                TimedFrame::new(time, Frame::new(MimeType::VP8, 0, data))
            })
            .collect();
        let file = muxed(IvfMuxer::new(IvfHeader::new(MimeType::VP8)), &frames);
        let read: Vec<_> = whole(IvfDemuxer::new(), &file);
        assert_eq!(
            read.iter().map(|timed| timed.time).collect::<Vec<_>>(),
            times
        );
        assert_eq!(read[0].frame.timestamp, start as u32);
    }
    let header = IvfHeader {
        rate: 30_000,
        scale: 1001,
        ..IvfHeader::new(MimeType::VP8)
    };
    for ticks in [0, 1, 2, 29, 30_000, 3_000_000_000_u64, 1 << 48] {
        assert_eq!(header.ticks(header.time(ticks)), ticks);
    }
    let odd = IvfHeader { rate: 7, ..header };
    for ticks in 0..100 {
        assert_eq!(odd.ticks(odd.time(ticks)), ticks);
    }
    assert_eq!(odd.time(u64::MAX), u64::MAX);
}

#[test]
fn a_file_of_more_than_4_gib_is_read_in_a_bounded_room() {
    const FRAME: usize = MAX_ELEMENT_BYTES - 12;
    let mut pattern = vec![0x11; FRAME + 12];
    pattern[..4].copy_from_slice(&(FRAME as u32).to_le_bytes());
    pattern[4..12].copy_from_slice(&7_u64.to_le_bytes());
    let source = Endless {
        front: &IvfHeader::new(MimeType::VP8).encode().unwrap(),
        pattern: &pattern,
        len: 32 + 260 * pattern.len() as u64,
        at: 0,
    };
    assert!(source.len > 1 << 32);
    let mut frames = 0;
    for frame in read(source) {
        assert_eq!(frame.unwrap().frame.data.len(), FRAME);
        frames += 1;
    }
    assert_eq!(frames, 260);
}

#[test]
fn a_length_beyond_the_cap_is_refused_before_anything_is_allocated() {
    let mut file = VP8[..44].to_vec();
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let (frames, error) = in_pieces(IvfDemuxer::new(), &file, 44);
    assert_eq!((frames.len(), error), (0, Some(DemuxError::TooLarge)));
}

#[test]
fn a_file_of_another_kind_and_a_file_that_is_cut_are_told_apart() {
    let error = |file: &[u8]| in_pieces(IvfDemuxer::new(), file, 10_000_000).1;
    assert_eq!(error(OPUS), Some(DemuxError::Signature));
    assert_eq!(error(&VP8[..31]), Some(DemuxError::Truncated));
    assert_eq!(error(&VP8[..32]), None);
    assert_eq!(error(&VP8[..100]), Some(DemuxError::Truncated));
    let mut file = VP8[..32].to_vec();
    file[8..12].copy_from_slice(b"THEO");
    assert_eq!(error(&file), Some(DemuxError::Codec));
    file[16..20].copy_from_slice(&[0; 4]);
    assert_eq!(error(&file), Some(DemuxError::Value));
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    for (clip, _, codec) in TABLES {
        let frames = whole(IvfDemuxer::new(), clip);
        let file = muxed(IvfMuxer::new(IvfHeader::new(codec)), &frames[1..8]);
        holds(&IvfDemuxer::new(), &file);
    }
}

#[test]
fn frames_that_do_not_belong_are_refused() {
    let frames = whole(IvfDemuxer::new(), VP8);
    let mut muxer = IvfMuxer::new(IvfHeader::new(MimeType::VP8));
    let mut out = Vec::new();
    muxer.write(&frames[1], &mut out).unwrap();
    let before = out.clone();
    assert_eq!(muxer.write(&frames[0], &mut out), Err(MuxError::Order));
    let mut other = frames[2].clone();
    other.frame.codec = MimeType::VP9;
    assert_eq!(muxer.write(&other, &mut out), Err(MuxError::Codec));
    assert_eq!(out, before);
    let mut theora = IvfMuxer::new(IvfHeader::new(MimeType::OPUS));
    let opus = TimedFrame::new(0, Frame::new(MimeType::OPUS, 0, Bytes::from_static(&[0])));
    assert_eq!(theora.write(&opus, &mut out), Err(MuxError::Codec));
}
