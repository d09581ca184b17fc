use std::io::Cursor;

use bytes::Bytes;
use rtp::{Frame, MimeType};

use super::*;
use crate::testing::*;
use crate::{DemuxError, Demuxer, MuxError, Muxer};

const FORMAT: WavFormat = WavFormat {
    encoding: WavEncoding::Linear16,
    channels: 1,
    sample_rate: 48_000,
};
const MU_LAW: WavFormat = WavFormat {
    encoding: WavEncoding::MuLaw,
    channels: 1,
    sample_rate: 8000,
};
const ULAW: &[u8] = include_bytes!("../../../testdata/clips/pcmu_440_5s.ulaw");

/// The sound of the clip: what ffprobe says lies behind octet 78.
fn sound() -> &'static [u8] {
    &WAV[78..]
}

fn mu_law() -> Vec<TimedFrame> {
    (0..)
        .zip(ULAW.chunks(160))
        .map(|(at, data)| {
            let frame = Frame::new(MimeType::PCMU, 0, Bytes::from_static(data));
            TimedFrame::new(at * 160, frame)
        })
        .collect()
}

#[test]
fn the_clip_is_read_in_frames_of_20_ms_in_the_order_of_the_network() {
    let table = include_str!("../../../testdata/clips/ffprobe/wav_440_mono48k_0.5s.wav.csv");
    let probed = probed(table);
    assert_eq!(probed.last().unwrap().bytes.end, WAV.len());
    let frames = whole(WavDemuxer::new(), WAV);
    assert_eq!(frames.len(), 26, "25.6 frames: the last one is shorter");
    let mut data = Vec::new();
    for (at, timed) in frames.iter().enumerate() {
        assert_eq!(timed.time, 960 * at as u64);
        assert_eq!(timed.frame.codec, MimeType::L16);
        assert_eq!(
            timed.frame.duration,
            Some(timed.frame.data.len() as u32 / 2)
        );
        data.extend_from_slice(&timed.frame.data);
    }
    let swapped: Vec<u8> = sound().chunks(2).flat_map(|two| [two[1], two[0]]).collect();
    assert_eq!(data, swapped);
}

#[test]
fn what_was_read_is_written_with_a_length_that_is_patched() {
    let frames = whole(WavDemuxer::new(), WAV);
    let live = write(Vec::new(), FORMAT, &frames).unwrap();
    assert_eq!(live[40..44], [0xff; 4]);
    assert_eq!(&live[44..], sound());
    assert_eq!(whole(WavDemuxer::new(), &live), frames);
    let mut writer = Writer::new(Cursor::new(Vec::new()), WavMuxer::new(FORMAT));
    for frame in &frames {
        writer.write(frame).unwrap();
    }
    let file = writer.finish_with_header().unwrap().into_inner();
    assert_eq!(file[40..44], (sound().len() as u32).to_le_bytes());
    assert_eq!(file[4..8], (file.len() as u32 - 8).to_le_bytes());
    assert_eq!(whole(WavDemuxer::new(), &file), frames);
}

#[test]
fn g711_of_either_law_survives() {
    for (encoding, codec) in [
        (WavEncoding::MuLaw, MimeType::PCMU),
        (WavEncoding::ALaw, MimeType::PCMA),
    ] {
        let mut frames = mu_law();
        for timed in &mut frames {
            timed.frame.codec = codec.clone();
            timed.frame.duration = Some(160);
        }
        let format = WavFormat { encoding, ..MU_LAW };
        let file = write(Vec::new(), format, &frames).unwrap();
        assert_eq!(whole(WavDemuxer::new(), &file), frames);
    }
}

#[test]
fn gaps_are_filled_with_silence_up_to_a_minute() {
    let mut frames = mu_law();
    frames.drain(1..11);
    let file = write(Vec::new(), MU_LAW, &frames).unwrap();
    let read = whole(WavDemuxer::new(), &file);
    assert_eq!(read.len(), 250);
    assert!(read[5].frame.data.iter().all(|&octet| octet == 0xff));
    assert_eq!(read[11].frame.data, frames[1].frame.data);
    let mut muxer = WavMuxer::new(MU_LAW);
    let mut out = Vec::new();
    muxer.write(&frames[0], &mut out).unwrap();
    let before = out.len();
    frames[1].time = 1 << 60;
    muxer.write(&frames[1], &mut out).unwrap();
    assert_eq!(out.len(), before + 160);
    assert_eq!(muxer.write(&frames[2], &mut out), Err(MuxError::Order));
    frames[2].frame.codec = MimeType::PCMA;
    assert_eq!(muxer.write(&frames[2], &mut out), Err(MuxError::Codec));
    let half = Frame::new(MimeType::L16, 0, Bytes::from_static(&[1]));
    let half = TimedFrame::new(0, half);
    let refused = WavMuxer::new(FORMAT).write(&half, &mut out);
    assert_eq!(refused, Err(MuxError::Malformed));
}

#[test]
fn a_file_of_more_than_4_gib_and_24_hours_is_read_to_its_end() {
    // RF64: the length is in a chunk of its own. A sample a second in so many channels: 4 GiB are 36 hours.
    const SLOW: WavFormat = WavFormat {
        channels: 32_768,
        sample_rate: 1,
        ..MU_LAW
    };
    let mut front = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    let len = (1_u64 << 32) + 32_768;
    for value in [len + 90, len, len] {
        front.extend_from_slice(&value.to_le_bytes());
    }
    front.extend_from_slice(&[0; 4]);
    SLOW.encode(&mut front);
    front.extend_from_slice(b"data\xff\xff\xff\xff");
    // What lies behind the sound is not sound.
    let source = Endless {
        front: &front,
        pattern: &[0x55; 64 << 10],
        len: front.len() as u64 + len + 100_000,
        at: 0,
    };
    let mut demuxer = WavDemuxer::new();
    demuxer.push(&front);
    assert_eq!(demuxer.poll(), Ok(None));
    assert_eq!(demuxer.format(), Some(&SLOW));
    let last = read(source).last().unwrap().unwrap();
    assert_eq!(last.time, 1 << 17);
    assert!(last.time > 24 * 3600);
}

#[test]
fn chunks_of_no_interest_are_passed_over_without_being_held() {
    let mut front = b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x7f".to_vec();
    front.resize(front.len() + 64, 1);
    let mut demuxer = WavDemuxer::new();
    demuxer.push(&front);
    assert_eq!(demuxer.poll(), Ok(None));
    let mut error = None;
    for _ in 0..100 {
        demuxer.push(&[0; 1000]);
        error = error.or_else(|| demuxer.poll().err());
    }
    assert_eq!(error, None);
    let format = b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\x7f";
    assert_eq!(
        in_pieces(WavDemuxer::new(), format, 9).1,
        Some(DemuxError::TooLarge)
    );
}

#[test]
fn files_of_other_kinds_and_codings_are_refused() {
    let error = |file: &[u8]| in_pieces(WavDemuxer::new(), file, 4096).1;
    assert_eq!(error(OPUS), Some(DemuxError::Signature));
    assert_eq!(
        error(b"RIFF\0\0\0\0WAVEdata\0\0\0\0"),
        Some(DemuxError::Value)
    );
    let mut file = WAV.to_vec();
    file[34] = 24;
    assert_eq!(error(&file), Some(DemuxError::Codec));
    let mut file = WAV.to_vec();
    file[22] = 0;
    assert_eq!(error(&file), Some(DemuxError::Value));
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    holds(&WavDemuxer::new(), &WAV[..78 + 960 * 3]);
    let frames = &mu_law()[..4];
    holds(
        &WavDemuxer::new(),
        &write(Vec::new(), MU_LAW, frames).unwrap(),
    );
}
