//! The messages that wait to be sent, by stream, and whose turn it is.

mod queue;
mod turns;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Instant;

use self::queue::{Queued, Slot};
use self::turns::Turns;
use super::arena::{Arena, Payload, Spent};
use super::limit::Limit;
use crate::config::Scheduler;
use crate::error::SendError;
use crate::grow;
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::Mid;
use crate::sparse::Sparse;

/// Outgoing streams.
///
/// With I-DATA they take turns chunk by chunk (RFC 8260 §3). Without it they do message by message: the pieces of a DATA message must
/// have neighbouring TSNs, so a message that was begun is finished first (RFC 9260 §6.9).
#[derive(Debug)]
pub(crate) struct OutboundStreams {
    entries: Sparse<Entry>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    counts: Vec<StreamCounts>,
    turns: Turns,
    /// Slots whose buffered bytes fell to the threshold, and nobody was told yet.
    low: VecDeque<u32>,
    /// Slots of the streams on which something was refused for lack of room, in that order.
    refused: VecDeque<u32>,
    buffered_bytes: usize,
    /// Messages that may have to go for more important ones.
    expendable: usize,
    interleaving: bool,
    /// What is left of messages that were begun and mix.
    mixed_bytes: usize,
    /// How much that may become, before the one whose turn it is is finished first.
    mix_limit: usize,
    /// What was given up, whose memory can be used again.
    spent: Spent,
}

/// What one stream counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamCounts {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) retransmitted_chunks: u64,
    pub(crate) abandoned_messages: u64,
}

/// The names of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageName {
    pub(crate) stream: StreamId,
    pub(crate) ordering: Ordering,
    pub(crate) mid: Mid,
}

/// A piece of a message, about to get its TSN.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) name: MessageName,
    pub(crate) ppid: Ppid,
    pub(crate) fsn: u32,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) limit: Limit,
    pub(crate) payload: Payload,
}

/// A message that was queued and is no longer wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    /// Payload bytes that were not in packets.
    pub(crate) bytes: usize,
    /// Some of it is in packets: its name, and the number of its next piece.
    pub(crate) begun: Option<(MessageName, u32)>,
}

impl OutboundStreams {
    pub(crate) fn new(scheduler: Scheduler) -> Self {
        Self {
            entries: Sparse::new(),
            slots: Vec::new(),
            free: Vec::new(),
            counts: Vec::new(),
            turns: Turns::new(scheduler),
            low: VecDeque::new(),
            refused: VecDeque::new(),
            buffered_bytes: 0,
            expendable: 0,
            interleaving: false,
            mixed_bytes: 0,
            mix_limit: usize::MAX,
            spent: Spent::default(),
        }
    }

    /// What was given up.
    pub(crate) fn spent_mut(&mut self) -> &mut Spent {
        &mut self.spent
    }

    /// Messages may mix from now on.
    pub(crate) fn set_interleaving(&mut self, interleaving: bool) {
        self.interleaving = interleaving;
    }

    /// The peer takes so much at a time. It must be able to hold what was begun, or it can finish nothing. Messages larger than half of
    /// it are read in pieces there, and do not count.
    pub(crate) fn set_peer_window(&mut self, bytes: usize) {
        self.mix_limit = bytes / 2;
    }

    /// The peer has room for so much now.
    pub(crate) fn note_peer_window(&mut self, bytes: usize) {
        self.mix_limit = self.mix_limit.max(bytes / 2);
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffered_bytes == 0
    }

    /// Bytes that wait to be sent.
    pub(crate) fn total_buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// Bytes of a stream that wait to be sent.
    pub(crate) fn buffered_bytes(&self, stream: StreamId) -> usize {
        self.slot(stream).map_or(0, |slot| slot.buffered_bytes)
    }

    /// Since when the oldest message of a stream waits.
    pub(crate) fn oldest(&self, stream: StreamId) -> Option<Instant> {
        Some(self.slot(stream)?.queue.front()?.since)
    }

    pub(crate) fn counts(&self, stream: StreamId) -> StreamCounts {
        let index = self.entries.get(stream.get()).counts.checked_sub(1);
        let counts = index.and_then(|index| self.counts.get(index as usize));
        counts.copied().unwrap_or_default()
    }

    pub(crate) fn counts_mut(&mut self, stream: StreamId) -> &mut StreamCounts {
        let entry = self.entries.entry(stream.get());
        if entry.counts == 0 {
            grow::push(&mut self.counts, StreamCounts::default());
            // There are at most 65,536 streams.
            entry.counts = self.counts.len() as u32;
            if let Some(index) = entry.slot.checked_sub(1) {
                self.slots[index as usize].counts = entry.counts;
            }
        }
        &mut self.counts[entry.counts as usize - 1]
    }

    /// Whether a message may be begun on a stream now.
    pub(crate) fn check(&self, stream: StreamId) -> Result<(), SendError> {
        match self.slot(stream) {
            Some(slot) if slot.resetting => Err(SendError::Resetting),
            Some(slot) if slot.writing.is_some() => Err(SendError::Unfinished),
            _ => Ok(()),
        }
    }

    /// Whether a message is being written on a stream.
    pub(crate) fn is_writing(&self, stream: StreamId) -> bool {
        self.slot(stream).is_some_and(|slot| slot.writing.is_some())
    }

    /// Whether some of the message that is being written was sent.
    pub(crate) fn is_written_begun(&self, stream: StreamId) -> bool {
        let last = self.slot(stream).and_then(|slot| slot.queue.back());
        last.is_some_and(|message| message.begun.is_some())
    }

    pub(crate) fn set_low_threshold(&mut self, stream: StreamId, bytes: usize) {
        let index = self.occupy(stream);
        self.slots[index as usize].low_threshold = bytes;
        self.release_if_idle(index);
    }

    pub(crate) fn set_weight(&mut self, stream: StreamId, weight: u16) {
        let index = self.occupy(stream);
        let slot = &mut self.slots[index as usize];
        slot.weight = weight.max(1);
        if slot.lined_up {
            self.turns.reweigh(index, weight.max(1));
        }
        self.release_if_idle(index);
    }

    /// Queues a whole message.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        (stream, ordering): (StreamId, Ordering),
        ppid: Ppid,
        limit: Limit,
        data: Payload,
    ) {
        let index = self.occupy(stream);
        let length = data.len();
        self.expendable += usize::from(limit.priority().is_some());
        let slot = &mut self.slots[index as usize];
        slot.buffered_bytes += length;
        let message = Queued::new(now, ordering, ppid, limit, data);
        grow::push_back(&mut slot.queue, message);
        let known = slot.counts;
        self.buffered_bytes += length;
        let counts = match self.counts.get_mut((known as usize).wrapping_sub(1)) {
            Some(counts) => counts,
            None => self.counts_mut(stream),
        };
        counts.messages += 1;
        counts.bytes += length as u64;
        self.line_up(index);
    }

    /// Queues a message that has no bytes yet.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        (stream, ordering): (StreamId, Ordering),
        ppid: Ppid,
        limit: Limit,
    ) {
        let index = self.occupy(stream);
        self.expendable += usize::from(limit.priority().is_some());
        let slot = &mut self.slots[index as usize];
        let message = Queued::new(now, ordering, ppid, limit, Payload::default());
        grow::push_back(&mut slot.queue, message);
        slot.writing = Some(Box::default());
        self.counts_mut(stream).messages += 1;
    }

    /// Adds bytes to the message that is being written.
    pub(crate) fn write(&mut self, stream: StreamId, data: &[u8]) {
        let index = self.occupy(stream);
        if let Some(writing) = &mut self.slots[index as usize].writing {
            writing.extend_from_slice(data);
            self.slots[index as usize].buffered_bytes += data.len();
            self.buffered_bytes += data.len();
            self.counts_mut(stream).bytes += data.len() as u64;
            self.line_up(index);
        }
    }

    /// Ends the message that is being written. One without any byte is forgotten: an error.
    pub(crate) fn finish(&mut self, stream: StreamId, arena: &mut Arena) -> Result<(), SendError> {
        let index = self.occupy(stream);
        let slot = &mut self.slots[index as usize];
        let Some(writing) = slot.writing.take() else {
            self.release_if_idle(index);
            return Err(SendError::NotBegun);
        };
        let Some(message) = slot.queue.back_mut() else {
            return Err(SendError::NotBegun);
        };
        message.append(*writing, arena);
        if message.data.is_empty() {
            let expendable = message.limit.priority().is_some();
            slot.queue.pop_back();
            self.expendable -= usize::from(expendable);
            // A reset may have begun the count anew meanwhile.
            let counts = self.counts_mut(stream);
            counts.messages = counts.messages.saturating_sub(1);
            self.release_if_idle(index);
            return Err(SendError::Empty);
        }
        self.line_up(index);
        Ok(())
    }

    /// How many bytes are left of the message whose turn it is; of one that is being written, only what can be told not to be its end.
    pub(crate) fn upcoming(&mut self, max_payload: usize, arena: &mut Arena) -> Option<usize> {
        loop {
            let stay = self.stays();
            let index = self.turns.current(stay)?;
            let slot = &mut self.slots[index as usize];
            if let Some(length) = slot.sendable(max_payload, arena) {
                return Some(length);
            }
            if stay {
                return None;
            }
            slot.lined_up = false;
            self.turns.leave();
            self.release_if_idle(index);
        }
    }

    /// The next stream whose buffered bytes fell to its threshold.
    pub(crate) fn next_low(&mut self) -> Option<StreamId> {
        let index = self.low.pop_front()?;
        let slot = &mut self.slots[index as usize];
        slot.low_pending = false;
        let stream = slot.id;
        self.release_if_idle(index);
        Some(stream)
    }

    /// Notes that something was refused on a stream for lack of room.
    pub(crate) fn refuse(&mut self, stream: StreamId) {
        let index = self.occupy(stream);
        if !std::mem::replace(&mut self.slots[index as usize].refused, true) {
            self.refused.push_back(index);
        }
    }

    /// On how many streams something was refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// The stream that has waited for room the longest.
    pub(crate) fn next_refused(&mut self) -> Option<StreamId> {
        let index = self.refused.pop_front()?;
        let slot = &mut self.slots[index as usize];
        slot.refused = false;
        let stream = slot.id;
        self.release_if_idle(index);
        Some(stream)
    }

    /// Takes a piece of at most `length` bytes off the message whose turn it is: the one that [`upcoming`](Self::upcoming) spoke of.
    pub(crate) fn take(&mut self, length: usize, arena: &mut Arena) -> Option<Piece> {
        let index = self.turns.current(true)?;
        let slot = &mut self.slots[index as usize];
        let stream = slot.id;
        let entry = self.entries.entry(stream.get());
        let mixed = slot.mixes();
        let (piece, ends) = slot.take(length, entry, arena)?;
        if mixed {
            self.mixed_bytes = self.mixed_bytes.saturating_sub(piece.payload.len());
        } else if self.interleaving && piece.beginning && !ends {
            self.mixed_bytes += slot.begin_to_mix(piece.payload.len(), self.mix_limit);
        }
        self.expendable -= usize::from(ends && piece.limit.priority().is_some());
        self.turns
            .served(piece.payload.len(), ends || self.interleaving);
        self.on_taken(index, piece.payload.len());
        if ends && self.slots[index as usize].queue.is_empty() {
            self.slots[index as usize].lined_up = false;
            self.turns.leave();
            self.release_if_idle(index);
        }
        Some(piece)
    }

    /// Gives up the message whose turn it is if its time is over.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Given> {
        let stay = self.stays();
        let index = self.turns.current(stay)?;
        let front = self.slots[index as usize].queue.front()?;
        if !front.limit.is_expired(now) {
            return None;
        }
        Some(self.give_up(index, 0))
    }

    /// Gives up the rest of a message of which some was sent, if there is a rest.
    pub(crate) fn take_rest(&mut self, name: MessageName) -> Option<Given> {
        let index = self.entries.get(name.stream.get()).slot.checked_sub(1)?;
        let front = self.slots[index as usize].queue.front()?;
        let same = front.begun == Some(name.mid) && front.ordering == name.ordering;
        same.then(|| self.give_up(index, 0))
    }

    /// Gives up the message that is being written.
    pub(crate) fn take_written(&mut self, stream: StreamId) -> Option<Given> {
        let index = self.entries.get(stream.get()).slot.checked_sub(1)?;
        let slot = &self.slots[index as usize];
        slot.writing.as_ref()?;
        let last = slot.queue.len().checked_sub(1)?;
        Some(self.give_up(index, last))
    }

    /// Gives up messages of less importance than `priority` and of which nothing was sent, the least important and newest first, until `wanted`
    /// bytes with `overhead` for each are free. Does nothing when there are not enough.
    pub(crate) fn make_room(
        &mut self,
        priority: u32,
        wanted: usize,
        overhead: usize,
    ) -> (usize, usize) {
        if self.expendable == 0 {
            return (0, 0);
        }
        let mut found = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            for (place, message) in slot.queue.iter().enumerate() {
                let writing = slot.writing.is_some() && place + 1 == slot.queue.len();
                if let Some(theirs) = message.limit.priority()
                    && theirs > priority
                    && message.begun.is_none()
                    && !writing
                {
                    found.push((theirs, index as u32, place, message.data.len() + overhead));
                }
            }
        }
        // Later places first, so that the earlier ones stay where they are.
        found.sort_unstable_by_key(|(theirs, slot, place, _)| Reverse((*theirs, *slot, *place)));
        let mut free = 0;
        let enough = found.iter().position(|(.., cost)| {
            free += cost;
            free >= wanted
        });
        let Some(enough) = enough else {
            return (0, 0);
        };
        let mut bytes = 0;
        let mut chosen = found[..=enough].to_vec();
        chosen.sort_unstable_by_key(|(_, slot, place, _)| Reverse((*slot, *place)));
        for (_, index, place, _) in &chosen {
            bytes += self.give_up(*index, *place).bytes;
        }
        (chosen.len(), bytes)
    }

    /// Keeps new messages off a stream until its reset is over. False when that is so already.
    pub(crate) fn begin_reset(&mut self, stream: StreamId) -> bool {
        let index = self.occupy(stream);
        !std::mem::replace(&mut self.slots[index as usize].resetting, true)
    }

    /// The reset is over; when it succeeded the stream's messages count from 0 again.
    pub(crate) fn end_reset(&mut self, stream: StreamId, performed: bool) {
        let index = self.occupy(stream);
        self.slots[index as usize].resetting = false;
        if performed {
            let entry = self.entries.entry(stream.get());
            entry.next = Mid::default();
            entry.next_unordered = Mid::default();
            if let Some(counts) = entry.counts.checked_sub(1) {
                self.counts[counts as usize] = StreamCounts::default();
            }
        }
        self.release_if_idle(index);
    }

    /// The streams on which messages were numbered.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = StreamId> {
        self.numbers().map(|(id, ..)| StreamId::new(id))
    }

    /// The next message numbers of every stream that was used, ordered and unordered.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (u16, Mid, Mid)> {
        let entries = self.entries.iter();
        entries
            .map(|(id, entry)| (id, entry.next, entry.next_unordered))
            .filter(|(_, next, unordered)| (*next, *unordered) != Default::default())
    }

    /// Goes on where another one stopped.
    pub(crate) fn set_numbers(&mut self, stream: u16, next: Mid, unordered: Mid) {
        let entry = self.entries.entry(stream);
        entry.next = next;
        entry.next_unordered = unordered;
    }

    /// Lets go of the memory of queues that are empty.
    pub(crate) fn release(&mut self) {
        let empty = self.slots.iter_mut().filter(|slot| slot.queue.is_empty());
        empty.for_each(|slot| slot.queue = VecDeque::new());
        self.spent.shrink_to_fit();
    }

    /// Whether the message whose turn it is goes on to its end: where messages must not mix, or what is mixed already is as much as the
    /// peer can hold.
    fn stays(&mut self) -> bool {
        (!self.interleaving || self.mixed_bytes > self.mix_limit) && self.is_mid_message()
    }

    /// Whether the one whose turn it is has begun a message that it has not ended.
    fn is_mid_message(&mut self) -> bool {
        let Some(index) = self.turns.current(true) else {
            return false;
        };
        let front = self.slots[index as usize].queue.front();
        front.is_some_and(|message| message.begun.is_some())
    }

    fn line_up(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if !std::mem::replace(&mut slot.lined_up, true) {
            self.turns.join(index, slot.weight);
        }
    }

    fn give_up(&mut self, index: u32, place: usize) -> Given {
        let slot = &mut self.slots[index as usize];
        let stream = slot.id;
        let Some((message, given)) = slot.remove(place) else {
            return Given {
                bytes: 0,
                begun: None,
            };
        };
        self.expendable -= usize::from(message.limit.priority().is_some());
        if message.mixes {
            self.mixed_bytes = self.mixed_bytes.saturating_sub(message.data.len());
        }
        self.spent.push(&message.data);
        self.counts_mut(stream).abandoned_messages += 1;
        self.on_taken(index, given.bytes);
        given
    }

    fn on_taken(&mut self, index: u32, bytes: usize) {
        let slot = &mut self.slots[index as usize];
        let before = slot.buffered_bytes;
        slot.buffered_bytes -= bytes;
        self.buffered_bytes -= bytes;
        let low = before > slot.low_threshold && slot.buffered_bytes <= slot.low_threshold;
        if low && !std::mem::replace(&mut slot.low_pending, true) {
            self.low.push_back(index);
        }
    }

    fn slot(&self, stream: StreamId) -> Option<&Slot> {
        let index = self.entries.get(stream.get()).slot.checked_sub(1)?;
        self.slots.get(index as usize)
    }

    /// The index of the stream's slot, which it gets if it has none.
    fn occupy(&mut self, stream: StreamId) -> u32 {
        let entry = self.entries.entry(stream.get());
        if let Some(index) = entry.slot.checked_sub(1) {
            return index;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            grow::push(&mut self.slots, Slot::default());
            // There are at most 65,536 slots: one for each stream.
            (self.slots.len() - 1) as u32
        });
        entry.slot = index + 1;
        let slot = &mut self.slots[index as usize];
        slot.id = stream;
        slot.counts = entry.counts;
        index
    }

    fn release_if_idle(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if slot.is_idle() {
            self.entries.entry(slot.id.get()).slot = 0;
            grow::push(&mut self.free, index);
        }
    }
}

/// What is kept of a stream for as long as the association lives.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The slot's index and one more; 0 when it has none.
    slot: u32,
    /// The index of what it counted and one more; 0 when it counted nothing.
    counts: u32,
    next: Mid,
    /// Unordered messages are numbered where I-DATA is used.
    next_unordered: Mid,
}

#[cfg(test)]
mod tests;
