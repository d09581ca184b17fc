//! AV1 as a stream of open bitstream units (AV1 bitstream §5): the low-overhead format of §5.2 ("Section 5"), and the
//! length-delimited format of Annex B. A frame is a temporal unit, in the low-overhead format without its delimiter.
//!
//! Neither tells times: frames are taken to come at a constant rate.

mod demuxer;
mod muxer;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::ObuDemuxer;
pub use muxer::ObuMuxer;

use crate::{Reader, TimedFrame, WriteError, Writer};

/// `obu_type` of what begins a temporal unit (AV1 bitstream §6.2.2).
const TEMPORAL_DELIMITER: u8 = 2;

/// A temporal delimiter as files have it: its header, and a size of 0.
pub(crate) const DELIMITER: [u8; 2] = [TEMPORAL_DELIMITER << 3 | 0x02, 0];

/// How units follow each other in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObuFormat {
    /// Every OBU says its size; a temporal delimiter begins each temporal unit (§5.2).
    #[default]
    LowOverhead,
    /// Temporal units, frames and OBUs each have their length in front (Annex B).
    LengthDelimited,
}

/// The frames of a file; `frame_duration` is in units of 1/90,000 s.
pub fn read<R: Read>(source: R, format: ObuFormat, frame_duration: u32) -> Reader<R, ObuDemuxer> {
    Reader::new(source, ObuDemuxer::new(format, frame_duration))
}

/// Writes frames of AV1.
///
/// # Errors
///
/// A frame cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    format: ObuFormat,
    frames: impl IntoIterator<Item = &'a TimedFrame>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, ObuMuxer::new(format));
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}

/// A temporal unit without the delimiter in front; anything else as it is.
pub(crate) fn without_delimiter(unit: &[u8]) -> &[u8] {
    let mut rest = unit;
    match rtp::payload::av1::Obu::take(&mut rest) {
        Ok(obu) if obu.kind() == TEMPORAL_DELIMITER => rest,
        _ => unit,
    }
}
