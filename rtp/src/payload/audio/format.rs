use super::opus::opus_duration;
use crate::MimeType;
use crate::payload::PayloadError;

/// A format whose packets are frames of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioFormat {
    /// Opus; the clock is 48 kHz whatever is inside (RFC 7587 §4.1).
    Opus,
    /// G.711 µ-law with this many channels: an octet a sample.
    Pcmu(u16),
    /// G.711 A-law with this many channels: an octet a sample.
    Pcma(u16),
    /// G.722 of 64 kbit/s: an octet is two samples at 16 kHz but one tick of its clock, which is 8 kHz by an old
    /// mistake (RFC 3551 §4.5.2).
    G722,
    /// Linear 16 bits with this many channels, big-endian.
    L16(u16),
    /// Comfort noise: a level and a spectrum (RFC 3389 §3). It lasts until the next packet.
    ComfortNoise,
}

impl AudioFormat {
    /// The format of this media type; `None` for one that is not here, or with 0 channels.
    pub fn new(codec: &MimeType, channels: u16) -> Option<Self> {
        let known = [
            Self::Opus,
            Self::Pcmu(channels),
            Self::Pcma(channels),
            Self::G722,
            Self::L16(channels),
            Self::ComfortNoise,
        ];
        known
            .into_iter()
            .find(|format| channels > 0 && format.codec() == *codec)
    }

    /// The media type.
    pub const fn codec(self) -> MimeType {
        match self {
            Self::Opus => MimeType::OPUS,
            Self::Pcmu(_) => MimeType::PCMU,
            Self::Pcma(_) => MimeType::PCMA,
            Self::G722 => MimeType::G722,
            Self::L16(_) => MimeType::L16,
            Self::ComfortNoise => MimeType::CN,
        }
    }

    /// How long a payload lasts, in ticks of the RTP clock; `None` where that is not in the payload.
    pub fn duration(self, payload: &[u8]) -> Result<Option<u32>, PayloadError> {
        let Some(tick) = self.tick_bytes() else {
            return match self {
                Self::Opus => opus_duration(payload).map(Some),
                _ if payload.is_empty() => Err(PayloadError::Truncated),
                _ => Ok(None),
            };
        };
        if payload.is_empty() || !payload.len().is_multiple_of(tick) {
            return Err(PayloadError::Length);
        }
        let ticks = payload.len() / tick;
        u32::try_from(ticks)
            .map(Some)
            .map_err(|_| PayloadError::Length)
    }

    /// The octets of one tick of the clock, for formats that can be cut anywhere between two.
    pub(super) const fn tick_bytes(self) -> Option<usize> {
        let (Self::Pcmu(channels) | Self::Pcma(channels) | Self::L16(channels)) = self else {
            return match self {
                Self::G722 => Some(1),
                _ => None,
            };
        };
        let channels = if channels == 0 { 1 } else { channels as usize };
        Some(match self {
            Self::L16(_) => 2 * channels,
            _ => channels,
        })
    }
}
