use rtp::MimeType;

use super::IvfHeader;
use crate::obu::DELIMITER;
use crate::{MuxError, Muxer, TimedFrame};

/// Writes IVF.
///
/// The header is written before the first frame, without a count of frames; [`Muxer::header`] has it.
#[derive(Clone, Debug)]
pub struct IvfMuxer {
    header: IvfHeader,
    started: bool,
    last_ticks: u64,
}

impl IvfMuxer {
    /// A muxer of files with this header. Its count of frames is what the file begins with; what was counted goes into
    /// [`Muxer::header`].
    pub const fn new(header: IvfHeader) -> Self {
        Self {
            header,
            started: false,
            last_ticks: 0,
        }
    }
}

impl Muxer for IvfMuxer {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        let frame = &item.frame;
        if frame.codec != self.header.codec {
            return Err(MuxError::Codec);
        }
        let delimiter: &[u8] = match frame.codec {
            ref codec if *codec == MimeType::AV1 => &DELIMITER,
            _ => &[],
        };
        let len = u32::try_from(delimiter.len() + frame.data.len());
        let len = len.map_err(|_| MuxError::TooLarge)?;
        let ticks = self.header.ticks(item.time);
        if ticks < self.last_ticks {
            return Err(MuxError::Order);
        }
        if !self.started {
            self.header.resolution = self.header.resolution.or(frame.resolution);
            out.extend_from_slice(&self.header.encode().ok_or(MuxError::Codec)?);
            self.started = true;
            self.header.frames = 0;
        }
        self.last_ticks = ticks;
        self.header.frames = self.header.frames.saturating_add(1);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&ticks.to_le_bytes());
        out.extend_from_slice(delimiter);
        out.extend_from_slice(&frame.data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.started {
            out.extend(self.header.encode().into_iter().flatten());
            self.started = true;
        }
    }

    fn header(&self) -> Vec<u8> {
        self.header.encode().into_iter().flatten().collect()
    }
}
