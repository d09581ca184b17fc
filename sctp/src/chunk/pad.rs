use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};

/// Bytes that only make a packet longer (RFC 4820 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadChunk<'a> {
    /// What nobody reads.
    pub padding: &'a [u8],
}

impl<'a> PadChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let padding = raw.expect(ChunkType::PAD)?;
        Ok(Self { padding })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::PAD,
            flags: 0,
            value: self.padding,
        };
        raw.encode(buf);
    }

    /// Appends a chunk of `length` bytes, its header of 4 included.
    pub(crate) fn encode_zeros(buf: &mut Vec<u8>, length: usize) {
        let start = ChunkStart::append(buf, ChunkType::PAD, 0);
        buf.resize(buf.len().saturating_add(length.saturating_sub(4)), 0);
        start.finish(buf);
    }
}
