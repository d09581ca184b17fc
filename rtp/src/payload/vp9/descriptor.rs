use bytes::Buf;

use super::ScalabilityStructure;
use crate::payload::PayloadError;

/// The most pictures that a picture refers to (RFC 9628 §4.2).
pub(super) const MAX_REFERENCES: usize = 3;

/// The VP9 payload descriptor (RFC 9628 §4.2).
///
/// ```text
///      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+
///     |I|P|L|F|B|E|V|Z|
///     +-+-+-+-+-+-+-+-+
/// I:  |M| PICTURE ID  |  7 bits, or 15 with M
///     +-+-+-+-+-+-+-+-+
/// L:  | TID |U| SID |D|
///     +-+-+-+-+-+-+-+-+
///     |   TL0PICIDX   |  if not F
///     +-+-+-+-+-+-+-+-+              -\
/// P,F:| P_DIFF      |N|               . 1 to 3 times
///     +-+-+-+-+-+-+-+-+              -/
/// V:  | SS            |
///     | ..            |
///     +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// I: the number of the picture.
    pub picture_id: Option<PictureId>,
    /// P: the picture depends on an earlier one.
    pub inter_picture: bool,
    /// L: the layer of the frame.
    pub layer: Option<LayerIndices>,
    /// F: flexible mode, in which every picture names its references.
    pub flexible: bool,
    /// B: a layer frame begins here.
    pub start_of_frame: bool,
    /// E: a layer frame ends here.
    pub end_of_frame: bool,
    /// Z: no higher spatial layer of the picture depends on this frame.
    pub not_for_upper_layers: bool,
    /// TL0PICIDX: the running number of the base layer's pictures. Only with `layer`, and not in flexible mode.
    pub tl0_picture_index: u8,
    /// P_DIFF: how many pictures back each reference lies, 1 to 127; 0 ends the list. Only in flexible mode, with
    /// `inter_picture`.
    pub references: [u8; MAX_REFERENCES],
    /// V: the scalability structure, at the beginning of a key frame.
    pub structure: Option<ScalabilityStructure>,
}

/// The number of a picture, in the width that it has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

/// Which layer a frame belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerIndices {
    /// TID: the temporal layer, 0 to 7.
    pub temporal: u8,
    /// U: a receiver may go up to this temporal layer here.
    pub switching_up: bool,
    /// SID: the spatial layer, 0 to 7.
    pub spatial: u8,
    /// D: the frame depends on the layer below in the same picture.
    pub inter_layer: bool,
}

impl Descriptor {
    /// Reads the descriptor from the front of `buf`.
    pub fn decode(buf: &mut &[u8]) -> Result<Self, PayloadError> {
        let first = octet(buf)?;
        let flag = |bit: u8| first & bit != 0;
        let mut descriptor = Self {
            inter_picture: flag(0x40),
            flexible: flag(0x10),
            start_of_frame: flag(0x08),
            end_of_frame: flag(0x04),
            not_for_upper_layers: flag(0x01),
            ..Self::default()
        };
        if flag(0x80) {
            let high = octet(buf)?;
            descriptor.picture_id = Some(if high & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high & 0x7f, octet(buf)?]))
            });
        }
        if flag(0x20) {
            let indices = octet(buf)?;
            descriptor.layer = Some(LayerIndices {
                temporal: indices >> 5,
                switching_up: indices & 0x10 != 0,
                spatial: indices >> 1 & 0x07,
                inter_layer: indices & 0x01 != 0,
            });
            if !descriptor.flexible {
                descriptor.tl0_picture_index = octet(buf)?;
            }
        }
        if descriptor.flexible && descriptor.inter_picture {
            descriptor.references = references(buf)?;
        }
        if flag(0x02) {
            descriptor.structure = Some(ScalabilityStructure::decode(buf)?);
        }
        Ok(descriptor)
    }

    /// Appends the descriptor. Values wider than their field lose their high bits.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        buf.push(
            u8::from(self.picture_id.is_some()) << 7
                | u8::from(self.inter_picture) << 6
                | u8::from(self.layer.is_some()) << 5
                | u8::from(self.flexible) << 4
                | u8::from(self.start_of_frame) << 3
                | u8::from(self.end_of_frame) << 2
                | u8::from(self.structure.is_some()) << 1
                | u8::from(self.not_for_upper_layers),
        );
        match self.picture_id {
            Some(PictureId::Short(id)) => buf.push(id & 0x7f),
            Some(PictureId::Long(id)) => buf.extend_from_slice(&(id | 0x8000).to_be_bytes()),
            None => {}
        }
        if let Some(layer) = self.layer {
            buf.push(
                layer.temporal << 5
                    | u8::from(layer.switching_up) << 4
                    | (layer.spatial & 0x07) << 1
                    | u8::from(layer.inter_layer),
            );
            if !self.flexible {
                buf.push(self.tl0_picture_index);
            }
        }
        if self.flexible && self.inter_picture {
            let [first, second, third] = self.references;
            buf.push(first << 1 | u8::from(second != 0));
            if second != 0 {
                buf.push(second << 1 | u8::from(third != 0));
                if third != 0 {
                    buf.push(third << 1);
                }
            }
        }
        if let Some(structure) = &self.structure {
            structure.encode(buf);
        }
    }
}

fn references(buf: &mut &[u8]) -> Result<[u8; MAX_REFERENCES], PayloadError> {
    let mut references = [0; MAX_REFERENCES];
    for reference in &mut references {
        let octet = octet(buf)?;
        if octet >> 1 == 0 {
            return Err(PayloadError::Value);
        }
        *reference = octet >> 1;
        if octet & 1 == 0 {
            return Ok(references);
        }
    }
    // N is set on the third: "There can be up to 3 reference pictures" (RFC 9628 §4.2).
    Err(PayloadError::Length)
}

pub(super) fn octet(buf: &mut &[u8]) -> Result<u8, PayloadError> {
    buf.try_get_u8().map_err(|_| PayloadError::Truncated)
}
