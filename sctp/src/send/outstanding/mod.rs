mod abandon;
mod differences;
mod rack;
mod sack;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use self::rack::Rack;
pub(crate) use self::rack::Transmission;
use super::arena::{Arena, Payload, Spent};
use super::limit::Limit;
use crate::chunk::{DataChunk, IDataChunk, Place};
use crate::message::{Ordering, Ppid, StreamId};
use crate::send::streams::{MessageName, Piece};
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
    /// Payload bytes that are not in flight and not known to have arrived: lost, or unreported.
    lost_bytes: usize,
    /// What to send again, in the order in which it was found lost. Entries may have been acknowledged since.
    lost: VecDeque<Unwrapped>,
    /// The gap ack blocks of the last acknowledgement.
    gap_acked: Vec<Range<Unwrapped>>,
    gap_acked_before: Vec<Range<Unwrapped>>,
    /// The last acknowledgement had so many gap ack blocks that it may not have had room for all: nothing is known from here on.
    unreported: Option<Unwrapped>,
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
    /// Everything before it was acknowledged or given up: the Advanced.Peer.Ack.Point of RFC 3758 §3.5, and one more.
    advanced: Unwrapped,
    /// Send buffer set free by giving up, and not yet reported.
    freed_bytes: usize,
    /// What was acknowledged or given up, whose memory can be used again.
    spent: Spent,
    /// Messages travel in I-DATA chunks.
    interleaving: bool,
    /// The peer knows FORWARD-TSN: messages may be given up.
    partial: bool,
    counts: Counts,
}

/// What was counted of what left.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) retransmitted_chunks: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) spurious: u64,
}

/// One chunk.
#[derive(Debug)]
struct Sent {
    payload: Payload,
    limit: Limit,
    /// The last time it was sent.
    sent_at: Instant,
    number: Transmission,
    name: MessageName,
    ppid: Ppid,
    fsn: u32,
    /// How often it was sent again.
    repetitions: u16,
    beginning: bool,
    ending: bool,
    phase: Phase,
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
    /// Overdue, and the peer has no room to say whether it arrived.
    Unreported,
    /// Reported in a gap ack block, which the peer may take back (RFC 9260 §6.2).
    GapAcked,
    /// Given up (RFC 3758 §3.5 A3). Its bytes are gone.
    Abandoned,
}

/// What an acknowledgement changed.
#[derive(Debug, Default)]
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
    /// Payload bytes found lost that were sent of late.
    pub(crate) lost_bytes: usize,
    /// The latest of the transmissions that were found lost.
    pub(crate) latest_lost: Option<Transmission>,
    /// What T3 took as lost has arrived without being sent again.
    pub(crate) timeout_was_spurious: bool,
    /// A full packet arrived.
    pub(crate) full_delivered: bool,
    /// A full packet was lost: the latest transmission of one.
    pub(crate) full_lost: Option<Transmission>,
    /// Messages given up, and whether their last piece was sent.
    pub(crate) abandoned: Vec<(MessageName, bool)>,
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
            lost_bytes: 0,
            lost: VecDeque::new(),
            gap_acked: Vec::new(),
            gap_acked_before: Vec::new(),
            unreported: None,
            gap_acked_bytes: 0,
            reports: 0,
            two_packets: 2 * max_payload,
            rack: Rack::new(),
            loss_due: None,
            tail_probe: None,
            timed_out: false,
            probe: None,
            advanced: first,
            freed_bytes: 0,
            spent: Spent::default(),
            interleaving: false,
            partial: false,
            counts: Counts::default(),
        }
    }

    /// What was agreed with the peer: I-DATA, and FORWARD-TSN.
    pub(crate) fn set_extensions(&mut self, interleaving: bool, partial: bool) {
        self.interleaving = interleaving;
        self.partial = partial;
    }

    /// Another packet size.
    pub(crate) fn set_max_payload(&mut self, max_payload: usize) {
        self.two_packets = 2 * max_payload;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) fn flight_bytes(&self) -> usize {
        self.flight_bytes
    }

    /// What was acknowledged or given up.
    pub(crate) fn spent_mut(&mut self) -> &mut Spent {
        &mut self.spent
    }

    /// The memory that is kept for what will be sent.
    pub(crate) fn spare_bytes(&self) -> usize {
        self.ring.capacity() * size_of::<Sent>() + self.rack.spare_bytes()
    }

    /// Nothing is outstanding and nothing will be for a while: lets go of the memory.
    pub(crate) fn release(&mut self) {
        self.ring.shrink_to_fit();
        self.lost.shrink_to_fit();
        self.gap_acked.shrink_to_fit();
        self.gap_acked_before.shrink_to_fit();
        self.spent.shrink_to_fit();
        self.rack.release();
    }

    /// Payload bytes that the peer has beyond a gap.
    pub(crate) fn gap_acked_bytes(&self) -> usize {
        self.gap_acked_bytes
    }

    /// Payload bytes that are not in flight any more and not known to have arrived.
    pub(crate) fn lost_bytes(&self) -> usize {
        self.lost_bytes
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
    #[inline]
    pub(crate) fn send(
        &mut self,
        now: Instant,
        piece: Piece,
        immediate: bool,
        arena: &Arena,
        buf: &mut Vec<u8>,
    ) {
        let tsn = self.next();
        if self.probe.is_none() {
            self.probe = Some((tsn, now));
        }
        self.flight_bytes += piece.payload.len();
        let sent = Sent {
            payload: piece.payload,
            limit: if self.partial {
                piece.limit
            } else {
                Limit::None
            },
            sent_at: now,
            number: self.rack.record(tsn),
            name: piece.name,
            ppid: piece.ppid,
            fsn: piece.fsn,
            repetitions: 0,
            beginning: piece.beginning,
            ending: piece.ending,
            phase: Phase::InFlight,
        };
        let flags = (immediate, self.interleaving);
        sent.encode(tsn.wrap(), flags, arena.bytes(&sent.payload), buf);
        self.ring.push_back(sent);
    }

    /// The next chunk to send again: its TSN, its payload's length and its stream.
    pub(crate) fn next_lost(&mut self) -> Option<(Unwrapped, usize, StreamId)> {
        while let Some(&tsn) = self.lost.front() {
            if let Some(sent) = self.get(tsn)
                && sent.phase == Phase::Lost
            {
                return Some((tsn, sent.payload.len(), sent.name.stream));
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
        arena: &Arena,
        buf: &mut Vec<u8>,
    ) {
        self.lost.pop_front();
        self.encode_again(now, tsn, immediate, arena, buf);
    }

    fn encode_again(
        &mut self,
        now: Instant,
        tsn: Unwrapped,
        immediate: bool,
        arena: &Arena,
        buf: &mut Vec<u8>,
    ) {
        // Karn: an acknowledgement would not say which of the two it answers.
        self.probe.take_if(|(probe, _)| *probe == tsn);
        let Some(sent) = self.ring.get_mut(tsn.since(self.first) as usize) else {
            return;
        };
        if matches!(sent.phase, Phase::Lost | Phase::Unreported) {
            self.lost_bytes -= sent.payload.len();
            self.flight_bytes += sent.payload.len();
        }
        sent.phase = Phase::InFlight;
        sent.repetitions = sent.repetitions.saturating_add(1);
        sent.sent_at = now;
        sent.number = self.rack.record(tsn);
        let flags = (immediate, self.interleaving);
        sent.encode(tsn.wrap(), flags, arena.bytes(&sent.payload), buf);
        self.counts.retransmitted_chunks += 1;
        self.counts.retransmitted_bytes += sent.payload.len() as u64;
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

    /// Whether a chunk that fills a packet is in flight.
    pub(crate) fn has_full_in_flight(&self, max_payload: usize) -> bool {
        self.ring
            .front()
            .is_some_and(|sent| sent.phase == Phase::InFlight && sent.payload.len() >= max_payload)
    }

    /// How many chunks are outstanding.
    pub(crate) fn count(&self) -> usize {
        self.ring.len()
    }

    /// The payload length of the chunk that a tail loss probe would send again: the last one, if it may be sent again.
    pub(crate) fn tail_length(&self, now: Instant) -> Option<usize> {
        let tail = self.ring.back()?;
        (!tail.limit.forbids(now, tail.repetitions)).then_some(tail.payload.len())
    }

    /// Sends the last chunk again, so that the receiver reports what it has.
    pub(crate) fn send_tail(&mut self, now: Instant, arena: &Arena, buf: &mut Vec<u8>) {
        self.encode_again(now, self.next().previous(), true, arena, buf);
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

    /// T3 expired, and nothing was acknowledged since.
    pub(crate) fn has_timed_out(&self) -> bool {
        self.timed_out
    }

    /// T3: everything in flight counts as lost. Happens at most once in a timeout, so it may walk.
    pub(crate) fn on_timeout(&mut self) {
        self.lost.clear();
        for (offset, sent) in self.ring.iter_mut().enumerate() {
            if matches!(
                sent.phase,
                Phase::InFlight | Phase::Lost | Phase::Unreported
            ) {
                sent.phase = Phase::Lost;
                self.lost.push_back(self.first.plus(offset as u64));
            }
        }
        self.lost_bytes += self.flight_bytes;
        self.flight_bytes = 0;
        self.probe = None;
        self.rack.clear();
        self.loss_due = None;
        self.tail_probe = None;
        self.timed_out = !self.ring.is_empty();
    }

    fn get(&self, tsn: Unwrapped) -> Option<&Sent> {
        if tsn < self.first {
            return None;
        }
        self.ring.get(tsn.since(self.first) as usize)
    }
}

impl Sent {
    #[inline]
    fn encode(
        &self,
        tsn: Tsn,
        (immediate, interleaving): (bool, bool),
        payload: &[u8],
        buf: &mut Vec<u8>,
    ) {
        if interleaving {
            let chunk = IDataChunk {
                tsn,
                stream: self.name.stream,
                mid: self.name.mid,
                place: if self.beginning {
                    Place::Beginning(self.ppid)
                } else {
                    Place::Later(self.fsn)
                },
                ordering: self.name.ordering,
                ending: self.ending,
                immediate,
                payload,
            };
            return chunk.encode(buf);
        }
        let chunk = DataChunk {
            tsn,
            stream: self.name.stream,
            ssn: match self.name.ordering {
                Ordering::Ordered => self.name.mid.ssn(),
                Ordering::Unordered => Ssn::default(),
            },
            ppid: self.ppid,
            ordering: self.name.ordering,
            beginning: self.beginning,
            ending: self.ending,
            immediate,
            payload,
        };
        chunk.encode(buf);
    }
}

#[cfg(test)]
mod tests;
