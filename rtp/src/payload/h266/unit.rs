use crate::Layer;
use crate::payload::{PayloadError, PayloadInfo, Start};

// ITU-T H.266 Table 5. Below OPI lie the slices.
const IDR_W_RADL: u8 = 7;
const CRA: u8 = 9;
const OPI: u8 = 12;
const DCI: u8 = 13;
pub(super) const VPS: u8 = 14;
pub(super) const SPS: u8 = 15;
pub(super) const PPS: u8 = 16;
pub(super) const ACCESS_UNIT_DELIMITER: u8 = 20;
const END_OF_SEQUENCE: u8 = 21;
const END_OF_STREAM: u8 = 22;
pub(super) const FILLER: u8 = 25;
// RFC 9328 §4.3.
pub(super) const AGGREGATION: u8 = 28;
pub(super) const FRAGMENTATION: u8 = 29;

/// The header of a NAL unit (RFC 9328 §1.1.4).
///
/// ```text
/// +---------------+---------------+
/// |0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |F|Z|  LayerId  |  Type   | TID |
/// +---------------+---------------+
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
        self.0[1] >> 3
    }

    pub(super) const fn with_kind(self, kind: u8) -> Self {
        Self([self.0[0], self.0[1] & 0x07 | (kind & 0x1f) << 3])
    }

    /// Whether the unit is not one of the forms of packets.
    pub(super) const fn is_plain(self) -> bool {
        self.kind() < AGGREGATION
    }

    /// Whether a unit of this header and body can travel alone. Only the ends of a sequence and of the stream are all
    /// header.
    pub(super) const fn check(self, body: &[u8]) -> Result<(), PayloadError> {
        if !self.is_plain() {
            Err(PayloadError::Value)
        } else if body.is_empty() && !matches!(self.kind(), END_OF_SEQUENCE | END_OF_STREAM) {
            Err(PayloadError::Truncated)
        } else {
            Ok(())
        }
    }

    pub(super) const fn is_slice(self) -> bool {
        self.kind() < OPI
    }

    /// Whether decoding can begin with the picture: IDR or CRA. With a GDR picture it can begin too, but the pictures
    /// are whole only some later.
    const fn is_key(self) -> bool {
        matches!(self.kind(), IDR_W_RADL..=CRA)
    }

    pub(super) const fn layer(self) -> Layer {
        Layer {
            spatial: self.0[0] & 0x3f,
            temporal: (self.0[1] & 0x07).saturating_sub(1),
        }
    }

    /// What the unit says about its access unit. `body` is what follows the header, or its beginning.
    pub(super) fn info(self, body: &[u8]) -> PayloadInfo {
        // Only units that no decoder needs, or that are remembered, stand in front of these. In front of a slice there
        // can be adaptation parameter sets, which are neither: it may have lost them.
        let start = match self.kind() {
            ACCESS_UNIT_DELIMITER | OPI | DCI | VPS => Start::Certain,
            SPS if self.layer().spatial == 0 => Start::Certain,
            _ => Start::Possible,
        };
        // sh_picture_header_in_slice_header_flag, ph_gdr_or_irap_pic_flag, ph_non_ref_pic_flag.
        let unreferenced = body.first().is_some_and(|first| first & 0xa0 == 0xa0);
        PayloadInfo {
            start,
            key: self.is_key(),
            discardable: self.is_slice() && unreferenced,
            layer: Some(self.layer()),
            resolution: None,
        }
    }
}
