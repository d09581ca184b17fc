//! IVF: a header of 32 octets, then frames of VP8, VP9, AV1 (or H.264 and H.265 as Annex B), each with its length and a
//! time of 64 bits. All numbers are little-endian.
//!
//! Frames of AV1 lose the temporal delimiter that files have in front of each, and get it back in files.

mod demuxer;
mod header;
mod muxer;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::IvfDemuxer;
pub use header::IvfHeader;
pub use muxer::IvfMuxer;

use crate::{Reader, TimedFrame, WriteError, Writer};

/// The frames of an IVF file.
pub fn read<R: Read>(source: R) -> Reader<R, IvfDemuxer> {
    Reader::new(source, IvfDemuxer::new())
}

/// Writes frames of one codec as an IVF file that can be read while it grows; its header tells no count.
///
/// # Errors
///
/// A frame cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    header: IvfHeader,
    frames: impl IntoIterator<Item = &'a TimedFrame>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, IvfMuxer::new(header));
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}
