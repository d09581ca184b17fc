use super::continuity::Continuity;
use super::history::History;
use super::translation::Translation;
use crate::config::{Announce, PayloadMapping, SenderConfig};
use rtp::{ExtensionIds, Extensions, Packet, PayloadType, SequenceNumber, Ssrc};
use std::time::{Duration, Instant};

/// One outgoing stream.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) config: SenderConfig,
    pub(crate) continuity: Continuity,
    pub(crate) translation: Translation,
    pub(crate) history: History,
    pub(crate) clock: MediaClock,
    pub(crate) counters: SenderCounters,
    pub(crate) remote: RemoteView,
    pub(crate) keyframe: KeyframeDemand,
    pub(crate) nack_rate: NackRate,
    /// A report of it is to be sent.
    pub(crate) report_due: bool,
    pub(crate) last_sent: Option<Instant>,
    /// How often its SSRC collided.
    pub(crate) collisions: u8,
    rtx_sequence: SequenceNumber,
    announce_until: Instant,
    announced: Announced,
}

/// Which SSRCs the remote side has bound.
#[derive(Clone, Copy, Debug, Default)]
struct Announced {
    media: bool,
    repair: bool,
}

/// How long MID and RID go with every packet at least, after a negotiation.
const ANNOUNCE_AT_LEAST: Duration = Duration::from_secs(1);

impl Sender {
    pub(crate) fn new(now: Instant, config: SenderConfig, numbers: FirstNumbers) -> Self {
        Self {
            config,
            continuity: Continuity::new(numbers.sequence, numbers.timestamp),
            translation: Translation::default(),
            history: History::default(),
            clock: MediaClock::default(),
            counters: SenderCounters::default(),
            remote: RemoteView::default(),
            keyframe: KeyframeDemand::default(),
            nack_rate: NackRate::default(),
            report_due: false,
            last_sent: None,
            collisions: 0,
            rtx_sequence: SequenceNumber::new(numbers.rtx_sequence),
            announce_until: now + ANNOUNCE_AT_LEAST,
            announced: Announced::default(),
        }
    }

    /// Another negotiation took place.
    pub(crate) fn announce_again(&mut self, now: Instant) {
        self.announce_until = now + ANNOUNCE_AT_LEAST;
    }

    /// Whether an SSRC is one of its two.
    pub(crate) fn owns(&self, ssrc: Ssrc) -> bool {
        self.config.ssrc == ssrc || self.config.rtx_ssrc == Some(ssrc)
    }

    /// The remote side reports about an SSRC, so it has bound it.
    pub(crate) fn on_reported(&mut self, ssrc: Ssrc) {
        if ssrc == self.config.ssrc {
            self.announced.media = true;
        } else {
            self.announced.repair = true;
        }
    }

    /// An SSRC changed: it is unknown to the remote side again.
    pub(crate) fn on_ssrc_changed(&mut self) {
        self.announced = Announced::default();
    }

    pub(crate) fn mapping(&self, pt: PayloadType) -> Option<PayloadMapping> {
        let mut mappings = self.config.payload_types.iter();
        mappings.find(|mapping| mapping.pt == pt).copied()
    }

    /// Puts MID and RID on a media packet as long as the remote side needs them.
    pub(crate) fn announce_media(
        &self,
        now: Instant,
        ids: &ExtensionIds,
        extensions: &mut Extensions,
    ) {
        if self.announces(now, self.announced.media) {
            self.announce(ids.mid, ids.rid, extensions);
        }
    }

    fn announces(&self, now: Instant, bound: bool) -> bool {
        self.config.announce == Announce::Always || !bound || now < self.announce_until
    }

    fn announce(&self, mid_id: Option<u8>, rid_id: Option<u8>, extensions: &mut Extensions) {
        // Ids come from the map and these values are short, so setting them fails on opaque extensions only.
        if let (Some(id), Some(mid)) = (mid_id, &self.config.mid) {
            let _ = extensions.set(id, mid.as_bytes());
        }
        if let (Some(id), Some(rid)) = (rid_id, &self.config.rid) {
            let _ = extensions.set(id, rid.as_bytes());
        }
    }

    /// Whether packets of this payload type can be retransmitted.
    pub(crate) fn is_repairable(&self, pt: PayloadType) -> bool {
        self.repair(pt).is_some()
    }

    fn repair(&self, pt: PayloadType) -> Option<(Ssrc, PayloadType)> {
        let mapping = self.mapping(pt).filter(|mapping| mapping.nack)?;
        Some((self.config.rtx_ssrc?, mapping.rtx_pt?))
    }

    /// The header of the retransmission of a kept packet; the original sequence number and the payload follow it
    /// (RFC 4588 §4).
    pub(crate) fn retransmission(
        &self,
        now: Instant,
        sequence: u64,
        ids: &ExtensionIds,
    ) -> Option<Retransmission> {
        let original = &self.history.get(sequence)?.packet;
        let (ssrc, payload_type) = self.repair(original.payload_type)?;
        let mut extensions = original.extensions.clone();
        for id in [ids.mid, ids.rid].into_iter().flatten() {
            extensions.remove(id);
        }
        if self.announces(now, self.announced.repair) {
            self.announce(ids.mid, ids.repaired_rid, &mut extensions);
        }
        let header = Packet {
            payload_type,
            marker: original.marker,
            sequence_number: self.rtx_sequence,
            timestamp: original.timestamp,
            ssrc,
            csrcs: original.csrcs.clone(),
            extensions,
            payload: bytes::Bytes::new(),
            padding_len: 0,
        };
        let retransmission = Retransmission {
            header,
            original_number: original.sequence_number,
            payload: original.payload.clone(),
        };
        Some(retransmission)
    }

    /// A retransmission was not allowed to leave: the next request for it counts as the first.
    pub(crate) fn withdraw_grant(&mut self, sequence: u64) {
        if let Some(kept) = self.history.get_mut(sequence) {
            kept.granted = None;
        }
    }

    /// A retransmission left.
    pub(crate) fn on_retransmitted(&mut self, payload_bytes: usize, header_bytes: usize) {
        self.rtx_sequence = self.rtx_sequence.next();
        self.counters.on_sent(payload_bytes, header_bytes);
        self.counters.retransmitted_packets += 1;
        self.counters.retransmitted_bytes += payload_bytes as u64;
    }
}

/// Where counting begins (RFC 3550 §5.1). Sequence numbers in the lower half: a first packet that is lost across
/// the wrap would leave SRTP's rollover counter in doubt (RFC 3711 §3.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstNumbers {
    pub(crate) sequence: u16,
    pub(crate) rtx_sequence: u16,
    pub(crate) timestamp: u32,
}

/// A packet on the repair stream.
#[derive(Debug)]
pub(crate) struct Retransmission {
    pub(crate) header: Packet,
    pub(crate) original_number: SequenceNumber,
    pub(crate) payload: bytes::Bytes,
}

/// What the statistics count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SenderCounters {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) header_bytes: u64,
    pub(crate) retransmitted_packets: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) discarded: u64,
    pub(crate) nacks: u32,
    pub(crate) plis: u32,
    pub(crate) firs: u32,
}

impl SenderCounters {
    pub(crate) fn on_sent(&mut self, payload_bytes: usize, header_bytes: usize) {
        self.packets += 1;
        self.bytes += payload_bytes as u64;
        self.header_bytes += header_bytes as u64;
    }
}

/// How the media clock lies to time (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MediaClock {
    known: Option<(Instant, u32)>,
    clock_rate: u32,
    /// Capture times come from the application or from another session, not from the time of sending.
    explicit: bool,
}

impl MediaClock {
    /// The application, or the origin of a forwarded packet, tells when a timestamp was captured.
    pub(crate) fn set(&mut self, captured: Instant, timestamp: u32) {
        self.known = Some((captured, timestamp));
        self.explicit = true;
    }

    /// A packet was handed in: the best guess where nobody tells.
    pub(crate) fn guess(&mut self, now: Instant, timestamp: u32) {
        let same = self.known.is_some_and(|(_, known)| known == timestamp);
        if !self.explicit && !same {
            self.known = Some((now, timestamp));
        }
    }

    pub(crate) fn set_rate(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// How long this many ticks last.
    pub(crate) fn duration_of(&self, ticks: u32) -> Duration {
        match self.clock_rate {
            0 => Duration::ZERO,
            rate => Duration::from_nanos(u64::from(ticks) * 1_000_000_000 / u64::from(rate)),
        }
    }

    /// The timestamp that corresponds to `now`.
    pub(crate) fn timestamp(&self, now: Instant) -> Option<u32> {
        Some(crate::clock::extrapolate(self.known?, now, self.clock_rate))
    }
}

/// What the remote side reports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RemoteView {
    pub(crate) packets_lost: i32,
    pub(crate) fraction_lost: u8,
    pub(crate) jitter: u32,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) total_round_trip: Duration,
    pub(crate) measurements: u64,
}

/// Keyframe requests of the remote side become one event per interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyframeDemand {
    pending: u32,
    last_event: Option<Instant>,
    last_fir: Option<(Ssrc, u8)>,
}

/// The least time between two events for a sender.
const KEYFRAME_EVENT_INTERVAL: Duration = Duration::from_millis(300);

impl KeyframeDemand {
    /// A request arrived.
    pub(crate) fn on_request(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    /// Whether a FIR is a new command rather than the repetition of one (RFC 5104 §4.3.1.2).
    pub(crate) fn is_new_fir(&mut self, from: Ssrc, sequence: u8) -> bool {
        self.last_fir.replace((from, sequence)) != Some((from, sequence))
    }

    /// When the collected requests become an event.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let last = self.last_event.filter(|_| self.pending > 0)?;
        Some(last + KEYFRAME_EVENT_INTERVAL)
    }

    /// The collected requests, if it is time for them.
    pub(crate) fn take(&mut self, now: Instant) -> Option<u32> {
        if self.pending == 0 || self.deadline().is_some_and(|deadline| deadline > now) {
            return None;
        }
        self.last_event = Some(now);
        Some(std::mem::take(&mut self.pending))
    }
}

/// Bounds the sequence numbers that are looked up per second, whatever is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NackRate {
    second: Option<Instant>,
    used: u32,
}

const MAX_NACKED_PER_SECOND: u32 = 1_000;

impl NackRate {
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let fresh = self
            .second
            .is_none_or(|start| now.saturating_duration_since(start) >= Duration::from_secs(1));
        if fresh {
            *self = Self {
                second: Some(now),
                used: 0,
            };
        }
        self.used = self.used.saturating_add(1);
        self.used <= MAX_NACKED_PER_SECOND
    }
}
