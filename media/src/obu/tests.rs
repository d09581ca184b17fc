use rtp::Resolution;

use super::*;
use crate::testing::*;
use crate::{DemuxError, MAX_ELEMENT_BYTES, Muxer};

const TABLE: &str = include_str!("../../../testdata/clips/ffprobe/av1_320x240_30_3s.obu.csv");

fn demuxer(format: ObuFormat) -> ObuDemuxer {
    ObuDemuxer::new(format, 3000)
}

#[test]
fn temporal_units_are_those_that_ffprobe_sees_with_their_keys_and_sizes() {
    let probed = probed(TABLE);
    let frames = whole(demuxer(ObuFormat::LowOverhead), AV1_OBU);
    assert_eq!(frames.len(), probed.len());
    for (at, (timed, probed)) in frames.iter().zip(&probed).enumerate() {
        assert_eq!(timed.frame.data, AV1_OBU[probed.bytes.clone()][2..]);
        assert_eq!(timed.time, 3000 * at as u64);
        assert_eq!(timed.frame.key, probed.key);
        let resolution = Resolution {
            width: 320,
            height: 240,
        };
        assert_eq!(timed.frame.resolution, probed.key.then_some(resolution));
    }
}

#[test]
fn the_same_frames_come_out_of_all_three_containers() {
    let frames = whole(demuxer(ObuFormat::LowOverhead), AV1_OBU);
    let ivf = whole(crate::ivf::IvfDemuxer::new(), AV1);
    assert_eq!(frames, ivf);
    let delimited = muxed(ObuMuxer::new(ObuFormat::LengthDelimited), &frames);
    assert_eq!(
        whole(demuxer(ObuFormat::LengthDelimited), &delimited),
        frames
    );
}

#[test]
fn what_was_read_is_written_bit_exactly() {
    let frames = whole(demuxer(ObuFormat::LowOverhead), AV1_OBU);
    let file = write(Vec::new(), ObuFormat::LowOverhead, &frames).unwrap();
    assert_eq!(file, AV1_OBU);
}

#[test]
fn frames_of_a_unit_with_several_are_delimited_each() {
    let frames = whole(demuxer(ObuFormat::LowOverhead), AV1_OBU);
    let one = &frames[1].frame.data;
    let mut two = frames[0].clone();
    two.frame.data = [&two.frame.data[..], one, one].concat().into();
    let file = muxed(ObuMuxer::new(ObuFormat::LengthDelimited), &[two.clone()]);
    let mut rest = &file[..];
    let leb = rtp::leb128::decode;
    assert_eq!(leb(&mut rest), Ok(rest.len()));
    let mut count = 0;
    while !rest.is_empty() {
        let len = leb(&mut rest).unwrap();
        rest = &rest[len..];
        count += 1;
    }
    assert_eq!(count, 3);
    let read = whole(demuxer(ObuFormat::LengthDelimited), &file);
    assert_eq!(read[0].frame.data, two.frame.data);
}

#[test]
fn lengths_beyond_the_cap_and_beyond_32_bits_are_refused_at_once() {
    let error = |format, file: &[u8]| in_pieces(demuxer(format), file, 1).1;
    let large = [0x12, 0, 0x32, 0xff, 0xff, 0xff, 0x7f, 1];
    assert_eq!(
        error(ObuFormat::LowOverhead, &large),
        Some(DemuxError::TooLarge)
    );
    assert_eq!(
        error(ObuFormat::LengthDelimited, &large[3..]),
        Some(DemuxError::TooLarge)
    );
    let overflow = [0x12, 0, 0x32, 0xff, 0xff, 0xff, 0xff, 0x7f, 1];
    assert_eq!(
        error(ObuFormat::LowOverhead, &overflow),
        Some(DemuxError::Value)
    );
    // A temporal unit without end, of OBUs that are each within the cap.
    let mut padding = vec![0x7a, 0x80, 0x80, 0x40];
    padding.resize(4 + (1 << 20), 0);
    let source = Endless {
        front: &DELIMITER,
        pattern: &padding,
        len: 3 * MAX_ELEMENT_BYTES as u64,
        at: 0,
    };
    let last = read(source, ObuFormat::LowOverhead, 1).last().unwrap();
    assert!(matches!(
        last,
        Err(crate::ReadError::Demux(DemuxError::TooLarge))
    ));
}

#[test]
fn what_does_not_begin_with_a_delimiter_is_of_another_kind() {
    let error = |format, file: &[u8]| in_pieces(demuxer(format), file, 99_999).1;
    for file in [H264, WAV, VP8, &[0x0a, 1, 0]] {
        assert_eq!(
            error(ObuFormat::LowOverhead, file),
            Some(DemuxError::Signature)
        );
    }
    assert_eq!(
        error(ObuFormat::LengthDelimited, AV1_OBU),
        Some(DemuxError::Signature)
    );
}

#[test]
fn times_beyond_24_hours_and_files_beyond_4_gib_do_not_wrap() {
    let body = if full_matrix() { 50_000 } else { 3 };
    let count = 100_000;
    let mut pattern = vec![0x12, 0, 0x32];
    rtp::leb128::encode(body, &mut pattern);
    pattern.resize(pattern.len() + body, 0x10);
    let source = Endless {
        front: &[],
        pattern: &pattern,
        len: count * pattern.len() as u64,
        at: 0,
    };
    assert!(!full_matrix() || source.len > 1 << 32);
    let hour = 90_000 * 3600;
    let last = read(source, ObuFormat::LowOverhead, hour).last().unwrap();
    assert_eq!(last.unwrap().time, (count - 1) * u64::from(hour));
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    let frames = whole(demuxer(ObuFormat::LowOverhead), AV1_OBU);
    for format in [ObuFormat::LowOverhead, ObuFormat::LengthDelimited] {
        let file = muxed(ObuMuxer::new(format), &frames[1..8]);
        holds(&demuxer(format), &file);
    }
    let mut other = frames[0].clone();
    other.frame.codec = rtp::MimeType::VP8;
    assert!(ObuMuxer::default().write(&other, &mut Vec::new()).is_err());
}
