use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::chunk::{DataChunk, GapAckBlock, SackChunk};
use crate::message::{Ordering, Ppid, StreamId};
use crate::send::streams::Piece;
use crate::serial::{Ssn, Tsn, Unwrapped};

/// What was sent and is not acknowledged cumulatively: a ring with one place for each TSN.
///
/// An acknowledgement costs what it changes: the places that it frees, and the differences between its gap ack
/// blocks and those of the one before. Nothing walks over what is merely in flight.
#[derive(Debug)]
pub(crate) struct Outstanding {
    /// The TSN of the ring's first place.
    first: Unwrapped,
    ring: VecDeque<Sent>,
    /// Payload bytes in flight: sent, and neither acknowledged nor taken as lost.
    flight_bytes: usize,
    /// What to send again, in the order in which it was found lost. Entries may have been acknowledged since.
    lost: VecDeque<Unwrapped>,
    /// The gap ack blocks of the last acknowledgement.
    gap_acked: Vec<Range<Unwrapped>>,
    gap_acked_before: Vec<Range<Unwrapped>>,
    losses: LossDetector,
    /// More bytes than this above a chunk speak of its loss: what two packets hold (RFC 6675 §4, `IsLost`).
    three_packets: usize,
    /// The chunk whose round trip is measured: one at a time (RFC 9260 §6.3.1 C4).
    probe: Option<(Unwrapped, Instant)>,
}

/// One chunk.
#[derive(Debug)]
struct Sent {
    payload: Bytes,
    ppid: Ppid,
    stream: StreamId,
    ssn: Ssn,
    ordering: Ordering,
    beginning: bool,
    ending: bool,
    phase: Phase,
    sent_again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    InFlight,
    Lost,
    /// Reported in a gap ack block, which the peer may take back (RFC 9260 §6.2).
    GapAcked,
}

/// What an acknowledgement changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SackOutcome {
    /// Payload bytes acknowledged for the first time.
    pub(crate) newly_acked_bytes: usize,
    /// Send buffer set free, in bytes.
    pub(crate) released_bytes: usize,
    pub(crate) cumulative_advanced: bool,
    /// Chunks were found lost.
    pub(crate) found_losses: bool,
    pub(crate) round_trip: Option<Duration>,
}

/// Why an acknowledgement was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SackError {
    /// An older one overtaken by a newer one.
    Stale,
    /// Its gap ack blocks are impossible; nothing of it was used.
    Malformed,
    /// It acknowledges what was never sent.
    NeverSent,
}

impl Outstanding {
    pub(crate) fn new(initial: Tsn, max_payload: usize) -> Self {
        let first = Unwrapped::first(initial);
        Self {
            first,
            ring: VecDeque::new(),
            flight_bytes: 0,
            lost: VecDeque::new(),
            gap_acked: Vec::new(),
            gap_acked_before: Vec::new(),
            losses: LossDetector::new(first),
            three_packets: 2 * max_payload,
            probe: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) fn flight_bytes(&self) -> usize {
        self.flight_bytes
    }

    /// The first TSN that is not acknowledged cumulatively.
    pub(crate) fn first(&self) -> Unwrapped {
        self.first
    }

    /// The TSN of the next new chunk.
    pub(crate) fn next(&self) -> Unwrapped {
        self.first.plus(self.ring.len() as u64)
    }

    /// Gives a piece the next TSN and appends it as a chunk.
    pub(crate) fn send(&mut self, now: Instant, piece: Piece, immediate: bool, buf: &mut Vec<u8>) {
        let tsn = self.next();
        if self.probe.is_none() {
            self.probe = Some((tsn, now));
        }
        self.flight_bytes += piece.payload.len();
        let sent = Sent {
            payload: piece.payload,
            ppid: piece.ppid,
            stream: piece.stream,
            ssn: piece.ssn,
            ordering: piece.ordering,
            beginning: piece.beginning,
            ending: piece.ending,
            phase: Phase::InFlight,
            sent_again: false,
        };
        sent.encode(tsn.wrap(), immediate, buf);
        self.ring.push_back(sent);
    }

    /// The next chunk to send again: its TSN and its payload's length.
    pub(crate) fn next_lost(&mut self) -> Option<(Unwrapped, usize)> {
        while let Some(&tsn) = self.lost.front() {
            if let Some(sent) = self.get(tsn)
                && sent.phase == Phase::Lost
            {
                return Some((tsn, sent.payload.len()));
            }
            self.lost.pop_front();
        }
        None
    }

    /// Appends the chunk that [`next_lost`](Self::next_lost) named.
    pub(crate) fn send_again(&mut self, tsn: Unwrapped, immediate: bool, buf: &mut Vec<u8>) {
        self.lost.pop_front();
        // Karn: an acknowledgement would not say which of the two it answers.
        self.probe.take_if(|(probe, _)| *probe == tsn);
        if let Some(sent) = self.ring.get_mut(tsn.since(self.first) as usize) {
            sent.phase = Phase::InFlight;
            sent.sent_again = true;
            self.flight_bytes += sent.payload.len();
            sent.encode(tsn.wrap(), immediate, buf);
        }
    }

    /// T3: everything in flight counts as lost. Happens at most once in a timeout, so it may walk.
    pub(crate) fn on_timeout(&mut self) {
        self.lost.clear();
        for (offset, sent) in self.ring.iter_mut().enumerate() {
            if sent.phase != Phase::GapAcked {
                sent.phase = Phase::Lost;
                self.lost.push_back(self.first.plus(offset as u64));
            }
        }
        self.flight_bytes = 0;
        self.probe = None;
        self.losses.skip_to(self.next());
    }

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
    ) -> Result<SackOutcome, SackError> {
        let after = self.validate_cumulative(sack.cumulative_tsn_ack)?;
        self.validate_gaps(after, sack)?;
        let mut outcome = SackOutcome::default();
        self.acknowledge_up_to(now, after, &mut outcome);
        let mut highest = self.take_gap_ack_blocks(now, sack, &mut outcome);
        if recovering && outcome.cumulative_advanced {
            // RFC 9260 §7.2.4: while repairing, progress counts for everything reported missing.
            highest = self.gap_acked.last().map(|block| block.end.previous());
        }
        if let Some(highest) = highest {
            self.losses.on_newly_acked(highest);
            if let Some(above) = self.three_packets_below_top() {
                self.losses.raise(above);
            }
            self.find_losses(&mut outcome);
        }
        Ok(outcome)
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
        for sent in self.ring.drain(..count) {
            let length = sent.payload.len();
            outcome.released_bytes += length;
            if sent.ending {
                outcome.released_bytes += super::MESSAGE_OVERHEAD;
            }
            match sent.phase {
                Phase::InFlight => {
                    self.flight_bytes -= length;
                    outcome.newly_acked_bytes += length;
                }
                Phase::Lost => outcome.newly_acked_bytes += length,
                Phase::GapAcked => {}
            }
        }
        self.first = after;
        outcome.cumulative_advanced = true;
        if let Some((_, sent_at)) = self.probe.take_if(|(probe, _)| *probe < after) {
            outcome.round_trip = Some(now.saturating_duration_since(sent_at));
        }
    }

    /// Applies the differences to the blocks of the last acknowledgement; gives the highest TSN newly acknowledged.
    fn take_gap_ack_blocks(
        &mut self,
        now: Instant,
        sack: &SackChunk<'_>,
        outcome: &mut SackOutcome,
    ) -> Option<Unwrapped> {
        if self.gap_acked.is_empty() && sack.gap_ack_blocks().len() == 0 {
            return None;
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
        let mut highest = None;
        for_each_difference(self.first, &before, &after, |range, added| {
            if added {
                highest = Some(range.end.previous());
            }
            self.change_gap_acked(range, added, now, outcome);
        });
        before.clear();
        self.gap_acked_before = before;
        self.gap_acked = after;
        highest
    }

    fn change_gap_acked(
        &mut self,
        range: Range<Unwrapped>,
        added: bool,
        now: Instant,
        outcome: &mut SackOutcome,
    ) {
        let start = range.start.since(self.first) as usize;
        let end = range.end.since(self.first) as usize;
        for sent in self.ring.range_mut(start..end.min(self.ring.len())) {
            let length = sent.payload.len();
            if added {
                if sent.phase == Phase::InFlight {
                    self.flight_bytes -= length;
                }
                sent.phase = Phase::GapAcked;
                outcome.newly_acked_bytes += length;
            } else {
                // Taken back: outstanding again until T3 (RFC 9260 §6.2.1 D iii).
                sent.phase = Phase::InFlight;
                self.flight_bytes += length;
            }
        }
        if added && let Some((_, sent_at)) = self.probe.take_if(|(probe, _)| range.contains(probe))
        {
            outcome.round_trip = Some(now.saturating_duration_since(sent_at));
        }
    }

    /// The TSN above which more than two packets' worth of bytes is reported in gap ack blocks.
    fn three_packets_below_top(&self) -> Option<Unwrapped> {
        let top = self.gap_acked.last()?.end;
        let end = (top.since(self.first) as usize).min(self.ring.len());
        let start = end.saturating_sub(MAX_STEPS);
        let mut bytes = 0;
        for (index, sent) in self.ring.range(start..end).enumerate().rev() {
            if sent.phase == Phase::GapAcked {
                bytes += sent.payload.len();
                if bytes > self.three_packets {
                    return Some(self.first.plus((start + index) as u64));
                }
            }
        }
        None
    }

    fn find_losses(&mut self, outcome: &mut SackOutcome) {
        let range = self.losses.take_range(self.first);
        let start = range.start.since(self.first) as usize;
        let end = (range.end.since(self.first) as usize).min(self.ring.len());
        if start >= end {
            return;
        }
        for (offset, sent) in self.ring.range_mut(start..end).enumerate() {
            if sent.phase == Phase::InFlight && !sent.sent_again {
                sent.phase = Phase::Lost;
                self.flight_bytes -= sent.payload.len();
                self.lost.push_back(range.start.plus(offset as u64));
                outcome.found_losses = true;
            }
        }
    }

    fn get(&self, tsn: Unwrapped) -> Option<&Sent> {
        if tsn < self.first {
            return None;
        }
        self.ring.get(tsn.since(self.first) as usize)
    }
}

impl Sent {
    fn encode(&self, tsn: Tsn, immediate: bool, buf: &mut Vec<u8>) {
        let chunk = DataChunk {
            tsn,
            stream: self.stream,
            ssn: self.ssn,
            ppid: self.ppid,
            ordering: self.ordering,
            beginning: self.beginning,
            ending: self.ending,
            immediate,
            payload: &self.payload,
        };
        chunk.encode(buf);
    }
}

/// Finds losses by the rule of three (RFC 9260 §7.2.4, "highest TSN newly acknowledged").
///
/// A chunk has three miss indications when three acknowledgements newly acknowledged something above it, that is,
/// when it lies below the third highest of those. So three numbers serve instead of a counter in each chunk, and every chunk is
/// looked at once, because the third highest only grows. A chunk sent again is left to T3, as the RFC says.
///
/// Acknowledgements are not packets, though: a receiver that takes a batch of packets at once answers with one. So three packets' worth of
/// bytes above a chunk count as much as three acknowledgements, as in TCP (RFC 6675 §4).
#[derive(Debug)]
struct LossDetector {
    /// The three highest, the highest first.
    highest: [Unwrapped; 3],
    /// Below here enough bytes speak of a loss.
    bytes_bound: Unwrapped,
    /// Everything below was looked at.
    scanned: Unwrapped,
}

impl LossDetector {
    fn new(first: Unwrapped) -> Self {
        Self {
            highest: [first; 3],
            bytes_bound: first,
            scanned: first,
        }
    }

    fn on_newly_acked(&mut self, tsn: Unwrapped) {
        let [first, second, third] = &mut self.highest;
        if tsn >= *first {
            (*third, *second, *first) = (*second, *first, tsn);
        } else if tsn >= *second {
            (*third, *second) = (*second, tsn);
        } else if tsn > *third {
            *third = tsn;
        }
    }

    fn raise(&mut self, bound: Unwrapped) {
        self.bytes_bound = self.bytes_bound.max(bound);
    }

    /// What was not looked at and lies below the third highest, or where enough bytes speak of a loss.
    fn take_range(&mut self, first: Unwrapped) -> Range<Unwrapped> {
        let start = self.scanned.max(first);
        let end = self.highest[2].max(self.bytes_bound).max(start);
        self.scanned = end;
        start..end
    }

    /// Everything up to here was dealt with otherwise.
    fn skip_to(&mut self, next: Unwrapped) {
        self.scanned = self.scanned.max(next);
    }
}

/// Calls `change` for every run from `base` on that is in `after` and not in `before` (true), or the other way round (false).
fn for_each_difference(
    base: Unwrapped,
    before: &[Range<Unwrapped>],
    after: &[Range<Unwrapped>],
    mut change: impl FnMut(Range<Unwrapped>, bool),
) {
    let mut old = Edges::new(before);
    let mut new = Edges::new(after);
    let mut place = base;
    loop {
        old.advance_to(place);
        new.advance_to(place);
        let edge = match (old.next_edge(), new.next_edge()) {
            (None, None) => return,
            (Some(edge), None) | (None, Some(edge)) => edge,
            (Some(one), Some(other)) => one.min(other),
        };
        if old.inside(place) != new.inside(place) {
            change(place..edge, new.inside(place));
        }
        place = edge;
    }
}

/// A walk over sorted runs.
struct Edges<'a> {
    runs: &'a [Range<Unwrapped>],
    place: Unwrapped,
}

impl<'a> Edges<'a> {
    const fn new(runs: &'a [Range<Unwrapped>]) -> Self {
        Self {
            runs,
            place: Unwrapped::ZERO,
        }
    }

    fn advance_to(&mut self, place: Unwrapped) {
        self.place = place;
        while let [run, rest @ ..] = self.runs
            && run.end <= place
        {
            self.runs = rest;
        }
    }

    fn inside(&self, place: Unwrapped) -> bool {
        self.runs.first().is_some_and(|run| run.contains(&place))
    }

    /// The next place, after the present one, where a run begins or ends.
    fn next_edge(&self) -> Option<Unwrapped> {
        let run = self.runs.first()?;
        Some(if run.start > self.place {
            run.start
        } else {
            run.end
        })
    }
}

/// How many chunks are looked at for three packets' worth of bytes; smaller ones wait for three acknowledgements.
const MAX_STEPS: usize = 64;

#[cfg(test)]
mod tests;
