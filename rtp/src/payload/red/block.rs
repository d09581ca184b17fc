use crate::PayloadType;
use crate::payload::PayloadError;

/// The most redundant blocks of a packet; with more it is malformed.
pub const MAX_REDUNDANT_BLOCKS: usize = 9;

/// The largest timestamp offset, of 14 bits.
pub(super) const MAX_OFFSET: u32 = 0x3fff;

/// The longest redundant block, of 10 bits.
pub(super) const MAX_LENGTH: usize = 0x3ff;

/// The octets of the header of a redundant block.
pub(super) const HEADER_LEN: usize = 4;

/// A block of a packet (RFC 2198 §3).
///
/// ```text
///  0                   1                    2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3  4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |F|   block PT  |  timestamp offset         |   block length    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The payload format of the block.
    pub payload_type: PayloadType,
    /// How much earlier than the packet the block was first sent, in ticks; 0 for the primary.
    pub timestamp_offset: u16,
    /// The payload.
    pub data: &'a [u8],
}

/// The blocks of a payload, oldest first; the last is the primary.
///
/// All lengths are checked before anything is returned.
pub fn blocks(payload: &[u8]) -> Result<Vec<Block<'_>>, PayloadError> {
    let mut rest = payload;
    let mut headers = Vec::new();
    let primary = loop {
        let (&first, tail) = rest.split_first().ok_or(PayloadError::Truncated)?;
        let payload_type = PayloadType::new(first & 0x7f).unwrap_or_default();
        if first & 0x80 == 0 {
            rest = tail;
            break payload_type;
        }
        if headers.len() == MAX_REDUNDANT_BLOCKS {
            return Err(PayloadError::Length);
        }
        let ([_, offset, both, length], tail) = rest
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(PayloadError::Truncated)?;
        let timestamp_offset = u16::from(*offset) << 6 | u16::from(both >> 2);
        let length = usize::from(both & 0x03) << 8 | usize::from(*length);
        headers.push((payload_type, timestamp_offset, length));
        rest = tail;
    };
    let mut blocks = Vec::with_capacity(headers.len() + 1);
    for (payload_type, timestamp_offset, length) in headers {
        let (data, tail) = rest.split_at_checked(length).ok_or(PayloadError::Length)?;
        blocks.push(Block {
            payload_type,
            timestamp_offset,
            data,
        });
        rest = tail;
    }
    blocks.push(Block {
        payload_type: primary,
        timestamp_offset: 0,
        data: rest,
    });
    Ok(blocks)
}
