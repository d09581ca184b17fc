use bytes::Bytes;
use rtp::Frame;

use super::{AnnexBCodec, Sei};
use crate::input::{Input, MAX_ELEMENT_BYTES};
use crate::{DemuxError, Demuxer, TimedFrame};

/// What stands in front of every NAL unit of a frame.
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// How many octets in front of the first start code are looked at before the file is of another kind.
const MAX_LEAD: usize = 4096;

/// Reads an Annex B stream. An access unit comes out when the next one begins.
#[derive(Clone, Debug)]
pub struct AnnexBDemuxer {
    codec: AnnexBCodec,
    frame_duration: u32,
    sei: Sei,
    input: Input,
    /// Whether a start code was seen: `input` begins behind it.
    began: bool,
    /// How much of `input` was searched for the next start code.
    searched: usize,
    /// The access unit so far.
    unit: Vec<u8>,
    has_slice: bool,
    count: u64,
}

impl AnnexBDemuxer {
    /// A parser at the beginning of a stream; `frame_duration` is in units of 1/90,000 s.
    pub fn new(codec: AnnexBCodec, frame_duration: u32) -> Self {
        Self {
            codec,
            frame_duration,
            sei: Sei::Keep,
            input: Input::default(),
            began: false,
            searched: 0,
            unit: Vec::new(),
            has_slice: false,
            count: 0,
        }
    }

    /// Says what becomes of supplemental enhancement information.
    #[must_use]
    pub const fn with_sei(mut self, sei: Sei) -> Self {
        self.sei = sei;
        self
    }

    /// The length of the NAL unit in front, zeros behind it not counted, and how much to consume for it with the start
    /// code that follows; `None` until the end of it is known.
    fn next_nal(&mut self) -> Result<Option<(usize, usize)>, DemuxError> {
        let rest = self.input.rest();
        let found = start_code(rest, self.searched);
        let (end, consume) = match found {
            Some(at) => (at, at + 3),
            None if self.input.has_ended() => (rest.len(), rest.len()),
            None => {
                // The last two octets may be the beginning of a start code.
                self.searched = rest.len().saturating_sub(2);
                if rest.len() > MAX_ELEMENT_BYTES {
                    return Err(DemuxError::TooLarge);
                }
                return Ok(None);
            }
        };
        let nal = rest.get(..end).unwrap_or_default();
        let len = nal.iter().rposition(|&octet| octet != 0);
        let len = len.map_or(0, |last| last + 1);
        if len > MAX_ELEMENT_BYTES {
            return Err(DemuxError::TooLarge);
        }
        if end == rest.len() && len == 0 {
            return Ok(None);
        }
        Ok(Some((len, consume)))
    }

    /// Looks for the first start code; says whether it was found.
    fn begin(&mut self) -> Result<bool, DemuxError> {
        if self.began {
            return Ok(true);
        }
        let rest = self.input.rest();
        match start_code(rest, 0) {
            Some(at) if at <= MAX_LEAD => {
                self.input.consume(at + 3);
                self.began = true;
                Ok(true)
            }
            None if rest.len() <= MAX_LEAD && !self.input.has_ended() => Ok(false),
            None if rest.is_empty() => Ok(false),
            _ => Err(DemuxError::Signature),
        }
    }

    /// The access unit is whole.
    fn take_unit(&mut self) -> TimedFrame {
        let time = self.count.saturating_mul(self.frame_duration.into());
        self.count += 1;
        self.has_slice = false;
        // Of exact size: a frame waits in queues, spare room would wait with it.
        let data = Bytes::copy_from_slice(&self.unit);
        self.unit.clear();
        self.unit.shrink_to(1 << 20);
        let frame = Frame::new(self.codec.mime(), 0, data);
        let mut timed = TimedFrame::described(time, frame);
        timed.frame.duration = Some(self.frame_duration);
        timed
    }
}

impl Demuxer for AnnexBDemuxer {
    type Item = TimedFrame;

    fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    fn finish(&mut self) {
        self.input.finish();
    }

    fn poll(&mut self) -> Result<Option<TimedFrame>, DemuxError> {
        if !self.begin()? {
            return Ok(None);
        }
        while let Some((len, consume)) = self.next_nal()? {
            let nal = self.input.rest().get(..len).unwrap_or_default();
            let role = self.codec.role(nal);
            if self.has_slice && role.begins_access_unit() {
                // The unit that shows it stays for the next call.
                return Ok(Some(self.take_unit()));
            }
            let wanted = len > 0 && (self.sei == Sei::Keep || !self.codec.is_sei(nal));
            if wanted {
                if self.unit.len() + len > MAX_ELEMENT_BYTES {
                    return Err(DemuxError::TooLarge);
                }
                self.has_slice |= role.is_slice();
                self.unit.extend_from_slice(&START_CODE);
                self.unit.extend_from_slice(nal);
            }
            self.input.consume(consume);
            self.searched = 0;
        }
        if self.input.has_ended() && !self.unit.is_empty() {
            return Ok(Some(self.take_unit()));
        }
        Ok(None)
    }
}

/// Where the next `00 00 01` begins, at or behind `from`.
fn start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some([first, second, third]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        match (first, second, third) {
            (0, 0, 1) => return Some(at),
            (_, _, 2..) => at += 3,
            (_, 1.., _) => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod start_code_tests {
    use super::start_code;

    #[test]
    fn the_search_finds_what_a_naive_one_finds() {
        // Every string of nine digits in base three.
        for number in 0..19_683_u32 {
            let bytes: Vec<u8> = (0..9)
                .map(|at| (number / 3_u32.pow(at) % 3) as u8)
                .collect();
            let naive = bytes.windows(3).position(|three| three == [0, 0, 1]);
            assert_eq!(start_code(&bytes, 0), naive, "{bytes:?}");
        }
    }
}
