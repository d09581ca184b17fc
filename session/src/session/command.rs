use super::{Headers, Session};
use crate::config::{ReceiverConfig, RtcpMode, SenderConfig};
use crate::event::Event;
use crate::id::{ReceiverId, SenderId};
use crate::receive::{Receiver, Role};
use crate::send::{FirstNumbers, Sender};
use crate::stats::{InboundStats, OutboundStats, Stats};
use crate::timer::Timer;
use rand::RngExt;
use rtp::{ExtensionMap, SectionId, Ssrc};
use std::time::{Duration, Instant};

/// SSRCs that wait to say BYE at most; the oldest goes unsaid.
const MAX_GOODBYES: usize = 1_024;

/// Commands.
impl Session {
    /// Replaces the header extensions of the BUNDLE group, after a negotiation.
    pub fn set_extensions(&mut self, extensions: ExtensionMap) {
        if *self.headers.map != extensions {
            self.headers = Headers::new(extensions);
        }
    }

    /// Sets what RTCP packets look like, after a negotiation.
    pub fn set_rtcp_mode(&mut self, mode: RtcpMode) {
        self.rtcp.mode = mode;
    }

    /// Hands in a round-trip time that another layer measured, as ICE does; used until RTCP has measured one.
    pub fn set_round_trip_time(&mut self, round_trip: Duration) {
        self.round_trip.set_hint(round_trip);
    }

    /// Adds an outgoing stream. Its SSRCs must be unlike those of the other senders; if the remote side uses one
    /// already, the sender takes another at once (RFC 3550 §8.2).
    pub fn add_sender(&mut self, now: Instant, config: SenderConfig) -> SenderId {
        let numbers = FirstNumbers {
            sequence: self.rng.random_range(0..0x8000),
            rtx_sequence: self.rng.random_range(0..0x8000),
            timestamp: self.rng.random(),
        };
        let ssrcs = [Some(config.ssrc), config.rtx_ssrc];
        let id = self
            .outbound
            .senders
            .insert(Sender::new(now, config, numbers));
        for ssrc in ssrcs.into_iter().flatten() {
            if self.inbound.ssrcs.get(ssrc).is_some() {
                self.resolve_collision(ssrc);
            }
        }
        SenderId::new(id)
    }

    /// Changes a sender after a negotiation: payload types, MID, RID, how long they are announced, and the SSRC of
    /// retransmissions. The SSRC of the media, the kind and the numbering stay.
    pub fn update_sender(&mut self, now: Instant, sender: SenderId, config: SenderConfig) {
        if let Some(sender) = self.outbound.senders.get_mut(sender.get()) {
            let kept = &sender.config;
            sender.config = SenderConfig {
                ssrc: kept.ssrc,
                kind: kept.kind,
                numbering: kept.numbering,
                ..config
            };
            sender.announce_again(now);
        }
    }

    /// Ends an outgoing stream: what waits is dropped, and BYE is said for its SSRCs (RFC 3550 §6.6).
    pub fn remove_sender(&mut self, _now: Instant, sender: SenderId) {
        let Some(removed) = self.outbound.senders.remove(sender.get()) else {
            return;
        };
        self.outbound.forget(sender.get());
        self.outbound.recount_history();
        self.say_goodbye(removed.config.ssrc);
        if let Some(rtx) = removed.config.rtx_ssrc {
            self.say_goodbye(rtx);
        }
    }

    /// Adds a receiving media section. Packets that came too early for it are taken now.
    pub fn add_receiver(&mut self, _now: Instant, config: ReceiverConfig) -> ReceiverId {
        let id = self.inbound.receivers.insert(Receiver::new(config));
        self.declare(id);
        self.retry_held();
        ReceiverId::new(id)
    }

    /// Changes a receiving media section after a negotiation. Its streams go on, except those whose declaration was
    /// taken back.
    pub fn update_receiver(&mut self, _now: Instant, receiver: ReceiverId, config: ReceiverConfig) {
        let id = receiver.get();
        let Some(row) = self.inbound.receivers.get_mut(id) else {
            return;
        };
        row.config = config;
        let gone: Vec<_> = self
            .inbound
            .ssrcs
            .iter()
            .filter(|(ssrc, binding)| {
                binding.section.get() == id && binding.declared && !self.is_declared(id, *ssrc)
            })
            .map(|(ssrc, _)| ssrc)
            .collect();
        for ssrc in gone {
            self.end_stream(ssrc);
            self.inbound.ssrcs.remove(ssrc);
        }
        self.declare(id);
        self.retry_held();
    }

    /// Removes a receiving media section with its streams, without events for them.
    pub fn remove_receiver(&mut self, _now: Instant, receiver: ReceiverId) {
        let id = receiver.get();
        if self.inbound.receivers.remove(id).is_none() {
            return;
        }
        self.inbound.remove_streams(id);
        self.inbound.queue.forget(id);
        let of_it = |event: &Event| match event {
            Event::StreamStarted { receiver, .. } | Event::Goodbye { receiver, .. } => {
                receiver.get() == id
            }
            _ => false,
        };
        self.events.retain(|event| !of_it(event));
    }

    /// Asks the remote side for a keyframe: PLI, or FIR where only that was agreed on.
    ///
    /// One request leaves per 500 ms and media section; what is asked for in between leaves at the end of that time.
    /// A session does not look into payloads and so does not know when the keyframe came: whoever decodes asks again
    /// while it is missing, after a second or so. The session itself asks when more is lost than can be repaired.
    pub fn request_keyframe(&mut self, now: Instant, receiver: ReceiverId) {
        let Some(receiver) = self.inbound.receivers.get_mut(receiver.get()) else {
            return;
        };
        match receiver.keyframe.want(now) {
            Some(later) => self.timers.advance(Timer::KeyframeOut, later),
            None => self.rtcp.pending = true,
        }
    }

    /// Ends the session: media that waits is dropped, BYE for every sender waits in
    /// [`poll_transmit`](Self::poll_transmit), and the event [`Closed`](Event::Closed) follows. A second call does nothing.
    pub fn close(&mut self, _now: Instant) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let ssrcs: Vec<_> = self
            .outbound
            .senders
            .iter()
            .flat_map(|(_, sender)| [Some(sender.config.ssrc), sender.config.rtx_ssrc])
            .flatten()
            .collect();
        for ssrc in ssrcs {
            self.say_goodbye(ssrc);
        }
        self.outbound.clear();
        self.inbound.clear();
        self.timers.clear();
        self.push_event(Event::Closed);
    }

    pub(super) fn say_goodbye(&mut self, ssrc: Ssrc) {
        let goodbyes = &mut self.rtcp.goodbyes;
        if goodbyes.len() >= MAX_GOODBYES {
            goodbyes.remove(0);
        }
        goodbyes.push(ssrc);
        self.rtcp.pending = true;
    }

    fn is_declared(&self, receiver: u32, ssrc: Ssrc) -> bool {
        self.inbound
            .receivers
            .get(receiver)
            .is_some_and(|receiver| {
                let config = &receiver.config;
                config.ssrcs.contains(&ssrc)
                    || config
                        .rtx_ssrcs
                        .iter()
                        .any(|&(media, rtx)| media == ssrc || rtx == ssrc)
            })
    }

    /// Binds the SSRCs that the description of a media section declares; the latest declaration of an SSRC holds.
    fn declare(&mut self, id: u32) {
        let Some(receiver) = self.inbound.receivers.get(id) else {
            return;
        };
        let config = &receiver.config;
        let pairs = config
            .rtx_ssrcs
            .iter()
            .flat_map(|&(media, rtx)| [media, rtx]);
        let declared: Vec<_> = config.ssrcs.iter().copied().chain(pairs).collect();
        self.inbound.describe(id);
        let section = SectionId::new(id);
        for ssrc in declared {
            let bound = self.inbound.ssrcs.get(ssrc);
            if bound.is_some_and(|binding| binding.section != section) {
                self.end_stream(ssrc);
                self.inbound.ssrcs.remove(ssrc);
            }
            let role = bound
                .filter(|binding| binding.section == section)
                .map_or(Role::Awaited, |binding| binding.role);
            if !self.inbound.ssrcs.declare(ssrc, section, role) {
                self.drops.unknown_stream += 1;
                continue;
            }
            self.resolve_collision(ssrc);
        }
    }

    /// What was counted, with the names of W3C webrtc-stats.
    pub fn stats(&self) -> Stats {
        let abandoned: u64 = self
            .inbound
            .streams
            .iter()
            .map(|(_, s)| s.nacks.abandoned())
            .sum();
        let mut drops = self.drops;
        drops.repair_abandoned += abandoned;
        Stats {
            inbound: self
                .inbound
                .streams
                .iter()
                .map(|(_, s)| InboundStats::of(s))
                .collect(),
            outbound: self
                .outbound
                .senders
                .iter()
                .map(|(id, sender)| OutboundStats::of(SenderId::new(id), sender))
                .collect(),
            round_trip_time: self.round_trip.known(),
            drops,
        }
    }
}
