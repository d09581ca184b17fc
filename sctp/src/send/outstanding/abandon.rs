use std::collections::BTreeMap;
use std::time::Instant;

use super::super::MESSAGE_OVERHEAD;
use super::{Outstanding, Phase, SackOutcome, Sent, Transmission};
use crate::chunk::{ForwardTsnChunk, IForwardTsnChunk};
use crate::message::{Ordering, Ppid, StreamId};
use crate::send::arena::Payload;
use crate::send::limit::Limit;
use crate::send::streams::MessageName;
use crate::serial::{Mid, Unwrapped};

/// Messages that are given up (RFC 3758 §3.5, RFC 7496).
impl Outstanding {
    /// Gives up the message of which this chunk is a piece, as far as it was sent. A piece that waits to be sent is left to the
    /// caller, who is told the message's name.
    pub(super) fn abandon(&mut self, tsn: Unwrapped, outcome: &mut SackOutcome) {
        let index = tsn.since(self.first) as usize;
        let Some(sent) = self.ring.get(index) else {
            return;
        };
        let name = sent.name;
        let mut place = index;
        // Pieces of other messages may lie between.
        while place > 0
            && !self
                .ring
                .get(place)
                .is_some_and(|sent| sent.is_start_of(name))
        {
            place -= 1;
        }
        let mut ended = false;
        while let Some(sent) = self.ring.get_mut(place) {
            if sent.name == name {
                let length = sent.payload.len();
                match sent.phase {
                    Phase::InFlight => self.flight_bytes -= length,
                    Phase::GapAcked => self.gap_acked_bytes -= length,
                    Phase::Lost | Phase::Unreported => self.lost_bytes -= length,
                    Phase::Abandoned => {}
                }
                if sent.phase != Phase::Abandoned {
                    self.freed_bytes += length;
                    self.freed_bytes += if sent.ending { MESSAGE_OVERHEAD } else { 0 };
                }
                sent.phase = Phase::Abandoned;
                self.spent.push(&std::mem::take(&mut sent.payload));
                ended = sent.ending;
                if ended {
                    break;
                }
            }
            place += 1;
        }
        outcome.abandoned.push((name, ended));
        self.advance();
    }

    /// Gives up the message with this name, as far as it was sent: the rest was never put into packets.
    pub(crate) fn abandon_begun(&mut self, name: MessageName) {
        let mut outcome = SackOutcome::default();
        let newest = self.ring.iter().rposition(|sent| sent.name == name);
        if let Some(index) = newest {
            self.abandon(self.first.plus(index as u64), &mut outcome);
        }
    }

    /// Gives the end of a message that was given up a TSN of its own, which nobody will receive: the receiver may have all that was sent of
    /// it, and must hear that no more comes.
    pub(crate) fn end_abandoned(&mut self, now: Instant, name: MessageName, fsn: u32) {
        self.ring.push_back(Sent {
            payload: Payload::default(),
            limit: Limit::None,
            sent_at: now,
            number: Transmission::default(),
            name,
            ppid: Ppid::default(),
            fsn,
            repetitions: 0,
            beginning: false,
            ending: true,
            phase: Phase::Abandoned,
        });
        self.advance();
    }

    /// Gives up what T3 took as lost, where its reliability says so.
    pub(crate) fn abandon_lost(&mut self, now: Instant) -> SackOutcome {
        let mut outcome = SackOutcome::default();
        if !self.partial {
            return outcome;
        }
        for offset in 0..self.ring.len() {
            let forbidden = self.ring.get(offset).is_some_and(|sent| {
                sent.phase == Phase::Lost && sent.limit.forbids(now, sent.repetitions)
            });
            if forbidden {
                self.abandon(self.first.plus(offset as u64), &mut outcome);
            }
        }
        outcome
    }

    /// Gives up the message of a lost chunk whose time is over. True when that is so.
    pub(crate) fn abandon_if_expired(
        &mut self,
        now: Instant,
        tsn: Unwrapped,
        outcome: &mut SackOutcome,
    ) -> bool {
        let expired = self.get(tsn).is_some_and(|sent| sent.limit.is_expired(now));
        if expired {
            self.abandon(tsn, outcome);
        }
        expired
    }

    /// Send buffer set free since the last time, in bytes.
    pub(crate) fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed_bytes)
    }

    /// The first TSN that the peer still has to acknowledge or receive, when something before it was given up.
    pub(crate) fn forward_point(&self) -> Option<Unwrapped> {
        (self.advanced > self.first).then_some(self.advanced)
    }

    /// Appends a FORWARD-TSN or I-FORWARD-TSN of at most `room` bytes, and says from where on it leads.
    pub(crate) fn encode_forward(&self, room: usize, buf: &mut Vec<u8>) -> Option<Unwrapped> {
        let width = if self.interleaving { 8 } else { 4 };
        let most = room.checked_sub(ForwardTsnChunk::OVERHEAD)? / width;
        let mut skipped = BTreeMap::<(u16, bool), Mid>::new();
        let mut end = self.first;
        let count = self.advanced.since(self.first) as usize;
        for sent in self.ring.range(..count.min(self.ring.len())) {
            let unordered = sent.name.ordering == Ordering::Unordered;
            if self.interleaving || !unordered {
                let key = (sent.name.stream.get(), unordered);
                if skipped.len() >= most && !skipped.contains_key(&key) {
                    break;
                }
                // Later ones have larger numbers.
                skipped.insert(key, sent.name.mid);
            }
            end = end.plus(1);
        }
        if end == self.first {
            return None;
        }
        let new_cumulative = end.previous().wrap();
        let skipped = skipped
            .into_iter()
            .map(|((stream, unordered), mid)| (StreamId::new(stream), unordered, mid));
        if self.interleaving {
            let skipped = skipped.map(|(stream, unordered, mid)| {
                let ordering = if unordered {
                    Ordering::Unordered
                } else {
                    Ordering::Ordered
                };
                (stream, ordering, mid)
            });
            IForwardTsnChunk::encode_from(buf, new_cumulative, skipped);
        } else {
            let skipped = skipped.map(|(stream, _, mid)| (stream, mid.ssn()));
            ForwardTsnChunk::encode_from(buf, new_cumulative, skipped);
        }
        Some(end)
    }

    pub(super) fn advance(&mut self) {
        self.advanced = self.advanced.max(self.first);
        while self
            .get(self.advanced)
            .is_some_and(|sent| sent.phase == Phase::Abandoned)
        {
            self.advanced = self.advanced.plus(1);
        }
    }
}

impl Sent {
    fn is_start_of(&self, name: MessageName) -> bool {
        self.beginning && self.name == name
    }
}
