use super::Session;
use crate::config::PayloadMapping;
use crate::event::Event;
use crate::id::{ReceiverId, SenderId, StreamKey};
use crate::packet::ReceivedPacket;
use crate::receive::{
    Arrival, Ended, Gap, Original, PayloadUse, Queued, RepairStream, Role, Source, Stream,
};
use crate::report::SILENCE;
use crate::timer::Timer;
use bytes::Bytes;
use rand::RngExt;
use rtp::{Mid, Packet, PacketView, Rid, SectionId, SequenceNumber, Ssrc};
use std::time::Instant;

/// Where a packet belongs.
enum Route {
    /// To the media section and its stream.
    To(u32, Role, PayloadMapping),
    /// Not known yet; it may become known soon.
    Hold,
    /// Nowhere; it was counted.
    Dropped,
}

/// Streams that end at once when the table of SSRCs is full, so that a flood does not pay for a search each.
const EVICTED_AT_ONCE: usize = 64;

/// How a packet came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On its own SSRC.
    Direct,
    /// As a retransmission, with its original sequence number.
    Retransmitted(SequenceNumber),
}

impl Session {
    pub(super) fn handle_rtp(&mut self, now: Instant, bytes: &[u8]) {
        let Ok(view) = PacketView::parse(bytes) else {
            self.drops.malformed_rtp += 1;
            return;
        };
        let streams_before = self.inbound.streams.len();
        self.receive(now, &view, bytes);
        if self.inbound.streams.len() > streams_before {
            self.retry_held();
        }
    }

    /// Tries held packets again, after a stream or a media section became known.
    pub(super) fn retry_held(&mut self) {
        loop {
            let before = self.inbound.streams.len();
            for (arrived, packet) in self.inbound.hold.take() {
                if let Ok(view) = PacketView::parse(&packet) {
                    self.receive(arrived, &view, &packet);
                }
            }
            // Every turn but the last begins a stream, and no packet begins two.
            if self.inbound.streams.len() <= before {
                break;
            }
        }
        self.timers.set(Timer::Hold, self.inbound.hold.deadline());
    }

    fn receive(&mut self, now: Instant, view: &PacketView<'_>, bytes: &[u8]) {
        if view.ssrc() == Ssrc::new(0) {
            // Probing before there is a stream: only the estimator of the bit rate is interested.
            self.drops.padding += 1;
            return;
        }
        match self.route(now, view) {
            Route::Dropped => {}
            Route::Hold => self.hold(now, bytes),
            Route::To(receiver, role, mapping) => {
                self.begin_reports(now, receiver);
                match role {
                    Role::Media(stream) => {
                        if let Some(rid) = self.read_rid(view, self.headers.ids.rid) {
                            self.inbound.ssrcs.set_rid(view.ssrc(), rid);
                        }
                        self.receive_media(now, stream, view, mapping, Way::Direct);
                    }
                    Role::Repair(repair) => self.receive_repair(now, repair, view, mapping, bytes),
                    Role::Awaited => {}
                }
            }
        }
    }

    fn hold(&mut self, now: Instant, bytes: &[u8]) {
        self.drops.unknown_stream += self.inbound.hold.push(now, Bytes::copy_from_slice(bytes));
        self.timers.set(Timer::Hold, self.inbound.hold.deadline());
    }

    fn read_rid(&self, view: &PacketView<'_>, id: Option<u8>) -> Option<Rid> {
        Rid::decode(view.extension(id?)?)
    }

    /// Finds the media section by MID, SSRC and payload type (RFC 9143 §9.2), and the stream in it.
    fn route(&mut self, now: Instant, view: &PacketView<'_>) -> Route {
        let ssrc = view.ssrc();
        let mid = self
            .headers
            .ids
            .mid
            .and_then(|id| Mid::decode(view.extension(id)?));
        let route = self.inbound.ssrcs.route(ssrc, mid, view.payload_type());
        let (section, bound) = match route {
            rtp::Route::Bound(binding) => (binding.section, Some(binding)),
            rtp::Route::New(section) => (section, None),
            rtp::Route::Moved(section) => {
                // The source says that it belongs to another media section now.
                self.unbind(ssrc);
                (section, None)
            }
            rtp::Route::Unknown => return Route::Hold,
        };
        let receiver = section.get();
        let payload_use = self
            .inbound
            .receivers
            .get(receiver)
            .and_then(|receiver| receiver.payload_use(view.payload_type()));
        let role = bound.map_or(Role::Awaited, |binding| binding.role);
        match (role, payload_use) {
            (_, None) => {
                self.drops.unknown_payload_type += 1;
                Route::Dropped
            }
            (Role::Media(_), Some(PayloadUse::Media(mapping)))
            | (Role::Repair(_), Some(PayloadUse::Repair(mapping))) => {
                Route::To(receiver, role, mapping)
            }
            (Role::Awaited, Some(payload_use)) => {
                let declared = bound.is_some();
                self.bind(now, view, receiver, payload_use, declared)
            }
            (Role::Media(_), Some(PayloadUse::Repair(_)))
            | (Role::Repair(_), Some(PayloadUse::Media(_))) => {
                self.drops.unusable_retransmission += 1;
                Route::Dropped
            }
        }
    }

    /// Begins a stream for an SSRC from which nothing came so far.
    fn bind(
        &mut self,
        now: Instant,
        view: &PacketView<'_>,
        receiver: u32,
        payload_use: PayloadUse,
        declared: bool,
    ) -> Route {
        let ssrc = view.ssrc();
        self.resolve_collision(ssrc);
        if !declared && self.inbound.ssrcs.is_full() {
            for oldest in self.inbound.ssrcs.least_recently_used(EVICTED_AT_ONCE) {
                self.end_stream(oldest);
                self.drops.streams_evicted += 1;
            }
            if self.inbound.ssrcs.is_full() {
                self.drops.unknown_stream += 1;
                return Route::Dropped;
            }
        }
        let Some(kind) = self.inbound.receivers.get(receiver).map(|r| r.config.kind) else {
            return Route::Dropped;
        };
        let (role, mapping) = match payload_use {
            PayloadUse::Media(mapping) => {
                let key = StreamKey::new(self.rng.random());
                let source = Source::new(now, ssrc);
                let stream = Stream::new(receiver, kind, source, key, mapping);
                let id = self.inbound.streams.insert(stream);
                self.push_event(Event::StreamStarted {
                    receiver: ReceiverId::new(receiver),
                    ssrc,
                });
                (Role::Media(id), mapping)
            }
            PayloadUse::Repair(mapping) => {
                let id = self.inbound.repairs.insert(RepairStream {
                    kind,
                    source: Source::new(now, ssrc),
                    original: None,
                });
                (Role::Repair(id), mapping)
            }
        };
        let section = SectionId::new(receiver);
        self.inbound.ssrcs.learn(ssrc, section, role);
        Route::To(receiver, role, mapping)
    }

    /// Forgets an SSRC altogether, its declaration too.
    fn unbind(&mut self, ssrc: Ssrc) {
        self.end_stream(ssrc);
        self.inbound.ssrcs.remove(ssrc);
    }

    /// Ends the stream of an SSRC, if there is one.
    pub(super) fn end_stream(&mut self, ssrc: Ssrc) {
        if let Some(Ended::Media {
            receiver,
            abandoned,
        }) = self.inbound.end(ssrc)
        {
            self.drops.repair_abandoned += abandoned;
            self.push_event(Event::Goodbye {
                receiver: ReceiverId::new(receiver),
                ssrc,
            });
        }
    }

    /// The remote side uses an SSRC of ours: the sender that has it says BYE and takes another (RFC 3550 §8.2).
    pub(super) fn resolve_collision(&mut self, ssrc: Ssrc) {
        const MAX_COLLISIONS: u8 = 4;
        let Some(id) = self.outbound.owner_of(ssrc) else {
            return;
        };
        let new = self.unused_ssrc();
        let Some(sender) = self.outbound.senders.get_mut(id) else {
            return;
        };
        // By chance it never happens twice; a peer that follows us about is left alone.
        if sender.collisions >= MAX_COLLISIONS {
            return;
        }
        sender.collisions += 1;
        if sender.config.ssrc == ssrc {
            sender.config.ssrc = new;
        } else {
            sender.config.rtx_ssrc = Some(new);
        }
        sender.on_ssrc_changed();
        self.say_goodbye(ssrc);
        self.push_event(Event::SsrcChanged {
            sender: SenderId::new(id),
            old: ssrc,
            new,
        });
    }

    fn unused_ssrc(&mut self) -> Ssrc {
        loop {
            let ssrc = Ssrc::new(self.rng.random_range(1..=u32::MAX));
            if self.outbound.owner_of(ssrc).is_none() && self.inbound.ssrcs.get(ssrc).is_none() {
                return ssrc;
            }
        }
    }

    /// A packet of a media stream, direct or unwrapped from a retransmission.
    fn receive_media(
        &mut self,
        now: Instant,
        id: u32,
        view: &PacketView<'_>,
        mapping: PayloadMapping,
        way: Way,
    ) {
        let Some(stream) = self.inbound.streams.get_mut(id) else {
            return;
        };
        let number = match way {
            Way::Direct => view.sequence_number(),
            Way::Retransmitted(number) => number,
        };
        let Some(sequence) = accept(stream, &mut self.drops, now, number, mapping, way) else {
            self.settle_stream(now, id);
            return;
        };
        stream.mapping = mapping;
        stream.source.last_packet = now;
        stream.counters.on_packet(view);
        if way == Way::Direct {
            let statistics = &mut stream.source.statistics;
            statistics.on_arrival(now, view.timestamp(), mapping.clock_rate);
        }
        let skip = if way == Way::Direct { 0 } else { OSN_BYTES };
        let payload = view.payload().get(skip..).unwrap_or_default();
        if payload.is_empty() {
            self.drops.padding += 1;
            stream.places.on_padding(sequence);
            self.settle_stream(now, id);
            return;
        }
        let payload = self.inbound.arena.copy(payload);
        let (mut packet, duplicates) = Packet::from_view_counting(view, payload);
        self.drops.duplicate_extensions += duplicates as u64;
        packet.padding_len = 0;
        packet.ssrc = stream.source.ssrc;
        packet.sequence_number = number;
        packet.payload_type = mapping.pt;
        let captured = stream.source.report().and_then(|report| {
            let clock = &self.remote_clock;
            clock.captured(report.clocks(), packet.timestamp, mapping.clock_rate, now)
        });
        let received = ReceivedPacket {
            packet,
            received: now,
            captured,
            stream: stream.key,
            place: stream.places.place(sequence),
            retransmitted: way != Way::Direct,
            extensions: self.headers.map.clone(),
        };
        let queued = Queued {
            receiver: stream.receiver,
            stream: id,
            packet: received,
        };
        self.inbound.queue.push(queued);
        self.settle_stream(now, id);
        self.bound_receive_queue();
    }

    /// Passes on what a packet changed in its stream: requests that are due, keyframes that are needed.
    fn settle_stream(&mut self, now: Instant, id: u32) {
        let Some(stream) = self.inbound.streams.get_mut(id) else {
            return;
        };
        self.rtcp.pending |= stream.nacks.is_ready();
        if let Some(deadline) = stream.nacks.deadline() {
            self.timers.advance(Timer::Nack, deadline);
        }
        if self.timers.get(Timer::Idle).is_none() {
            self.timers.set(Timer::Idle, Some(now + SILENCE));
        }
        if std::mem::take(&mut stream.needs_keyframe) {
            let receiver = ReceiverId::new(stream.receiver);
            self.request_keyframe(now, receiver);
        }
    }

    fn bound_receive_queue(&mut self) {
        let packets = self.config.receive_queue_packets;
        let bytes = self.config.receive_queue_bytes;
        while let Some(dropped) = self.inbound.queue.overflow(packets, bytes) {
            self.drops.receive_queue += 1;
            if let Some(stream) = self.inbound.streams.get_mut(dropped.stream) {
                stream.counters.discarded += 1;
            }
        }
    }

    /// A packet of a stream of retransmissions (RFC 4588 §4).
    fn receive_repair(
        &mut self,
        now: Instant,
        id: u32,
        view: &PacketView<'_>,
        mapping: PayloadMapping,
        bytes: &[u8],
    ) {
        let ssrc = view.ssrc();
        if let Some(rid) = self.read_rid(view, self.headers.ids.repaired_rid) {
            self.inbound.ssrcs.set_rid(ssrc, rid);
        }
        let Some(repair) = self.inbound.repairs.get(id) else {
            return;
        };
        let known = repair.original;
        let original = known
            .filter(|stream| self.inbound.streams.get(*stream).is_some())
            .or_else(|| self.inbound.find_original(ssrc));
        let &[high, low, ..] = view.payload() else {
            // Padding to probe the path: it carries no original.
            self.count_repair(now, id, view.sequence_number());
            self.drops.padding += 1;
            return;
        };
        let Some(original) = original else {
            self.hold(now, bytes);
            return;
        };
        self.count_repair(now, id, view.sequence_number());
        if let Some(repair) = self.inbound.repairs.get_mut(id) {
            repair.original = Some(original);
        }
        if let Some(stream) = self.inbound.streams.get_mut(original) {
            stream.counters.retransmitted_packets += 1;
            stream.counters.retransmitted_bytes += (view.payload().len() - OSN_BYTES) as u64;
        }
        let number = SequenceNumber::new(u16::from_be_bytes([high, low]));
        self.receive_media(now, original, view, mapping, Way::Retransmitted(number));
    }

    /// Counts a packet of the repair stream itself, so that its losses are reported. Its timestamps are those of the
    /// originals, so it has no jitter of its own.
    fn count_repair(&mut self, now: Instant, id: u32, number: SequenceNumber) {
        let Some(repair) = self.inbound.repairs.get_mut(id) else {
            return;
        };
        let source = &mut repair.source;
        source.last_packet = now;
        match source.tracker.on_packet(number) {
            Arrival::First(sequence) | Arrival::Restart(sequence) => {
                source.statistics.start(sequence);
                source.statistics.on_packet(sequence);
            }
            Arrival::Next { sequence, .. } | Arrival::Late(sequence) => {
                source.statistics.on_packet(sequence);
            }
            Arrival::Leap | Arrival::Duplicate => {}
        }
    }

    /// Media of a kind is there: reports about it begin.
    fn begin_reports(&mut self, now: Instant, receiver: u32) {
        if let Some(receiver) = self.inbound.receivers.get(receiver) {
            let kind = receiver.config.kind;
            self.on_media(now, kind);
        }
    }

    pub(super) fn on_media(&mut self, now: Instant, kind: rtp::MediaKind) {
        self.schedule.on_media(now, kind);
        let timer = Timer::report(kind);
        if self.timers.get(timer).is_none() {
            let first = self.schedule.first(now, kind, &mut self.rng);
            self.timers.set(timer, Some(first));
        }
    }
}

/// The original sequence number in front of a retransmitted payload (RFC 4588 §4).
const OSN_BYTES: usize = 2;

/// Finds the place of a packet in its stream and brings the log of the missing up to date. `None` if the packet is not
/// to be delivered.
fn accept(
    stream: &mut Stream,
    drops: &mut crate::stats::Drops,
    now: Instant,
    number: SequenceNumber,
    mapping: PayloadMapping,
    way: Way,
) -> Option<u64> {
    let source = &mut stream.source;
    if way != Way::Direct {
        match source.tracker.place_original(number) {
            None => {
                drops.unusable_retransmission += 1;
                return None;
            }
            Some(Original::Past(sequence)) => {
                let asked_for = stream.nacks.on_recovered(sequence);
                let new = source.tracker.on_recovered(sequence);
                if !asked_for && !new {
                    drops.duplicate += 1;
                    return None;
                }
                source.statistics.on_packet(sequence);
                return Some(sequence);
            }
            Some(Original::Newer) => {}
        }
    }
    let arrival = source.tracker.on_packet(number);
    match arrival {
        Arrival::Leap => {
            drops.sequence_leap += 1;
            return None;
        }
        Arrival::Duplicate => {
            drops.duplicate += 1;
            return None;
        }
        Arrival::First(sequence) => source.statistics.start(sequence),
        Arrival::Restart(sequence) => {
            // The packet that announced the leap was dropped: it is the first of the run, and missing.
            source.statistics.start(sequence - 1);
            stream.restart();
            if mapping.nack {
                stream.nacks.on_gap(now, sequence - 1, sequence);
            }
        }
        Arrival::Next { after, sequence } => {
            if mapping.nack && stream.nacks.on_gap(now, after + 1, sequence) == Gap::Overflow {
                stream.needs_keyframe = true;
            }
        }
        Arrival::Late(sequence) => {
            stream.nacks.on_late_original(now, sequence);
        }
    }
    let sequence = arrival.sequence()?;
    stream.source.statistics.on_packet(sequence);
    Some(sequence)
}
