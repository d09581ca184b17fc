use bytes::{Buf, BufMut};

use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};
use super::parameter::Parameters;
use crate::serial::Tsn;

/// The first word of an association (RFC 9260 §3.3.2).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 1    |  Chunk Flags  |         Chunk Length          |
/// +---------------+---------------+-------------------------------+
/// |                         Initiate Tag                          |
/// +---------------------------------------------------------------+
/// |           Advertised Receiver Window Credit (a_rwnd)          |
/// +-------------------------------+-------------------------------+
/// |  Number of Outbound Streams   |   Number of Inbound Streams   |
/// +-------------------------------+-------------------------------+
/// |                          Initial TSN                          |
/// +---------------------------------------------------------------+
/// \              Optional/Variable-Length Parameters              \
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitChunk<'a> {
    /// The tag that the sender wants to see in every packet. Never 0 in a valid chunk.
    pub initiate_tag: u32,
    /// The sender's receive window, in bytes.
    pub a_rwnd: u32,
    /// How many streams the sender wants to send on.
    pub outbound_streams: u16,
    /// How many streams the sender accepts.
    pub inbound_streams: u16,
    /// The number of the sender's first DATA chunk.
    pub initial_tsn: Tsn,
    /// What else it says.
    pub parameters: Parameters<'a>,
}

impl<'a> InitChunk<'a> {
    /// Reads the chunk. Forbidden values (tag 0, no streams) are left to the association: they have answers.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        Self::decode_value(raw.expect(ChunkType::INIT)?)
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        self.encode_as(ChunkType::INIT, buf);
    }

    /// Reads the fields, which INIT ACK shares.
    pub(super) fn decode_value(mut value: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            initiate_tag: value.try_get_u32()?,
            a_rwnd: value.try_get_u32()?,
            outbound_streams: value.try_get_u16()?,
            inbound_streams: value.try_get_u16()?,
            initial_tsn: Tsn::new(value.try_get_u32()?),
            parameters: Parameters(value),
        })
    }

    pub(super) fn encode_as(&self, kind: ChunkType, buf: &mut Vec<u8>) {
        let start = ChunkStart::append(buf, kind, 0);
        buf.put_u32(self.initiate_tag);
        buf.put_u32(self.a_rwnd);
        buf.put_u16(self.outbound_streams);
        buf.put_u16(self.inbound_streams);
        buf.put_u32(self.initial_tsn.get());
        buf.put_slice(self.parameters.0);
        start.finish(buf);
    }
}
