use super::framing::{ChunkType, DecodeError, RawChunk};

/// All is acknowledged on this side too (RFC 9260 §3.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownAckChunk;

impl ShutdownAckChunk {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'_>) -> Result<Self, DecodeError> {
        raw.expect_empty(ChunkType::SHUTDOWN_ACK)?;
        Ok(Self)
    }

    /// Appends the chunk.
    pub fn encode(self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::SHUTDOWN_ACK,
            flags: 0,
            value: &[],
        };
        raw.encode(buf);
    }
}
