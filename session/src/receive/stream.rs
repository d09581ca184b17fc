use super::nack::NackLog;
use super::statistics::ReceiveStatistics;
use super::tracker::{Places, SequenceTracker};
use crate::clock::to_short_ntp;
use crate::config::PayloadMapping;
use crate::id::StreamKey;
use rtcp::{NtpTime, ReportBlock, SenderInfo};
use rtp::{MediaKind, PacketView, Ssrc};
use std::time::Instant;

/// One received media stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) receiver: u32,
    pub(crate) kind: MediaKind,
    pub(crate) key: StreamKey,
    pub(crate) source: Source,
    pub(crate) places: Places,
    pub(crate) nacks: NackLog,
    pub(crate) counters: StreamCounters,
    /// The payload type of the last packet.
    pub(crate) mapping: PayloadMapping,
    /// Too much is missing to be repaired.
    pub(crate) needs_keyframe: bool,
}

impl Stream {
    pub(crate) fn new(
        receiver: u32,
        kind: MediaKind,
        source: Source,
        key: StreamKey,
        mapping: PayloadMapping,
    ) -> Self {
        Self {
            receiver,
            kind,
            key,
            source,
            places: Places::default(),
            nacks: NackLog::default(),
            counters: StreamCounters::default(),
            mapping,
            needs_keyframe: false,
        }
    }

    /// The sequence numbers leapt: a new run begins, and what was missing from the old one stays so.
    pub(crate) fn restart(&mut self) {
        self.key = self.key.successor();
        self.places = Places::default();
        self.nacks.clear();
        self.needs_keyframe = true;
    }
}

/// What the statistics of a media stream count beyond those of its SSRC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamCounters {
    pub(crate) bytes: u64,
    pub(crate) header_bytes: u64,
    pub(crate) discarded: u64,
    pub(crate) retransmitted_packets: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) nacks: u32,
    pub(crate) plis: u32,
    pub(crate) firs: u32,
}

impl StreamCounters {
    pub(crate) fn on_packet(&mut self, view: &PacketView<'_>) {
        self.bytes += view.payload().len() as u64;
        self.header_bytes += (view.header_len() + view.padding_len()) as u64;
    }
}

/// One received stream of retransmissions (RFC 4588 §4).
#[derive(Debug)]
pub(crate) struct RepairStream {
    pub(crate) kind: MediaKind,
    pub(crate) source: Source,
    /// The media stream it repairs, once that is known.
    pub(crate) original: Option<u32>,
}

/// What is known about any SSRC from which packets arrive.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) ssrc: Ssrc,
    pub(crate) tracker: SequenceTracker,
    pub(crate) statistics: ReceiveStatistics,
    pub(crate) last_packet: Instant,
    /// A report about it is to be sent.
    pub(crate) report_due: bool,
    /// When it ends because it said BYE.
    pub(crate) ends_at: Option<Instant>,
    report: Option<RemoteReport>,
    reports_received: u64,
}

/// The last sender report of a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemoteReport {
    pub(crate) info: SenderInfo,
    arrived: Instant,
}

impl RemoteReport {
    /// Its two clocks.
    pub(crate) const fn clocks(&self) -> (NtpTime, u32) {
        (self.info.ntp_time, self.info.rtp_timestamp)
    }
}

impl Source {
    pub(crate) fn new(now: Instant, ssrc: Ssrc) -> Self {
        Self {
            ssrc,
            tracker: SequenceTracker::default(),
            statistics: ReceiveStatistics::default(),
            last_packet: now,
            report_due: false,
            ends_at: None,
            report: None,
            reports_received: 0,
        }
    }

    pub(crate) fn on_report(&mut self, now: Instant, info: SenderInfo) {
        self.reports_received += 1;
        self.report = Some(RemoteReport { info, arrived: now });
    }

    pub(crate) const fn report(&self) -> Option<RemoteReport> {
        self.report
    }

    pub(crate) const fn reports_received(&self) -> u64 {
        self.reports_received
    }

    /// What is said about it in the next report; begins a new interval.
    pub(crate) fn take_report_block(&mut self, now: Instant) -> ReportBlock {
        let (fraction_lost, cumulative_lost) = self.statistics.take_loss();
        let (last, delay) = self.report.map_or((0, 0), |report| {
            let delay = now.saturating_duration_since(report.arrived);
            (report.info.ntp_time.compact(), to_short_ntp(delay))
        });
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            cumulative_lost,
            extended_highest_sequence_number: self.tracker.extended_highest(),
            jitter: self.statistics.jitter_ticks(),
            last_sender_report: last,
            delay_since_last_sender_report: delay,
        }
    }
}
