//! rtpdump, the format of the `rtpplay` and `rtpdump` tools: a line of text, a header, then RTP and RTCP packets as they
//! arrived, each with its time. All numbers are big-endian.

mod demuxer;
mod muxer;
mod packet;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use demuxer::RtpDumpDemuxer;
pub use muxer::{RtpDumpHeader, RtpDumpMuxer};
pub use packet::{DumpedPacket, DumpedProtocol};

use crate::{Reader, WriteError, Writer};

/// The packets of a dump.
pub fn read<R: Read>(source: R) -> Reader<R, RtpDumpDemuxer> {
    Reader::new(source, RtpDumpDemuxer::new())
}

/// Writes packets as a dump.
///
/// # Errors
///
/// A packet cannot go into the file, or the sink failed.
pub fn write<'a, W: Write>(
    sink: W,
    header: RtpDumpHeader,
    packets: impl IntoIterator<Item = &'a DumpedPacket>,
) -> Result<W, WriteError> {
    let mut writer = Writer::new(sink, RtpDumpMuxer::new(header));
    for packet in packets {
        writer.write(packet)?;
    }
    writer.finish()
}
