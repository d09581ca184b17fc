use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// RTCP-SR-REQ: a sender report now, to play streams in time with each other sooner (RFC 6051 §3.2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  FMT=5  |   PT=205      |           length=2            |
/// |                     SSRC of packet sender                     |
/// |                      SSRC of media source                     |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RapidResynchronisationRequest {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    /// The stream whose report is wanted.
    pub media_ssrc: Ssrc,
}

impl RapidResynchronisationRequest {
    pub(crate) fn decode(frame: Frame<'_>) -> Result<Self, DecodeError> {
        let &[sender, media] = frame.words().first_chunk().ok_or(DecodeError::Length)?;
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
        })
    }

    pub(crate) fn encode(self, buf: &mut Vec<u8>) {
        let format = packet_type::RAPID_RESYNCHRONISATION;
        framing::encode(buf, format, packet_type::TRANSPORT_FEEDBACK, |buf| {
            buf.extend_from_slice(&self.sender_ssrc.get().to_be_bytes());
            buf.extend_from_slice(&self.media_ssrc.get().to_be_bytes());
        });
    }
}
