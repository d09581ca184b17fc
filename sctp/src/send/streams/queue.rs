use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;

use super::{Entry, Given, MessageName, Piece};
use crate::message::{Ordering, Ppid, StreamId};
use crate::send::arena::{Arena, Payload, Spent};
use crate::send::limit::Limit;
use crate::serial::Mid;

/// What a stream needs while it has something to send, or settings of its own.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: StreamId,
    /// The index of what the stream counted and one more; 0 when it counted nothing.
    pub(super) counts: u32,
    pub(super) weight: u16,
    pub(super) queue: VecDeque<Queued>,
    /// The last message in the queue is being written: what was written since it was last looked at.
    pub(super) writing: Option<Box<BytesMut>>,
    pub(super) buffered_bytes: usize,
    pub(super) low_threshold: usize,
    /// It stands in the list of streams that ran low.
    pub(super) low_pending: bool,
    /// Something was refused for lack of room, and nobody was told of room yet.
    pub(super) refused: bool,
    /// It stands in the line of streams with something to send.
    pub(super) lined_up: bool,
    pub(super) resetting: bool,
}

/// A message that waits.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) data: Payload,
    pub(super) ppid: Ppid,
    pub(super) ordering: Ordering,
    pub(super) limit: Limit,
    /// When it was queued.
    pub(super) since: Instant,
    /// Its number, once a piece of it was sent.
    pub(super) begun: Option<Mid>,
    /// The number of the next piece.
    fsn: u32,
    /// Its rest counts as unfinished and mixed with others.
    pub(super) mixes: bool,
}

impl Queued {
    pub(super) fn new(
        since: Instant,
        ordering: Ordering,
        ppid: Ppid,
        limit: Limit,
        data: Payload,
    ) -> Self {
        Self {
            data,
            ppid,
            ordering,
            limit,
            since,
            begun: None,
            fsn: 0,
            mixes: false,
        }
    }

    /// Adds what was written.
    pub(super) fn append(&mut self, written: BytesMut, arena: &mut Arena) {
        if written.is_empty() {
            return;
        }
        let written = if self.data.is_empty() {
            written
        } else {
            let mut both = BytesMut::with_capacity(self.data.len() + written.len());
            both.extend_from_slice(arena.bytes(&self.data));
            both.extend_from_slice(&written);
            let mut spent = Spent::default();
            spent.push(&self.data);
            arena.release(&mut spent, 0);
            both
        };
        self.data = arena.hold(written.freeze());
    }

    fn name(&self, stream: StreamId, mid: Mid) -> MessageName {
        MessageName {
            stream,
            ordering: self.ordering,
            mid,
        }
    }
}

impl Slot {
    /// How much of the next message can be sent.
    ///
    /// Of one that is being written only full packets, and always less than there is: its last piece must not be sent as another one.
    pub(super) fn sendable(&mut self, max_payload: usize, arena: &mut Arena) -> Option<usize> {
        let alone = self.queue.len() == 1;
        let message = self.queue.front_mut()?;
        match &mut self.writing {
            Some(writing) if alone => {
                if message.data.len() <= max_payload && !writing.is_empty() {
                    let written = writing.split();
                    message.append(written, arena);
                }
                let length = message.data.len();
                (length > max_payload).then_some(length)
            }
            _ => Some(message.data.len()),
        }
    }

    /// Takes a piece of at most `length` bytes off the next message, and says whether it is the last one.
    pub(super) fn take(
        &mut self,
        length: usize,
        entry: &mut Entry,
        arena: &mut Arena,
    ) -> Option<(Piece, bool)> {
        let (id, open) = (self.id, self.writing.is_some() && self.queue.len() == 1);
        let message = self.queue.front_mut()?;
        let beginning = message.begun.is_none();
        let mid = *message.begun.get_or_insert_with(|| {
            let next = match message.ordering {
                Ordering::Ordered => &mut entry.next,
                Ordering::Unordered => &mut entry.next_unordered,
            };
            std::mem::replace(next, next.next())
        });
        let ending = !open && message.data.len() <= length;
        let (name, ppid) = (message.name(id, mid), message.ppid);
        let (fsn, limit) = (message.fsn, message.limit);
        message.fsn = message.fsn.wrapping_add(1);
        let payload = if ending {
            self.queue.pop_front()?.data
        } else {
            arena.split(&mut message.data, length)
        };
        let piece = Piece {
            name,
            ppid,
            fsn,
            beginning,
            ending,
            limit,
            payload,
        };
        Some((piece, ending))
    }

    /// Whether the rest of the next message counts as mixed with others.
    pub(super) fn mixes(&self) -> bool {
        self.queue.front().is_some_and(|message| message.mixes)
    }

    /// Counts the rest of the next message as mixed with others, and gives how much that is: of a message that is whole here, and no
    /// larger than `most` with the `sent` bytes of it.
    pub(super) fn begin_to_mix(&mut self, sent: usize, most: usize) -> usize {
        let open = self.writing.is_some() && self.queue.len() == 1;
        match self.queue.front_mut() {
            Some(message) if !open && message.data.len().saturating_add(sent) <= most => {
                message.mixes = true;
                message.data.len()
            }
            _ => 0,
        }
    }

    /// Takes a message out of the queue.
    pub(super) fn remove(&mut self, place: usize) -> Option<(Queued, Given)> {
        let last = place + 1 == self.queue.len();
        let message = self.queue.remove(place)?;
        let mut bytes = message.data.len();
        if last && let Some(writing) = self.writing.take() {
            bytes += writing.len();
        }
        let begun = message
            .begun
            .map(|mid| (message.name(self.id, mid), message.fsn));
        Some((message, Given { bytes, begun }))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && !self.lined_up
            && !self.resetting
            && !self.low_pending
            && !self.refused
            && self.low_threshold == 0
            && self.weight == NORMAL_WEIGHT
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            id: StreamId::default(),
            counts: 0,
            weight: NORMAL_WEIGHT,
            queue: VecDeque::new(),
            writing: None,
            buffered_bytes: 0,
            low_threshold: 0,
            low_pending: false,
            refused: false,
            lined_up: false,
            resetting: false,
        }
    }
}

/// The weight of a stream for which none was set: "normal" in RFC 8831 §6.4.
const NORMAL_WEIGHT: u16 = 256;
