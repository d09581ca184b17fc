use super::{WavEncoding, WavFormat};
use crate::{MuxError, Muxer, TimedFrame};

/// The longest gap that is filled with silence, in seconds.
const MAX_FILL_SECONDS: u64 = 60;

/// Writes WAV.
///
/// The header first says that the sound goes on to the end of the file, and in the end ([`Muxer::header`]) how long it is
/// if that is below 4 GiB. Gaps up to a minute are filled with silence; longer ones are left out.
#[derive(Clone, Debug)]
pub struct WavMuxer {
    format: WavFormat,
    started: bool,
    written: u64,
    /// When what is written ends.
    end: Option<u64>,
}

impl WavMuxer {
    /// A muxer of this format.
    pub const fn new(format: WavFormat) -> Self {
        Self {
            format,
            started: false,
            written: 0,
            end: None,
        }
    }

    fn encode_header(&self, data_len: u32) -> Vec<u8> {
        let mut header = b"RIFF\0\0\0\0WAVE".to_vec();
        self.format.encode(&mut header);
        header.extend_from_slice(b"data");
        header.extend_from_slice(&data_len.to_le_bytes());
        let riff = (header.len() as u32 - 8).saturating_add(data_len);
        if let Some(place) = header.get_mut(4..8) {
            place.copy_from_slice(&riff.to_le_bytes());
        }
        header
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.started = true;
            out.extend_from_slice(&self.encode_header(u32::MAX));
        }
    }

    /// The octet of silence; of linear sound both are the same.
    const fn silence(&self) -> u8 {
        match self.format.encoding {
            WavEncoding::Linear16 => 0,
            WavEncoding::ALaw => 0xd5,
            WavEncoding::MuLaw => 0xff,
        }
    }
}

impl Muxer for WavMuxer {
    type Item = TimedFrame;

    fn write(&mut self, item: &TimedFrame, out: &mut Vec<u8>) -> Result<(), MuxError> {
        let data = &item.frame.data;
        let block = self.format.block_bytes();
        if item.frame.codec != self.format.encoding.codec() {
            return Err(MuxError::Codec);
        }
        if data.is_empty() || !data.len().is_multiple_of(block) {
            return Err(MuxError::Malformed);
        }
        let end = self.end.unwrap_or(item.time);
        let ticks = (data.len() / block) as u64;
        // Clocks of senders tremble: what begins within the frame before follows it.
        if end.saturating_sub(item.time) >= ticks {
            return Err(MuxError::Order);
        }
        let gap = item.time.saturating_sub(end);
        self.start(out);
        let mut len = data.len() as u64;
        if gap <= MAX_FILL_SECONDS * u64::from(self.format.sample_rate) {
            let silence = usize::try_from(gap)
                .unwrap_or_default()
                .saturating_mul(block);
            out.resize(out.len() + silence, self.silence());
            len += silence as u64;
        }
        if self.format.encoding == WavEncoding::Linear16 {
            for [high, low] in data.as_chunks().0 {
                out.extend_from_slice(&[*low, *high]);
            }
        } else {
            out.extend_from_slice(data);
        }
        self.written = self.written.saturating_add(len);
        self.end = Some(end.max(item.time).saturating_add(ticks));
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        if self.written % 2 == 1 {
            out.push(0);
        }
    }

    fn header(&self) -> Vec<u8> {
        self.encode_header(u32::try_from(self.written).unwrap_or(u32::MAX))
    }
}
