//! Opus in Ogg (RFC 3533, RFC 7845): pages with checksums, a head with the pre-skip, comments, then packets. A frame is
//! one Opus packet.
//!
//! Times count from the first packet, pre-skip included: what a player plays begins [`OpusHead::pre_skip`] later.

mod demuxer;
mod head;
mod muxer;
mod page;
mod tags;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::OggDemuxer;
pub use head::OpusHead;
pub use muxer::OggMuxer;
pub use tags::{MAX_TAGS_BYTES, OpusTags};

use crate::{Reader, TimedFrame, WriteError, Writer};

/// The frames of an Ogg file.
pub fn read<R: Read>(source: R) -> Reader<R, OggDemuxer> {
    Reader::new(source, OggDemuxer::new())
}

/// Writes frames of Opus. `serial` names the stream; give files that may be joined different ones.
///
/// # Errors
///
/// A frame cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    serial: u32,
    head: OpusHead,
    frames: impl IntoIterator<Item = &'a TimedFrame>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, OggMuxer::new(serial, head));
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}
