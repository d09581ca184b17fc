use std::time::Duration;

use bytes::Bytes;

use super::{DumpedPacket, DumpedProtocol, RtpDumpHeader};
use crate::input::{Input, array};
use crate::{DemuxError, Demuxer};

/// What the line of text begins with.
pub(super) const SIGNATURE: &[u8] = b"#!rtpplay1.0 ";

/// The longest line of text: two IPv6 addresses with ports have room.
const MAX_LINE_BYTES: usize = 256;

/// The octets behind the line of text.
pub(super) const FILE_HEADER_LEN: usize = 16;

/// The octets in front of a packet.
pub(super) const PACKET_HEADER_LEN: usize = 8;

/// Reads rtpdump.
///
/// Times have 32 bits of milliseconds in the file (49 days); they go on where they wrap. A step back is the disorder of
/// the file, unless it is of more than 24 days.
#[derive(Clone, Debug, Default)]
pub struct RtpDumpDemuxer {
    input: Input,
    header: Option<RtpDumpHeader>,
    /// The time of the packet before, wraps counted.
    last: u64,
}

impl RtpDumpDemuxer {
    /// A parser at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The header, once it was read.
    pub const fn header(&self) -> Option<&RtpDumpHeader> {
        self.header.as_ref()
    }

    fn read_header(&mut self) -> Result<bool, DemuxError> {
        if self.header.is_some() {
            return Ok(true);
        }
        let rest = self.input.rest();
        let front = rest.get(..SIGNATURE.len()).unwrap_or(rest);
        if !SIGNATURE.starts_with(front) {
            return Err(DemuxError::Signature);
        }
        let line = rest.get(..MAX_LINE_BYTES).unwrap_or(rest);
        let Some(end) = line.iter().position(|&octet| octet == b'\n') else {
            if line.len() == MAX_LINE_BYTES {
                return Err(DemuxError::TooLarge);
            }
            return self.input.peek(rest.len() + 1).map(|_| false);
        };
        let Some(bytes) = self.input.peek(end + 1 + FILE_HEADER_LEN)? else {
            return Ok(false);
        };
        let header = bytes.get(end + 1..).unwrap_or_default();
        let seconds = u32::from_be_bytes(array(header, 0));
        let micros = u32::from_be_bytes(array(header, 4));
        let destination = bytes.get(SIGNATURE.len()..end).unwrap_or_default();
        self.header = Some(RtpDumpHeader {
            destination: String::from_utf8_lossy(destination).into_owned(),
            start: Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into()),
        });
        self.input.consume(end + 1 + FILE_HEADER_LEN);
        Ok(true)
    }

    fn unwrapped(&mut self, millis: u32) -> u64 {
        let step = millis.wrapping_sub(self.last as u32).cast_signed();
        self.last = self.last.saturating_add_signed(step.into());
        self.last
    }
}

impl Demuxer for RtpDumpDemuxer {
    type Item = DumpedPacket;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<DumpedPacket>, DemuxError> {
        if !self.read_header()? {
            return Ok(None);
        }
        let Some(header) = self.input.peek_next(PACKET_HEADER_LEN)? else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes(array(header, 0)));
        let original_len = u16::from_be_bytes(array(header, 2));
        let millis = u32::from_be_bytes(array(header, 4));
        if len < PACKET_HEADER_LEN {
            return Err(DemuxError::Value);
        }
        let Some(bytes) = self.input.peek(len)? else {
            return Ok(None);
        };
        let data = bytes.get(PACKET_HEADER_LEN..).unwrap_or_default();
        let data = Bytes::copy_from_slice(data);
        self.input.consume(len);
        // "plen [...] 0 for RTCP".
        let (protocol, original_len) = match original_len {
            0 => {
                let len = u16::try_from(data.len()).unwrap_or(u16::MAX);
                (DumpedProtocol::Rtcp, len)
            }
            len => (DumpedProtocol::Rtp, len),
        };
        Ok(Some(DumpedPacket {
            offset: Duration::from_millis(self.unwrapped(millis)),
            protocol,
            original_len,
            data,
        }))
    }
}
