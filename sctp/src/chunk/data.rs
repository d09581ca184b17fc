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
        let value = raw.expect(ChunkType::DATA)?;
        // One check of the length for all fields: this is the chunk that comes by the million.
        let ([t0, t1, t2, t3, s0, s1, n0, n1, p0, p1, p2, p3], payload) = value
            .split_first_chunk::<12>()
            .ok_or(DecodeError::Truncated)?;
        Ok(Self {
            tsn: Tsn::new(u32::from_be_bytes([*t0, *t1, *t2, *t3])),
            stream: StreamId::new(u16::from_be_bytes([*s0, *s1])),
            ssn: Ssn::new(u16::from_be_bytes([*n0, *n1])),
            ppid: Ppid::new(u32::from_be_bytes([*p0, *p1, *p2, *p3])),
            ordering: if raw.flags & UNORDERED == 0 {
                Ordering::Ordered
            } else {
                Ordering::Unordered
            },
            beginning: raw.flags & BEGINNING != 0,
            ending: raw.flags & ENDING != 0,
            immediate: raw.flags & IMMEDIATE != 0,
            payload,
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
        let [l0, l1] = u16::try_from(length).unwrap_or(0).to_be_bytes();
        let [t0, t1, t2, t3] = self.tsn.get().to_be_bytes();
        let [s0, s1] = self.stream.get().to_be_bytes();
        let [n0, n1] = self.ssn.get().to_be_bytes();
        let [p0, p1, p2, p3] = self.ppid.get().to_be_bytes();
        let kind = ChunkType::DATA.0;
        buf.reserve(length.saturating_add(3));
        buf.extend_from_slice(&[
            kind, flags, l0, l1, t0, t1, t2, t3, s0, s1, n0, n1, p0, p1, p2, p3,
        ]);
        buf.extend_from_slice(self.payload);
        let padding = length.next_multiple_of(4).saturating_sub(length);
        // Most payloads need none, and an empty copy is not free.
        if padding > 0 {
            buf.extend_from_slice([0u8; 3].get(..padding).unwrap_or_default());
        }
    }
}

const ENDING: u8 = 1;
const BEGINNING: u8 = 1 << 1;
const UNORDERED: u8 = 1 << 2;
const IMMEDIATE: u8 = 1 << 3;
