mod rack;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::rack::Rack;
pub(crate) use self::rack::Transmission;
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
    /// Payload bytes in gap ack blocks.
    gap_acked_bytes: usize,
    /// Acknowledgements that reported something new above the present gap.
    reports: u32,
    /// More bytes than this above a gap speak of a loss: what two packets hold (RFC 6675 §4, `IsLost`).
    two_packets: usize,
    rack: Rack,
    /// When the oldest chunk in flight counts as lost, although nothing more is heard (RFC 8985 §6.2 step 5).
    loss_due: Option<Instant>,
    /// The tail loss probe that is not answered (RFC 8985 §7).
    tail_probe: Option<TailProbe>,
    /// T3 expired, and no acknowledgement came since.
    timed_out: bool,
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
    /// The last time it was sent.
    sent_at: Instant,
    number: Transmission,
}

/// What was sent to find out about the tail.
#[derive(Clone, Copy, Debug)]
struct TailProbe {
    /// The TSN after everything that was sent then.
    end: Unwrapped,
    /// It was something sent before, so that its arrival hides a loss.
    again: bool,
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
    /// The round trip of what was sent last among what was acknowledged now, if it was sent once.
    pub(crate) latest_round_trip: Option<Duration>,
    /// Payload bytes found lost.
    pub(crate) lost_bytes: usize,
    /// The latest of the transmissions that were found lost.
    pub(crate) latest_lost: Option<Transmission>,
    /// What T3 took as lost has arrived without being sent again.
    pub(crate) timeout_was_spurious: bool,
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
            gap_acked_bytes: 0,
            reports: 0,
            two_packets: 2 * max_payload,
            rack: Rack::new(),
            loss_due: None,
            tail_probe: None,
            timed_out: false,
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
            sent_at: now,
            number: self.rack.record(tsn),
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
    pub(crate) fn send_again(
        &mut self,
        now: Instant,
        tsn: Unwrapped,
        immediate: bool,
        buf: &mut Vec<u8>,
    ) {
        self.lost.pop_front();
        if let Some(length) = self.encode_again(now, tsn, immediate, buf) {
            self.flight_bytes += length;
        }
    }

    fn encode_again(
        &mut self,
        now: Instant,
        tsn: Unwrapped,
        immediate: bool,
        buf: &mut Vec<u8>,
    ) -> Option<usize> {
        // Karn: an acknowledgement would not say which of the two it answers.
        self.probe.take_if(|(probe, _)| *probe == tsn);
        let sent = self.ring.get_mut(tsn.since(self.first) as usize)?;
        sent.phase = Phase::InFlight;
        sent.sent_again = true;
        sent.sent_at = now;
        sent.number = self.rack.record(tsn);
        sent.encode(tsn.wrap(), immediate, buf);
        Some(sent.payload.len())
    }

    /// The number of the next transmission.
    pub(crate) fn next_transmission(&self) -> Transmission {
        self.rack.next()
    }

    /// The latest transmission that arrived.
    pub(crate) fn newest_delivered(&self) -> Transmission {
        self.rack.newest()
    }

    /// The round trip of what arrived last, and the least one of late.
    pub(crate) fn round_trips(&self) -> (Duration, Duration) {
        (self.rack.round_trip(), self.rack.least_round_trip())
    }

    /// When [`find_overdue`](Self::find_overdue) has something to find.
    pub(crate) fn loss_due(&self) -> Option<Instant> {
        self.loss_due
    }

    /// Whether a tail loss probe would tell something: everything is in flight and nothing is known to be missing.
    pub(crate) fn wants_tail_probe(&self) -> bool {
        self.tail_probe.is_none()
            && self.gap_acked_bytes == 0
            && self.lost.is_empty()
            && self
                .ring
                .back()
                .is_some_and(|sent| sent.phase == Phase::InFlight)
    }

    /// How many chunks are outstanding.
    pub(crate) fn count(&self) -> usize {
        self.ring.len()
    }

    /// The payload length of the chunk that a tail loss probe would send again: the last one.
    pub(crate) fn tail_length(&self) -> Option<usize> {
        self.ring.back().map(|sent| sent.payload.len())
    }

    /// Sends the last chunk again, so that the receiver reports what it has.
    pub(crate) fn send_tail(&mut self, now: Instant, buf: &mut Vec<u8>) {
        self.encode_again(now, self.next().previous(), true, buf);
        self.note_tail_probe(true);
    }

    /// What was just sent is a tail loss probe.
    pub(crate) fn note_tail_probe(&mut self, again: bool) {
        let end = self.next();
        self.tail_probe = Some(TailProbe { end, again });
    }

    /// Another path: what was learnt of the old one does not hold.
    pub(crate) fn forget_path(&mut self) {
        self.rack.forget_path();
        self.probe = None;
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
        self.rack.clear();
        self.loss_due = None;
        self.tail_probe = None;
        self.timed_out = !self.ring.is_empty();
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
        if self.gap_acked.is_empty() && self.rack.oldest().is_none() {
            return Ok(outcome);
        }
        self.find_overdue(now, recovering, smoothed, &mut outcome);
        Ok(outcome)
    }

    /// What arrived twice answers a tail loss probe, or says that something was sent again too early.
    fn take_duplicates(&mut self, sack: &SackChunk<'_>, outcome: &mut SackOutcome) {
        let mut reported = false;
        for tsn in sack.duplicates() {
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
                Phase::Lost => {
                    outcome.newly_acked_bytes += length;
                    outcome.timeout_was_spurious = self.timed_out;
                }
                Phase::GapAcked => {
                    self.gap_acked_bytes -= length;
                    continue;
                }
            }
            let sample =
                self.rack
                    .on_delivered(now, sent.number, sent.sent_at, sent.sent_again, before);
            outcome.latest_round_trip = sample.or(outcome.latest_round_trip);
        }
        self.first = after;
        self.reports = 0;
        if self.ring.is_empty() {
            // An idle association is small.
            self.ring = VecDeque::new();
            self.rack.release();
            self.loss_due = None;
        }
        outcome.cumulative_advanced = true;
        if let Some((_, sent_at)) = self.probe.take_if(|(probe, _)| *probe < after) {
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
        for sent in self.ring.range_mut(start..end.min(self.ring.len())) {
            let length = sent.payload.len();
            if added {
                if sent.phase == Phase::InFlight {
                    self.flight_bytes -= length;
                }
                sent.phase = Phase::GapAcked;
                self.gap_acked_bytes += length;
                outcome.newly_acked_bytes += length;
                let sample =
                    self.rack
                        .on_delivered(now, sent.number, sent.sent_at, sent.sent_again, newest);
                outcome.latest_round_trip = sample.or(outcome.latest_round_trip);
            } else {
                // Taken back: outstanding again until T3 (RFC 9260 §6.2.1 D iii).
                sent.phase = Phase::InFlight;
                self.gap_acked_bytes -= length;
                self.flight_bytes += length;
            }
        }
        if added && let Some((_, sent_at)) = self.probe.take_if(|(probe, _)| range.contains(probe))
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
        while let Some((number, tsn)) = self.rack.oldest() {
            let index = tsn.since(self.first) as usize;
            let live = tsn >= self.first;
            let sent = self
                .ring
                .get_mut(index)
                .filter(|sent| live && sent.phase == Phase::InFlight && sent.number == number);
            if let Some(sent) = sent {
                if number >= self.rack.newest() {
                    return;
                }
                let due = sent.sent_at + patience;
                if due > now {
                    self.loss_due = Some(due);
                    return;
                }
                sent.phase = Phase::Lost;
                self.flight_bytes -= sent.payload.len();
                outcome.found_losses = true;
                outcome.lost_bytes += sent.payload.len();
                outcome.latest_lost = Some(number);
                if sent.sent_again {
                    // The receiver has waited for it the longest.
                    self.lost.push_front(tsn);
                } else {
                    self.lost.push_back(tsn);
                }
            }
            self.rack.drop_oldest();
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

#[cfg(test)]
mod tests;
