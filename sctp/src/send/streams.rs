use std::collections::VecDeque;

use bytes::Bytes;

use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::Ssn;
use crate::sparse::Sparse;

/// The messages that wait to be sent, by stream, and whose turn it is.
///
/// Streams take turns message by message: the pieces of a DATA message must have neighbouring TSNs, so a message that was
/// begun is finished first (RFC 9260 §6.9).
#[derive(Debug)]
pub(crate) struct OutboundStreams {
    entries: Sparse<Entry>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots with something to send, the next one in front.
    turns: VecDeque<u32>,
    /// Slots whose buffered bytes fell to the threshold, and nobody was told yet.
    low: VecDeque<u32>,
    buffered_bytes: usize,
}

/// A piece of a message, about to get its TSN.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) stream: StreamId,
    pub(crate) ssn: Ssn,
    pub(crate) ppid: Ppid,
    pub(crate) ordering: Ordering,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) payload: Bytes,
}

impl OutboundStreams {
    pub(crate) fn new() -> Self {
        Self {
            entries: Sparse::new(),
            slots: Vec::new(),
            free: Vec::new(),
            turns: VecDeque::new(),
            low: VecDeque::new(),
            buffered_bytes: 0,
        }
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffered_bytes == 0
    }

    /// Bytes of a stream that wait to be sent.
    pub(crate) fn buffered_bytes(&self, stream: StreamId) -> usize {
        self.slot(stream).map_or(0, |slot| slot.buffered_bytes)
    }

    pub(crate) fn is_resetting(&self, stream: StreamId) -> bool {
        self.slot(stream).is_some_and(|slot| slot.resetting)
    }

    pub(crate) fn set_low_threshold(&mut self, stream: StreamId, bytes: usize) {
        let index = self.occupy(stream);
        self.slots[index as usize].low_threshold = bytes;
        self.release_if_idle(index);
    }

    pub(crate) fn push(&mut self, stream: StreamId, ppid: Ppid, ordering: Ordering, data: Bytes) {
        let index = self.occupy(stream);
        let slot = &mut self.slots[index as usize];
        self.buffered_bytes += data.len();
        slot.buffered_bytes += data.len();
        slot.queue.push_back(Queued {
            data,
            ppid,
            ordering,
            begun: false,
        });
        if slot.queue.len() == 1 {
            self.turns.push_back(index);
        }
    }

    /// How many bytes are left of the message whose turn it is.
    pub(crate) fn upcoming(&self) -> Option<usize> {
        let slot = &self.slots[*self.turns.front()? as usize];
        Some(slot.queue.front()?.data.len())
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

    /// Takes a piece of at most `length` bytes off the message whose turn it is.
    pub(crate) fn take(&mut self, length: usize) -> Option<Piece> {
        let index = *self.turns.front()?;
        let slot = &mut self.slots[index as usize];
        let message = slot.queue.front_mut()?;
        let beginning = !std::mem::replace(&mut message.begun, true);
        let ending = message.data.len() <= length;
        let payload = if ending {
            std::mem::take(&mut message.data)
        } else {
            message.data.split_to(length)
        };
        let (ppid, ordering) = (message.ppid, message.ordering);
        let before = slot.buffered_bytes;
        slot.buffered_bytes -= payload.len();
        self.buffered_bytes -= payload.len();
        let low = before > slot.low_threshold && slot.buffered_bytes <= slot.low_threshold;
        if low && !std::mem::replace(&mut slot.low_pending, true) {
            self.low.push_back(index);
        }
        let stream = slot.id;
        if ending {
            slot.queue.pop_front();
            let more = !slot.queue.is_empty();
            self.turns.pop_front();
            if more {
                self.turns.push_back(index);
            }
        }
        let ssn = match ordering {
            Ordering::Unordered => Ssn::new(0),
            Ordering::Ordered => {
                let next = &mut self.entries.entry(stream.get()).next_ssn;
                let ssn = *next;
                if ending {
                    *next = ssn.next();
                }
                ssn
            }
        };
        if ending {
            self.release_if_idle(index);
        }
        Some(Piece {
            stream,
            ssn,
            ppid,
            ordering,
            beginning,
            ending,
            payload,
        })
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
            self.entries.entry(stream.get()).next_ssn = Ssn::default();
        }
        self.release_if_idle(index);
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
            self.slots.push(Slot::default());
            // There are at most 65,536 slots: one for each stream.
            (self.slots.len() - 1) as u32
        });
        entry.slot = index + 1;
        self.slots[index as usize].id = stream;
        index
    }

    fn release_if_idle(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if slot.queue.is_empty() && !slot.resetting && !slot.low_pending && slot.low_threshold == 0
        {
            self.entries.entry(slot.id.get()).slot = 0;
            self.free.push(index);
        }
    }
}

/// What is kept of a stream for as long as the association lives.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The slot's index and one more; 0 when it has none.
    slot: u32,
    next_ssn: Ssn,
}

/// What a stream needs while it has something to send.
#[derive(Debug, Default)]
struct Slot {
    id: StreamId,
    queue: VecDeque<Queued>,
    buffered_bytes: usize,
    low_threshold: usize,
    /// It stands in the list of streams that ran low.
    low_pending: bool,
    resetting: bool,
}

#[derive(Debug)]
struct Queued {
    data: Bytes,
    ppid: Ppid,
    ordering: Ordering,
    begun: bool,
}
