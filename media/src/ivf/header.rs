use rtp::{MimeType, Resolution};

use crate::DemuxError;
use crate::input::array;

/// The codecs of IVF files by the names that they have there; the first of several is written.
const CODECS: [([u8; 4], MimeType); 7] = [
    (*b"VP80", MimeType::VP8),
    (*b"VP90", MimeType::VP9),
    (*b"AV01", MimeType::AV1),
    (*b"H264", MimeType::H264),
    (*b"avc1", MimeType::H264),
    (*b"HEVC", MimeType::H265),
    (*b"H265", MimeType::H265),
];

/// The clock of the frames (RTP, video).
const CLOCK_RATE: u128 = 90_000;

/// The header of an IVF file.
///
/// ```text
///  0 "DKIF"   4 version, 0   6 length of the header, 32   8 codec
/// 12 width   14 height      16 ticks per second as `rate` / `scale`: rate
/// 20 scale   24 number of frames   28 unused
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IvfHeader {
    /// What the frames are.
    pub codec: MimeType,
    /// The size of the picture; `None` when writing takes it from the first frame.
    pub resolution: Option<Resolution>,
    /// Ticks of the file's clock in `scale` seconds.
    pub rate: u32,
    /// Seconds for `rate` ticks.
    pub scale: u32,
    /// How many frames there are; 0 also where that is not known, so no reader should believe it.
    pub frames: u32,
}

impl IvfHeader {
    /// The octets of a header.
    pub const LEN: usize = 32;

    /// A header for a stream of this codec on the RTP clock of video.
    pub const fn new(codec: MimeType) -> Self {
        Self {
            codec,
            resolution: None,
            rate: 90_000,
            scale: 1,
            frames: 0,
        }
    }

    /// Reads the first [`Self::LEN`] octets of a file; yields the header and the length that it says it has.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, usize), DemuxError> {
        if !bytes.starts_with(b"DKIF") {
            return Err(DemuxError::Signature);
        }
        let short = |at| u16::from_le_bytes(array(bytes, at));
        let long = |at| u32::from_le_bytes(array(bytes, at));
        let (version, len) = (short(4), usize::from(short(6)));
        if version != 0 || len < Self::LEN || long(16) == 0 || long(20) == 0 {
            return Err(DemuxError::Value);
        }
        let name: [u8; 4] = array(bytes, 8);
        let codec = CODECS.into_iter().find(|(known, _)| *known == name);
        let header = Self {
            codec: codec.ok_or(DemuxError::Codec)?.1,
            resolution: Some(Resolution {
                width: short(12).into(),
                height: short(14).into(),
            }),
            rate: long(16),
            scale: long(20),
            frames: long(24),
        };
        Ok((header, len))
    }

    /// The octets, or `None` if IVF has no name for the codec.
    pub(super) fn encode(&self) -> Option<[u8; Self::LEN]> {
        let (name, _) = CODECS.into_iter().find(|(_, codec)| *codec == self.codec)?;
        let size = self.resolution.unwrap_or(Resolution {
            width: 0,
            height: 0,
        });
        let short = |value: u32| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.extend_from_slice(b"DKIF\0\0\x20\0");
        bytes.extend_from_slice(&name);
        bytes.extend_from_slice(&short(size.width));
        bytes.extend_from_slice(&short(size.height));
        for value in [self.rate, self.scale, self.frames, 0] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.try_into().ok()
    }

    /// A time of the file on the clock of the frames, to the nearest.
    pub(super) fn time(&self, ticks: u64) -> u64 {
        let (rate, scale) = self.ratio();
        nearest(u128::from(ticks) * CLOCK_RATE * scale, rate)
    }

    /// A time of the frames on the clock of the file, to the nearest.
    pub(super) fn ticks(&self, time: u64) -> u64 {
        let (rate, scale) = self.ratio();
        nearest(u128::from(time) * rate, CLOCK_RATE * scale)
    }

    fn ratio(&self) -> (u128, u128) {
        (self.rate.max(1).into(), self.scale.max(1).into())
    }
}

/// At most 64 + 32 + 17 bits above 49: nothing overflows.
fn nearest(dividend: u128, divisor: u128) -> u64 {
    u64::try_from((dividend + divisor / 2) / divisor).unwrap_or(u64::MAX)
}
