use crate::Layer;
use crate::payload::{PayloadError, PayloadInfo, Start};

pub(super) const VPS: u8 = 32;
pub(super) const SPS: u8 = 33;
pub(super) const PPS: u8 = 34;
pub(super) const ACCESS_UNIT_DELIMITER: u8 = 35;
pub(super) const FILLER: u8 = 38;
pub(super) const AGGREGATION: u8 = 48;
pub(super) const FRAGMENTATION: u8 = 49;
pub(super) const PACI: u8 = 50;

/// The header of a NAL unit (RFC 7798 §1.1.4).
///
/// ```text
/// +---------------+---------------+
/// |0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |F|   Type    |  LayerId  | TID |
/// +-------------+-----------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header(pub(super) [u8; 2]);

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Header {
    pub(super) const LEN: usize = 2;

    /// Takes the header from the front of a unit. A temporal id of "minus one" is forbidden.
    pub(super) fn decode(unit: &[u8]) -> Result<(Self, &[u8]), PayloadError> {
        let (bytes, body) = unit.split_first_chunk().ok_or(PayloadError::Truncated)?;
        let header = Self(*bytes);
        if header.0[1] & 0x07 == 0 {
            return Err(PayloadError::Value);
        }
        Ok((header, body))
    }

    pub(super) const fn kind(self) -> u8 {
        self.0[0] >> 1 & 0x3f
    }

    pub(super) const fn with_kind(self, kind: u8) -> Self {
        Self([self.0[0] & 0x81 | (kind & 0x3f) << 1, self.0[1]])
    }

    /// Whether the unit can travel alone and is not one of the forms of packets.
    pub(super) const fn is_plain(self) -> bool {
        self.kind() < AGGREGATION
    }

    pub(super) const fn is_slice(self) -> bool {
        self.kind() < VPS
    }

    /// Whether decoding can begin with the picture: BLA, IDR or CRA.
    pub(super) const fn is_key(self) -> bool {
        matches!(self.kind(), 16..=21)
    }

    /// Whether no picture of the same temporal layer refers to this one: the even types below 16.
    const fn is_unreferenced(self) -> bool {
        self.kind() < 16 && self.kind() & 1 == 0
    }

    pub(super) const fn layer(self) -> Layer {
        Layer {
            spatial: (self.0[0] & 1) << 5 | self.0[1] >> 3,
            temporal: (self.0[1] & 0x07).saturating_sub(1),
        }
    }

    /// What the unit says about its access unit. `body` is what follows the header, or its beginning. `have_sps` tells
    /// whether a sequence parameter set is known: without one a key frame may have lost its own.
    pub(super) fn info(self, body: &[u8], have_sps: bool) -> PayloadInfo {
        // first_slice_segment_in_pic_flag.
        let first_slice = body.first().is_some_and(|first| first & 0x80 != 0);
        let start = match self.kind() {
            VPS | ACCESS_UNIT_DELIMITER => Start::Certain,
            _ if self.is_slice() && first_slice && (have_sps || !self.is_key()) => Start::Certain,
            _ => Start::Possible,
        };
        PayloadInfo {
            start,
            key: self.is_key(),
            discardable: self.is_slice() && self.is_unreferenced(),
            layer: Some(self.layer()),
            resolution: None,
        }
    }
}
