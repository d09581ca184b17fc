use bytes::Bytes;
use rtp::{Frame, MimeType};

use super::page::{Page, lacing};
use super::*;
use crate::testing::*;
use crate::{DemuxError, Demuxer, MuxError, Muxer};

const TABLES: [(&[u8], &str, u8); 2] = [
    (
        OPUS,
        include_str!("../../../testdata/clips/ffprobe/opus_mono_voip_fec_5s.ogg.csv"),
        1,
    ),
    (
        OPUS_STEREO,
        include_str!("../../../testdata/clips/ffprobe/opus_stereo_440_660_5s.ogg.csv"),
        2,
    ),
];

/// Feeds a file and keeps the demuxer.
fn through(file: &[u8]) -> (OggDemuxer, Vec<TimedFrame>) {
    let mut demuxer = OggDemuxer::new();
    demuxer.push(file);
    demuxer.finish();
    let mut frames = Vec::new();
    while let Some(frame) = demuxer.poll().unwrap() {
        frames.push(frame);
    }
    (demuxer, frames)
}

fn pages(mut file: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    while !file.is_empty() {
        let segments = usize::from(file[26]);
        let body: usize = file[27..27 + segments]
            .iter()
            .map(|&len| usize::from(len))
            .sum();
        let (page, rest) = file.split_at(27 + segments + body);
        pages.push(page);
        file = rest;
    }
    pages
}

#[test]
fn packets_are_those_that_ffprobe_sees_with_their_times_and_the_trimmed_end() {
    for (clip, table, channels) in TABLES {
        let probed = probed(table);
        let (demuxer, frames) = through(clip);
        let head = demuxer.head().unwrap();
        assert_eq!((head.channels, head.pre_skip), (channels, 312));
        assert!(demuxer.tags().unwrap().vendor.starts_with("Lavf"));
        assert_eq!(frames.len(), probed.len());
        for (timed, probed) in frames.iter().zip(&probed) {
            // ffprobe counts from what is played: it takes the pre-skip off.
            assert_eq!(Some(timed.time as i64 - 312), probed.pts);
            assert_eq!(timed.frame.data.len(), probed.bytes.len());
            assert_eq!(timed.frame.duration, Some(960));
            assert!(timed.frame.key && probed.key && !timed.frame.after_loss);
        }
        // The duration of the last packet there is 312.
        assert_eq!(demuxer.end_trim(), 960 - 312);
    }
}

#[test]
fn what_was_read_is_written_with_the_same_packets_times_and_end() {
    for (clip, ..) in TABLES {
        let (demuxer, frames) = through(clip);
        let mut muxer = OggMuxer::new(7, demuxer.head().unwrap().clone())
            .with_tags(demuxer.tags().unwrap().clone());
        muxer.trim_end(demuxer.end_trim());
        let file = muxed(muxer, &frames);
        let (again, frames_again) = through(&file);
        assert_eq!(frames_again, frames);
        assert_eq!(again.head(), demuxer.head());
        assert_eq!(again.tags(), demuxer.tags());
        assert_eq!(again.end_trim(), demuxer.end_trim());
        let pages = pages(&file);
        assert_eq!(pages[0][5], 2, "the first page says so");
        assert_eq!(pages.last().unwrap()[5], 4, "the last page says so");
        for (at, page) in pages.iter().enumerate() {
            assert_eq!(page[18..22], (at as u32).to_le_bytes());
        }
    }
}

#[test]
fn the_pages_of_the_clip_are_written_as_the_encoder_wrote_them() {
    // The checksums, positions and segment tables of another implementation, page by page.
    let mut again = Vec::new();
    for page in pages(OPUS_STEREO) {
        Page::decode(page).unwrap().encode(&mut again);
    }
    assert_eq!(again, OPUS_STEREO);
}

#[test]
fn a_page_lasts_a_second_at_most_and_pre_skip_is_what_was_asked() {
    let (_, frames) = through(OPUS);
    for pre_skip in [312, 3840] {
        let head = OpusHead {
            pre_skip,
            ..OpusHead::new(1)
        };
        let file = write(Vec::new(), 1, head, &frames).unwrap();
        let pages = pages(&file);
        let positions: Vec<_> = pages[2..]
            .iter()
            .map(|page| Page::decode(page).unwrap().granule.unwrap())
            .collect();
        assert_eq!(
            positions,
            [48_000, 96_000, 144_000, 192_000, 240_000, 240_960]
        );
        assert_eq!(through(&file).0.head().unwrap().pre_skip, pre_skip);
    }
}

#[test]
fn chained_streams_are_read_on_where_the_one_before_ended() {
    let chain = [OPUS, OPUS_STEREO].concat();
    let (demuxer, frames) = through(&chain);
    assert_eq!((demuxer.links(), frames.len()), (2, 502));
    assert_eq!(demuxer.head().unwrap().channels, 2);
    for (at, timed) in frames.iter().enumerate() {
        assert_eq!(timed.time, 960 * at as u64);
        assert!(!timed.frame.after_loss);
    }
    // Of streams at the same time the first is read.
    let (first, second) = (pages(OPUS), pages(OPUS_STEREO));
    let mixed: Vec<&[u8]> = first
        .iter()
        .zip(&second)
        .flat_map(|(a, b)| [*a, *b])
        .collect();
    let (demuxer, frames) = through(&mixed.concat());
    assert_eq!((demuxer.links(), frames), (1, through(OPUS).1));
}

#[test]
fn a_missing_page_is_a_loss_and_times_hold() {
    let (_, frames) = through(OPUS_STEREO);
    let mut pages = pages(OPUS_STEREO);
    pages.remove(4);
    let (_, read) = through(&pages.concat());
    let lost: Vec<_> = read.iter().filter(|timed| timed.frame.after_loss).collect();
    assert_eq!(lost.len(), 1);
    for timed in &read {
        let frame = frames
            .iter()
            .find(|frame| frame.time == timed.time)
            .unwrap();
        assert_eq!(frame.frame.data, timed.frame.data);
    }
    assert!(read.len() < frames.len());
}

#[test]
fn a_wrong_checksum_ends_the_file() {
    let mut file = OPUS.to_vec();
    let place = file.len() - 5;
    file[place] ^= 1;
    let (frames, error) = in_pieces(OggDemuxer::new(), &file, 999);
    assert_eq!(error, Some(DemuxError::Checksum));
    assert!(frames.len() > 200);
    assert_eq!(
        in_pieces(OggDemuxer::new(), VP8, 99).1,
        Some(DemuxError::Signature)
    );
}

#[test]
fn comments_beyond_64_kib_are_cut_and_the_sound_behind_them_is_read() {
    let (demuxer, frames) = through(OPUS);
    let tags = OpusTags {
        vendor: "v".repeat(1000),
        comments: vec![format!("TITLE={}", "t".repeat(50)), "x".repeat(60_000)],
    };
    let head = demuxer.head().unwrap().clone();
    let file = muxed(
        OggMuxer::new(1, head.clone()).with_tags(tags.clone()),
        &frames,
    );
    let (read, frames_read) = through(&file);
    assert_eq!((read.tags(), frames_read), (Some(&tags), frames.clone()));

    // What is too long is not written, and 200 KiB of another writer are passed over.
    let long = OpusTags {
        comments: vec!["y".repeat(70_000)],
        ..tags
    };
    let (read, _) = through(&muxed(OggMuxer::new(1, head).with_tags(long), &frames));
    assert_eq!(read.tags().unwrap().comments.len(), 0);
    let pages = pages(OPUS);
    let mut file = pages[0].to_vec();
    let mut packet = b"OpusTags\x01\0\0\0v\x02\0\0\0\x03\0\0\0A=B\0\0\x03\0".to_vec();
    packet.resize(packet.len() + 0x30000, b'z');
    for (at, piece) in packet.chunks(65_025).enumerate() {
        let segments: Vec<u8> = match piece.len() {
            65_025 => vec![255; 255],
            len => lacing(len).collect(),
        };
        Page {
            continued: at > 0,
            granule: None,
            lacing: &segments,
            body: piece,
            sequence: at as u32 + 1,
            ..Page::decode(pages[1]).unwrap()
        }
        .encode(&mut file);
    }
    let next = packet.chunks(65_025).count() as u32 + 1;
    for (sequence, page) in (next..).zip(&pages[2..]) {
        let page = Page::decode(page).unwrap();
        Page { sequence, ..page }.encode(&mut file);
    }
    let (read, frames_read) = through(&file);
    assert_eq!(read.tags().unwrap().comments, ["A=B"]);
    assert_eq!(frames_read, frames);
}

#[test]
fn gaps_are_filled_so_that_the_file_lasts_as_long_as_the_call() {
    let (_, mut frames) = through(OPUS);
    frames.drain(100..150);
    let file = write(Vec::new(), 1, OpusHead::new(1), &frames).unwrap();
    let (_, read) = through(&file);
    assert_eq!(read.len(), 251);
    assert!(
        read[100..150]
            .iter()
            .all(|timed| timed.frame.data.len() == 1)
    );
    let last = read.last().unwrap();
    assert_eq!(
        (last.time, &last.frame.data),
        (250 * 960, &frames[200].frame.data)
    );
    // Two hours are not filled: the position leaps.
    let mut late = frames[0].clone();
    late.time = 2 * 3600 * 48_000;
    let file = muxed(
        OggMuxer::new(1, OpusHead::new(1)),
        &[frames[0].clone(), late.clone()],
    );
    let (_, read) = through(&file);
    assert_eq!((read.len(), read[1].time), (2, late.time));
    // The clock of a sender trembles: nothing is filled, nothing leaps, nothing is refused.
    let mut trembling = frames[..100].to_vec();
    for (at, timed) in trembling.iter_mut().enumerate() {
        timed.time += [0, 5, 1, 959, 300][at % 5];
    }
    let file = write(Vec::new(), 1, OpusHead::new(1), &trembling).unwrap();
    let (_, read) = through(&file);
    assert_eq!(read, frames[..100]);
    assert_eq!(pages(&file).len(), 4);
    let mut out = Vec::new();
    let mut muxer = OggMuxer::new(1, OpusHead::new(1));
    muxer.write(&frames[1], &mut out).unwrap();
    assert_eq!(muxer.write(&frames[0], &mut out), Err(MuxError::Order));
}

#[test]
fn times_beyond_24_hours_and_files_beyond_4_gib_do_not_wrap() {
    // A stream that was cut out of another after five years.
    let start = 48_000 * 3600 * 24 * 365 * 5_u64;
    let data = Bytes::from(vec![31 << 3; 1000]);
    let frames: Vec<_> = (0..60)
        .map(|at| {
            let frame = Frame::new(MimeType::OPUS, 0, data.clone());
            TimedFrame::new(start + at * 960, frame)
        })
        .collect();
    let file = write(Vec::new(), 1, OpusHead::new(1), &frames).unwrap();
    let pages = pages(&file);
    let mut moved = [pages[0], pages[1]].concat();
    for page in &pages[2..] {
        let page = Page::decode(page).unwrap();
        let granule = page.granule.map(|granule| granule + start);
        Page { granule, ..page }.encode(&mut moved);
    }
    let (_, moved) = through(&moved);
    let times: Vec<_> = moved.iter().map(|timed| timed.time).collect();
    let wanted: Vec<_> = frames.iter().map(|timed| timed.time).collect();
    assert_eq!(times, wanted);
    assert!(times[0] > 1 << 32);

    // The page of a second, over and over: sequence and position stand still, as no good writer's would.
    let page = Page::decode(pages[2]).unwrap();
    let len = if full_matrix() {
        (1 << 32) + (1 << 20)
    } else {
        32 << 20
    };
    let source = Endless {
        front: &[pages[0], pages[1]].concat(),
        pattern: pages[2],
        len,
        at: 0,
    };
    let whole = (len - (pages[0].len() + pages[1].len()) as u64) / pages[2].len() as u64;
    let packets = page.packets().count() as u64;
    let read = read(source).filter(Result::is_ok).count() as u64;
    assert_eq!(read, whole * packets);
}

#[test]
fn pieces_truncations_and_mutations_are_borne() {
    let (_, frames) = through(OPUS);
    let file = write(Vec::new(), 1, OpusHead::new(1), &frames[..12]).unwrap();
    holds(&OggDemuxer::new(), &file);
    holds(&OggDemuxer::new(), &[&file[..], &file].concat());
    // The same with checksums that hold, so that the mutations get behind them.
    let page = pages(&file)[0].len();
    for place in 0..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut mutant = file.clone();
            mutant[place] = value;
            let mut fixed = Vec::new();
            for page in [&mutant[..page], &mutant[page..]] {
                fix(page, &mut fixed);
            }
            drop(in_pieces(OggDemuxer::new(), &fixed, fixed.len()));
        }
    }
}

/// The pages with right checksums, as far as they are pages.
fn fix(mut file: &[u8], out: &mut Vec<u8>) {
    while file.len() > 27 {
        let segments = usize::from(file[26]);
        let lengths = file.get(27..27 + segments).unwrap_or_default();
        let len = 27 + segments + lengths.iter().map(|&len| usize::from(len)).sum::<usize>();
        let Some(page) = file.get(..len) else { break };
        let granule = u64::from_le_bytes(page[6..14].try_into().unwrap());
        Page {
            continued: page[5] & 1 != 0,
            first: page[5] & 2 != 0,
            last: page[5] & 4 != 0,
            granule: Some(granule),
            serial: u32::from_le_bytes(page[14..18].try_into().unwrap()),
            sequence: u32::from_le_bytes(page[18..22].try_into().unwrap()),
            lacing: lengths,
            body: &page[27 + segments..],
        }
        .encode(out);
        file = &file[len..];
    }
    out.extend_from_slice(file);
}

#[test]
fn heads_of_other_mappings_keep_their_table_and_wrong_ones_are_refused() {
    let head = OpusHead {
        channels: 6,
        mapping_family: 1,
        mapping: vec![4, 2, 0, 4, 1, 2, 3, 5],
        output_gain: -256,
        ..OpusHead::new(6)
    };
    let packet = head.encode();
    assert_eq!(OpusHead::decode(&packet), Ok(head));
    for len in 0..packet.len() {
        assert!(OpusHead::decode(&packet[..len]).is_err());
    }
    for (at, value) in [(8, 0x10), (9, 0)] {
        let mut wrong = packet.clone();
        wrong[at] = value;
        assert!(OpusHead::decode(&wrong).is_err());
    }
    let six = OpusHead {
        mapping_family: 0,
        ..OpusHead::new(6)
    };
    assert_eq!(OpusHead::decode(&six.encode()), Err(DemuxError::Value));
}
