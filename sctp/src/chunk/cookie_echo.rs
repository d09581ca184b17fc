use super::framing::{ChunkType, DecodeError, RawChunk};

/// The state cookie on its way back (RFC 9260 §3.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieEchoChunk<'a> {
    /// What the INIT ACK carried, untouched.
    pub cookie: &'a [u8],
}

impl<'a> CookieEchoChunk<'a> {
    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let cookie = raw.expect(ChunkType::COOKIE_ECHO)?;
        Ok(Self { cookie })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let raw = RawChunk {
            kind: ChunkType::COOKIE_ECHO,
            flags: 0,
            value: self.cookie,
        };
        raw.encode(buf);
    }
}
