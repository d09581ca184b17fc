use super::Session;
use crate::id::SenderId;
use crate::report::SILENCE;
use crate::timer::Timer;
use rtp::MediaKind;
use std::time::Instant;

impl Session {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for timer in Timer::ALL {
            if !self.timers.take_due(timer, now) {
                continue;
            }
            match timer {
                Timer::AudioReport => self.report(now, MediaKind::Audio),
                Timer::VideoReport => self.report(now, MediaKind::Video),
                Timer::Nack => self.settle_nacks(now),
                Timer::KeyframeOut => self.settle_keyframe_requests(now),
                Timer::KeyframeIn => self.settle_keyframe_demands(now),
                Timer::Hold => {
                    self.drops.unknown_stream += self.inbound.hold.expire(now);
                    self.timers.set(Timer::Hold, self.inbound.hold.deadline());
                }
                Timer::Goodbye => self.settle_goodbyes(now),
                Timer::Idle => self.release_idle(now),
            }
        }
    }

    /// Senders and streams of a kind report, and will again as long as there are any.
    fn report(&mut self, now: Instant, kind: MediaKind) {
        let mut any = false;
        for (_, sender) in self.outbound.senders.iter_mut() {
            if sender.config.kind == kind && sender.last_sent.is_some() {
                sender.report_due = true;
                any = true;
            }
        }
        for (of, source) in self.inbound.sources_mut() {
            if of == kind {
                source.report_due = true;
                any = true;
            }
        }
        // Media that was handed in but not polled yet counts as well.
        any |= !self.outbound.queue_mut(kind).is_empty();
        if any {
            self.rtcp.pending = true;
            let next = self.schedule.next(now, kind, &mut self.rng);
            self.timers.set(Timer::report(kind), Some(next));
        }
    }

    fn settle_nacks(&mut self, now: Instant) {
        for (_, stream) in self.inbound.streams.iter_mut() {
            stream.nacks.settle(now);
            self.rtcp.pending |= stream.nacks.is_ready();
            if let Some(deadline) = stream.nacks.deadline() {
                self.timers.advance(Timer::Nack, deadline);
            }
        }
    }

    fn settle_keyframe_requests(&mut self, now: Instant) {
        for (_, receiver) in self.inbound.receivers.iter_mut() {
            receiver.keyframe.settle(now);
            self.rtcp.pending |= receiver.keyframe.is_ready();
            if let Some(deadline) = receiver.keyframe.deadline() {
                self.timers.advance(Timer::KeyframeOut, deadline);
            }
        }
    }

    fn settle_keyframe_demands(&mut self, now: Instant) {
        let mut due = Vec::new();
        for (id, sender) in self.outbound.senders.iter_mut() {
            if let Some(requests) = sender.keyframe.take(now) {
                due.push((SenderId::new(id), requests));
            } else if let Some(deadline) = sender.keyframe.deadline() {
                self.timers.advance(Timer::KeyframeIn, deadline);
            }
        }
        for (sender, requests) in due {
            self.push_keyframe_event(sender, requests);
        }
    }

    fn settle_goodbyes(&mut self, now: Instant) {
        let mut ended = Vec::new();
        for (_, source) in self.inbound.sources_mut() {
            match source.ends_at {
                Some(ends_at) if ends_at <= now => ended.push(source.ssrc),
                Some(ends_at) => self.timers.advance(Timer::Goodbye, ends_at),
                None => {}
            }
        }
        for ssrc in ended {
            self.end_stream(ssrc);
        }
    }

    /// Gives back what silent senders and streams held: histories, chunks, queues.
    fn release_idle(&mut self, now: Instant) {
        let mut next: Option<Instant> = None;
        let mut wait = |last: Instant| {
            let at = last + SILENCE;
            if at > now {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            at > now
        };
        for (_, sender) in self.outbound.senders.iter_mut() {
            if !sender.last_sent.is_some_and(&mut wait) {
                sender.history.clear();
            }
        }
        let latest = self
            .inbound
            .streams
            .iter()
            .map(|(_, stream)| stream.source.last_packet);
        if !latest.max().is_some_and(&mut wait) {
            self.inbound.arena.release();
        }
        self.outbound.recount_history();
        if next.is_none() {
            self.outbound.release();
            self.inbound.queue.release();
        }
        self.timers.set(Timer::Idle, next);
    }
}
