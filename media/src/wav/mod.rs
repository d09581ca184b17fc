//! WAV (RIFF, and RF64 for reading): linear sound of 16 bits, and G.711. A frame is 20 ms of sound in the octets of its RTP
//! payload format (L16 is big-endian there, little-endian in the file).

mod demuxer;
mod format;
mod muxer;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::WavDemuxer;
pub use format::{WavEncoding, WavFormat};
pub use muxer::WavMuxer;

use crate::{Reader, TimedFrame, WriteError, Writer};

/// The sound of a WAV file, in frames of 20 ms.
pub fn read<R: Read>(source: R) -> Reader<R, WavDemuxer> {
    Reader::new(source, WavDemuxer::new())
}

/// Writes sound as a WAV file that can be read while it grows; its header tells no length.
///
/// # Errors
///
/// A frame cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    format: WavFormat,
    frames: impl IntoIterator<Item = &'a TimedFrame>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, WavMuxer::new(format));
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}
