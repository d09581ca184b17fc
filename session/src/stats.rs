use crate::receive::Stream;
use crate::send::Sender;
use crate::{ReceiverId, SenderId};
use rtp::{MediaKind, Ssrc};
use std::time::Duration;

/// A snapshot of the session. Names are those of W3C webrtc-stats in Rust's case; times are `Duration`s.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// One per received stream, `inbound-rtp` and `remote-outbound-rtp`.
    pub inbound: Vec<InboundStats>,
    /// One per sender, `outbound-rtp` and `remote-inbound-rtp`.
    pub outbound: Vec<OutboundStats>,
    /// Smoothed round-trip time, `None` until one was measured or handed in.
    pub round_trip_time: Option<Duration>,
    /// What was refused or given up, by reason.
    pub drops: Drops,
}

/// `RTCInboundRtpStreamStats` and, from `remote_`, `RTCRemoteOutboundRtpStreamStats`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InboundStats {
    /// The media section.
    pub receiver: ReceiverId,
    /// The stream.
    pub ssrc: Ssrc,
    /// Audio or video.
    pub kind: MediaKind,
    /// Packets received, retransmissions that recovered one included.
    pub packets_received: u64,
    /// Packets lost (RFC 3550 A.3), negative if duplicates outnumber them.
    pub packets_lost: i64,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// Bytes of headers and padding received.
    pub header_bytes_received: u64,
    /// Packets dropped because nobody took them in time.
    pub packets_discarded: u64,
    /// Packets that came as a retransmission.
    pub retransmitted_packets_received: u64,
    /// Their payload bytes.
    pub retransmitted_bytes_received: u64,
    /// NACK packets sent.
    pub nack_count: u32,
    /// Picture Loss Indications sent.
    pub pli_count: u32,
    /// Full Intra Requests sent.
    pub fir_count: u32,
    /// Sender reports received.
    pub remote_reports_received: u64,
    /// Packets the remote side says it sent.
    pub remote_packets_sent: u32,
    /// Payload bytes the remote side says it sent.
    pub remote_bytes_sent: u32,
    /// The NTP timestamp of its last report.
    pub remote_timestamp: Option<u64>,
}

/// `RTCOutboundRtpStreamStats` and, from `remote_`, `RTCRemoteInboundRtpStreamStats`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutboundStats {
    /// The sender.
    pub sender: SenderId,
    /// Its SSRC.
    pub ssrc: Ssrc,
    /// Audio or video.
    pub kind: MediaKind,
    /// Packets sent, retransmissions included.
    pub packets_sent: u64,
    /// Payload bytes sent, retransmissions included.
    pub bytes_sent: u64,
    /// Bytes of headers and padding sent.
    pub header_bytes_sent: u64,
    /// Packets sent again.
    pub retransmitted_packets_sent: u64,
    /// Their payload bytes.
    pub retransmitted_bytes_sent: u64,
    /// NACK packets received.
    pub nack_count: u32,
    /// Picture Loss Indications received.
    pub pli_count: u32,
    /// Full Intra Requests received.
    pub fir_count: u32,
    /// Packets dropped because `poll_transmit` was not called in time.
    pub packets_discarded_on_send: u64,
    /// Packets lost on the way, as the remote side reports.
    pub remote_packets_lost: i32,
    /// The fraction lost in its last report, 0 to 1.
    pub remote_fraction_lost: f64,
    /// The jitter in its last report.
    pub remote_jitter: Duration,
    /// The last round-trip time measured with this stream.
    pub round_trip_time: Option<Duration>,
    /// The sum of all of them.
    pub total_round_trip_time: Duration,
    /// How many there were.
    pub round_trip_time_measurements: u64,
}

/// What was refused or given up, by reason. None of these is an error: a peer can cause each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drops {
    /// Not RTP.
    pub malformed_rtp: u64,
    /// RTCP whose first packet could not be read, or the unreadable rest of a compound.
    pub malformed_rtcp: u64,
    /// No media section could be found in time.
    pub unknown_stream: u64,
    /// The media section did not agree on the payload type.
    pub unknown_payload_type: u64,
    /// A retransmission of a stream that is not known, or without an original in it.
    pub unusable_retransmission: u64,
    /// A packet that was there already.
    pub duplicate: u64,
    /// The first packet after a leap of the sequence numbers, which may be a stray (RFC 3550 A.1).
    pub sequence_leap: u64,
    /// Padding alone, or the SSRC 0: counted in the stream, never delivered.
    pub padding: u64,
    /// Header extensions that repeat an id of the same packet: the first one counts.
    pub duplicate_extensions: u64,
    /// The receive queue was full.
    pub receive_queue: u64,
    /// The send queue was full.
    pub send_queue: u64,
    /// Streams forgotten because there were more than the session keeps.
    pub streams_evicted: u64,
    /// Reports or feedback about an SSRC that is not ours, or not theirs.
    pub unknown_ssrc_feedback: u64,
    /// Sequence numbers asked for that are not in the history, or cannot be retransmitted.
    pub retransmission_unavailable: u64,
    /// Sequence numbers asked for too soon or too often.
    pub retransmission_suppressed: u64,
    /// Retransmissions that the budget did not allow.
    pub retransmission_budget: u64,
    /// Missing packets given up: asked for ten times, too old, or too many.
    pub repair_abandoned: u64,
    /// Packets for [`forward`](crate::Session::forward) from before the last change of source.
    pub forward_stale: u64,
    /// Events dropped because nobody took them.
    pub events: u64,
}

impl InboundStats {
    pub(crate) fn of(stream: &Stream) -> Self {
        let statistics = &stream.source.statistics;
        let counters = &stream.counters;
        let report = stream.source.report().map(|report| report.info);
        Self {
            receiver: ReceiverId::new(stream.receiver),
            ssrc: stream.source.ssrc,
            kind: stream.kind,
            packets_received: statistics.received(),
            packets_lost: statistics.lost(),
            jitter: statistics.jitter(),
            bytes_received: counters.bytes,
            header_bytes_received: counters.header_bytes,
            packets_discarded: counters.discarded,
            retransmitted_packets_received: counters.retransmitted_packets,
            retransmitted_bytes_received: counters.retransmitted_bytes,
            nack_count: counters.nacks,
            pli_count: counters.plis,
            fir_count: counters.firs,
            remote_reports_received: stream.source.reports_received(),
            remote_packets_sent: report.map_or(0, |info| info.packet_count),
            remote_bytes_sent: report.map_or(0, |info| info.octet_count),
            remote_timestamp: report.map(|info| info.ntp_time.get()),
        }
    }
}

impl OutboundStats {
    pub(crate) fn of(id: SenderId, sender: &Sender) -> Self {
        let counters = &sender.counters;
        let remote = &sender.remote;
        Self {
            sender: id,
            ssrc: sender.config.ssrc,
            kind: sender.config.kind,
            packets_sent: counters.packets,
            bytes_sent: counters.bytes,
            header_bytes_sent: counters.header_bytes,
            retransmitted_packets_sent: counters.retransmitted_packets,
            retransmitted_bytes_sent: counters.retransmitted_bytes,
            nack_count: counters.nacks,
            pli_count: counters.plis,
            fir_count: counters.firs,
            packets_discarded_on_send: counters.discarded,
            remote_packets_lost: remote.packets_lost,
            remote_fraction_lost: f64::from(remote.fraction_lost) / 256.0,
            remote_jitter: sender.clock.duration_of(remote.jitter),
            round_trip_time: remote.round_trip,
            total_round_trip_time: remote.total_round_trip,
            round_trip_time_measurements: remote.measurements,
        }
    }
}
