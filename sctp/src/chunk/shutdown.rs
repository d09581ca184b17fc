use bytes::Buf;

use super::framing::{ChunkType, DecodeError, RawChunk};
use crate::serial::Tsn;

/// The sender has nothing more to send, and all of it is acknowledged (RFC 9260 §3.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownChunk {
    /// What the sender has received.
    pub cumulative_tsn_ack: Tsn,
}

impl ShutdownChunk {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'_>) -> Result<Self, DecodeError> {
        let mut value = raw.expect(ChunkType::SHUTDOWN)?;
        let cumulative_tsn_ack = Tsn::new(value.try_get_u32()?);
        if !value.is_empty() {
            return Err(DecodeError::Length);
        }
        Ok(Self { cumulative_tsn_ack })
    }

    /// Appends the chunk.
    pub fn encode(self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::SHUTDOWN,
            flags: 0,
            value: &self.cumulative_tsn_ack.get().to_be_bytes(),
        };
        raw.encode(buf);
    }
}
