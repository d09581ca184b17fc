//! What the tests of every container share.

use crate::{DemuxError, Demuxer, Muxer};

pub(crate) const VP8: &[u8] = include_bytes!("../../testdata/clips/vp8_320x240_30_5s.ivf");
pub(crate) const VP9: &[u8] = include_bytes!("../../testdata/clips/vp9_320x240_30_5s.ivf");
pub(crate) const AV1: &[u8] = include_bytes!("../../testdata/clips/av1_320x240_30_3s.ivf");
pub(crate) const AV1_OBU: &[u8] = include_bytes!("../../testdata/clips/av1_320x240_30_3s.obu");
pub(crate) const H264: &[u8] = include_bytes!("../../testdata/clips/h264_cbp_320x240_30_5s.h264");
pub(crate) const H264_HIGH: &[u8] =
    include_bytes!("../../testdata/clips/h264_high_bframes_slices4_640x360.h264");
pub(crate) const H265: &[u8] = include_bytes!("../../testdata/clips/h265_320x240_30_4s.h265");
pub(crate) const OPUS: &[u8] = include_bytes!("../../testdata/clips/opus_mono_voip_fec_5s.ogg");
pub(crate) const OPUS_STEREO: &[u8] =
    include_bytes!("../../testdata/clips/opus_stereo_440_660_5s.ogg");
pub(crate) const WAV: &[u8] = include_bytes!("../../testdata/clips/wav_440_mono48k_0.5s.wav");

/// Everything that a file gives when it comes in pieces of this length, and the error at its end.
pub(crate) fn in_pieces<D: Demuxer>(
    mut demuxer: D,
    file: &[u8],
    piece: usize,
) -> (Vec<D::Item>, Option<DemuxError>) {
    let mut items = Vec::new();
    for piece in file.chunks(piece.max(1)) {
        demuxer.push(piece);
        if let Err(error) = drain(&mut demuxer, &mut items) {
            return (items, Some(error));
        }
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut items).err();
    (items, error)
}

fn drain<D: Demuxer>(demuxer: &mut D, items: &mut Vec<D::Item>) -> Result<(), DemuxError> {
    loop {
        match demuxer.poll() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => return Ok(()),
            Err(error) => {
                assert_eq!(demuxer.poll().err(), Some(error), "an error stays");
                return Err(error);
            }
        }
    }
}

/// All of a file that is whole.
pub(crate) fn whole<D: Demuxer>(demuxer: D, file: &[u8]) -> Vec<D::Item> {
    let (items, error) = in_pieces(demuxer, file, file.len());
    assert_eq!(error, None);
    items
}

pub(crate) fn muxed<M: Muxer>(mut muxer: M, items: &[M::Item]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        muxer.write(item, &mut out).unwrap();
    }
    muxer.finish(&mut out);
    out
}

/// What every demuxer must bear: pieces of any length, every truncation, and a wrong octet anywhere in the front.
pub(crate) fn holds<D: Demuxer + Clone>(demuxer: &D, file: &[u8])
where
    D::Item: PartialEq + std::fmt::Debug,
{
    let (items, error) = in_pieces(demuxer.clone(), file, file.len());
    assert_eq!(error, None);
    for piece in [1, 2, 7, 100, 4096] {
        let (again, error) = in_pieces(demuxer.clone(), file, piece);
        assert!(again == items && error.is_none(), "in pieces of {piece}");
    }
    for len in 0..file.len() {
        let (cut, _) = in_pieces(demuxer.clone(), &file[..len], file.len());
        assert!(cut.len() <= items.len());
    }
    let mut mutant = file.to_vec();
    for place in 0..file.len() {
        for mask in [0x01, 0x80, 0xff] {
            mutant[place] ^= mask;
            drop(in_pieces(demuxer.clone(), &mutant, file.len()));
            mutant[place] ^= mask;
        }
    }
}

/// A packet as ffprobe saw it: its place and length in the file, and whether it is a key.
pub(crate) struct Probed {
    pub(crate) pts: Option<i64>,
    pub(crate) bytes: std::ops::Range<usize>,
    pub(crate) key: bool,
}

/// What ffprobe said of a clip: lines of pts, duration, size, position, flags.
pub(crate) fn probed(table: &str) -> Vec<Probed> {
    table
        .lines()
        .map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            let start = fields[3].parse().unwrap_or(0);
            Probed {
                pts: fields[0].parse().ok(),
                bytes: start..start + fields[2].parse::<usize>().unwrap(),
                key: fields[4].starts_with('K'),
            }
        })
        .collect()
}

/// A source without end: a beginning, then one pattern over and over, in pieces of any length, up to `len` octets.
pub(crate) struct Endless<'a> {
    pub(crate) front: &'a [u8],
    pub(crate) pattern: &'a [u8],
    pub(crate) len: u64,
    pub(crate) at: u64,
}

impl std::io::Read for Endless<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let rest = match self.front.get(self.at as usize..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => {
                let at = (self.at - self.front.len() as u64) % self.pattern.len() as u64;
                &self.pattern[at as usize..]
            }
        };
        let len = rest.len().min(buf.len()).min((self.len - self.at) as usize);
        buf[..len].copy_from_slice(&rest[..len]);
        self.at += len as u64;
        Ok(len)
    }
}

/// Whether the tests that read more than 4 GiB octet by octet shall run.
pub(crate) fn full_matrix() -> bool {
    std::env::var_os("AVOCET_FULL_MATRIX").is_some()
}
