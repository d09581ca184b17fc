use bytes::Bytes;
use rtp::Frame;

use super::{WavEncoding, WavFormat};
use crate::input::{Input, array};
use crate::{DemuxError, Demuxer, TimedFrame};

/// The octets in front of a chunk: its name and its length.
const CHUNK_HEADER_LEN: usize = 8;

/// The most that is read of a format chunk: an extensible one has 40 octets.
const MAX_FORMAT_BYTES: usize = 1024;

/// How many frames a second has.
const FRAMES_PER_SECOND: u32 = 50;

/// Reads WAV. Chunks of no interest are passed over without being held.
#[derive(Clone, Debug, Default)]
pub struct WavDemuxer {
    input: Input,
    state: State,
    format: Option<WavFormat>,
    /// The length of the sound as an RF64 file says it (EBU Tech 3306).
    long_data: Option<u64>,
    time: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Start,
    Chunks,
    /// Passing over a chunk of which this much is left.
    Skipping(u64),
    /// In the sound, of which this much is left; `None`: up to the end of the file.
    Data(Option<u64>),
}

impl WavDemuxer {
    /// A parser at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the file holds, once its format chunk was read.
    pub const fn format(&self) -> Option<&WavFormat> {
        self.format.as_ref()
    }

    /// Takes a step; `false` when more octets are needed.
    fn step(&mut self) -> Result<bool, DemuxError> {
        match self.state {
            State::Start => {
                let Some(header) = self.input.peek(12)? else {
                    return Ok(false);
                };
                if !matches!(
                    array(header, 0),
                    [b'R', b'I', b'F', b'F'] | [b'R', b'F', b'6', b'4']
                ) || array(header, 8) != *b"WAVE"
                {
                    return Err(DemuxError::Signature);
                }
                self.input.consume(12);
                self.state = State::Chunks;
            }
            State::Chunks => return self.chunk(),
            State::Skipping(left) => {
                let here = self.input.rest().len();
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(here);
                self.input.consume(taken);
                let left = left.saturating_sub(taken as u64);
                if left > 0 {
                    self.state = State::Skipping(left);
                    return Ok(false);
                }
                self.state = State::Chunks;
            }
            State::Data(_) => return Ok(false),
        }
        Ok(true)
    }

    fn chunk(&mut self) -> Result<bool, DemuxError> {
        let Some(header) = self.input.peek_next(CHUNK_HEADER_LEN)? else {
            return Ok(false);
        };
        let name: [u8; 4] = array(header, 0);
        let len = u32::from_le_bytes(array(header, 4));
        // Chunks begin at even places.
        let padded = u64::from(len) + u64::from(len & 1);
        let small = matches!(&name, b"fmt " | b"ds64");
        if small && len as usize <= MAX_FORMAT_BYTES {
            let whole = CHUNK_HEADER_LEN + len as usize;
            let Some(chunk) = self.input.peek(whole)? else {
                return Ok(false);
            };
            let body = chunk.get(CHUNK_HEADER_LEN..).unwrap_or_default();
            match &name {
                b"fmt " if len < 16 => return Err(DemuxError::Value),
                b"fmt " => self.format = Some(WavFormat::decode(body)?),
                _ => self.long_data = Some(u64::from_le_bytes(array(body, 8))),
            }
        } else if small {
            return Err(DemuxError::TooLarge);
        } else if name == *b"data" {
            if self.format.is_none() {
                return Err(DemuxError::Value);
            }
            self.input.consume(CHUNK_HEADER_LEN);
            self.state = State::Data(match len {
                // A writer that could not go back to the header leaves this there.
                u32::MAX => self.long_data,
                len => Some(len.into()),
            });
            return Ok(true);
        }
        self.input.consume(CHUNK_HEADER_LEN);
        self.state = State::Skipping(padded);
        Ok(true)
    }

    fn read_frame(&mut self, format: WavFormat) -> Option<TimedFrame> {
        let State::Data(left) = self.state else {
            return None;
        };
        let block = format.block_bytes();
        let ticks = (format.sample_rate / FRAMES_PER_SECOND).max(1) as usize;
        // A rate of 2^32 and 65,535 channels would be 11 TB a second: frames then are shorter.
        let whole = (ticks.saturating_mul(block)).min(1 << 20) / block * block;
        let here = self.input.rest().len();
        let available = left.map_or(here, |left| usize::try_from(left).unwrap_or(here).min(here));
        let ends = self.input.has_ended() || left.is_some_and(|left| left == available as u64);
        let len = match available {
            enough if enough >= whole => whole,
            // What is left at the end, in whole samples.
            rest if ends => rest / block * block,
            _ => return None,
        };
        if len == 0 {
            if ends {
                self.input.consume(here);
            }
            return None;
        }
        let mut data = self.input.rest().get(..len).unwrap_or_default().to_vec();
        if format.encoding == WavEncoding::Linear16 {
            for [low, high] in data.as_chunks_mut().0 {
                std::mem::swap(low, high);
            }
        }
        self.input.consume(len);
        self.state = State::Data(left.map(|left| left.saturating_sub(len as u64)));
        // A frame has 2^20 octets at most.
        let duration = (len / block) as u32;
        let frame = Frame {
            duration: Some(duration),
            ..Frame::new(format.encoding.codec(), 0, Bytes::from(data))
        };
        let timed = TimedFrame::new(self.time, frame);
        self.time = self.time.saturating_add(duration.into());
        Some(timed)
    }
}

impl Demuxer for WavDemuxer {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        while self.step()? {}
        Ok(self.format.and_then(|format| self.read_frame(format)))
    }
}
