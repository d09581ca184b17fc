use bytes::{Buf, BufMut};

use super::framing::{ChunkType, DecodeError, RawChunk};
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::{Ssn, Tsn};

/// A piece of a message (RFC 9260 §3.3.1).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 0    |  Res  |I|U|B|E|            Length             |
/// +---------------+---------------+-------------------------------+
/// |                              TSN                              |
/// +-------------------------------+-------------------------------+
/// |      Stream Identifier        |    Stream Sequence Number     |
/// +-------------------------------+-------------------------------+
/// |                 Payload Protocol Identifier                   |
/// +---------------------------------------------------------------+
/// \                           User Data                           \
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataChunk<'a> {
    /// The chunk's own number.
    pub tsn: Tsn,
    /// The stream.
    pub stream: StreamId,
    /// The message's number on its stream; 0 for unordered ones.
    pub ssn: Ssn,
    /// What the message is.
    pub ppid: Ppid,
    /// Whether the message has a place in its stream (U bit clear).
    pub ordering: Ordering,
    /// The first piece (B bit).
    pub beginning: bool,
    /// The last piece (E bit).
    pub ending: bool,
    /// The sender asks for an acknowledgement without delay (I bit).
    pub immediate: bool,
    /// The piece.
    pub payload: &'a [u8],
}

impl<'a> DataChunk<'a> {
    /// The bytes before the payload.
    pub const OVERHEAD: usize = 16;

    /// Reads the chunk. The payload may be empty here: that has an answer of its own (RFC 9260 §6.2).
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let mut value = raw.expect(ChunkType::DATA)?;
        let (tsn, stream, ssn, ppid) = (
            value.try_get_u32()?,
            value.try_get_u16()?,
            value.try_get_u16()?,
            value.try_get_u32()?,
        );
        Ok(Self {
            tsn: Tsn::new(tsn),
            stream: StreamId::new(stream),
            ssn: Ssn::new(ssn),
            ppid: Ppid::new(ppid),
            ordering: if raw.flags & UNORDERED == 0 {
                Ordering::Ordered
            } else {
                Ordering::Unordered
            },
            beginning: raw.flags & BEGINNING != 0,
            ending: raw.flags & ENDING != 0,
            immediate: raw.flags & IMMEDIATE != 0,
            payload: value,
        })
    }

    /// Appends the chunk with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let unordered = self.ordering == Ordering::Unordered;
        let flags = u8::from(self.ending)
            | u8::from(self.beginning) << 1
            | u8::from(unordered) << 2
            | u8::from(self.immediate) << 3;
        let length = self.payload.len().saturating_add(Self::OVERHEAD);
        buf.put_u8(ChunkType::DATA.0);
        buf.put_u8(flags);
        buf.put_u16(u16::try_from(length).unwrap_or(0));
        buf.put_u32(self.tsn.get());
        buf.put_u16(self.stream.get());
        buf.put_u16(self.ssn.get());
        buf.put_u32(self.ppid.get());
        buf.put_slice(self.payload);
        let padding = length.next_multiple_of(4).saturating_sub(length);
        buf.put_slice([0u8; 3].get(..padding).unwrap_or_default());
    }
}

const ENDING: u8 = 1;
const BEGINNING: u8 = 1 << 1;
const UNORDERED: u8 = 1 << 2;
const IMMEDIATE: u8 = 1 << 3;
