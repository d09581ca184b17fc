use bytes::{Buf, BufMut};

use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};
use crate::message::StreamId;
use crate::serial::{Ssn, Tsn};

/// The sender gave messages up: the receiver shall not wait for them (RFC 3758 §3.2).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 192  |  Flags = 0x00 |        Length = Variable      |
/// +---------------+---------------+-------------------------------+
/// |                      New Cumulative TSN                       |
/// +-------------------------------+-------------------------------+
/// |         Stream-1              |       Stream Sequence-1       |
/// +-------------------------------+-------------------------------+
/// \                                                               /
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsnChunk<'a> {
    /// Everything up to here has arrived or was given up.
    pub new_cumulative_tsn: Tsn,
    skipped: &'a [[u8; 4]],
}

impl<'a> ForwardTsnChunk<'a> {
    /// The bytes before the list of streams.
    pub const OVERHEAD: usize = 8;

    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let mut value = raw.expect(ChunkType::FORWARD_TSN)?;
        let new_cumulative_tsn = Tsn::new(value.try_get_u32()?);
        let (skipped, []) = value.as_chunks::<4>() else {
            return Err(DecodeError::Length);
        };
        Ok(Self {
            new_cumulative_tsn,
            skipped,
        })
    }

    /// The last ordered message given up, by stream.
    pub fn skipped(&self) -> impl ExactSizeIterator<Item = (StreamId, Ssn)> + use<'a> {
        self.skipped.iter().map(|[s0, s1, n0, n1]| {
            let stream = StreamId::new(u16::from_be_bytes([*s0, *s1]));
            (stream, Ssn::new(u16::from_be_bytes([*n0, *n1])))
        })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        Self::encode_from(buf, self.new_cumulative_tsn, self.skipped());
    }

    /// Appends a chunk with these streams.
    pub(crate) fn encode_from(
        buf: &mut Vec<u8>,
        new_cumulative_tsn: Tsn,
        skipped: impl Iterator<Item = (StreamId, Ssn)>,
    ) {
        let start = ChunkStart::append(buf, ChunkType::FORWARD_TSN, 0);
        buf.put_u32(new_cumulative_tsn.get());
        for (stream, ssn) in skipped {
            buf.put_u16(stream.get());
            buf.put_u16(ssn.get());
        }
        start.finish(buf);
    }
}
