//! ChannelData: four bytes instead of a Send indication's thirty-six (RFC 8656 §12.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Channel Number        |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Application Data                        |
//! |                            (length bytes, padded on streams)  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use crate::ChannelDataError;

/// The bytes before the data.
pub(crate) const HEADER_LENGTH: usize = 4;

/// The number of a channel: 0x4000 to 0x4fff (RFC 8656 §12; RFC 5766 had more, RFC 7983 took them away).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelNumber(u16);

impl ChannelNumber {
    /// The first one.
    pub const MIN: Self = Self(0x4000);
    /// The last one.
    pub const MAX: Self = Self(0x4fff);

    /// Makes a channel number of a number in the range.
    pub const fn new(number: u16) -> Option<Self> {
        if number >= Self::MIN.0 && number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A ChannelData message, read where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// On which channel it came.
    pub number: ChannelNumber,
    /// What the peer sent.
    pub data: &'a mut [u8],
}

impl<'a> ChannelData<'a> {
    /// Reads a message that fills the datagram, or a frame of a stream. Up to three bytes of padding may follow:
    /// RFC 8656 §12.5 demands them over streams and allows them over UDP.
    pub fn decode(bytes: &'a mut [u8]) -> Result<Self, ChannelDataError> {
        let (header, rest) = bytes
            .split_first_chunk_mut::<HEADER_LENGTH>()
            .ok_or(ChannelDataError::Truncated)?;
        let [n0, n1, l0, l1] = *header;
        let number =
            ChannelNumber::new(u16::from_be_bytes([n0, n1])).ok_or(ChannelDataError::Number)?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (data, padding) = rest
            .split_at_mut_checked(length)
            .ok_or(ChannelDataError::Truncated)?;
        if padding.len() > 3 {
            return Err(ChannelDataError::Trailing);
        }
        Ok(Self { number, data })
    }

    /// Appends the four bytes of the header.
    pub fn encode_header(number: ChannelNumber, length: u16, buf: &mut Vec<u8>) {
        buf.extend_from_slice(&number.0.to_be_bytes());
        buf.extend_from_slice(&length.to_be_bytes());
    }
}

/// How long the frame is that begins with these bytes on a stream to a TURN server: a STUN message, or ChannelData
/// with its padding. For [`stun::FrameReader`].
pub fn measure_frame(header: [u8; 4]) -> Option<usize> {
    let [n0, n1, l0, l1] = header;
    if n0 & 0xc0 == 0 {
        return stun::measure_message(header);
    }
    ChannelNumber::new(u16::from_be_bytes([n0, n1]))?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    Some(length.next_multiple_of(4).saturating_add(HEADER_LENGTH))
}
