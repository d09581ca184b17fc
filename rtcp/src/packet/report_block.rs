use rtp::Ssrc;

use crate::DecodeError;
use crate::framing::word;

/// The most report blocks in one packet: the count has five bits.
pub const MAX_REPORT_BLOCKS: usize = 31;

/// What a receiver says about one stream (RFC 3550 §6.4.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                        SSRC of the source                     |
/// | fraction lost |       cumulative number of packets lost       |
/// |           extended highest sequence number received           |
/// |                      interarrival jitter                      |
/// |                         last SR (LSR)                         |
/// |                   delay since last SR (DLSR)                  |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream the block is about.
    pub ssrc: Ssrc,
    /// The part of the packets lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// The packets lost in all; negative when duplicates outnumber losses. Written clamped to 24 bits.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the count of cycles above it.
    pub extended_highest_sequence_number: u32,
    /// The interarrival jitter, in units of the media clock (RFC 3550 A.8).
    pub jitter: u32,
    /// The compact NTP time of the last sender report that arrived; 0 if none did.
    pub last_sender_report: u32,
    /// The time since that report arrived, in 1/65,536 s; 0 if none did.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    fn decode(words: &[[u8; 4]; 6]) -> Self {
        let [
            ssrc,
            [fraction_lost, c0, c1, c2],
            highest,
            jitter,
            lsr,
            dlsr,
        ] = *words;
        Self {
            ssrc: Ssrc::new(word(ssrc)),
            fraction_lost,
            // The 24 bits are moved to the top and back to carry their sign.
            cumulative_lost: i32::from_be_bytes([c0, c1, c2, 0]) >> 8,
            extended_highest_sequence_number: word(highest),
            jitter: word(jitter),
            last_sender_report: word(lsr),
            delay_since_last_sender_report: word(dlsr),
        }
    }

    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        let [_, c0, c1, c2] = lost.to_be_bytes();
        for word in [
            self.ssrc.get(),
            u32::from_be_bytes([self.fraction_lost, c0, c1, c2]),
            self.extended_highest_sequence_number,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last_sender_report,
        ] {
            buf.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// The report blocks of a packet, up to [`MAX_REPORT_BLOCKS`].
#[derive(Clone, Copy, Debug)]
pub struct ReportBlocks<'a> {
    blocks: &'a [[[u8; 4]; 6]],
}

impl<'a> ReportBlocks<'a> {
    /// Takes `count` blocks; what follows them is an extension of some profile and is not looked at.
    pub(super) fn decode(count: u8, words: &'a [[u8; 4]]) -> Result<Self, DecodeError> {
        let (blocks, _) = words.as_chunks();
        blocks
            .get(..usize::from(count))
            .map(|blocks| Self { blocks })
            .ok_or(DecodeError::Length)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter().map(ReportBlock::decode)
    }
}
