use super::framing::{ChunkType, DecodeError, RawChunk};

/// The cookie was good: the association stands (RFC 9260 §3.3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieAckChunk;

impl CookieAckChunk {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'_>) -> Result<Self, DecodeError> {
        raw.expect_empty(ChunkType::COOKIE_ACK)?;
        Ok(Self)
    }

    /// Appends the chunk.
    pub fn encode(self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::COOKIE_ACK,
            flags: 0,
            value: &[],
        };
        raw.encode(buf);
    }
}
