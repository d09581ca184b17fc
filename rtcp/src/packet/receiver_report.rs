use rtp::Ssrc;

use super::packet_type;
use super::report_block::{MAX_REPORT_BLOCKS, ReportBlock, ReportBlocks};
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// RR: what somebody who sends nothing received (RFC 3550 §6.4.2).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    RC   |   PT=RR=201   |             length            |
/// |                     SSRC of packet sender                     |
/// |                       report blocks ...                       |
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What was received.
    pub blocks: ReportBlocks<'a>,
}

impl<'a> ReceiverReport<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&ssrc, rest) = frame.words().split_first().ok_or(DecodeError::Length)?;
        Ok(Self {
            ssrc: Ssrc::new(word(ssrc)),
            blocks: ReportBlocks::decode(frame.count, rest)?,
        })
    }

    /// Appends an RR with as many of the blocks as it holds, and returns the others.
    pub(crate) fn encode<'b>(
        buf: &mut Vec<u8>,
        ssrc: Ssrc,
        blocks: &'b [ReportBlock],
    ) -> &'b [ReportBlock] {
        encode_blocks(buf, packet_type::RECEIVER_REPORT, blocks, |buf| {
            buf.extend_from_slice(&ssrc.get().to_be_bytes());
        })
    }
}

/// Appends a report of either type and returns the blocks that found no room in it.
pub(super) fn encode_blocks<'b>(
    buf: &mut Vec<u8>,
    packet_type: u8,
    blocks: &'b [ReportBlock],
    head: impl FnOnce(&mut Vec<u8>),
) -> &'b [ReportBlock] {
    let (now, later) = blocks
        .split_at_checked(MAX_REPORT_BLOCKS)
        .unwrap_or((blocks, &[]));
    let count = u8::try_from(now.len()).unwrap_or(0);
    framing::encode(buf, count, packet_type, |buf| {
        head(buf);
        for block in now {
            block.encode(buf);
        }
    });
    later
}
