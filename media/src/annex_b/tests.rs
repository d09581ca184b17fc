use rtp::payload::nal_units;
use rtp::{Layer, Resolution};

use super::*;
use crate::testing::*;
use crate::{DemuxError, MAX_ELEMENT_BYTES, MuxError, Muxer};

const TABLES: [(&[u8], &str, AnnexBCodec, u32, u32); 3] = [
    (
        H264,
        include_str!("../../../testdata/clips/ffprobe/h264_cbp_320x240_30_5s.h264.csv"),
        AnnexBCodec::H264,
        320,
        240,
    ),
    (
        H264_HIGH,
        include_str!("../../../testdata/clips/ffprobe/h264_high_bframes_slices4_640x360.h264.csv"),
        AnnexBCodec::H264,
        640,
        360,
    ),
    (
        H265,
        include_str!("../../../testdata/clips/ffprobe/h265_320x240_30_4s.h265.csv"),
        AnnexBCodec::H265,
        320,
        240,
    ),
];

#[test]
fn access_units_are_those_that_ffprobe_sees_with_their_keys_and_sizes() {
    for (clip, table, codec, width, height) in TABLES {
        let probed = probed(table);
        let frames = whole(AnnexBDemuxer::new(codec, 3000), clip);
        assert_eq!(frames.len(), probed.len());
        for (at, (timed, probed)) in frames.iter().zip(&probed).enumerate() {
            assert!(nal_units(&timed.frame.data).eq(nal_units(&clip[probed.bytes.clone()])));
            assert_eq!(timed.time, 3000 * at as u64);
            assert_eq!(timed.frame.duration, Some(3000));
            assert_eq!(timed.frame.key, probed.key);
            let resolution = Resolution { width, height };
            assert_eq!(timed.frame.resolution, probed.key.then_some(resolution));
            let base = (codec == AnnexBCodec::H265).then(Layer::default);
            assert_eq!(timed.frame.layer, base);
        }
    }
}

#[test]
fn what_was_read_is_written_with_the_same_units() {
    for (clip, _, codec, ..) in TABLES {
        let frames = whole(AnnexBDemuxer::new(codec, 3000), clip);
        let file = write(Vec::new(), codec, &frames).unwrap();
        assert!(nal_units(&file).eq(nal_units(clip)));
        assert_eq!(whole(AnnexBDemuxer::new(codec, 3000), &file), frames);
    }
}

#[test]
fn supplemental_information_can_be_left_out_of_either() {
    for (clip, _, codec, ..) in TABLES {
        let all = nal_units(clip).count();
        let without: Vec<_> = nal_units(clip).filter(|unit| !codec.is_sei(unit)).collect();
        assert!(without.len() < all, "the encoder names itself in one");
        let demuxer = AnnexBDemuxer::new(codec, 3000).with_sei(Sei::Drop);
        let bare = whole(demuxer, clip);
        let units = bare.iter().flat_map(|timed| nal_units(&timed.frame.data));
        assert!(units.eq(without.iter().copied()));
        let frames = whole(AnnexBDemuxer::new(codec, 3000), clip);
        let file = muxed(AnnexBMuxer::new(codec).with_sei(Sei::Drop), &frames);
        assert!(nal_units(&file).eq(without));
    }
}

#[test]
fn start_codes_of_three_and_four_octets_and_zeros_between_units_are_one() {
    let mut three = Vec::new();
    let mut padded = vec![0; 9];
    for unit in nal_units(H264) {
        three.extend_from_slice(&[0, 0, 1]);
        three.extend_from_slice(unit);
        padded.extend_from_slice(&[0, 0, 0, 0, 0, 1]);
        padded.extend_from_slice(unit);
    }
    padded.extend_from_slice(&[0; 7]);
    let frames = whole(AnnexBDemuxer::new(AnnexBCodec::H264, 3000), H264);
    for file in [three, padded] {
        for piece in [1, 1000, file.len()] {
            let demuxer = AnnexBDemuxer::new(AnnexBCodec::H264, 3000);
            let (read, error) = in_pieces(demuxer, &file, piece);
            assert!(read == frames && error.is_none());
        }
    }
}

#[test]
fn what_stands_in_front_of_a_picture_belongs_to_it_and_what_stands_behind_does_not() {
    // First slice, slice; SEI, first slice, end of sequence; delimiter, first slice; parameter sets, first slice.
    let h264: &[&[u8]] = &[
        &[0x65, 0x88],
        &[0x65, 0x08],
        &[0x06, 0x05],
        &[0x41, 0x88],
        &[0x0a],
        &[0x09, 0x10],
        &[0x41, 0x89],
        &[0x67, 0x42],
        &[0x68, 0x01],
        &[0x65, 0x88],
    ];
    // The same, with a suffix SEI behind the second picture.
    let h265: &[&[u8]] = &[
        &[0x26, 0x01, 0x80],
        &[0x26, 0x01, 0x40],
        &[0x4e, 0x01, 0x05],
        &[0x02, 0x01, 0x80],
        &[0x50, 0x01, 0x05],
        &[0x46, 0x01, 0x10],
        &[0x02, 0x01, 0x81],
        &[0x40, 0x01, 0x0c],
        &[0x42, 0x01, 0x01],
        &[0x26, 0x01, 0x80],
    ];
    for (codec, units) in [(AnnexBCodec::H264, h264), (AnnexBCodec::H265, h265)] {
        let mut file = Vec::new();
        for unit in units {
            file.extend_from_slice(&[0, 0, 1]);
            file.extend_from_slice(unit);
        }
        let frames = whole(AnnexBDemuxer::new(codec, 3000), &file);
        let found: Vec<Vec<&[u8]>> = frames
            .iter()
            .map(|timed| nal_units(&timed.frame.data).collect())
            .collect();
        assert_eq!(
            found,
            [&units[..2], &units[2..5], &units[5..7], &units[7..]],
            "{codec:?}"
        );
    }
}

#[test]
fn a_unit_beyond_the_cap_is_refused() {
    let mut file = H264[..2000].to_vec();
    file.resize(MAX_ELEMENT_BYTES + 3000, 0x55);
    let (_, error) = in_pieces(AnnexBDemuxer::new(AnnexBCodec::H264, 1), &file, 1 << 20);
    assert_eq!(error, Some(DemuxError::TooLarge));
}

#[test]
fn a_file_without_start_codes_is_of_another_kind() {
    let error = |file: &[u8]| in_pieces(AnnexBDemuxer::new(AnnexBCodec::H264, 1), file, 999).1;
    assert_eq!(error(&[0x55; 5000]), Some(DemuxError::Signature));
    assert_eq!(error(b"DKIF"), Some(DemuxError::Signature));
    assert_eq!(error(b""), None);
    let mut muxer = AnnexBMuxer::new(AnnexBCodec::H264);
    let mut frame = whole(AnnexBDemuxer::new(AnnexBCodec::H264, 1), H264).remove(0);
    frame.frame.data = bytes::Bytes::from_static(b"no start code");
    assert_eq!(
        muxer.write(&frame, &mut Vec::new()),
        Err(MuxError::Malformed)
    );
}

#[test]
fn times_beyond_24_hours_and_files_beyond_4_gib_do_not_wrap() {
    // Two pictures over and over, small ones unless the length is what counts.
    let (count, body) = if full_matrix() {
        (40_000, 55_000)
    } else {
        (50_000, 4)
    };
    let mut pattern = vec![0, 0, 1, 0x65, 0x88];
    pattern.resize(5 + body, 7);
    pattern.extend_from_slice(&[0, 0, 1, 0x41, 0x88]);
    pattern.resize(10 + 2 * body, 9);
    let source = Endless {
        front: &[],
        pattern: &pattern,
        len: (count * pattern.len() + 5 + body) as u64,
        at: 0,
    };
    assert!(!full_matrix() || source.len > 1 << 32);
    // A picture every hour: 80,000 of them are nine years.
    let hour = 90_000 * 3600;
    let mut last = 0;
    for frame in read(source, AnnexBCodec::H264, hour) {
        last = frame.unwrap().time;
    }
    assert_eq!(last, 2 * count as u64 * u64::from(hour));
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    for (clip, _, codec, ..) in TABLES {
        let demuxer = AnnexBDemuxer::new(codec, 3000);
        let frames = whole(demuxer.clone(), clip);
        holds(&demuxer, &muxed(AnnexBMuxer::new(codec), &frames[1..6]));
    }
}
