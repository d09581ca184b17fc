use rtp::Ssrc;

use super::packet_type;
use crate::framing::{self, Frame, word};
use crate::{DecodeError, EncodeError};

/// APP: whatever an application wants to say (RFC 3550 §6.7).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P| subtype |   PT=APP=204  |             length            |
/// |                           SSRC/CSRC                           |
/// |                          name (ASCII)                         |
/// |                   application-dependent data ...
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationDefined<'a> {
    /// The subtype, 0 to 31; its meaning belongs to the name.
    pub subtype: u8,
    /// The source it comes from.
    pub ssrc: Ssrc,
    /// Four characters that name the application.
    pub name: [u8; 4],
    /// The data, whole words.
    pub data: &'a [u8],
}

impl<'a> ApplicationDefined<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&[ssrc, name], data) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        Ok(Self {
            subtype: frame.count,
            ssrc: Ssrc::new(word(ssrc)),
            name,
            data: data.as_flattened(),
        })
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) -> Result<(), EncodeError> {
        const MAX_DATA: usize = (u16::MAX as usize - 2) * 4;
        if self.subtype > 31 {
            return Err(EncodeError::Subtype);
        }
        if self.data.len() > MAX_DATA {
            return Err(EncodeError::TooLong);
        }
        framing::encode(buf, self.subtype, packet_type::APPLICATION_DEFINED, |buf| {
            buf.extend_from_slice(&self.ssrc.get().to_be_bytes());
            buf.extend_from_slice(&self.name);
            buf.extend_from_slice(self.data);
        });
        Ok(())
    }
}
