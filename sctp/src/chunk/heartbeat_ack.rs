use super::framing::{ChunkType, DecodeError, RawChunk};

/// The answer to a HEARTBEAT: the same information (RFC 9260 §3.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatAckChunk<'a> {
    /// The parameter as it came, with its header.
    pub info: &'a [u8],
}

impl<'a> HeartbeatAckChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let info = raw.expect(ChunkType::HEARTBEAT_ACK)?;
        Ok(Self { info })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::HEARTBEAT_ACK,
            flags: 0,
            value: self.info,
        };
        raw.encode(buf);
    }
}
