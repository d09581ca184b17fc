use std::time::Duration;

use super::demuxer::{PACKET_HEADER_LEN, SIGNATURE};
use super::{DumpedPacket, DumpedProtocol};
use crate::{MuxError, Muxer};

/// What a dump says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpDumpHeader {
    /// Where the packets went to, `address/port`. A line of text; what is not one is not written.
    pub destination: String,
    /// When the dump began, since 1970.
    pub start: Duration,
}

impl Default for RtpDumpHeader {
    fn default() -> Self {
        Self {
            destination: "0.0.0.0/0".to_owned(),
            start: Duration::ZERO,
        }
    }
}

/// Writes rtpdump.
#[derive(Clone, Debug)]
pub struct RtpDumpMuxer {
    header: RtpDumpHeader,
    started: bool,
}

impl RtpDumpMuxer {
    /// A muxer of dumps with this header.
    pub const fn new(header: RtpDumpHeader) -> Self {
        Self {
            header,
            started: false,
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        out.extend_from_slice(SIGNATURE);
        let text = self.header.destination.chars();
        let text = text.filter(char::is_ascii_graphic).take(128);
        out.extend(text.map(|c| c as u8));
        out.push(b'\n');
        let seconds = u32::try_from(self.header.start.as_secs()).unwrap_or(u32::MAX);
        out.extend_from_slice(&seconds.to_be_bytes());
        out.extend_from_slice(&self.header.start.subsec_micros().to_be_bytes());
        // The source, its port, and two octets of padding: nobody needs them.
        out.extend_from_slice(&[0; 8]);
    }
}

impl Muxer for RtpDumpMuxer {
    type Item = DumpedPacket;

    fn write(&mut self, item: &DumpedPacket, out: &mut Vec<u8>) -> Result<(), MuxError> {
        let len = u16::try_from(item.data.len() + PACKET_HEADER_LEN);
        let len = len.map_err(|_| MuxError::TooLarge)?;
        self.start(out);
        let original_len = match item.protocol {
            DumpedProtocol::Rtp => item.original_len,
            DumpedProtocol::Rtcp => 0,
        };
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&original_len.to_be_bytes());
        // Milliseconds wrap after 49 days, and readers know.
        let millis = item.offset.as_millis() as u32;
        out.extend_from_slice(&millis.to_be_bytes());
        out.extend_from_slice(&item.data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
    }
}
