use super::Session;
use crate::clock::from_short_ntp;
use crate::config::RtcpMode;
use crate::id::SenderId;
use crate::receive::Role;
use crate::report::MAX_ROUND_TRIP;
use crate::send::MAX_RETRANSMISSIONS;
use crate::timer::Timer;
use rtcp::{Compound, FullIntraRequest, Goodbye, Nack, Packet, ReportBlock, SenderReport};
use rtp::Ssrc;
use std::time::{Duration, Instant};

/// How long a stream that said BYE may still deliver what was overtaken.
const GOODBYE_GRACE: Duration = Duration::from_secs(2);

/// The same packet is not sent again before this, however short the round trip.
const RETRANSMISSION_COOLDOWN: Duration = Duration::from_millis(25);

impl Session {
    /// Takes an RTCP packet, compound or of reduced size (RFC 5506); what cannot be read does not spoil the rest.
    pub(super) fn handle_rtcp(&mut self, now: Instant, bytes: &[u8]) {
        let strict = self.config.strict_compounds && self.rtcp.mode == RtcpMode::Compound;
        if strict && !Compound::new(bytes).starts_with_report() {
            self.drops.malformed_rtcp += 1;
            return;
        }
        for packet in Compound::new(bytes) {
            match packet {
                Ok(packet) => self.handle_rtcp_packet(now, &packet),
                Err(_) => self.drops.malformed_rtcp += 1,
            }
        }
    }

    fn handle_rtcp_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport(report) => {
                self.handle_sender_report(now, report);
                report
                    .blocks
                    .iter()
                    .for_each(|block| self.handle_block(now, &block));
            }
            Packet::ReceiverReport(report) => {
                report
                    .blocks
                    .iter()
                    .for_each(|block| self.handle_block(now, &block));
            }
            Packet::Goodbye(goodbye) => self.handle_goodbye(now, goodbye),
            Packet::Nack(nack) => self.handle_nack(now, nack),
            Packet::PictureLossIndication(indication) => {
                self.handle_picture_loss(now, indication.media_ssrc);
            }
            Packet::FullIntraRequest(request) => self.handle_full_intra(now, request),
            // Descriptions name nothing that is used; the rest belongs to others, such as estimators.
            _ => {}
        }
    }

    fn handle_sender_report(&mut self, now: Instant, report: &SenderReport<'_>) {
        let role = self
            .inbound
            .ssrcs
            .get(report.ssrc)
            .map(|binding| binding.role);
        let Some(source) = role.and_then(|role| self.inbound.source_mut(role)) else {
            self.drops.unknown_ssrc_feedback += 1;
            return;
        };
        source.on_report(now, report.info);
        if matches!(role, Some(Role::Media(_))) {
            self.remote_clock.on_report(now, report.info.ntp_time);
        }
    }

    /// What the remote side received of a stream of ours (RFC 3550 §6.4.1).
    fn handle_block(&mut self, now: Instant, block: &ReportBlock) {
        let owner = self.outbound.owner_of(block.ssrc);
        let Some(sender) = owner.and_then(|id| self.outbound.senders.get_mut(id)) else {
            self.drops.unknown_ssrc_feedback += 1;
            return;
        };
        sender.on_reported(block.ssrc);
        if block.ssrc == sender.config.ssrc {
            sender.remote.packets_lost = block.cumulative_lost;
            sender.remote.fraction_lost = block.fraction_lost;
            sender.remote.jitter = block.jitter;
        }
        if block.last_sender_report == 0 {
            return;
        }
        let arrived = self.config.clock.ntp(now).compact();
        let round_trip = arrived
            .wrapping_sub(block.last_sender_report)
            .wrapping_sub(block.delay_since_last_sender_report);
        // In the upper half of the circle it is negative: the clocks or the report are wrong.
        let measured = from_short_ntp(round_trip);
        if round_trip.cast_signed() < 0 || measured > MAX_ROUND_TRIP {
            return;
        }
        sender.remote.round_trip = Some(measured);
        sender.remote.total_round_trip += measured;
        sender.remote.measurements += 1;
        self.round_trip.on_measurement(measured);
    }

    fn handle_goodbye(&mut self, now: Instant, goodbye: &Goodbye<'_>) {
        for ssrc in goodbye.sources() {
            let role = self.inbound.ssrcs.get(ssrc).map(|binding| binding.role);
            if let Some(source) = role.and_then(|role| self.inbound.source_mut(role))
                && source.ends_at.is_none()
            {
                let ends_at = now + GOODBYE_GRACE;
                source.ends_at = Some(ends_at);
                self.timers.advance(Timer::Goodbye, ends_at);
            }
        }
    }

    /// Packets of ours are missing (RFC 4585 §6.2.1): those that may be sent again are queued.
    fn handle_nack(&mut self, now: Instant, nack: &Nack<'_>) {
        let cooldown = self.round_trip.or_default().max(RETRANSMISSION_COOLDOWN);
        let owner = self.outbound.owner_of(nack.media_ssrc);
        let Some((id, sender)) =
            owner.and_then(|id| Some((id, self.outbound.senders.get_mut(id)?)))
        else {
            self.drops.unknown_ssrc_feedback += 1;
            return;
        };
        sender.counters.nacks = sender.counters.nacks.saturating_add(1);
        // Retransmissions are not retransmitted (RFC 4588 §6.3).
        let is_media = nack.media_ssrc == sender.config.ssrc;
        for number in nack.sequence_numbers() {
            let full = self.outbound.retransmissions.len() >= MAX_RETRANSMISSIONS;
            if full || !sender.nack_rate.take(now) {
                // Nothing of the rest is even looked at.
                self.drops.retransmission_suppressed += 1;
                break;
            }
            let place = sender.history.place(number.get()).filter(|_| is_media);
            let Some((sequence, kept)) =
                place.and_then(|sequence| Some((sequence, sender.history.get_mut(sequence)?)))
            else {
                self.drops.retransmission_unavailable += 1;
                continue;
            };
            let recent = |granted| now.saturating_duration_since(granted) < cooldown;
            if kept.granted.is_some_and(recent) {
                self.drops.retransmission_suppressed += 1;
                continue;
            }
            kept.granted = Some(now);
            self.outbound.retransmissions.push_back((id, sequence));
        }
    }

    fn handle_picture_loss(&mut self, now: Instant, media: Ssrc) {
        if let Some(id) = self.outbound.owner_of(media) {
            if let Some(sender) = self.outbound.senders.get_mut(id) {
                sender.counters.plis = sender.counters.plis.saturating_add(1);
            }
            self.demand_keyframe(now, id);
        } else {
            self.drops.unknown_ssrc_feedback += 1;
        }
    }

    fn handle_full_intra(&mut self, now: Instant, request: &FullIntraRequest<'_>) {
        for entry in request.entries() {
            let owner = self.outbound.owner_of(entry.ssrc);
            let Some((id, sender)) =
                owner.and_then(|id| Some((id, self.outbound.senders.get_mut(id)?)))
            else {
                self.drops.unknown_ssrc_feedback += 1;
                continue;
            };
            sender.counters.firs = sender.counters.firs.saturating_add(1);
            let keyframe = &mut sender.keyframe;
            if keyframe.is_new_fir(request.sender_ssrc, entry.sequence_number) {
                self.demand_keyframe(now, id);
            }
        }
    }

    /// The remote side needs a keyframe: at once, or with others when the interval has passed.
    fn demand_keyframe(&mut self, now: Instant, id: u32) {
        let Some(sender) = self.outbound.senders.get_mut(id) else {
            return;
        };
        sender.keyframe.on_request();
        if let Some(requests) = sender.keyframe.take(now) {
            self.push_keyframe_event(SenderId::new(id), requests);
        } else if let Some(deadline) = sender.keyframe.deadline() {
            self.timers.advance(Timer::KeyframeIn, deadline);
        }
    }
}
