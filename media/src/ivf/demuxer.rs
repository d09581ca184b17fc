use bytes::Bytes;
use rtp::{Frame, MimeType};

use super::IvfHeader;
use crate::input::{Input, array};
use crate::obu::without_delimiter;
use crate::{DemuxError, Demuxer, TimedFrame};

/// The octets in front of a frame: its length and its time.
const FRAME_HEADER_LEN: usize = 12;

/// Reads IVF.
///
/// A frame is held back until the next one tells how long it lasts; the last one is taken to last as long as the one
/// before it. Frames without octets are left out.
#[derive(Clone, Debug, Default)]
pub struct IvfDemuxer {
    input: Input,
    header: Option<IvfHeader>,
    held: Option<TimedFrame>,
    last_duration: Option<u32>,
}

impl IvfDemuxer {
    /// A parser at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The header, once it was read.
    pub const fn header(&self) -> Option<&IvfHeader> {
        self.header.as_ref()
    }

    fn read_header(&mut self) -> Result<Option<IvfHeader>, DemuxError> {
        if let Some(header) = &self.header {
            return Ok(Some(header.clone()));
        }
        let Some(bytes) = self.input.peek(IvfHeader::LEN)? else {
            return Ok(None);
        };
        let (header, len) = IvfHeader::decode(bytes)?;
        if self.input.peek(len)?.is_none() {
            return Ok(None);
        }
        self.input.consume(len);
        self.header = Some(header.clone());
        Ok(Some(header))
    }

    fn read_frame(&mut self, header: &IvfHeader) -> Result<Option<TimedFrame>, DemuxError> {
        let Some(bytes) = self.input.peek_next(FRAME_HEADER_LEN)? else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(array(bytes, 0)) as usize;
        let time = header.time(u64::from_le_bytes(array(bytes, 4)));
        let Some(bytes) = self.input.peek(FRAME_HEADER_LEN.saturating_add(len))? else {
            return Ok(None);
        };
        let mut data = bytes.get(FRAME_HEADER_LEN..).unwrap_or_default();
        if header.codec == MimeType::AV1 {
            data = without_delimiter(data);
        }
        let frame = Frame::new(header.codec.clone(), 0, Bytes::copy_from_slice(data));
        self.input.consume(FRAME_HEADER_LEN + len);
        Ok(Some(TimedFrame::described(time, frame)))
    }
}

impl Demuxer for IvfDemuxer {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        let Some(header) = self.read_header()? else {
            return Ok(None);
        };
        while let Some(next) = self.read_frame(&header)? {
            if next.frame.data.is_empty() {
                continue;
            }
            let time = next.time;
            if let Some(mut frame) = self.held.replace(next) {
                let lasts = time.checked_sub(frame.time).filter(|&lasts| lasts > 0);
                frame.frame.duration = lasts.and_then(|lasts| u32::try_from(lasts).ok());
                self.last_duration = frame.frame.duration;
                return Ok(Some(frame));
            }
        }
        if !self.input.has_ended() {
            return Ok(None);
        }
        Ok(self.held.take().map(|mut frame| {
            frame.frame.duration = self.last_duration;
            frame
        }))
    }
}
