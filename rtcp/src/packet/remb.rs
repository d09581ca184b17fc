use rtp::Ssrc;

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// REMB: the bit rate a receiver believes it can take (draft-alvestrand-rmcat-remb-03 §2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P| FMT=15  |   PT=206      |             length            |
/// |                     SSRC of packet sender                     |
/// |                   SSRC of media source (unused, 0)            |
/// |   'R'              'E'             'M'             'B'        |
/// |   count       | exponent  |            mantissa               |
/// |                         SSRC feedback ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReceiverEstimatedMaximumBitrate<'a> {
    /// Who estimates.
    pub sender_ssrc: Ssrc,
    /// The estimate for all the streams together, in bit/s; larger than 64 bits is taken as the largest.
    pub bits_per_second: u64,
    ssrcs: &'a [[u8; 4]],
}

const MANTISSA_BITS: u32 = 18;

impl<'a> ReceiverEstimatedMaximumBitrate<'a> {
    /// Whether application-layer feedback is a REMB.
    pub(crate) fn is_at(frame: Frame<'_>) -> bool {
        matches!(frame.words(), [_, _, [b'R', b'E', b'M', b'B'], ..])
    }

    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&[sender, _media, _name, [count, e, m1, m0]], ssrcs) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        let ssrcs = ssrcs.get(..usize::from(count)).ok_or(DecodeError::Length)?;
        let exponent = u32::from(e >> 2);
        let mantissa = u64::from(u32::from_be_bytes([0, e & 3, m1, m0]));
        let bits_per_second = if mantissa.leading_zeros() >= exponent {
            mantissa.checked_shl(exponent).unwrap_or(0)
        } else {
            u64::MAX
        };
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            bits_per_second,
            ssrcs,
        })
    }

    /// The streams the estimate is for.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        self.ssrcs.iter().map(|&ssrc| Ssrc::new(word(ssrc)))
    }

    /// Appends a REMB for the first 255 of the streams. The rate is rounded down to 18 significant bits.
    pub(crate) fn encode(buf: &mut Vec<u8>, sender: Ssrc, bits_per_second: u64, ssrcs: &[Ssrc]) {
        let exponent = (u64::BITS - bits_per_second.leading_zeros()).saturating_sub(MANTISSA_BITS);
        let [.., m2, m1, m0] = (bits_per_second >> exponent).to_be_bytes();
        let exponent = u8::try_from(exponent).unwrap_or(0);
        let ssrcs = ssrcs.get(..255).unwrap_or(ssrcs);
        let count = u8::try_from(ssrcs.len()).unwrap_or(0);
        let format = packet_type::APPLICATION_LAYER;
        framing::encode(buf, format, packet_type::PAYLOAD_FEEDBACK, |buf| {
            buf.extend_from_slice(&sender.get().to_be_bytes());
            buf.extend_from_slice(&[0; 4]);
            buf.extend_from_slice(b"REMB");
            buf.extend_from_slice(&[count, exponent << 2 | m2, m1, m0]);
            for ssrc in ssrcs {
                buf.extend_from_slice(&ssrc.get().to_be_bytes());
            }
        });
    }
}
