use bytes::Buf;

use super::descriptor::{MAX_REFERENCES, octet};
use crate::Resolution;
use crate::payload::PayloadError;

/// The scalability structure (RFC 9628 §4.2.1): what layers there are, and how pictures depend on each other.
///
/// ```text
///      +-+-+-+-+-+-+-+-+
/// V:   | N_S |Y|G|-|-|-|
///      +-+-+-+-+-+-+-+-+              -\
/// Y:   |     WIDTH     | (16 bits)     . N_S + 1 times
///      |     HEIGHT    | (16 bits)     .
///      +-+-+-+-+-+-+-+-+              -/
/// G:   |      N_G      |
///      +-+-+-+-+-+-+-+-+                            -\
/// N_G: |  T  |U| R |-|-|                             . N_G times
///      +-+-+-+-+-+-+-+-+              -\             .
///      |    P_DIFF     |               . R times     .
///      +-+-+-+-+-+-+-+-+              -/            -/
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScalabilityStructure {
    /// N_S + 1: how many spatial layers there are, 1 to 8. 0 is taken as 1.
    pub spatial_layers: u8,
    /// The size of each layer, lowest first; empty if not told.
    pub resolutions: Vec<Resolution>,
    /// The pictures of a group, which repeats; `None` if not told.
    pub group: Option<Vec<PictureOfGroup>>,
}

/// One picture of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureOfGroup {
    /// T: the temporal layer.
    pub temporal: u8,
    /// U: a receiver may go up to this layer here.
    pub switching_up: bool,
    /// R: how many of `references` count, 0 to 3.
    pub reference_count: u8,
    /// P_DIFF: how many pictures back each reference lies.
    pub references: [u8; MAX_REFERENCES],
}

impl ScalabilityStructure {
    /// Reads the structure. Nothing is allocated for a picture whose octets are not there.
    pub fn decode(buf: &mut &[u8]) -> Result<Self, PayloadError> {
        let first = octet(buf)?;
        let mut structure = Self {
            spatial_layers: (first >> 5) + 1,
            ..Self::default()
        };
        if first & 0x10 != 0 {
            for _ in 0..structure.spatial_layers {
                let mut side = || buf.try_get_u16().map_err(|_| PayloadError::Truncated);
                structure.resolutions.push(Resolution {
                    width: u32::from(side()?),
                    height: u32::from(side()?),
                });
            }
        }
        if first & 0x08 != 0 {
            let count = usize::from(octet(buf)?);
            if count > buf.len() {
                return Err(PayloadError::Truncated);
            }
            let mut group = Vec::with_capacity(count);
            for _ in 0..count {
                group.push(PictureOfGroup::decode(buf)?);
            }
            structure.group = Some(group);
        }
        Ok(structure)
    }

    /// Appends the structure. What does not fit its field (more than 8 layers, 255 pictures) is left out.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let layers = self.spatial_layers.clamp(1, 8);
        let sized = self.resolutions.len() == usize::from(layers);
        let grouped = self.group.is_some();
        buf.push((layers - 1) << 5 | u8::from(sized) << 4 | u8::from(grouped) << 3);
        if sized {
            for resolution in &self.resolutions {
                for side in [resolution.width, resolution.height] {
                    let side = u16::try_from(side).unwrap_or(u16::MAX);
                    buf.extend_from_slice(&side.to_be_bytes());
                }
            }
        }
        if let Some(group) = &self.group {
            let group = group.get(..255).unwrap_or(group);
            buf.push(u8::try_from(group.len()).unwrap_or(u8::MAX));
            for picture in group {
                picture.encode(buf);
            }
        }
    }
}

impl PictureOfGroup {
    fn decode(buf: &mut &[u8]) -> Result<Self, PayloadError> {
        let first = octet(buf)?;
        let mut picture = Self {
            temporal: first >> 5,
            switching_up: first & 0x10 != 0,
            reference_count: first >> 2 & 0x03,
            ..Self::default()
        };
        let count = usize::from(picture.reference_count);
        for reference in picture.references.iter_mut().take(count) {
            *reference = octet(buf)?;
        }
        Ok(picture)
    }

    fn encode(self, buf: &mut Vec<u8>) {
        let count = self.reference_count & 0x03;
        buf.push(self.temporal << 5 | u8::from(self.switching_up) << 4 | count << 2);
        buf.extend(self.references.iter().take(usize::from(count)));
    }
}
