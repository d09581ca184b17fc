use rtp::Ssrc;

use super::packet_type;
use super::report_block::{ReportBlock, ReportBlocks};
use crate::framing::{Frame, word};
use crate::{DecodeError, NtpTime};

/// SR: what a sender sent, and how its wall clock and its media clock lie to each other (RFC 3550 §6.4.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    RC   |   PT=SR=200   |             length            |
/// |                         SSRC of sender                        |
/// |                  NTP timestamp, 64 bits                       |
/// |                         RTP timestamp                         |
/// |                     sender's packet count                     |
/// |                      sender's octet count                     |
/// |                       report blocks ...                       |
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    /// The stream that is sent.
    pub ssrc: Ssrc,
    /// Clocks and counts.
    pub info: SenderInfo,
    /// What the sender received from others.
    pub blocks: ReportBlocks<'a>,
}

/// The sender's part of an SR (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall-clock time of the report.
    pub ntp_time: NtpTime,
    /// The same instant on the media clock.
    pub rtp_timestamp: u32,
    /// The packets sent so far, modulo 2³².
    pub packet_count: u32,
    /// The payload octets sent so far, headers and padding not counted, modulo 2³².
    pub octet_count: u32,
}

impl<'a> SenderReport<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&[ssrc, ntp_high, ntp_low, rtp, packets, octets], rest) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        Ok(Self {
            ssrc: Ssrc::new(word(ssrc)),
            info: SenderInfo {
                ntp_time: NtpTime::new(u64::from(word(ntp_high)) << 32 | u64::from(word(ntp_low))),
                rtp_timestamp: word(rtp),
                packet_count: word(packets),
                octet_count: word(octets),
            },
            blocks: ReportBlocks::decode(frame.count, rest)?,
        })
    }

    /// Appends an SR with as many of the blocks as it holds, and returns the others.
    pub(crate) fn encode<'b>(
        buf: &mut Vec<u8>,
        ssrc: Ssrc,
        info: &SenderInfo,
        blocks: &'b [ReportBlock],
    ) -> &'b [ReportBlock] {
        super::receiver_report::encode_blocks(buf, packet_type::SENDER_REPORT, blocks, |buf| {
            buf.extend_from_slice(&ssrc.get().to_be_bytes());
            buf.extend_from_slice(&info.ntp_time.get().to_be_bytes());
            for word in [info.rtp_timestamp, info.packet_count, info.octet_count] {
                buf.extend_from_slice(&word.to_be_bytes());
            }
        })
    }
}
