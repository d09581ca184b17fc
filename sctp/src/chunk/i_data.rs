use super::framing::{ChunkType, DecodeError, RawChunk};
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::{Mid, Tsn};

/// A piece of a message that may mix with pieces of others (RFC 8260 §2.1).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 64   |  Res  |I|U|B|E|       Length = Variable       |
/// +---------------+---------------+-------------------------------+
/// |                              TSN                              |
/// +-------------------------------+-------------------------------+
/// |        Stream Identifier      |           Reserved            |
/// +-------------------------------+-------------------------------+
/// |                      Message Identifier                       |
/// +---------------------------------------------------------------+
/// |    Payload Protocol Identifier / Fragment Sequence Number     |
/// +---------------------------------------------------------------+
/// \                           User Data                           \
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IDataChunk<'a> {
    /// The chunk's own number.
    pub tsn: Tsn,
    /// The stream.
    pub stream: StreamId,
    /// The message's number on its stream; ordered and unordered messages are counted apart.
    pub mid: Mid,
    /// What the message is, with its first piece; else the piece's number in its message.
    pub place: Place,
    /// Whether the message has a place in its stream (U bit clear).
    pub ordering: Ordering,
    /// The last piece (E bit).
    pub ending: bool,
    /// The sender asks for an acknowledgement without delay (I bit).
    pub immediate: bool,
    /// The piece.
    pub payload: &'a [u8],
}

/// The field that the first piece and the others use for different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first piece (B bit): what the message is. Its number is 0.
    Beginning(Ppid),
    /// A later piece: its number.
    Later(u32),
}

impl Place {
    /// The piece's number in its message.
    pub const fn fsn(self) -> u32 {
        match self {
            Self::Beginning(_) => 0,
            Self::Later(fsn) => fsn,
        }
    }
}

impl<'a> IDataChunk<'a> {
    /// The bytes before the payload.
    pub const OVERHEAD: usize = 20;

    /// Reads the chunk. The payload may be empty here: that has an answer of its own (RFC 9260 §6.2).
    pub fn decode(raw: RawChunk<'a>) -> Result<Self, DecodeError> {
        let value = raw.expect(ChunkType::I_DATA)?;
        let ([t0, t1, t2, t3, s0, s1, _, _, m0, m1, m2, m3, p0, p1, p2, p3], payload) = value
            .split_first_chunk::<16>()
            .ok_or(DecodeError::Truncated)?;
        let place = u32::from_be_bytes([*p0, *p1, *p2, *p3]);
        Ok(Self {
            tsn: Tsn::new(u32::from_be_bytes([*t0, *t1, *t2, *t3])),
            stream: StreamId::new(u16::from_be_bytes([*s0, *s1])),
            mid: Mid::new(u32::from_be_bytes([*m0, *m1, *m2, *m3])),
            place: if raw.flags & BEGINNING == 0 {
                Place::Later(place)
            } else {
                Place::Beginning(Ppid::new(place))
            },
            ordering: if raw.flags & UNORDERED == 0 {
                Ordering::Ordered
            } else {
                Ordering::Unordered
            },
            ending: raw.flags & ENDING != 0,
            immediate: raw.flags & IMMEDIATE != 0,
            payload,
        })
    }

    /// Appends the chunk with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let (beginning, place) = match self.place {
            Place::Beginning(ppid) => (true, ppid.get()),
            Place::Later(fsn) => (false, fsn),
        };
        let unordered = self.ordering == Ordering::Unordered;
        let flags = u8::from(self.ending)
            | u8::from(beginning) << 1
            | u8::from(unordered) << 2
            | u8::from(self.immediate) << 3;
        let length = self.payload.len().saturating_add(Self::OVERHEAD);
        let [l0, l1] = u16::try_from(length).unwrap_or(0).to_be_bytes();
        let [t0, t1, t2, t3] = self.tsn.get().to_be_bytes();
        let [s0, s1] = self.stream.get().to_be_bytes();
        let [m0, m1, m2, m3] = self.mid.get().to_be_bytes();
        let [p0, p1, p2, p3] = place.to_be_bytes();
        let kind = ChunkType::I_DATA.0;
        buf.reserve(length.saturating_add(3));
        buf.extend_from_slice(&[
            kind, flags, l0, l1, t0, t1, t2, t3, s0, s1, 0, 0, m0, m1, m2, m3, p0, p1, p2, p3,
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
