use bytes::{Buf, BufMut};

use super::framing::{ChunkStart, ChunkType, DecodeError, RawChunk};
use crate::serial::Tsn;

/// A run of TSNs that arrived beyond a gap, both ends included, counted from the cumulative TSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapAckBlock {
    /// The first one's offset.
    pub start: u16,
    /// The last one's offset.
    pub end: u16,
}

/// What has arrived (RFC 9260 §3.3.4).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 3    |  Chunk Flags  |         Chunk Length          |
/// +---------------+---------------+-------------------------------+
/// |                      Cumulative TSN Ack                       |
/// +---------------------------------------------------------------+
/// |          Advertised Receiver Window Credit (a_rwnd)           |
/// +-------------------------------+-------------------------------+
/// | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
/// +-------------------------------+-------------------------------+
/// |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      |
/// +-------------------------------+-------------------------------+
/// \                              ...                              \
/// +---------------------------------------------------------------+
/// |                       Duplicate TSN 1                         |
/// +---------------------------------------------------------------+
/// \                              ...                              \
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackChunk<'a> {
    /// Everything up to this TSN arrived.
    pub cumulative_tsn_ack: Tsn,
    /// The window left, in bytes.
    pub a_rwnd: u32,
    gap_ack_blocks: &'a [[u8; 4]],
    duplicates: &'a [[u8; 4]],
}

impl<'a> SackChunk<'a> {
    /// The bytes before the first gap ack block.
    pub const OVERHEAD: usize = 16;

    /// Reads the chunk. Both lists must be there in full.
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let mut value = raw.expect(ChunkType::SACK)?;
        let (cumulative_tsn_ack, a_rwnd, gaps, duplicates) = (
            value.try_get_u32()?,
            value.try_get_u32()?,
            value.try_get_u16()?,
            value.try_get_u16()?,
        );
        let (words, []) = value.as_chunks::<4>() else {
            return Err(DecodeError::Length);
        };
        let (gap_ack_blocks, words) = words
            .split_at_checked(usize::from(gaps))
            .ok_or(DecodeError::Truncated)?;
        if words.len() != usize::from(duplicates) {
            return Err(DecodeError::Length);
        }
        Ok(Self {
            cumulative_tsn_ack: Tsn::new(cumulative_tsn_ack),
            a_rwnd,
            gap_ack_blocks,
            duplicates: words,
        })
    }

    /// What arrived beyond a gap.
    pub fn gap_ack_blocks(&self) -> impl ExactSizeIterator<Item = GapAckBlock> + use<'a> {
        self.gap_ack_blocks.iter().map(|[a, b, c, d]| GapAckBlock {
            start: u16::from_be_bytes([*a, *b]),
            end: u16::from_be_bytes([*c, *d]),
        })
    }

    /// What arrived more than once.
    pub fn duplicates(&self) -> impl ExactSizeIterator<Item = Tsn> + use<'a> {
        self.duplicates
            .iter()
            .map(|word| Tsn::new(u32::from_be_bytes(*word)))
    }

    /// Appends the chunk.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        Self::encode_from(
            buf,
            (self.cumulative_tsn_ack, self.a_rwnd),
            self.gap_ack_blocks(),
            self.duplicates(),
        );
    }

    /// Appends a chunk made of a cumulative TSN with a window, and two lists of at most 65,535 each.
    pub(crate) fn encode_from(
        buf: &mut Vec<u8>,
        (cumulative_tsn_ack, a_rwnd): (Tsn, u32),
        gap_ack_blocks: impl Iterator<Item = GapAckBlock>,
        duplicates: impl Iterator<Item = Tsn>,
    ) {
        let start = ChunkStart::append(buf, ChunkType::SACK, 0);
        buf.put_u32(cumulative_tsn_ack.get());
        buf.put_u32(a_rwnd);
        let counts = buf.len();
        buf.put_u32(0);
        let (mut gaps, mut twice) = (0u16, 0u16);
        for block in gap_ack_blocks.take(usize::from(u16::MAX)) {
            buf.put_u16(block.start);
            buf.put_u16(block.end);
            gaps = gaps.saturating_add(1);
        }
        for tsn in duplicates.take(usize::from(u16::MAX)) {
            buf.put_u32(tsn.get());
            twice = twice.saturating_add(1);
        }
        if let Some(([high, low], rest)) = buf
            .get_mut(counts..)
            .and_then(|counts| counts.split_first_chunk_mut::<2>())
        {
            [*high, *low] = gaps.to_be_bytes();
            if let Some([high, low]) = rest.first_chunk_mut::<2>() {
                [*high, *low] = twice.to_be_bytes();
            }
        }
        start.finish(buf);
    }
}
