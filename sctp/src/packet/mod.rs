//! The common header of a packet, and its checksum (RFC 9260 §3.1, §6.8).
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod checksum;

use bytes::Buf;

pub(crate) use self::checksum::Checksum;
use self::checksum::crc32c;
use crate::chunk::{ChunkType, Chunks, DecodeError};

/// The common header, with the chunks that follow it (RFC 9260 §3.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |      Source Port Number       |    Destination Port Number    |
/// +-------------------------------+-------------------------------+
/// |                       Verification Tag                        |
/// +---------------------------------------------------------------+
/// |                           Checksum                            |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The receiver's tag, 0 with an INIT.
    pub verification_tag: u32,
    /// Everything after the header.
    pub chunks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the header and verifies the checksum over the whole packet.
    pub fn decode(packet: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_from(packet, false)
    }

    /// Reads the header. With `zero_checksum` the field may hold 0 instead of the checksum, unless the packet sets an association up
    /// (RFC 9653 §5.3): a peer may have lost the state in which it is agreed.
    pub fn decode_from(packet: &'a [u8], zero_checksum: bool) -> Result<Self, DecodeError> {
        Self::decode_with(packet, zero_checksum, &mut Checksum::default())
    }

    /// The same, with a checksum that is kept from packet to packet.
    pub(crate) fn decode_with(
        packet: &'a [u8],
        zero_checksum: bool,
        checksum: &mut Checksum,
    ) -> Result<Self, DecodeError> {
        let (header, chunks) = packet
            .split_first_chunk::<HEADER_LENGTH>()
            .ok_or(DecodeError::Truncated)?;
        let mut fields = header.as_slice();
        let this = Self {
            source_port: fields.try_get_u16()?,
            destination_port: fields.try_get_u16()?,
            verification_tag: fields.try_get_u32()?,
            chunks,
        };
        let sum = fields.try_get_u32_le()?;
        if sum == 0 && zero_checksum && !sets_up(chunks) {
            return Ok(this);
        }
        if sum != checksum.over(header, chunks) {
            return Err(DecodeError::Checksum);
        }
        Ok(this)
    }

    /// Appends the packet, with its checksum.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let ports = (self.source_port, self.destination_port);
        let start = PacketStart::append(buf, ports, self.verification_tag);
        buf.extend_from_slice(self.chunks);
        start.finish(buf);
    }

    /// The chunks, one after the other.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks::new(self.chunks)
    }
}

/// The bytes before the first chunk.
pub const HEADER_LENGTH: usize = 12;

/// A packet being built at the end of a buffer: the header is there, the checksum is not.
#[derive(Debug)]
pub(crate) struct PacketStart(usize);

impl PacketStart {
    /// Appends the header.
    pub(crate) fn append(buf: &mut Vec<u8>, ports: (u16, u16), verification_tag: u32) -> Self {
        let start = buf.len();
        let mut header = [0; HEADER_LENGTH];
        let (fields, _) = header.as_chunks_mut::<2>();
        if let [source, destination, high, low, ..] = fields {
            *source = ports.0.to_be_bytes();
            *destination = ports.1.to_be_bytes();
            let [a, b, c, d] = verification_tag.to_be_bytes();
            *high = [a, b];
            *low = [c, d];
        }
        buf.extend_from_slice(&header);
        Self(start)
    }

    /// How long the packet is now.
    pub(crate) fn length(&self, buf: &[u8]) -> usize {
        buf.len().saturating_sub(self.0)
    }

    /// Whether no chunk was appended yet.
    pub(crate) fn is_empty(&self, buf: &[u8]) -> bool {
        self.length(buf) <= HEADER_LENGTH
    }

    /// Removes the packet.
    pub(crate) fn abandon(self, buf: &mut Vec<u8>) {
        buf.truncate(self.0);
    }

    /// Fills the checksum in.
    pub(crate) fn finish(self, buf: &mut [u8]) {
        let Some(packet) = buf.get_mut(self.0..) else {
            return;
        };
        // The field is zero until now, as the sum demands.
        let sum = crc32c(packet).to_le_bytes();
        if let Some(field) = packet.get_mut(8..HEADER_LENGTH) {
            field.copy_from_slice(&sum);
        }
    }
}

/// Whether the first chunk is an INIT or a COOKIE ECHO.
fn sets_up(chunks: &[u8]) -> bool {
    let kind = chunks.first().map(|kind| ChunkType(*kind));
    matches!(kind, Some(ChunkType::INIT | ChunkType::COOKIE_ECHO))
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test may stop at the first surprise"
)]
mod tests;
