use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// PLI: the decoder lost its way and wants a key frame (RFC 4585 §6.3.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  FMT=1  |   PT=206      |           length=2            |
/// |                     SSRC of packet sender                     |
/// |                      SSRC of media source                     |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLossIndication {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    /// The stream that should send a key frame.
    pub media_ssrc: Ssrc,
}

impl PictureLossIndication {
    pub(crate) fn decode(frame: Frame<'_>) -> Result<Self, DecodeError> {
        let &[sender, media] = frame.words().first_chunk().ok_or(DecodeError::Length)?;
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
        })
    }

    pub(crate) fn encode(self, buf: &mut Vec<u8>) {
        let format = packet_type::PICTURE_LOSS_INDICATION;
        framing::encode(buf, format, packet_type::PAYLOAD_FEEDBACK, |buf| {
            buf.extend_from_slice(&self.sender_ssrc.get().to_be_bytes());
            buf.extend_from_slice(&self.media_ssrc.get().to_be_bytes());
        });
    }
}
