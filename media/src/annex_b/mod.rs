//! H.264 and H.265 as byte streams (ITU-T H.264 Annex B, H.265 Annex B): NAL units behind start codes of three or four
//! octets. A frame is an access unit; what is read has start codes of four octets.
//!
//! The stream tells no times that could be had without decoding: frames are taken to come at a constant rate and in the
//! order of decoding, which is the order of display where there are no B frames.

mod demuxer;
mod muxer;
mod nal;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::AnnexBDemuxer;
pub use muxer::AnnexBMuxer;
pub use nal::AnnexBCodec;

use crate::{Reader, TimedFrame, WriteError, Writer};

/// What to do with supplemental enhancement information.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sei {
    /// It stays where it is.
    #[default]
    Keep,
    /// It is left out: no decoder needs it.
    Drop,
}

/// The frames of a file; `frame_duration` is in units of 1/90,000 s.
pub fn read<R: Read>(
    source: R,
    codec: AnnexBCodec,
    frame_duration: u32,
) -> Reader<R, AnnexBDemuxer> {
    Reader::new(source, AnnexBDemuxer::new(codec, frame_duration))
}

/// Writes frames of one codec.
///
/// # Errors
///
/// A frame cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    codec: AnnexBCodec,
    frames: impl IntoIterator<Item = &'a TimedFrame>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, AnnexBMuxer::new(codec));
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}
