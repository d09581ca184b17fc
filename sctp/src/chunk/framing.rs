use bytes::BufMut;
use thiserror::Error;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("truncated")]
    Truncated,
    /// A length field contradicts what is there.
    #[error("a length is impossible")]
    Length,
    /// The checksum does not match.
    #[error("the checksum is wrong")]
    Checksum,
    /// A field has a value that it must not have.
    #[error("a value is forbidden")]
    Value,
    /// The chunk is of another type than asked for.
    #[error("another type of chunk")]
    Type,
}

impl From<bytes::TryGetError> for DecodeError {
    fn from(_: bytes::TryGetError) -> Self {
        Self::Truncated
    }
}

/// The number of a chunk type (RFC 9260 §3.2). Unknown ones are carried, because their two high bits say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChunkType(pub u8);

impl ChunkType {
    /// Payload data.
    pub const DATA: Self = Self(0);
    /// Initiation.
    pub const INIT: Self = Self(1);
    /// Initiation acknowledgement.
    pub const INIT_ACK: Self = Self(2);
    /// Selective acknowledgement.
    pub const SACK: Self = Self(3);
    /// Heartbeat request.
    pub const HEARTBEAT: Self = Self(4);
    /// Heartbeat acknowledgement.
    pub const HEARTBEAT_ACK: Self = Self(5);
    /// Abort.
    pub const ABORT: Self = Self(6);
    /// Shutdown.
    pub const SHUTDOWN: Self = Self(7);
    /// Shutdown acknowledgement.
    pub const SHUTDOWN_ACK: Self = Self(8);
    /// Operation error.
    pub const ERROR: Self = Self(9);
    /// State cookie.
    pub const COOKIE_ECHO: Self = Self(10);
    /// Cookie acknowledgement.
    pub const COOKIE_ACK: Self = Self(11);
    /// Shutdown complete.
    pub const SHUTDOWN_COMPLETE: Self = Self(14);
    /// Payload data that may mix with that of other messages (RFC 8260 §2.1).
    pub const I_DATA: Self = Self(64);
    /// Re-configuration (RFC 6525 §3.1).
    pub const RE_CONFIG: Self = Self(130);
    /// Padding (RFC 4820 §3).
    pub const PAD: Self = Self(132);
    /// Messages given up (RFC 3758 §3.2).
    pub const FORWARD_TSN: Self = Self(192);
    /// Messages given up, with I-DATA (RFC 8260 §2.3.1).
    pub const I_FORWARD_TSN: Self = Self(194);

    /// What to do with a chunk of this type when it is unknown.
    pub const fn when_unknown(self) -> WhenUnknown {
        WhenUnknown::from_high_bits(self.0 >> 6)
    }
}

/// What the two high bits of a chunk or parameter type ask of a receiver that does not know it
/// (RFC 9260 §3.2, §3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhenUnknown {
    /// Go on with what follows it, or stop.
    pub skip: bool,
    /// Tell the sender.
    pub report: bool,
}

impl WhenUnknown {
    pub(crate) const fn from_high_bits(bits: u8) -> Self {
        Self {
            skip: bits & 0b10 != 0,
            report: bits & 0b01 != 0,
        }
    }
}

/// A chunk whose value was not looked at (RFC 9260 §3.2).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |  Chunk Type   |  Chunk Flags  |         Chunk Length          |
/// +---------------+---------------+-------------------------------+
/// \                          Chunk Value                          \
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawChunk<'a> {
    /// The type.
    pub kind: ChunkType,
    /// The flags, whose meaning depends on the type.
    pub flags: u8,
    /// The value, without padding.
    pub value: &'a [u8],
}

impl<'a> RawChunk<'a> {
    /// The value, if the chunk is of this type.
    pub(crate) fn expect(self, kind: ChunkType) -> Result<&'a [u8], DecodeError> {
        if self.kind == kind {
            Ok(self.value)
        } else {
            Err(DecodeError::Type)
        }
    }

    /// The value's absence, if the chunk is of this type.
    pub(crate) fn expect_empty(self, kind: ChunkType) -> Result<(), DecodeError> {
        if self.expect(kind)?.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Length)
        }
    }

    /// Appends the chunk with its padding.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let start = ChunkStart::append(buf, self.kind, self.flags);
        buf.extend_from_slice(self.value);
        start.finish(buf);
    }
}

/// The chunks of a packet. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    /// The chunks in these bytes, which follow a packet's header.
    pub const fn new(chunks: &'a [u8]) -> Self {
        Self(chunks)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<RawChunk<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some(([kind, flags, high, low], value)) = self.0.split_first_chunk::<4>() else {
            self.0 = &[];
            return Some(Err(DecodeError::Truncated));
        };
        let (kind, flags) = (ChunkType(*kind), *flags);
        match split_value(u16::from_be_bytes([*high, *low]), value) {
            Ok((value, rest)) => {
                self.0 = rest;
                Some(Ok(RawChunk { kind, flags, value }))
            }
            Err(error) => {
                self.0 = &[];
                Some(Err(error))
            }
        }
    }
}

/// Splits what follows a type and a length into the value and what comes after the padding.
///
/// The length counts its own four bytes and no padding. Padding may be missing at the very end.
pub(super) fn split_value(length: u16, rest: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let length = usize::from(length)
        .checked_sub(4)
        .ok_or(DecodeError::Length)?;
    let (value, rest) = rest
        .split_at_checked(length)
        .ok_or(DecodeError::Truncated)?;
    let padding = length.next_multiple_of(4).saturating_sub(length);
    Ok((value, rest.get(padding..).unwrap_or_default()))
}

/// A chunk, parameter or error cause being written: its length is filled in when it is finished.
///
/// The placeholder is 0, which no receiver accepts as a length.
pub(crate) struct ChunkStart(usize);

impl ChunkStart {
    /// Appends a chunk's header.
    pub(crate) fn append(buf: &mut Vec<u8>, kind: ChunkType, flags: u8) -> Self {
        let start = buf.len();
        buf.extend_from_slice(&[kind.0, flags, 0, 0]);
        Self(start)
    }

    /// Appends the header of a parameter or an error cause, whose type has 16 bits.
    pub(crate) fn append_wide(buf: &mut Vec<u8>, kind: u16) -> Self {
        let start = buf.len();
        buf.put_u16(kind);
        buf.put_u16(0);
        Self(start)
    }

    /// Fills the length in and pads to four bytes.
    pub(crate) fn finish(self, buf: &mut Vec<u8>) {
        let length = buf.len().saturating_sub(self.0);
        let field = u16::try_from(length).unwrap_or(0).to_be_bytes();
        if let Some(header) = buf.get_mut(self.0..)
            && let Some(place) = header.get_mut(2..4)
        {
            place.copy_from_slice(&field);
        }
        let padding = length.next_multiple_of(4).saturating_sub(length);
        buf.extend_from_slice([0u8; 3].get(..padding).unwrap_or_default());
    }
}
