use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::message::{Message, Ordering, StreamId};
use crate::receive::fragment::Assembled;
use crate::serial::Ssn;
use crate::sparse::Sparse;

/// Complete messages on their way to the application, by stream.
///
/// A stream has a slot only while it holds something; afterwards 8 bytes remember its next message number.
#[derive(Debug)]
pub(crate) struct InboundStreams {
    entries: Sparse<Entry>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Streams that may have something to read. The first one has.
    readable: VecDeque<StreamId>,
    /// Streams whose becoming readable was not told yet.
    announcements: VecDeque<StreamId>,
    readable_messages: usize,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It, and perhaps some that waited for it, can be read: so many.
    Readable(usize),
    /// It waits for messages before it.
    Waiting,
    /// Its number was used before: it was dropped.
    Refused,
}

impl InboundStreams {
    pub(crate) fn new() -> Self {
        Self {
            entries: Sparse::new(),
            slots: Vec::new(),
            free: Vec::new(),
            readable: VecDeque::new(),
            announcements: VecDeque::new(),
            readable_messages: 0,
        }
    }

    /// How many messages can be read.
    pub(crate) fn readable_messages(&self) -> usize {
        self.readable_messages
    }

    pub(crate) fn deliver(&mut self, assembled: Assembled) -> Delivery {
        let id = assembled.id;
        let message = Message {
            stream: id.stream,
            ppid: assembled.ppid,
            ordering: id.ordering,
            data: assembled.data,
        };
        let index = self.occupy(id.stream) as usize;
        if id.ordering == Ordering::Unordered {
            self.make_readable(index, message);
            return Delivery::Readable(1);
        }
        let next = self.entries.get(id.stream.get()).next_ssn;
        if id.ssn != next {
            let old = id.ssn.distance_from(next) < 0;
            let waiting = &mut self.slots[index].waiting;
            if old || waiting.contains_key(&id.ssn.get()) {
                self.release_if_idle(index);
                return Delivery::Refused;
            }
            waiting.insert(id.ssn.get(), message);
            return Delivery::Waiting;
        }
        self.make_readable(index, message);
        let mut count = 1;
        let mut next = next.next();
        if !self.slots[index].waiting.is_empty() {
            while let Some(message) = self.slots[index].waiting.remove(&next.get()) {
                self.make_readable(index, message);
                next = next.next();
                count += 1;
            }
        }
        self.entries.entry(id.stream.get()).next_ssn = next;
        Delivery::Readable(count)
    }

    pub(crate) fn recv(&mut self, stream: StreamId) -> Option<Message> {
        let index = self.entries.get(stream.get()).slot.checked_sub(1)? as usize;
        let slot = &mut self.slots[index];
        let message = slot.readable.pop_front()?;
        self.readable_messages -= 1;
        if slot.readable.is_empty() {
            self.trim_readable();
            self.release_if_idle(index);
        }
        Some(message)
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

    /// The peer begins a stream anew: gives the bytes that were charged for messages whose turn never came.
    pub(crate) fn reset(&mut self, stream: StreamId) -> usize {
        let entry = self.entries.get(stream.get());
        // A stream that was never used need not be remembered as new.
        if entry.next_ssn != Ssn::default() {
            self.entries.entry(stream.get()).next_ssn = Ssn::default();
        }
        let Some(index) = entry.slot.checked_sub(1) else {
            return 0;
        };
        let freed = self.slots[index as usize].forget_waiting();
        self.release_if_idle(index as usize);
        freed
    }

    /// The peer begins all its streams anew.
    pub(crate) fn reset_all(&mut self) -> usize {
        for entry in self.entries.values_mut() {
            entry.next_ssn = Ssn::default();
        }
        let mut freed = 0;
        for index in 0..self.slots.len() {
            freed += self.slots[index].forget_waiting();
            self.release_if_idle(index);
        }
        freed
    }

    fn make_readable(&mut self, index: usize, message: Message) {
        let slot = &mut self.slots[index];
        self.readable_messages += 1;
        if slot.readable.is_empty() {
            if !std::mem::replace(&mut slot.listed, true) {
                self.readable.push_back(slot.id);
            }
            if !std::mem::replace(&mut slot.announced, true) {
                self.announcements.push_back(slot.id);
            }
        }
        slot.readable.push_back(message);
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

    fn occupy(&mut self, stream: StreamId) -> u32 {
        let entry = self.entries.entry(stream.get());
        if let Some(index) = entry.slot.checked_sub(1) {
            return index;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // There are at most 65,536 slots: one for each stream.
            (self.slots.len() - 1) as u32
        });
        entry.slot = index + 1;
        self.slots[index as usize].id = stream;
        index
    }

    fn release_if_idle(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let empty = slot.readable.is_empty() && slot.waiting.is_empty();
        let entry = self.entries.entry(slot.id.get());
        // A slot that is free already keeps its old id, but the entry no longer points to it.
        if empty && !slot.listed && !slot.announced && entry.slot as usize == index + 1 {
            entry.slot = 0;
            if slot.readable.capacity() > KEPT_CAPACITY {
                slot.readable = VecDeque::new();
            }
            self.free.push(index as u32);
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The slot's index and one more; 0 when it has none.
    slot: u32,
    next_ssn: Ssn,
}

#[derive(Debug, Default)]
struct Slot {
    id: StreamId,
    readable: VecDeque<Message>,
    /// Ordered messages that came before their turn, by their number.
    waiting: BTreeMap<u16, Message>,
    /// It stands in the list of readable streams.
    listed: bool,
    /// It stands in the list of announcements.
    announced: bool,
}

impl Slot {
    fn forget_waiting(&mut self) -> usize {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.values().map(|message| charge(&message.data)).sum()
    }
}

/// What a message counts against the window until it is read.
pub(crate) fn charge(data: &Bytes) -> usize {
    data.len() + MESSAGE_OVERHEAD
}

/// What a message counts beside its bytes.
const MESSAGE_OVERHEAD: usize = 128;
/// Places for messages that an idle slot may keep for the next stream.
const KEPT_CAPACITY: usize = 256;
