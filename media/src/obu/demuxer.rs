use bytes::Bytes;
use rtp::payload::PayloadError;
use rtp::payload::av1::Obu;
use rtp::{Frame, MimeType, leb128};

use super::{ObuFormat, TEMPORAL_DELIMITER};
use crate::input::{Input, MAX_ELEMENT_BYTES};
use crate::{DemuxError, Demuxer, TimedFrame};

/// The longest header of an OBU: itself, its extension, its size.
const MAX_HEADER_LEN: usize = 2 + 8;

/// Reads AV1 in either form of §5 of its specification.
#[derive(Clone, Debug)]
pub struct ObuDemuxer {
    format: ObuFormat,
    frame_duration: u32,
    input: Input,
    /// The temporal unit so far.
    unit: Vec<u8>,
    began: bool,
    count: u64,
}

impl ObuDemuxer {
    /// A parser at the beginning of a file; `frame_duration` is in units of 1/90,000 s.
    pub fn new(format: ObuFormat, frame_duration: u32) -> Self {
        Self {
            format,
            frame_duration,
            input: Input::default(),
            unit: Vec::new(),
            began: false,
            count: 0,
        }
    }

    /// The temporal unit is whole.
    fn take_unit(&mut self) -> Option<TimedFrame> {
        if self.unit.is_empty() {
            return None;
        }
        let time = self.count.saturating_mul(self.frame_duration.into());
        self.count += 1;
        // Of exact size: a frame waits in queues, spare room would wait with it.
        let data = Bytes::copy_from_slice(&self.unit);
        self.unit.clear();
        self.unit.shrink_to(1 << 20);
        let frame = Frame::new(MimeType::AV1, 0, data);
        let mut timed = TimedFrame::described(time, frame);
        timed.frame.duration = Some(self.frame_duration);
        Some(timed)
    }

    fn poll_low_overhead(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        while let Some((len, kind)) = self.next_obu()? {
            if !self.began && kind != TEMPORAL_DELIMITER {
                return Err(DemuxError::Signature);
            }
            self.began = true;
            if kind == TEMPORAL_DELIMITER {
                self.input.consume(len);
                if let Some(frame) = self.take_unit() {
                    return Ok(Some(frame));
                }
                continue;
            }
            if self.unit.len() + len > MAX_ELEMENT_BYTES {
                return Err(DemuxError::TooLarge);
            }
            let obu = self.input.rest().get(..len).unwrap_or_default();
            self.unit.extend_from_slice(obu);
            self.input.consume(len);
        }
        Ok(if self.input.has_ended() {
            self.take_unit()
        } else {
            None
        })
    }

    /// The length and the type of the OBU in front; `None` until all of it is there.
    fn next_obu(&self) -> Result<Option<(usize, u8)>, DemuxError> {
        let rest = self.input.rest();
        if rest.is_empty() {
            return Ok(None);
        }
        let mut front = rest.get(..MAX_HEADER_LEN).unwrap_or(rest);
        let whole = front.len();
        let header = match Obu::decode_front(front) {
            Ok(header) => header,
            Err(PayloadError::Truncated) => return self.input.peek(whole + 1).map(|_| None),
            Err(_) if !self.began => return Err(DemuxError::Signature),
            Err(_) => return Err(DemuxError::Value),
        };
        if !header.has_size() {
            return Err(if self.began {
                DemuxError::Value
            } else {
                DemuxError::Signature
            });
        }
        front = header.body;
        let len = match leb128::decode(&mut front) {
            Ok(len) => (whole - front.len()).saturating_add(len),
            Err(PayloadError::Truncated) => return self.input.peek(whole + 1).map(|_| None),
            Err(_) => return Err(DemuxError::Value),
        };
        let present = self.input.peek(len)?;
        Ok(present.map(|_| (len, header.kind())))
    }

    fn poll_length_delimited(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        loop {
            let rest = self.input.rest();
            if rest.is_empty() {
                return Ok(None);
            }
            let mut body = rest;
            let len = match leb128::decode(&mut body) {
                Ok(len) => len,
                Err(PayloadError::Truncated) => {
                    return self.input.peek(rest.len() + 1).map(|_| None);
                }
                Err(_) => return Err(DemuxError::Value),
            };
            let prefix = rest.len() - body.len();
            let Some(whole) = self.input.peek(prefix.saturating_add(len))? else {
                return Ok(None);
            };
            let mut unit = Vec::with_capacity(len);
            read_temporal_unit(whole.get(prefix..).unwrap_or_default(), &mut unit).map_err(
                |()| {
                    if self.count == 0 {
                        DemuxError::Signature
                    } else {
                        DemuxError::Value
                    }
                },
            )?;
            self.unit = unit;
            self.input.consume(prefix + len);
            if let Some(frame) = self.take_unit() {
                return Ok(Some(frame));
            }
        }
    }
}

impl Demuxer for ObuDemuxer {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        match self.format {
            ObuFormat::LowOverhead => self.poll_low_overhead(),
            ObuFormat::LengthDelimited => self.poll_length_delimited(),
        }
    }
}

/// `temporal_unit()` of Annex B §B.2: frames with their sizes, and OBUs with theirs.
fn read_temporal_unit(mut unit: &[u8], data: &mut Vec<u8>) -> Result<(), ()> {
    while !unit.is_empty() {
        let mut frame = take(&mut unit)?;
        while !frame.is_empty() {
            let obu = Obu::decode(take(&mut frame)?).map_err(|_| ())?;
            if obu.kind() != TEMPORAL_DELIMITER {
                obu.write_sized(data);
            }
        }
    }
    Ok(())
}

fn take<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], ()> {
    let len = leb128::decode(from).map_err(|_| ())?;
    from.split_off(..len).ok_or(())
}
