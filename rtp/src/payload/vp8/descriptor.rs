use bytes::Buf;

use crate::payload::PayloadError;

/// The VP8 payload descriptor (RFC 7741 §4.2).
///
/// ```text
///   0 1 2 3 4 5 6 7
///  +-+-+-+-+-+-+-+-+
///  |X|R|N|S|R| PID |
///  +-+-+-+-+-+-+-+-+
/// X|I|L|T|K|  RSV  |
///  +-+-+-+-+-+-+-+-+
/// I|M| PictureID   |  7 bits, or 15 with M
///  +-+-+-+-+-+-+-+-+
/// L|   TL0PICIDX   |
///  +-+-+-+-+-+-+-+-+
/// T|TID|Y| KEYIDX  |K
///  +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// N: no other frame depends on this one.
    pub non_reference: bool,
    /// S: a VP8 partition begins here.
    pub start_of_partition: bool,
    /// PID: the partition, 0 to 7.
    pub partition: u8,
    /// The number of the frame.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: the running number of the base layer's frames. Some senders give it without a temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// The temporal layer.
    pub temporal_layer: Option<TemporalLayer>,
    /// KEYIDX: which key frame the frame depends on, 5 bits.
    pub key_index: Option<u8>,
}

/// The number of a frame, in the width that it has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

/// The temporal layer of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TemporalLayer {
    /// TID: the layer, 0 to 3.
    pub id: u8,
    /// Y: the frame depends on the base layer only, so a receiver may go up here.
    pub sync: bool,
}

impl Descriptor {
    /// The most octets a descriptor takes.
    pub const MAX_LEN: usize = 6;

    /// Whether a frame begins here: the first partition does (RFC 7741 §4.2).
    pub const fn starts_frame(&self) -> bool {
        self.start_of_partition && self.partition == 0
    }

    /// Reads the descriptor from the front of `buf`.
    pub fn decode(buf: &mut &[u8]) -> Result<Self, PayloadError> {
        let first = octet(buf)?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            start_of_partition: first & 0x10 != 0,
            partition: first & 0x07,
            ..Self::default()
        };
        if first & 0x80 == 0 {
            return Ok(descriptor);
        }
        let present = octet(buf)?;
        if present & 0x80 != 0 {
            let high = octet(buf)?;
            descriptor.picture_id = Some(if high & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high & 0x7f, octet(buf)?]))
            });
        }
        if present & 0x40 != 0 {
            descriptor.tl0_picture_index = Some(octet(buf)?);
        }
        if present & 0x30 != 0 {
            let octet = octet(buf)?;
            descriptor.temporal_layer = (present & 0x20 != 0).then_some(TemporalLayer {
                id: octet >> 6,
                sync: octet & 0x20 != 0,
            });
            descriptor.key_index = (present & 0x10 != 0).then_some(octet & 0x1f);
        }
        Ok(descriptor)
    }

    /// Appends the descriptor. Values wider than their field lose their high bits.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let present = u8::from(self.picture_id.is_some()) << 7
            | u8::from(self.tl0_picture_index.is_some()) << 6
            | u8::from(self.temporal_layer.is_some()) << 5
            | u8::from(self.key_index.is_some()) << 4;
        buf.push(
            u8::from(present != 0) << 7
                | u8::from(self.non_reference) << 5
                | u8::from(self.start_of_partition) << 4
                | self.partition & 0x07,
        );
        if present == 0 {
            return;
        }
        buf.push(present);
        match self.picture_id {
            Some(PictureId::Short(id)) => buf.push(id & 0x7f),
            Some(PictureId::Long(id)) => buf.extend_from_slice(&(id | 0x8000).to_be_bytes()),
            None => {}
        }
        buf.extend(self.tl0_picture_index);
        if present & 0x30 != 0 {
            let layer = self.temporal_layer.unwrap_or_default();
            let key_index = self.key_index.unwrap_or_default();
            buf.push(layer.id << 6 | u8::from(layer.sync) << 5 | key_index & 0x1f);
        }
    }
}

fn octet(buf: &mut &[u8]) -> Result<u8, PayloadError> {
    buf.try_get_u8().map_err(|_| PayloadError::Truncated)
}
