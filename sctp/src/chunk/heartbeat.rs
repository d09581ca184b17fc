use super::framing::{ChunkType, DecodeError, RawChunk};

/// A question whether the path lives (RFC 9260 §3.3.5).
///
/// Its value is one parameter of type 1, which only the sender understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatChunk<'a> {
    /// The whole Heartbeat Information parameter, with its header.
    pub info: &'a [u8],
}

impl<'a> HeartbeatChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let info = raw.expect(ChunkType::HEARTBEAT)?;
        Ok(Self { info })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::HEARTBEAT,
            flags: 0,
            value: self.info,
        };
        raw.encode(buf);
    }
}
