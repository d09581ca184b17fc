use bytes::{Buf, BufMut};

use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};
use crate::message::{Ordering, StreamId};
use crate::serial::{Mid, Tsn};

/// FORWARD-TSN for an association with I-DATA (RFC 8260 §2.3.1).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 194  | Flags = 0x00  |      Length = Variable        |
/// +---------------+---------------+-------------------------------+
/// |                       New Cumulative TSN                      |
/// +-------------------------------+-------------------------------+
/// |       Stream Identifier       |          Reserved           |U|
/// +-------------------------------+-------------------------------+
/// |                       Message Identifier                      |
/// +---------------------------------------------------------------+
/// \                                                               /
/// ```
#[derive(Clone, Copy, Debug)]
pub struct IForwardTsnChunk<'a> {
    /// Everything up to here has arrived or was given up.
    pub new_cumulative_tsn: Tsn,
    skipped: &'a [[u8; 8]],
}

/// Two chunks are equal when they say the same: reserved bits are ignored on receipt.
impl PartialEq for IForwardTsnChunk<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.new_cumulative_tsn == other.new_cumulative_tsn && self.skipped().eq(other.skipped())
    }
}

impl Eq for IForwardTsnChunk<'_> {}

impl<'a> IForwardTsnChunk<'a> {
    /// The bytes before the list of messages.
    pub const OVERHEAD: usize = 8;

    /// Reads the chunk.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let mut value = raw.expect(ChunkType::I_FORWARD_TSN)?;
        let new_cumulative_tsn = Tsn::new(value.try_get_u32()?);
        let (skipped, []) = value.as_chunks::<8>() else {
            return Err(DecodeError::Length);
        };
        Ok(Self {
            new_cumulative_tsn,
            skipped,
        })
    }

    /// The last message given up, by stream and ordering.
    pub fn skipped(&self) -> impl ExactSizeIterator<Item = (StreamId, Ordering, Mid)> + use<'a> {
        self.skipped
            .iter()
            .map(|[s0, s1, _, flags, m0, m1, m2, m3]| {
                let ordering = match flags & 1 {
                    0 => Ordering::Ordered,
                    _ => Ordering::Unordered,
                };
                let stream = StreamId::new(u16::from_be_bytes([*s0, *s1]));
                let mid = Mid::new(u32::from_be_bytes([*m0, *m1, *m2, *m3]));
                (stream, ordering, mid)
            })
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        Self::encode_from(buf, self.new_cumulative_tsn, self.skipped());
    }

    /// Appends a chunk with these messages.
    pub(crate) fn encode_from(
        buf: &mut Vec<u8>,
        new_cumulative_tsn: Tsn,
        skipped: impl Iterator<Item = (StreamId, Ordering, Mid)>,
    ) {
        let start = ChunkStart::append(buf, ChunkType::I_FORWARD_TSN, 0);
        buf.put_u32(new_cumulative_tsn.get());
        for (stream, ordering, mid) in skipped {
            buf.put_u16(stream.get());
            buf.put_u16(u16::from(ordering == Ordering::Unordered));
            buf.put_u32(mid.get());
        }
        start.finish(buf);
    }
}
