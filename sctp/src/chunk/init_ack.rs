use super::framing::{ChunkType, DecodeError, RawChunk};
use super::init::InitChunk;

/// The answer to an INIT, with the state cookie (RFC 9260 §3.3.3). Its fields are those of an INIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitAckChunk<'a> {
    /// The fields that both have. The parameters hold the state cookie.
    pub init: InitChunk<'a>,
}

impl<'a> InitAckChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let init = InitChunk::decode_value(raw.expect(ChunkType::INIT_ACK)?)?;
        Ok(Self { init })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        self.init.encode_as(ChunkType::INIT_ACK, buf);
    }
}
