use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::grow;
use crate::message::{Message, MessagePiece, Ordering, PieceEnd, StreamId};
use crate::receive::ReceiveLimit;
use crate::receive::fragment::{Assembled, MessageId};
use crate::serial::{Mid, Ssn};
use crate::sparse::Sparse;

/// Messages on their way to the application, by stream.
///
/// A stream has a slot only while it holds something or has settings of its own; else a few bytes remember its next message
/// number and what it counted.
#[derive(Debug)]
pub(crate) struct InboundStreams {
    entries: Sparse<Entry>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    counts: Vec<StreamCounts>,
    /// Streams that may have something to read. The first one has.
    readable: VecDeque<StreamId>,
    /// Streams whose becoming readable was not told yet.
    announcements: VecDeque<StreamId>,
    readable_pieces: usize,
    /// What everything counts against the window.
    charged_bytes: usize,
    refused_streams: usize,
    /// Streams with partial delivery.
    in_pieces: usize,
    /// Message numbers come whole (I-DATA), and not as the 16 bits of DATA.
    interleaving: bool,
}

/// What one stream counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamCounts {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It, and perhaps some that waited for it, can be read: so many.
    Readable(usize),
    /// It waits for messages before it.
    Waiting,
    /// Its number was used before, or is far ahead: it was dropped.
    Refused,
    /// The stream holds enough unread, and may lose messages: it was dropped.
    OverLimit,
    /// The stream holds enough unread: it is to be refused.
    Overflow,
}

impl InboundStreams {
    pub(crate) fn new(interleaving: bool) -> Self {
        Self {
            entries: Sparse::new(),
            slots: Vec::new(),
            free: Vec::new(),
            counts: Vec::new(),
            readable: VecDeque::new(),
            announcements: VecDeque::new(),
            readable_pieces: 0,
            charged_bytes: 0,
            refused_streams: 0,
            in_pieces: 0,
            interleaving,
        }
    }

    /// The same settings, for an association that begins anew.
    pub(crate) fn renewed(&self, interleaving: bool) -> Self {
        let mut renewed = Self::new(interleaving);
        for slot in &self.slots {
            let in_use = self.entries.get(slot.id.get()).slot != 0;
            if in_use && (slot.limit.is_some() || slot.piece_bytes.is_some()) {
                renewed.set_limit(slot.id, slot.limit);
                renewed.set_piece_bytes(slot.id, slot.piece_bytes);
            }
        }
        renewed
    }

    /// How many messages, and pieces of messages, can be read.
    pub(crate) fn readable_pieces(&self) -> usize {
        self.readable_pieces
    }

    pub(crate) fn charged_bytes(&self) -> usize {
        self.charged_bytes
    }

    pub(crate) fn counts(&self, stream: StreamId) -> StreamCounts {
        let index = self.entries.get(stream.get()).counts.checked_sub(1);
        let counts = index.and_then(|index| self.counts.get(index as usize));
        counts.copied().unwrap_or_default()
    }

    pub(crate) fn unread_bytes(&self, stream: StreamId) -> usize {
        self.slot(stream).map_or(0, |slot| slot.unread_bytes)
    }

    pub(crate) fn is_refused(&self, stream: StreamId) -> bool {
        self.refused_streams > 0 && self.entries.get(stream.get()).refused
    }

    pub(crate) fn set_limit(&mut self, stream: StreamId, limit: Option<ReceiveLimit>) {
        let index = self.occupy(stream) as usize;
        self.slots[index].limit = limit;
        self.release_if_idle(index);
    }

    pub(crate) fn set_piece_bytes(&mut self, stream: StreamId, bytes: Option<usize>) {
        let index = self.occupy(stream) as usize;
        let before = std::mem::replace(&mut self.slots[index].piece_bytes, bytes);
        self.in_pieces += usize::from(bytes.is_some());
        self.in_pieces -= usize::from(before.is_some());
        self.release_if_idle(index);
    }

    /// How much of an unfinished message is to be made readable at least, if that message is next on its stream and the stream is read in
    /// pieces.
    pub(crate) fn piece_bytes(&self, id: MessageId) -> Option<usize> {
        if self.in_pieces == 0 || id.ordering == Ordering::Unordered {
            return None;
        }
        let next = self.entries.get(id.stream.get()).next;
        let bytes = self.slot(id.stream)?.piece_bytes?;
        (self.number(id, next) == next).then_some(bytes.max(1))
    }

    /// Makes a part of the next message of its stream readable.
    pub(crate) fn push_piece(&mut self, part: Assembled, first: bool) {
        let index = self.occupy(part.id.stream) as usize;
        self.slots[index].in_piece = true;
        let piece = piece(part, first, PieceEnd::More);
        self.make_readable(index, piece);
    }

    #[inline]
    pub(crate) fn deliver(&mut self, assembled: Assembled) -> Delivery {
        let id = assembled.id;
        let index = self.occupy(id.stream) as usize;
        let slot = &self.slots[index];
        if let Some(limit) = slot.limit
            && slot.unread_bytes > 0
            && slot.unread_bytes.saturating_add(assembled.data.len()) > limit.bytes
        {
            let may_drop = id.ordering == Ordering::Unordered && limit.drops_unordered;
            return if may_drop {
                Delivery::OverLimit
            } else {
                Delivery::Overflow
            };
        }
        if id.ordering == Ordering::Unordered {
            self.make_readable(index, piece(assembled, true, PieceEnd::Complete));
            return Delivery::Readable(1);
        }
        let next = self.entries.get(id.stream.get()).next;
        let number = self.number(id, next);
        if number != next {
            let old = number.distance_from(next) < 0;
            let waiting = &mut self.slots[index].waiting;
            if old || waiting.contains_key(&number.get()) {
                self.release_if_idle(index);
                return Delivery::Refused;
            }
            self.charged_bytes += charge(&assembled.data);
            waiting.insert(number.get(), assembled);
            return Delivery::Waiting;
        }
        let first = !std::mem::take(&mut self.slots[index].in_piece);
        self.make_readable(index, piece(assembled, first, PieceEnd::Complete));
        let count = self.release_waiting(index, next.next());
        Delivery::Readable(1 + count)
    }

    /// Delivers the rest of a message of which some was made readable before. Gives how many messages waited for it.
    pub(crate) fn deliver_rest(&mut self, rest: Assembled) -> usize {
        let index = self.occupy(rest.id.stream) as usize;
        let next = self.entries.get(rest.id.stream.get()).next;
        let first = !std::mem::take(&mut self.slots[index].in_piece);
        self.make_readable(index, piece(rest, first, PieceEnd::Complete));
        self.release_waiting(index, next.next())
    }

    /// Ordered messages up to this one will not come (RFC 3758 §3.6). Gives how many can be read that waited for them.
    pub(crate) fn skip(&mut self, stream: StreamId, last: Mid) -> usize {
        let next = self.entries.get(stream.get()).next;
        let id = MessageId {
            stream,
            ordering: Ordering::Ordered,
            number: last,
        };
        let last = self.number(id, next);
        if last.distance_from(next) < 0 {
            return 0;
        }
        let index = self.occupy(stream) as usize;
        self.abandon_piece(index);
        let mut count = 0;
        if !self.slots[index].waiting.is_empty() {
            let passed = |number: &u32| Mid::new(*number).distance_from(last) <= 0;
            let waiting = self.slots[index].waiting.keys().copied();
            let mut passed = waiting.filter(passed).collect::<Vec<_>>();
            passed.sort_unstable_by_key(|number| number.wrapping_sub(next.get()));
            for number in passed {
                if let Some(assembled) = self.slots[index].waiting.remove(&number) {
                    self.charged_bytes -= charge(&assembled.data);
                    self.make_readable(index, piece(assembled, true, PieceEnd::Complete));
                    count += 1;
                }
            }
        }
        count += self.release_waiting(index, last.next());
        self.release_if_idle(index);
        count
    }

    /// A message of which some was read ends without its rest.
    pub(crate) fn abandon(&mut self, stream: StreamId) {
        if let Some(index) = self.entries.get(stream.get()).slot.checked_sub(1) {
            self.abandon_piece(index as usize);
        }
    }

    pub(crate) fn recv(&mut self, stream: StreamId) -> Option<Message> {
        let index = self.index(stream)?;
        let front = self.slots[index].readable.front()?;
        if !front.beginning || front.end != PieceEnd::Complete {
            return None;
        }
        let piece = self.take_front(index)?;
        Some(Message {
            stream,
            ppid: piece.ppid,
            ordering: piece.ordering,
            data: piece.data,
        })
    }

    pub(crate) fn recv_piece(&mut self, stream: StreamId) -> Option<MessagePiece> {
        let index = self.index(stream)?;
        self.take_front(index)
    }

    #[inline]
    fn take_front(&mut self, index: usize) -> Option<MessagePiece> {
        let slot = &mut self.slots[index];
        let piece = slot.readable.pop_front()?;
        slot.unread_bytes -= piece.data.len();
        self.charged_bytes -= charge(&piece.data);
        self.readable_pieces -= 1;
        if slot.readable.is_empty() {
            self.trim_readable();
            self.release_if_idle(index);
        }
        Some(piece)
    }

    pub(crate) fn next_readable(&self) -> Option<StreamId> {
        self.readable.front().copied()
    }

    /// The next stream to tell the application of.
    pub(crate) fn next_announcement(&mut self) -> Option<StreamId> {
        while let Some(stream) = self.announcements.pop_front() {
            let Some(index) = self.entries.get(stream.get()).slot.checked_sub(1) else {
                continue;
            };
            let slot = &mut self.slots[index as usize];
            slot.announced = false;
            if !slot.readable.is_empty() {
                return Some(stream);
            }
            self.release_if_idle(index as usize);
        }
        None
    }

    /// Takes nothing more from a stream until it begins anew. False when that is so already.
    pub(crate) fn refuse(&mut self, stream: StreamId) -> bool {
        let entry = self.entries.entry(stream.get());
        if std::mem::replace(&mut entry.refused, true) {
            return false;
        }
        self.refused_streams += 1;
        if let Some(index) = entry.slot.checked_sub(1) {
            self.forget_waiting(index as usize);
        }
        true
    }

    /// Forgets what is unread on a stream.
    pub(crate) fn drain(&mut self, stream: StreamId) {
        while self.recv_piece(stream).is_some() {}
    }

    /// The peer begins a stream anew: messages whose turn never came are forgotten, what can be read stays.
    pub(crate) fn reset(&mut self, stream: StreamId) {
        let entry = self.entries.get(stream.get());
        if let Some(counts) = entry.counts.checked_sub(1) {
            self.counts[counts as usize] = StreamCounts::default();
        }
        // A stream that was never used need not be remembered as new.
        if entry.next != Mid::default() || entry.refused {
            let entry = self.entries.entry(stream.get());
            entry.next = Mid::default();
            self.refused_streams -= usize::from(std::mem::take(&mut entry.refused));
        }
        if let Some(index) = entry.slot.checked_sub(1) {
            self.forget_waiting(index as usize);
        }
    }

    /// The peer begins all its streams anew.
    pub(crate) fn reset_all(&mut self) {
        for entry in self.entries.values_mut() {
            entry.next = Mid::default();
            entry.refused = false;
        }
        self.refused_streams = 0;
        self.counts.fill(StreamCounts::default());
        for index in 0..self.slots.len() {
            self.forget_waiting(index);
        }
    }

    /// The next message number of every stream that was used, and whether it is refused.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (u16, Mid, bool)> {
        let used = |(_, entry): &(u16, Entry)| entry.next != Mid::default() || entry.refused;
        let entries = self.entries.iter().filter(used);
        entries.map(|(id, entry)| (id, entry.next, entry.refused))
    }

    /// Goes on where another one stopped.
    pub(crate) fn set_number(&mut self, stream: u16, next: Mid, refused: bool) {
        let entry = self.entries.entry(stream);
        entry.next = next;
        self.refused_streams += usize::from(refused && !entry.refused);
        entry.refused = refused;
    }

    /// The whole number of a message, given the next one of its stream.
    ///
    /// DATA carries 16 bits. No message comes twice, because no TSN does, so nearly all of their range lies ahead.
    fn number(&self, id: MessageId, next: Mid) -> Mid {
        if self.interleaving {
            return id.number;
        }
        let behind = next.plus(0u32.wrapping_sub(REPEATED));
        let ahead = id.number.ssn().get().wrapping_sub(behind.ssn().get());
        behind.plus(u32::from(Ssn::new(ahead).get()))
    }

    /// Messages that waited for the one before `next` can be read: how many.
    #[inline]
    fn release_waiting(&mut self, index: usize, mut next: Mid) -> usize {
        let mut count = 0;
        if !self.slots[index].waiting.is_empty() {
            while let Some(assembled) = self.slots[index].waiting.remove(&next.get()) {
                self.charged_bytes -= charge(&assembled.data);
                self.make_readable(index, piece(assembled, true, PieceEnd::Complete));
                next = next.next();
                count += 1;
            }
        }
        let id = self.slots[index].id;
        self.entries.entry(id.get()).next = next;
        count
    }

    /// No more ordered messages come: those that wait for others are forgotten, and one of which some was read ends.
    fn forget_waiting(&mut self, index: usize) {
        self.abandon_piece(index);
        let waiting = std::mem::take(&mut self.slots[index].waiting);
        let charged = waiting.values().map(|message| charge(&message.data));
        self.charged_bytes -= charged.sum::<usize>();
        self.release_if_idle(index);
    }

    fn abandon_piece(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if std::mem::take(&mut slot.in_piece) {
            let end = MessagePiece {
                stream: slot.id,
                ppid: slot
                    .readable
                    .back()
                    .map_or_else(Default::default, |last| last.ppid),
                ordering: Ordering::Ordered,
                beginning: false,
                end: PieceEnd::Abandoned,
                data: Bytes::new(),
            };
            self.make_readable(index, end);
        }
    }

    #[inline]
    fn make_readable(&mut self, index: usize, piece: MessagePiece) {
        let slot = &mut self.slots[index];
        self.readable_pieces += 1;
        self.charged_bytes += charge(&piece.data);
        slot.unread_bytes += piece.data.len();
        if slot.counts == 0 {
            grow::push(&mut self.counts, StreamCounts::default());
            // There are at most 65,536 streams.
            slot.counts = self.counts.len() as u32;
            self.entries.entry(slot.id.get()).counts = slot.counts;
        }
        let counts = &mut self.counts[slot.counts as usize - 1];
        counts.bytes += piece.data.len() as u64;
        counts.messages += u64::from(piece.end == PieceEnd::Complete);
        if slot.readable.is_empty() {
            if !std::mem::replace(&mut slot.listed, true) {
                self.readable.push_back(slot.id);
            }
            if !std::mem::replace(&mut slot.announced, true) {
                self.announcements.push_back(slot.id);
            }
        }
        grow::push_back(&mut slot.readable, piece);
    }

    /// Takes streams off the front of the list that have nothing to read any more.
    fn trim_readable(&mut self) {
        while let Some(stream) = self.readable.front() {
            let Some(index) = self.entries.get(stream.get()).slot.checked_sub(1) else {
                self.readable.pop_front();
                continue;
            };
            let slot = &mut self.slots[index as usize];
            if !slot.readable.is_empty() {
                return;
            }
            slot.listed = false;
            self.readable.pop_front();
            self.release_if_idle(index as usize);
        }
    }

    #[inline]
    fn index(&self, stream: StreamId) -> Option<usize> {
        let slot = self.entries.get(stream.get()).slot;
        slot.checked_sub(1).map(|index| index as usize)
    }

    fn slot(&self, stream: StreamId) -> Option<&Slot> {
        self.slots.get(self.index(stream)?)
    }

    #[inline]
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

    fn release_if_idle(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let empty = slot.readable.is_empty() && slot.waiting.is_empty() && !slot.in_piece;
        let plain = slot.limit.is_none() && slot.piece_bytes.is_none();
        let entry = self.entries.entry(slot.id.get());
        // A slot that is free already keeps its old id, but the entry no longer points to it.
        if empty && plain && !slot.listed && !slot.announced && entry.slot as usize == index + 1 {
            entry.slot = 0;
            if slot.readable.capacity() > KEPT_CAPACITY {
                slot.readable = VecDeque::new();
            }
            grow::push(&mut self.free, index as u32);
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The slot's index and one more; 0 when it has none.
    slot: u32,
    /// The index of what it counted and one more; 0 when it counted nothing.
    counts: u32,
    next: Mid,
    /// What arrives is dropped until the peer begins the stream anew.
    refused: bool,
}

#[derive(Debug, Default)]
struct Slot {
    id: StreamId,
    /// The index of what the stream counted and one more; 0 when it counted nothing.
    counts: u32,
    readable: VecDeque<MessagePiece>,
    unread_bytes: usize,
    /// Ordered messages that came before their turn, by their number.
    waiting: BTreeMap<u32, Assembled>,
    /// It stands in the list of readable streams.
    listed: bool,
    /// It stands in the list of announcements.
    announced: bool,
    /// A part of the next message was made readable.
    in_piece: bool,
    /// It is read in pieces of at least so many bytes.
    piece_bytes: Option<usize>,
    limit: Option<ReceiveLimit>,
}

#[inline]
fn piece(assembled: Assembled, beginning: bool, end: PieceEnd) -> MessagePiece {
    MessagePiece {
        stream: assembled.id.stream,
        ppid: assembled.ppid,
        ordering: assembled.id.ordering,
        beginning,
        end,
        data: assembled.data,
    }
}

/// What a message, or a piece that is read by itself, counts against the window until it is read.
fn charge(data: &Bytes) -> usize {
    data.len() + MESSAGE_OVERHEAD
}

/// What a message counts beside its bytes.
const MESSAGE_OVERHEAD: usize = 128;
/// Places for messages that an idle slot may keep for the next stream.
const KEPT_CAPACITY: usize = 256;
/// So many message numbers before the next one count as used before.
const REPEATED: u32 = 1024;
