use rtp::Ssrc;

use super::packet_type;
use crate::framing::{self, Frame, word};
use crate::{DecodeError, EncodeError, NtpTime};

/// The most items of a DLRR block that are looked at.
pub const MAX_DLRR_ITEMS: usize = 50;

/// XR: reports beyond those of RFC 3550, as a list of blocks (RFC 3611 §2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|reserved |   PT=XR=207   |             length            |
/// |                              SSRC                             |
/// |      BT       | type-specific |         block length          | ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExtendedReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: &'a [[u8; 4]],
}

/// One block of an XR.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum XrBlock<'a> {
    /// Receiver reference time: what a sender report is for those who do not send (RFC 3611 §4.4).
    ReceiverReferenceTime(NtpTime),
    /// The answers to reference times (RFC 3611 §4.5).
    Dlrr(Dlrr<'a>),
    /// The bit rates that a sender aims at, of its layers
    /// (the extended report of type 42 that libwebrtc sends).
    TargetBitrate(TargetBitrate<'a>),
    /// A block of another type, or of a known one in a form that is not.
    Unknown(UnknownXrBlock<'a>),
}

/// A block that is not known here, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownXrBlock<'a> {
    /// The type of the block.
    pub block_type: u8,
    /// The octet behind the type; its meaning is the type's.
    pub type_specific: u8,
    /// What follows the four octets of the block's header, whole words.
    pub body: &'a [u8],
}

/// The items of a DLRR block.
#[derive(Clone, Copy, Debug)]
pub struct Dlrr<'a> {
    items: &'a [[[u8; 4]; 3]],
    ignored: usize,
}

/// The answer to the reference time of one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DlrrItem {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The compact NTP time of its last reference time; 0 if none came.
    pub last_receiver_report: u32,
    /// The time since that arrived, in 1/65,536 s.
    pub delay_since_last_receiver_report: u32,
}

/// The items of a target bit rate block.
#[derive(Clone, Copy, Debug)]
pub struct TargetBitrate<'a> {
    items: &'a [[u8; 4]],
}

/// The rate of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerBitrate {
    /// The spatial layer, 0 to 15.
    pub spatial: u8,
    /// The temporal layer, 0 to 15.
    pub temporal: u8,
    /// The rate in kbit/s, up to 24 bits; what is more is written as the largest.
    pub kilobits_per_second: u32,
}

/// Types of blocks (IANA, RTCP XR block types).
mod block_type {
    pub(super) const RECEIVER_REFERENCE_TIME: u8 = 4;
    pub(super) const DLRR: u8 = 5;
    pub(super) const TARGET_BITRATE: u8 = 42;
}

impl<'a> ExtendedReport<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&ssrc, blocks) = frame.words().split_first().ok_or(DecodeError::Length)?;
        let mut rest = blocks;
        while !rest.is_empty() {
            UnknownXrBlock::decode(&mut rest).ok_or(DecodeError::Length)?;
        }
        Ok(Self {
            ssrc: Ssrc::new(word(ssrc)),
            blocks,
        })
    }

    /// The blocks in their order.
    pub fn blocks(&self) -> impl Iterator<Item = XrBlock<'a>> + use<'a> {
        let mut rest = self.blocks;
        std::iter::from_fn(move || UnknownXrBlock::decode(&mut rest).map(XrBlock::of))
    }

    /// Appends a report with some blocks; nothing without any.
    pub(crate) fn encode(
        buf: &mut Vec<u8>,
        ssrc: Ssrc,
        blocks: &[XrBlockToSend<'_>],
    ) -> Result<(), EncodeError> {
        let words: usize = blocks.iter().map(XrBlockToSend::words).sum();
        if words >= usize::from(u16::MAX) {
            return Err(EncodeError::TooLong);
        }
        if blocks.is_empty() {
            return Ok(());
        }
        framing::encode(buf, 0, packet_type::EXTENDED_REPORT, |buf| {
            buf.extend_from_slice(&ssrc.get().to_be_bytes());
            for block in blocks {
                block.encode(buf);
            }
        });
        Ok(())
    }
}

impl<'a> XrBlock<'a> {
    fn of(block: UnknownXrBlock<'a>) -> Self {
        let (words, _) = block.body.as_chunks::<4>();
        match block.block_type {
            block_type::RECEIVER_REFERENCE_TIME => match *words {
                [high, low] => Self::ReceiverReferenceTime(NtpTime::new(
                    u64::from(word(high)) << 32 | u64::from(word(low)),
                )),
                _ => Self::Unknown(block),
            },
            block_type::DLRR => match words.as_chunks() {
                (items, []) => {
                    let (items, ignored) = items
                        .split_at_checked(MAX_DLRR_ITEMS)
                        .unwrap_or((items, &[]));
                    Self::Dlrr(Dlrr {
                        items,
                        ignored: ignored.len(),
                    })
                }
                _ => Self::Unknown(block),
            },
            block_type::TARGET_BITRATE => Self::TargetBitrate(TargetBitrate { items: words }),
            _ => Self::Unknown(block),
        }
    }
}

impl<'a> UnknownXrBlock<'a> {
    /// Takes a block off the front of `words`; `None` at their end or if it runs past it.
    fn decode(words: &mut &'a [[u8; 4]]) -> Option<Self> {
        let (&[block_type, type_specific, l0, l1], rest) = words.split_first()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (body, rest) = rest.split_at_checked(length)?;
        *words = rest;
        Some(Self {
            block_type,
            type_specific,
            body: body.as_flattened(),
        })
    }
}

impl<'a> Dlrr<'a> {
    /// The items, up to [`MAX_DLRR_ITEMS`].
    pub fn items(&self) -> impl ExactSizeIterator<Item = DlrrItem> + use<'a> {
        self.items.iter().map(|&[ssrc, last, delay]| DlrrItem {
            ssrc: Ssrc::new(word(ssrc)),
            last_receiver_report: word(last),
            delay_since_last_receiver_report: word(delay),
        })
    }

    /// How many items beyond [`MAX_DLRR_ITEMS`] the block had.
    pub const fn ignored_items(&self) -> usize {
        self.ignored
    }
}

impl<'a> TargetBitrate<'a> {
    /// The layers in their order.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerBitrate> + use<'a> {
        self.items.iter().map(|&[layer, r2, r1, r0]| LayerBitrate {
            spatial: layer >> 4,
            temporal: layer & 0x0f,
            kilobits_per_second: u32::from_be_bytes([0, r2, r1, r0]),
        })
    }
}

/// A block for [`Writer::extended_report`](crate::Writer::extended_report).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum XrBlockToSend<'a> {
    /// Our time, to be echoed.
    ReceiverReferenceTime(NtpTime),
    /// Echoes of reference times.
    Dlrr(&'a [DlrrItem]),
    /// What we aim at.
    TargetBitrate(&'a [LayerBitrate]),
    /// A block of any type; its body is filled with zeros to a whole word.
    Other(UnknownXrBlock<'a>),
}

impl XrBlockToSend<'_> {
    /// The words behind the header of the block.
    const fn body_words(&self) -> usize {
        match self {
            Self::ReceiverReferenceTime(_) => 2,
            Self::Dlrr(items) => items.len().saturating_mul(3),
            Self::TargetBitrate(layers) => layers.len(),
            Self::Other(block) => block.body.len().div_ceil(4),
        }
    }

    const fn words(&self) -> usize {
        self.body_words().saturating_add(1)
    }

    fn encode(&self, buf: &mut Vec<u8>) {
        let (block_type, type_specific) = match self {
            Self::ReceiverReferenceTime(_) => (block_type::RECEIVER_REFERENCE_TIME, 0),
            Self::Dlrr(_) => (block_type::DLRR, 0),
            Self::TargetBitrate(_) => (block_type::TARGET_BITRATE, 0),
            Self::Other(block) => (block.block_type, block.type_specific),
        };
        let [l1, l0] = u16::try_from(self.body_words())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        buf.extend_from_slice(&[block_type, type_specific, l1, l0]);
        match self {
            Self::ReceiverReferenceTime(time) => {
                buf.extend_from_slice(&time.get().to_be_bytes());
            }
            Self::Dlrr(items) => {
                for item in *items {
                    buf.extend_from_slice(&item.ssrc.get().to_be_bytes());
                    buf.extend_from_slice(&item.last_receiver_report.to_be_bytes());
                    buf.extend_from_slice(&item.delay_since_last_receiver_report.to_be_bytes());
                }
            }
            Self::TargetBitrate(layers) => {
                for layer in *layers {
                    let rate = layer.kilobits_per_second.min(0xff_ffff);
                    let [_, r2, r1, r0] = rate.to_be_bytes();
                    let place = layer.spatial.min(15) << 4 | layer.temporal.min(15);
                    buf.extend_from_slice(&[place, r2, r1, r0]);
                }
            }
            Self::Other(block) => {
                buf.extend_from_slice(block.body);
                buf.resize(
                    buf.len() + block.body.len().next_multiple_of(4) - block.body.len(),
                    0,
                );
            }
        }
    }
}
