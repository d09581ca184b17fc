use rtp::MimeType;

use crate::DemuxError;
use crate::input::array;

const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// How samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WavEncoding {
    /// Signed, 16 bits: the payload format L16.
    Linear16,
    /// G.711 A-law: PCMA.
    ALaw,
    /// G.711 µ-law: PCMU.
    MuLaw,
}

impl WavEncoding {
    /// The octets of one sample of one channel.
    pub const fn sample_bytes(self) -> usize {
        match self {
            Self::Linear16 => 2,
            Self::ALaw | Self::MuLaw => 1,
        }
    }

    /// The media type of the frames.
    pub const fn codec(self) -> MimeType {
        match self {
            Self::Linear16 => MimeType::L16,
            Self::ALaw => MimeType::PCMA,
            Self::MuLaw => MimeType::PCMU,
        }
    }

    const fn tag(self) -> u16 {
        match self {
            Self::Linear16 => PCM,
            Self::ALaw => A_LAW,
            Self::MuLaw => MU_LAW,
        }
    }
}

/// What a WAV file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavFormat {
    /// How samples are coded.
    pub encoding: WavEncoding,
    /// Channels, interleaved; at least 1.
    pub channels: u16,
    /// Samples per second, which is the clock of the frames; at least 1.
    pub sample_rate: u32,
}

impl WavFormat {
    /// The octets of one sample of all channels.
    pub fn block_bytes(&self) -> usize {
        self.encoding.sample_bytes() * usize::from(self.channels.max(1))
    }

    /// Reads the body of a format chunk, 16 octets or more.
    pub(super) fn decode(chunk: &[u8]) -> Result<Self, DemuxError> {
        let short = |at| u16::from_le_bytes(array(chunk, at));
        let mut tag = short(0);
        if tag == EXTENSIBLE {
            // The format is the beginning of a GUID behind 24 octets.
            tag = short(24);
        }
        let encoding = match (tag, short(14)) {
            (PCM, 16) => WavEncoding::Linear16,
            (A_LAW, 8) => WavEncoding::ALaw,
            (MU_LAW, 8) => WavEncoding::MuLaw,
            _ => return Err(DemuxError::Codec),
        };
        let format = Self {
            encoding,
            channels: short(2),
            sample_rate: u32::from_le_bytes(array(chunk, 4)),
        };
        if format.channels == 0 || format.sample_rate == 0 {
            return Err(DemuxError::Value);
        }
        Ok(format)
    }

    /// The format chunk with its header.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let block = u32::try_from(self.block_bytes()).unwrap_or(u32::MAX);
        let rate = self.sample_rate.saturating_mul(block);
        let bits = 8 * self.encoding.sample_bytes() as u16;
        // What is not linear says that nothing is behind, and so has two octets more.
        let len: u32 = if self.encoding == WavEncoding::Linear16 {
            16
        } else {
            18
        };
        out.extend_from_slice(b"fmt ");
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&self.encoding.tag().to_le_bytes());
        out.extend_from_slice(&self.channels.max(1).to_le_bytes());
        out.extend_from_slice(&self.sample_rate.to_le_bytes());
        out.extend_from_slice(&rate.to_le_bytes());
        out.extend_from_slice(&u16::try_from(block).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&bits.to_le_bytes());
        if len == 18 {
            out.extend_from_slice(&[0; 2]);
        }
    }
}
