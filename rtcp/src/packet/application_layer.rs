use rtp::{SequenceNumber, Ssrc};

use super::packet_type;
use crate::framing::{self, Frame, word};
use crate::{DecodeError, EncodeError};

/// Application-layer feedback of a kind that is not known here, as it came (RFC 4585 §6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationLayerFeedback<'a> {
    /// Who says it.
    pub sender_ssrc: Ssrc,
    /// The stream it is about.
    pub media_ssrc: Ssrc,
    /// What is said; most begin with four letters.
    pub data: &'a [u8],
}

impl<'a> ApplicationLayerFeedback<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let &[sender, media] = frame.words().first_chunk().ok_or(DecodeError::Length)?;
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
            data: frame.body.get(8..).unwrap_or_default(),
        })
    }

    /// Appends it. Data is filled with zeros to a whole word.
    pub(crate) fn encode(&self, buf: &mut Vec<u8>) -> Result<(), EncodeError> {
        const MAX_DATA: usize = (u16::MAX as usize - 2) * 4;
        if self.data.len() > MAX_DATA {
            return Err(EncodeError::TooLong);
        }
        let format = packet_type::APPLICATION_LAYER;
        framing::encode(buf, format, packet_type::PAYLOAD_FEEDBACK, |buf| {
            buf.extend_from_slice(&self.sender_ssrc.get().to_be_bytes());
            buf.extend_from_slice(&self.media_ssrc.get().to_be_bytes());
            buf.extend_from_slice(self.data);
        });
        Ok(())
    }
}

/// LNTF: how far a decoder has come and what it has seen since; an application-layer feedback of libwebrtc.
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P| FMT=15  |   PT=206      |           length=4            |
/// |                     SSRC of packet sender                     |
/// |                      SSRC of media source                     |
/// |   'L'              'N'             'T'             'F'        |
/// | Last Decoded Sequence Number  | Last Received SeqNum Delta  |D|
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossNotification {
    /// Who receives.
    pub sender_ssrc: Ssrc,
    /// The stream.
    pub media_ssrc: Ssrc,
    /// The first packet of the last frame that was decoded.
    pub last_decoded: SequenceNumber,
    /// The last packet that arrived, at most 32,767 behind the other.
    pub last_received: SequenceNumber,
    /// Whether the frame of the last packet can be decoded with what is there.
    pub decodable: bool,
}

impl LossNotification {
    const NAME: [u8; 4] = *b"LNTF";

    /// Whether application-layer feedback is one of these.
    pub(crate) fn is_at(frame: Frame<'_>) -> bool {
        matches!(frame.words(), [_, _, Self::NAME, ..])
    }

    pub(crate) fn decode(frame: Frame<'_>) -> Result<Self, DecodeError> {
        let &[sender, media, _name, [d0, d1, r0, r1]] =
            frame.words().first_chunk().ok_or(DecodeError::Length)?;
        let last_decoded = SequenceNumber::new(u16::from_be_bytes([d0, d1]));
        let received = u16::from_be_bytes([r0, r1]);
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
            last_decoded,
            last_received: last_decoded.plus(received >> 1),
            decodable: received & 1 == 1,
        })
    }

    pub(crate) fn encode(self, buf: &mut Vec<u8>) {
        let behind = self.last_received.distance_from(self.last_decoded);
        let received = behind.min(0x7fff) << 1 | u16::from(self.decodable);
        let format = packet_type::APPLICATION_LAYER;
        framing::encode(buf, format, packet_type::PAYLOAD_FEEDBACK, |buf| {
            buf.extend_from_slice(&self.sender_ssrc.get().to_be_bytes());
            buf.extend_from_slice(&self.media_ssrc.get().to_be_bytes());
            buf.extend_from_slice(&Self::NAME);
            buf.extend_from_slice(&self.last_decoded.get().to_be_bytes());
            buf.extend_from_slice(&received.to_be_bytes());
        });
    }
}
