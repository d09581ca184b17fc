use crate::Layer;
use crate::leb128;
use crate::payload::PayloadError;

pub(super) const SEQUENCE_HEADER: u8 = 1;
pub(super) const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;

const EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// An open bitstream unit (AV1 bitstream §5.3), read in place.
#[derive(Clone, Copy, Debug)]
pub struct Obu<'a> {
    header: u8,
    extension: Option<u8>,
    /// What follows the header and the size.
    pub body: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Reads a whole OBU that fills `unit`, with or without its size.
    pub fn decode(mut unit: &'a [u8]) -> Result<Self, PayloadError> {
        let obu = Self::take(&mut unit)?;
        if unit.is_empty() {
            Ok(obu)
        } else {
            Err(PayloadError::Length)
        }
    }

    /// Takes an OBU from the front of `buf`; one without a size takes all.
    pub fn take(buf: &mut &'a [u8]) -> Result<Self, PayloadError> {
        let mut obu = Self::decode_front(buf)?;
        if obu.header & HAS_SIZE == 0 {
            *buf = &[];
            return Ok(obu);
        }
        let len = leb128::decode(&mut obu.body)?;
        let (body, rest) = obu.body.split_at_checked(len).ok_or(PayloadError::Length)?;
        *buf = rest;
        Ok(Self { body, ..obu })
    }

    /// Reads the header of an OBU whose end may be missing.
    pub fn decode_front(unit: &'a [u8]) -> Result<Self, PayloadError> {
        let (&header, mut body) = unit.split_first().ok_or(PayloadError::Truncated)?;
        if header & 0x80 != 0 {
            return Err(PayloadError::Value);
        }
        let extension = if header & EXTENSION == 0 {
            None
        } else {
            Some(*body.split_off_first().ok_or(PayloadError::Truncated)?)
        };
        Ok(Self {
            header,
            extension,
            body,
        })
    }

    /// Its `obu_type` (AV1 bitstream §6.2.2).
    pub const fn kind(&self) -> u8 {
        self.header >> 3 & 0x0f
    }

    /// Whether its size is in front of its body (`obu_has_size_field`).
    pub const fn has_size(&self) -> bool {
        self.header & HAS_SIZE != 0
    }

    /// Whether the OBU has no place in a packet: "should be removed [...] and ignored by receivers" (AV1 RTP §5).
    pub(super) const fn is_left_out(&self) -> bool {
        matches!(self.kind(), TEMPORAL_DELIMITER | TILE_LIST)
    }

    /// The layer in the extension of its header, if it has one.
    pub fn layer(&self) -> Option<Layer> {
        self.extension.map(|extension| Layer {
            spatial: extension >> 3 & 0x03,
            temporal: extension >> 5,
        })
    }

    /// Whether a frame begins here, with its header.
    pub(super) const fn begins_frame(&self) -> bool {
        matches!(self.kind(), FRAME_HEADER | FRAME)
    }

    /// Whether this is the header of a key frame: not `show_existing_frame`, and `frame_type` 0 (AV1 §5.9.2).
    pub fn is_key_frame(&self) -> bool {
        self.begins_frame() && self.body.first().is_some_and(|first| first & 0xe0 == 0)
    }

    /// Appends the OBU with its size, as files have it.
    pub fn write_sized(&self, data: &mut Vec<u8>) {
        self.write_sized_front(data);
        data.extend_from_slice(self.body);
    }

    /// Appends what [`write_sized`](Self::write_sized) puts before the body.
    pub(super) fn write_sized_front(&self, data: &mut Vec<u8>) {
        data.push(self.header | HAS_SIZE);
        data.extend(self.extension);
        leb128::encode(self.body.len(), data);
    }

    /// Appends the OBU without its size, as packets have it.
    pub fn write_bare(&self, data: &mut Vec<u8>) {
        data.push(self.header & !HAS_SIZE);
        data.extend(self.extension);
        data.extend_from_slice(self.body);
    }
}
