use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// FIR: a key frame by command (RFC 5104 §4.3.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  FMT=4  |   PT=206      |             length            |
/// |                     SSRC of packet sender                     |
/// |                   SSRC of media source (unused, 0)            |
/// |                        SSRC of a stream                       |
/// |    seq nr     |                  reserved                     | ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FullIntraRequest<'a> {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    entries: &'a [[[u8; 4]; 2]],
}

/// One request: a repetition has the same number, a new request the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream that should send a key frame.
    pub ssrc: Ssrc,
    /// The number of the request, modulo 256, per pair of asking and asked source.
    pub sequence_number: u8,
}

impl<'a> FullIntraRequest<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&[sender, _media], rest) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        let (entries, odd) = rest.as_chunks();
        if !odd.is_empty() {
            return Err(DecodeError::Length);
        }
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            entries,
        })
    }

    /// The requests.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = FirEntry> + use<'a> {
        self.entries
            .iter()
            .map(|&[ssrc, [sequence_number, ..]]| FirEntry {
                ssrc: Ssrc::new(word(ssrc)),
                sequence_number,
            })
    }

    /// Appends FIRs of up to 128 requests each.
    pub(crate) fn encode(buf: &mut Vec<u8>, sender: Ssrc, entries: &[FirEntry]) {
        for entries in entries.chunks(128) {
            let format = packet_type::FULL_INTRA_REQUEST;
            framing::encode(buf, format, packet_type::PAYLOAD_FEEDBACK, |buf| {
                buf.extend_from_slice(&sender.get().to_be_bytes());
                buf.extend_from_slice(&[0; 4]);
                for entry in entries {
                    buf.extend_from_slice(&entry.ssrc.get().to_be_bytes());
                    buf.extend_from_slice(&[entry.sequence_number, 0, 0, 0]);
                }
            });
        }
    }
}
