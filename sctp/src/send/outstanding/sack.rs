use std::ops::Range;
use std::time::{Duration, Instant};

use super::super::MESSAGE_OVERHEAD;
use super::differences::for_each_difference;
use super::rack::Report;
use super::{Outstanding, Phase, SackError, SackOutcome, Sent, Transmission};
use crate::chunk::{GapAckBlock, SackChunk};
use crate::serial::{Tsn, Unwrapped};

/// What an acknowledgement changes.
impl Outstanding {
    /// Takes a cumulative TSN alone, as SHUTDOWN carries it (RFC 9260 §9.2).
    pub(crate) fn on_cumulative(
        &mut self,
        now: Instant,
        cumulative: Tsn,
    ) -> Result<SackOutcome, SackError> {
        let after = self.validate_cumulative(cumulative)?;
        let mut outcome = SackOutcome::default();
        self.acknowledge_up_to(now, after, &mut outcome);
        Ok(outcome)
    }

    /// Takes an acknowledgement. `recovering` says that a loss is still being repaired.
    pub(crate) fn on_sack(
        &mut self,
        now: Instant,
        sack: &SackChunk<'_>,
        recovering: bool,
        smoothed: Option<Duration>,
    ) -> Result<SackOutcome, SackError> {
        let after = self.validate_cumulative(sack.cumulative_tsn_ack)?;
        self.validate_gaps(after, sack)?;
        let mut outcome = SackOutcome::default();
        self.acknowledge_up_to(now, after, &mut outcome);
        self.take_gap_ack_blocks(now, sack, &mut outcome);
        if outcome.newly_acked_bytes > 0 {
            self.undo_spurious_timeout(&mut outcome);
        }
        self.take_duplicates(sack, &mut outcome);
        let all_settled = self.rack.oldest().is_none() && self.rack.oldest_aside().is_none();
        if self.gap_acked.is_empty() && all_settled {
            return Ok(outcome);
        }
        self.find_overdue(now, recovering, smoothed, &mut outcome);
        Ok(outcome)
    }

    /// What arrived twice answers a tail loss probe, or says that something was sent again too early.
    fn take_duplicates(&mut self, sack: &SackChunk<'_>, outcome: &mut SackOutcome) {
        let mut reported = false;
        for tsn in sack.duplicates() {
            self.counts.spurious += 1;
            let tsn = self.first.near(tsn);
            if self
                .tail_probe
                .take_if(|probe| probe.again && probe.end.previous() == tsn)
                .is_none()
            {
                reported = true;
            }
        }
        if reported {
            self.rack.on_duplicate();
        }
        let Some(probe) = self.tail_probe else { return };
        if self.first > probe.end {
            // It arrived and nothing arrived twice: it filled a hole that nobody would have seen (RFC 8985 §7.4.2).
            outcome.found_losses |= probe.again;
            if probe.again {
                outcome.latest_lost = outcome.latest_lost.max(Some(self.rack.newest()));
            }
            self.tail_probe = None;
        } else if self.first == probe.end && !probe.again {
            self.tail_probe = None;
        }
    }

    /// T3 took chunks as lost, and the first acknowledgement after it is for one that was not sent again: only the
    /// acknowledgements were late (RFC 5682). The others are in flight as before.
    fn undo_spurious_timeout(&mut self, outcome: &mut SackOutcome) {
        if !std::mem::take(&mut self.timed_out) || !outcome.timeout_was_spurious {
            outcome.timeout_was_spurious = false;
            return;
        }
        self.lost.clear();
        for (offset, sent) in self.ring.iter_mut().enumerate() {
            if sent.phase == Phase::Lost {
                sent.phase = Phase::InFlight;
                sent.number = self.rack.record(self.first.plus(offset as u64));
                self.flight_bytes += sent.payload.len();
                self.lost_bytes -= sent.payload.len();
            }
        }
    }

    /// The first TSN after the acknowledged ones.
    fn validate_cumulative(&self, cumulative: Tsn) -> Result<Unwrapped, SackError> {
        let after = self.first.near(cumulative.plus(1));
        if after < self.first {
            Err(SackError::Stale)
        } else if after > self.next() {
            Err(SackError::NeverSent)
        } else {
            Ok(after)
        }
    }

    fn validate_gaps(&self, after: Unwrapped, sack: &SackChunk<'_>) -> Result<(), SackError> {
        let mut least = 2;
        for block in sack.gap_ack_blocks() {
            if u32::from(block.start) < least || block.end < block.start {
                return Err(SackError::Malformed);
            }
            least = u32::from(block.end) + 1;
        }
        // The last block ends at the offset `least - 1`, counted from the TSN before `after`.
        if sack.gap_ack_blocks().len() > 0 && after.plus(u64::from(least - 1)) > self.next() {
            return Err(SackError::Malformed);
        }
        Ok(())
    }

    fn acknowledge_up_to(&mut self, now: Instant, after: Unwrapped, outcome: &mut SackOutcome) {
        let count = after.since(self.first) as usize;
        if count == 0 {
            return;
        }
        let before = self.rack.newest();
        let reported = self.reported_places();
        for (offset, sent) in self.ring.range_mut(..count).enumerate() {
            let length = sent.payload.len();
            let report = sent.report(offset < reported);
            outcome.released_bytes += length;
            outcome.full_delivered |= length >= self.two_packets / 2;
            if sent.phase != Phase::Abandoned {
                outcome.released_bytes += if sent.ending { MESSAGE_OVERHEAD } else { 0 };
                self.spent.push(&sent.payload);
            }
            match sent.phase {
                Phase::InFlight => {
                    self.flight_bytes -= length;
                    outcome.newly_acked_bytes += length;
                }
                Phase::Lost => {
                    self.lost_bytes -= length;
                    outcome.newly_acked_bytes += length;
                    outcome.timeout_was_spurious = self.timed_out;
                }
                Phase::Unreported => {
                    self.lost_bytes -= length;
                    outcome.newly_acked_bytes += length;
                }
                Phase::GapAcked => {
                    self.gap_acked_bytes -= length;
                    continue;
                }
                Phase::Abandoned => continue,
            }
            let sample = self
                .rack
                .on_delivered(now, sent.number, sent.sent_at, report, before);
            outcome.latest_round_trip = sample.or(outcome.latest_round_trip);
        }
        self.ring.drain(..count);
        self.first = after;
        self.advanced = self.advanced.max(after);
        self.reports = 0;
        if self.ring.is_empty() {
            self.rack.clear();
            self.loss_due = None;
        }
        self.advance();
        outcome.cumulative_advanced = true;
        if let Some((probe, sent_at)) = self.probe.take_if(|(probe, _)| *probe < after)
            && self.could_report(probe)
        {
            outcome.round_trip = Some(now.saturating_duration_since(sent_at));
        }
    }

    /// Applies the differences to the blocks of the last acknowledgement.
    fn take_gap_ack_blocks(
        &mut self,
        now: Instant,
        sack: &SackChunk<'_>,
        outcome: &mut SackOutcome,
    ) {
        if self.gap_acked.is_empty() && sack.gap_ack_blocks().len() == 0 {
            self.unreported = None;
            return;
        }
        let mut before = std::mem::replace(
            &mut self.gap_acked,
            std::mem::take(&mut self.gap_acked_before),
        );
        let base = self.first.previous();
        self.gap_acked.clear();
        self.gap_acked
            .extend(sack.gap_ack_blocks().map(|GapAckBlock { start, end }| {
                base.plus(u64::from(start))..base.plus(u64::from(end) + 1)
            }));
        let after = std::mem::take(&mut self.gap_acked);
        let newest = self.rack.newest();
        let mut has_news = false;
        for_each_difference(self.first, &before, &after, |range, added| {
            has_news |= added;
            self.change_gap_acked(now, range, added, newest, outcome);
        });
        self.reports += u32::from(has_news);
        self.unreported = (after.len() >= MANY_GAP_ACK_BLOCKS)
            .then(|| after.last().map(|run| run.end))
            .flatten();
        before.clear();
        self.gap_acked_before = before;
        self.gap_acked = after;
    }

    fn change_gap_acked(
        &mut self,
        now: Instant,
        range: Range<Unwrapped>,
        added: bool,
        newest: Transmission,
        outcome: &mut SackOutcome,
    ) {
        let start = range.start.since(self.first) as usize;
        let end = range.end.since(self.first) as usize;
        let reported = self.reported_places();
        let places = self.ring.range_mut(start..end.min(self.ring.len()));
        for (sent, offset) in places.zip(start..) {
            let length = sent.payload.len();
            if sent.phase == Phase::Abandoned {
                continue;
            }
            if added {
                match sent.phase {
                    Phase::InFlight => self.flight_bytes -= length,
                    Phase::Lost | Phase::Unreported => self.lost_bytes -= length,
                    Phase::GapAcked | Phase::Abandoned => {}
                }
                outcome.full_delivered |= length >= self.two_packets / 2;
                sent.phase = Phase::GapAcked;
                self.gap_acked_bytes += length;
                outcome.newly_acked_bytes += length;
                let sample = self.rack.on_delivered(
                    now,
                    sent.number,
                    sent.sent_at,
                    sent.report(offset < reported),
                    newest,
                );
                outcome.latest_round_trip = sample.or(outcome.latest_round_trip);
            } else {
                // Taken back: outstanding again until T3 (RFC 9260 §6.2.1 D iii).
                sent.phase = Phase::InFlight;
                self.gap_acked_bytes -= length;
                self.flight_bytes += length;
            }
        }
        if added
            && let Some((probe, sent_at)) = self.probe.take_if(|(probe, _)| range.contains(probe))
            && self.could_report(probe)
        {
            outcome.round_trip = Some(now.saturating_duration_since(sent_at));
        }
    }

    /// Takes as lost what is overdue, and says when the next is (RFC 8985 §6.2 step 5).
    pub(crate) fn find_overdue(
        &mut self,
        now: Instant,
        recovering: bool,
        smoothed: Option<Duration>,
        outcome: &mut SackOutcome,
    ) {
        let sure = recovering || self.reports >= 3 || self.gap_acked_bytes > self.two_packets;
        let patience = self.rack.round_trip() + self.rack.reorder_window(sure, smoothed);
        self.loss_due = None;
        while let Some((number, tsn)) = self.rack.oldest_aside()
            && self.unreported.is_none_or(|end| tsn < end)
            && matches!(
                self.judge(now, number, tsn, patience, outcome),
                Verdict::Settled
            )
        {
            self.rack.drop_oldest_aside();
        }
        while let Some((number, tsn)) = self.rack.oldest() {
            match self.judge(now, number, tsn, patience, outcome) {
                Verdict::Settled => self.rack.drop_oldest(),
                Verdict::Unknown => self.rack.set_oldest_aside(),
                Verdict::Waiting(due) => {
                    self.loss_due = due;
                    return;
                }
            }
        }
    }

    /// Whether the last acknowledgement had room to say that a chunk arrived: else its round trip shows when there was room.
    fn could_report(&self, tsn: Unwrapped) -> bool {
        self.unreported.is_none_or(|end| tsn < end)
    }

    /// For how many of the outstanding chunks the last acknowledgement had room.
    fn reported_places(&self) -> usize {
        match self.unreported {
            None => usize::MAX,
            Some(end) if end < self.first => 0,
            Some(end) => end.since(self.first) as usize,
        }
    }

    /// What is to be thought of a transmission.
    fn judge(
        &mut self,
        now: Instant,
        number: Transmission,
        tsn: Unwrapped,
        patience: Duration,
        outcome: &mut SackOutcome,
    ) -> Verdict {
        if tsn < self.first {
            return Verdict::Settled;
        }
        let Some(sent) = self.ring.get_mut(tsn.since(self.first) as usize) else {
            return Verdict::Settled;
        };
        let waiting = matches!(sent.phase, Phase::InFlight | Phase::Unreported);
        if !waiting || sent.number != number {
            return Verdict::Settled;
        }
        if number >= self.rack.newest() {
            return Verdict::Waiting(None);
        }
        let due = sent.sent_at + patience;
        if due > now {
            return Verdict::Waiting(Some(due));
        }
        let length = sent.payload.len();
        if sent.phase == Phase::InFlight {
            self.flight_bytes -= length;
            self.lost_bytes += length;
        }
        if self.unreported.is_some_and(|end| tsn >= end) {
            sent.phase = Phase::Unreported;
            return Verdict::Unknown;
        }
        sent.phase = Phase::Lost;
        outcome.found_losses = true;
        // What was found late, because acknowledgements had no room for it, says nothing about the present.
        if now <= due + patience {
            outcome.lost_bytes += length;
        }
        outcome.latest_lost = Some(number);
        if length >= self.two_packets / 2 {
            outcome.full_lost = Some(number);
        }
        if sent.limit.forbids(now, sent.repetitions) {
            self.abandon(tsn, outcome);
        } else if sent.repetitions > 0 {
            // The receiver has waited for it the longest.
            self.lost.push_front(tsn);
        } else {
            self.lost.push_back(tsn);
        }
        Verdict::Settled
    }
}

impl Sent {
    fn report(&self, had_room: bool) -> Report {
        if !had_room {
            Report::Late
        } else if self.repetitions > 0 {
            Report::Repair
        } else {
            Report::First
        }
    }
}

/// What is to be thought of a transmission.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It was answered, or is lost: nothing more is to be found out.
    Settled,
    /// The peer has no room to report it.
    Unknown,
    /// It may still arrive, perhaps until then.
    Waiting(Option<Instant>),
}

/// Nobody reports fewer gap ack blocks than this when there are more.
const MANY_GAP_ACK_BLOCKS: usize = 20;
