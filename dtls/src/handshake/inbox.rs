use crate::wire::{Fragment, FragmentHeader, HandshakeType};

/// A whole handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) message_type: HandshakeType,
    pub(crate) message_seq: u16,
    pub(crate) body: Vec<u8>,
}

/// Puts handshake messages together from fragments that come in any order, twice, or overlapping (RFC 6347 §4.2.3),
/// and hands them out in the order of their numbers.
///
/// Nothing of what it holds is authenticated, so every bound is hard: a message of [`MAX_MESSAGE`](Self::MAX_MESSAGE)
/// bytes, [`MAX_PIECES`](Self::MAX_PIECES) separate pieces of one, [`MAX_AHEAD`](Self::MAX_AHEAD) numbers ahead, and
/// a capacity in bytes for which whole messages count from their first fragment on.
#[derive(Debug)]
pub(crate) struct Inbox {
    next: u16,
    /// The last number there is was handed out: none returns, so nothing more is taken.
    is_exhausted: bool,
    capacity: usize,
    partials: Vec<Partial>,
}

#[derive(Debug)]
struct Partial {
    epoch: u16,
    message_type: HandshakeType,
    message_seq: u16,
    body: Vec<u8>,
    /// What is there: disjoint, not touching, in order.
    pieces: Vec<(usize, usize)>,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is part of a message to come, or was there already.
    Kept,
    /// It is kept, and what contradicted it is gone.
    Replaced,
    /// Its message was handed out before.
    Old,
    /// It contradicts its message, or a bound was reached.
    Refused,
}

impl Inbox {
    /// The longest message, in bytes.
    pub(crate) const MAX_MESSAGE: usize = 32 * 1024;
    /// The most separate pieces of one message.
    pub(crate) const MAX_PIECES: usize = 64;
    /// Messages beyond the next one that are kept.
    pub(crate) const MAX_AHEAD: u16 = 16;

    /// An inbox whose next message has the number `next`.
    pub(crate) const fn new(next: u16, capacity: usize) -> Self {
        Self {
            next,
            is_exhausted: false,
            capacity,
            partials: Vec::new(),
        }
    }

    /// The number of the next message.
    pub(crate) const fn next_seq(&self) -> u16 {
        self.next
    }

    /// Whether a message of this number has not been handed out.
    pub(crate) const fn awaits(&self, message_seq: u16) -> bool {
        message_seq >= self.next && !self.is_exhausted
    }

    /// Takes a fragment that came in a record of `epoch`; `expected` is the epoch in which the next message has to
    /// come.
    ///
    /// Bytes that are there win over later ones. A fragment that contradicts the type or length of its message is
    /// refused, except that the protected epoch wins over the clear one, and that for the message we are waiting
    /// for the latest word counts: else one forged fragment could keep the genuine message out for ever.
    pub(crate) fn insert(
        &mut self,
        epoch: u16,
        expected: u16,
        fragment: &Fragment<'_>,
    ) -> Inserted {
        let FragmentHeader {
            message_type,
            message_seq,
            length,
            offset,
            ..
        } = fragment.header;
        let Some(ahead) = message_seq
            .checked_sub(self.next)
            .filter(|_| !self.is_exhausted)
        else {
            return Inserted::Old;
        };
        let (Ok(length), Ok(offset)) = (usize::try_from(length), usize::try_from(offset)) else {
            return Inserted::Refused;
        };
        if ahead > Self::MAX_AHEAD
            || length > Self::MAX_MESSAGE
            || (ahead == 0 && epoch != expected)
        {
            return Inserted::Refused;
        }
        let mut inserted = Inserted::Kept;
        if let Some(index) = self.find(message_seq) {
            let partial = &mut self.partials[index];
            if partial.is(epoch, message_type, length) {
                return partial.add(offset, fragment.bytes);
            }
            let newer_wins = epoch > partial.epoch
                || (ahead == 0 && epoch == partial.epoch && !partial.is_complete());
            if !newer_wins {
                return Inserted::Refused;
            }
            self.partials.swap_remove(index);
            inserted = Inserted::Replaced;
        }
        if !self.make_room(ahead, length) {
            return Inserted::Refused;
        }
        let mut partial = Partial {
            epoch,
            message_type,
            message_seq,
            body: vec![0; length],
            pieces: Vec::new(),
        };
        partial.add(offset, fragment.bytes);
        self.partials.push(partial);
        inserted
    }

    /// Hands out the next message if it is whole and came in the epoch that it had to come in.
    pub(crate) fn take(&mut self, expected: u16) -> Option<Message> {
        let index = self.find(self.next)?;
        if self.partials[index].epoch != expected {
            self.partials.swap_remove(index);
            return None;
        }
        if !self.partials[index].is_complete() {
            return None;
        }
        let partial = self.partials.swap_remove(index);
        match self.next.checked_add(1) {
            Some(following) => self.next = following,
            None => self.is_exhausted = true,
        }
        Some(Message {
            message_type: partial.message_type,
            message_seq: partial.message_seq,
            body: partial.body,
        })
    }

    /// Waits once more for the message that was handed out last.
    pub(crate) fn rewind(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// Whether nothing is held.
    pub(crate) const fn is_empty(&self) -> bool {
        self.partials.is_empty()
    }

    /// Bytes that are held.
    pub(crate) fn held(&self) -> usize {
        self.partials.iter().map(|partial| partial.body.len()).sum()
    }

    /// Whether something is held that its record vouched for.
    pub(crate) fn holds_protected(&self) -> bool {
        self.partials.iter().any(|partial| partial.epoch > 0)
    }

    fn find(&self, message_seq: u16) -> Option<usize> {
        self.partials
            .iter()
            .position(|partial| partial.message_seq == message_seq)
    }

    /// Whether `length` bytes more may be held. The next message drives out later ones.
    fn make_room(&mut self, ahead: u16, length: usize) -> bool {
        if length > self.capacity {
            return false;
        }
        while self.held() + length > self.capacity {
            let last = (0..self.partials.len()).max_by_key(|i| self.partials[*i].message_seq);
            match last {
                Some(last) if ahead == 0 => drop(self.partials.swap_remove(last)),
                _ => return false,
            }
        }
        true
    }
}

impl Partial {
    fn is(&self, epoch: u16, message_type: HandshakeType, length: usize) -> bool {
        self.epoch == epoch && self.message_type == message_type && self.body.len() == length
    }

    fn is_complete(&self) -> bool {
        self.body.is_empty() || self.pieces == [(0, self.body.len())]
    }

    /// Fills what `bytes` has and the message has not yet.
    fn add(&mut self, offset: usize, bytes: &[u8]) -> Inserted {
        let end = offset + bytes.len();
        if bytes.is_empty() || end > self.body.len() {
            return Inserted::Kept;
        }
        let touches = |&(from, to): &(usize, usize)| from <= end && offset <= to;
        let first = self.pieces.partition_point(|&(_, to)| to < offset);
        let last = first
            + self.pieces[first..]
                .iter()
                .take_while(|p| touches(p))
                .count();
        if first == last && self.pieces.len() >= Inbox::MAX_PIECES {
            return Inserted::Refused;
        }
        let mut at = offset;
        for &(from, to) in &self.pieces[first..last] {
            if at < from {
                self.body[at..from].copy_from_slice(&bytes[at - offset..from - offset]);
            }
            at = at.max(to);
        }
        if at < end {
            self.body[at..end].copy_from_slice(&bytes[at - offset..]);
        }
        let from = self.pieces[first..last]
            .first()
            .map_or(offset, |p| p.0.min(offset));
        let to = self.pieces[first..last]
            .last()
            .map_or(end, |p| p.1.max(end));
        if self.pieces.is_empty() {
            // Most messages come in one piece.
            self.pieces = vec![(from, to)];
        } else {
            self.pieces.splice(first..last, [(from, to)]);
        }
        Inserted::Kept
    }
}
