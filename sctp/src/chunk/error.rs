use super::cause::ErrorCauses;
use super::framing::{ChunkType, DecodeError, RawChunk};

/// Something was wrong, but not fatal by itself (RFC 9260 §3.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorChunk<'a> {
    /// What was wrong.
    pub causes: ErrorCauses<'a>,
}

impl<'a> ErrorChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let causes = ErrorCauses(raw.expect(ChunkType::ERROR)?);
        Ok(Self { causes })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::ERROR,
            flags: 0,
            value: self.causes.0,
        };
        raw.encode(buf);
    }
}
