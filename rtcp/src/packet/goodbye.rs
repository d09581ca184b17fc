use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, cut, word};

/// BYE: sources that end (RFC 3550 §6.6).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    SC   |   PT=BYE=203  |             length            |
/// |                         SSRC/CSRC ...                         |
/// |     length    |       reason for leaving (optional)    ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Goodbye<'a> {
    sources: &'a [[u8; 4]],
    reason: Option<&'a str>,
}

impl<'a> Goodbye<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (sources, rest) = frame
            .words()
            .split_at_checked(usize::from(frame.count))
            .ok_or(DecodeError::Length)?;
        let reason = rest
            .as_flattened()
            .split_first()
            .and_then(|(&length, text)| text.get(..usize::from(length)))
            .and_then(|text| str::from_utf8(text).ok());
        Ok(Self { sources, reason })
    }

    /// The sources that end.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        self.sources.iter().map(|&source| Ssrc::new(word(source)))
    }

    /// Why, if the packet says so. A reason that runs past the packet or is not UTF-8 is left out.
    pub const fn reason(&self) -> Option<&'a str> {
        self.reason
    }

    /// Appends one BYE for every 31 sources, each with the reason, cut to 255 octets.
    pub(crate) fn encode(buf: &mut Vec<u8>, sources: &[Ssrc], reason: Option<&str>) {
        for sources in sources.chunks(31) {
            let count = u8::try_from(sources.len()).unwrap_or(0);
            framing::encode(buf, count, packet_type::GOODBYE, |buf| {
                for source in sources {
                    buf.extend_from_slice(&source.get().to_be_bytes());
                }
                if let Some(reason) = reason {
                    let reason = cut(reason);
                    buf.push(u8::try_from(reason.len()).unwrap_or(0));
                    buf.extend_from_slice(reason.as_bytes());
                }
            });
        }
    }
}
