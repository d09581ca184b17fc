use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// TMMBR or TMMBN: the bit rate that a stream may have for now, as asked for or as it was granted (RFC 5104 §4.2.1,
/// §4.2.2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P| FMT=3,4 |   PT=205      |             length            |
/// |                     SSRC of packet sender                     |
/// |                   SSRC of media source (unused, 0)            |
/// |                              SSRC                             |
/// | MxTBR Exp |  MxTBR Mantissa                 |Measured Overhead| ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TemporaryBitrate<'a> {
    /// Who asks or answers.
    pub sender_ssrc: Ssrc,
    entries: &'a [[[u8; 4]; 2]],
}

/// The limit of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemporaryBitrateEntry {
    /// In a request the stream that shall obey, in a notification who asked for it.
    pub ssrc: Ssrc,
    /// The limit in bit/s; larger than 64 bits is taken as the largest. Written with 17 significant bits, rounded down.
    pub bits_per_second: u64,
    /// The octets of lower layers that each packet costs besides, 0 to 511.
    pub overhead_bytes: u16,
}

const MANTISSA_BITS: u32 = 17;

/// The largest overhead that can be written.
const MAX_OVERHEAD: u16 = 0x1ff;

impl TemporaryBitrateEntry {
    fn decode(&[ssrc, limit]: &[[u8; 4]; 2]) -> Self {
        let limit = word(limit);
        let (exponent, mantissa) = (limit >> 26, u64::from(limit >> 9 & 0x1_ffff));
        let bits_per_second = if mantissa.leading_zeros() >= exponent {
            mantissa.checked_shl(exponent).unwrap_or(0)
        } else {
            u64::MAX
        };
        Self {
            ssrc: Ssrc::new(word(ssrc)),
            bits_per_second,
            overhead_bytes: (limit & 0x1ff) as u16,
        }
    }

    fn encode(&self, buf: &mut Vec<u8>) {
        let exponent =
            (u64::BITS - self.bits_per_second.leading_zeros()).saturating_sub(MANTISSA_BITS);
        let mantissa = (self.bits_per_second >> exponent) as u32;
        let overhead = u32::from(self.overhead_bytes.min(MAX_OVERHEAD));
        buf.extend_from_slice(&self.ssrc.get().to_be_bytes());
        buf.extend_from_slice(&(exponent << 26 | mantissa << 9 | overhead).to_be_bytes());
    }
}

impl<'a> TemporaryBitrate<'a> {
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

    /// The limits. A notification without any says that there is none.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = TemporaryBitrateEntry> + use<'a> {
        self.entries.iter().map(TemporaryBitrateEntry::decode)
    }

    /// Appends a packet of the format for the first 128 entries.
    pub(crate) fn encode(
        buf: &mut Vec<u8>,
        format: u8,
        sender: Ssrc,
        entries: &[TemporaryBitrateEntry],
    ) {
        framing::encode(buf, format, packet_type::TRANSPORT_FEEDBACK, |buf| {
            buf.extend_from_slice(&sender.get().to_be_bytes());
            buf.extend_from_slice(&[0; 4]);
            for entry in entries.iter().take(128) {
                entry.encode(buf);
            }
        });
    }
}
