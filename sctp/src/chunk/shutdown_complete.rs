use super::framing::{ChunkType, DecodeError, RawChunk};

/// The end of a shutdown (RFC 9260 §3.3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownCompleteChunk {
    /// The sender had no association: the tag is the receiver's own, reflected (T bit).
    pub reflected_tag: bool,
}

impl ShutdownCompleteChunk {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'_>) -> Result<Self, DecodeError> {
        raw.expect_empty(ChunkType::SHUTDOWN_COMPLETE)?;
        Ok(Self {
            reflected_tag: raw.flags & 1 != 0,
        })
    }

    /// Appends the chunk.
    pub fn encode(self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::SHUTDOWN_COMPLETE,
            flags: u8::from(self.reflected_tag),
            value: &[],
        };
        raw.encode(buf);
    }
}
