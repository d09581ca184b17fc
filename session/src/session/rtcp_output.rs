use super::Session;
use crate::clock::ClockAnchor;
use crate::config::{KeyframeFeedback, RtcpMode};
use crate::receive::Inbound;
use crate::send::Sender;
use crate::timer::Timer;
use rtcp::{FirEntry, MAX_REPORT_BLOCKS, ReportBlock, SenderInfo, Writer};
use rtp::{SequenceNumber, Ssrc};
use std::time::Instant;

/// The sizes that decide what still fits (RFC 3550 §6.4, §6.6, RFC 4585 §6.1, RFC 5104 §4.3.1).
const SENDER_REPORT: usize = 28;
const REPORT_BLOCK: usize = 24;
const FEEDBACK: usize = 12;
const NACK_ENTRY: usize = 4;
const FIR_ENTRY: usize = 8;
const GOODBYE: usize = 4;
const MAX_GOODBYES: usize = 31;

impl Session {
    /// Appends one RTCP packet if there is something to say. What does not fit says so by `pending`.
    pub(super) fn write_rtcp(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.rtcp.pending) {
            return false;
        }
        let start = buf.len();
        let speaker = self.speaker();
        let mut writer = Writer::new(buf);
        let due = self.has_report_due();
        let compound = self.rtcp.mode == RtcpMode::Compound || !self.rtcp.goodbyes.is_empty();
        if due || compound {
            self.write_reports(now, speaker, &mut writer);
        }
        let reports = writer.len();
        self.write_nacks(now, speaker, &mut writer);
        self.write_keyframe_requests(now, speaker, &mut writer);
        self.write_goodbyes(&mut writer);
        let written = due || writer.len() > reports;
        if !written {
            // What was to be asked for arrived meanwhile, and a report that is not due says nothing.
            buf.truncate(start);
        }
        written
    }

    /// The SSRC that speaks: a real one of ours once there is any.
    fn speaker(&self) -> Ssrc {
        let first = self.outbound.senders.iter().next();
        first.map_or(self.rtcp.ssrc, |(_, sender)| sender.config.ssrc)
    }

    fn has_report_due(&mut self) -> bool {
        let senders = self
            .outbound
            .senders
            .iter()
            .any(|(_, sender)| sender.report_due);
        senders
            || self
                .inbound
                .sources_mut()
                .any(|(_, source)| source.report_due)
    }

    /// One report with what is said about received streams, then the reports of other senders, each with its name.
    fn write_reports(&mut self, now: Instant, speaker: Ssrc, writer: &mut Writer<'_>) {
        let limit = self.config.rtcp_packet_bytes;
        let name = description_bytes(&self.config.cname);
        let room = limit.saturating_sub(SENDER_REPORT + name) / REPORT_BLOCK;
        let mut blocks = [ReportBlock::default(); MAX_REPORT_BLOCKS];
        let mut free = blocks.iter_mut().take(room);
        let mut count = 0;
        for (_, source) in self
            .inbound
            .sources_mut()
            .filter(|(_, source)| source.report_due)
        {
            let Some(block) = free.next() else {
                self.rtcp.pending = true;
                break;
            };
            source.report_due = false;
            *block = source.take_report_block(now);
            count += 1;
        }
        let mut blocks = blocks.get(..count).unwrap_or_default();
        let senders = self.outbound.senders.iter_mut().map(|(_, sender)| sender);
        for sender in senders.filter(|sender| sender.report_due) {
            if !writer.is_empty() && writer.len() + SENDER_REPORT + name > limit {
                self.rtcp.pending = true;
                break;
            }
            sender.report_due = false;
            let Some(info) = sender_info(now, &self.config.clock, sender) else {
                continue;
            };
            writer.sender_report(sender.config.ssrc, &info, std::mem::take(&mut blocks));
            writer.source_description(sender.config.ssrc, &self.config.cname);
        }
        if writer.is_empty() {
            writer.receiver_report(speaker, blocks);
            writer.source_description(speaker, &self.config.cname);
        }
    }

    fn write_nacks(&mut self, now: Instant, speaker: Ssrc, writer: &mut Writer<'_>) {
        let round_trip = self.round_trip.or_default();
        for (_, stream) in self.inbound.streams.iter_mut() {
            if !stream.nacks.is_ready() {
                continue;
            }
            let room = self
                .config
                .rtcp_packet_bytes
                .saturating_sub(writer.len() + FEEDBACK);
            // Allocates only when something was lost.
            let mut lost = Vec::new();
            stream
                .nacks
                .take_due(now, round_trip, room / NACK_ENTRY, &mut lost);
            if !lost.is_empty() {
                let numbers = lost
                    .iter()
                    .map(|&sequence| SequenceNumber::new(sequence as u16));
                writer.nack(speaker, stream.source.ssrc, numbers);
                stream.counters.nacks = stream.counters.nacks.saturating_add(1);
            }
            self.rtcp.pending |= stream.nacks.is_ready();
            if let Some(deadline) = stream.nacks.deadline() {
                self.timers.advance(Timer::Nack, deadline);
            }
        }
    }

    fn write_keyframe_requests(&mut self, now: Instant, speaker: Ssrc, writer: &mut Writer<'_>) {
        let limit = self.config.rtcp_packet_bytes;
        let Inbound {
            receivers, streams, ..
        } = &mut self.inbound;
        for (id, receiver) in receivers.iter_mut() {
            let request = &mut receiver.keyframe;
            if !request.is_ready() {
                continue;
            }
            if writer.len() + FEEDBACK + FIR_ENTRY > limit {
                self.rtcp.pending = true;
                break;
            }
            let latest = streams
                .iter_mut()
                .map(|(_, stream)| stream)
                .filter(|stream| stream.receiver == id)
                .max_by_key(|stream| stream.source.last_packet);
            let feedback =
                latest.and_then(|stream| Some((stream.mapping.keyframe_feedback?, stream)));
            let Some((feedback, stream)) = feedback else {
                // A stream that begins does so with a keyframe.
                request.withdraw();
                continue;
            };
            let media = stream.source.ssrc;
            match feedback {
                KeyframeFeedback::PictureLoss => {
                    writer.picture_loss_indication(speaker, media);
                    stream.counters.plis = stream.counters.plis.saturating_add(1);
                }
                KeyframeFeedback::FullIntra => {
                    let entry = FirEntry {
                        ssrc: media,
                        sequence_number: request.next_fir_sequence(),
                    };
                    writer.full_intra_request(speaker, &[entry]);
                    stream.counters.firs = stream.counters.firs.saturating_add(1);
                }
            }
            request.on_sent(now);
        }
    }

    fn write_goodbyes(&mut self, writer: &mut Writer<'_>) {
        let goodbyes = &mut self.rtcp.goodbyes;
        let room = self
            .config
            .rtcp_packet_bytes
            .saturating_sub(writer.len() + GOODBYE)
            / 4;
        let now: Vec<_> = goodbyes
            .drain(..goodbyes.len().min(room).min(MAX_GOODBYES))
            .collect();
        if !now.is_empty() {
            writer.goodbye(&now, None);
        }
        self.rtcp.pending |= !goodbyes.is_empty();
    }
}

/// The bytes of an SDES packet with one CNAME: headers, item, and the zeros that end it (RFC 3550 §6.5).
const fn description_bytes(cname: &str) -> usize {
    (4 + 4 + 2 + cname.len() + 1).next_multiple_of(4)
}

/// Clocks and counts of a sender, `None` before its first packet.
fn sender_info(now: Instant, clock: &ClockAnchor, sender: &Sender) -> Option<SenderInfo> {
    let counters = &sender.counters;
    Some(SenderInfo {
        ntp_time: clock.ntp(now),
        rtp_timestamp: sender.clock.timestamp(now)?,
        packet_count: (counters.packets - counters.retransmitted_packets) as u32,
        octet_count: (counters.bytes - counters.retransmitted_bytes) as u32,
    })
}
