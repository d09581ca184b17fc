use super::cause::ErrorCauses;
use super::framing::{ChunkType, DecodeError, RawChunk};

/// The end, at once (RFC 9260 §3.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortChunk<'a> {
    /// The sender had no association: the tag is the receiver's own, reflected (T bit).
    pub reflected_tag: bool,
    /// Why.
    pub causes: ErrorCauses<'a>,
}

impl<'a> AbortChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let causes = ErrorCauses(raw.expect(ChunkType::ABORT)?);
        Ok(Self {
            reflected_tag: raw.flags & 1 != 0,
            causes,
        })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::ABORT,
            flags: u8::from(self.reflected_tag),
            value: self.causes.0,
        };
        raw.encode(buf);
    }
}
