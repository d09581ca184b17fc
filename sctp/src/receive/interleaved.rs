use std::collections::BTreeMap;

use bytes::Bytes;

use crate::message::{Ordering, Ppid, StreamId};
use crate::receive::fragment::{Assembled, Fragment, MessageId};
use crate::serial::Mid;

/// Messages of which some pieces are here, where pieces of different messages may mix (I-DATA, RFC 8260 §2.2.2).
///
/// A piece that comes next is appended to what is there; one that comes early waits by its number. Neither costs more than
/// finding its place in a tree.
#[derive(Debug, Default)]
pub(crate) struct Interleaved {
    partials: BTreeMap<Key, Box<Partial>>,
    /// What everything counts against the window.
    charged_bytes: usize,
    /// The size of the last message in pieces, the best guess for the next one.
    usual_size: usize,
}

/// Stream, ordering (unordered last), message.
type Key = (u16, bool, u32);

#[derive(Debug, Default)]
struct Partial {
    /// Known once the first piece is here.
    ppid: Ppid,
    /// The pieces before this one are in `data`.
    next_fsn: u32,
    data: Vec<u8>,
    early: BTreeMap<u32, Bytes>,
    early_bytes: usize,
    last_fsn: Option<u32>,
    /// Some of it was read: `data` goes on from there.
    begun: bool,
}

/// What became of a piece.
#[derive(Debug)]
pub(crate) enum Landing {
    /// It waits for others of its message.
    Kept,
    /// It was the last one that was missing.
    Complete(Assembled),
    /// It was the last one that was missing of a message of which some was read; this is the rest.
    Rest(Assembled),
    /// The message is larger than it may be, and is forgotten.
    TooLarge,
    /// It contradicts the pieces before it.
    Contradiction,
}

impl Interleaved {
    pub(crate) fn charged_bytes(&self) -> usize {
        self.charged_bytes
    }

    /// Several messages are unfinished.
    pub(crate) fn mixes(&self) -> bool {
        self.partials.len() > 1
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.partials.is_empty()
    }

    /// Takes a piece. `limit` is the most that may be kept of the message.
    pub(crate) fn insert(&mut self, fragment: &Fragment<&[u8]>, limit: usize) -> Landing {
        let key = key(fragment.id);
        if fragment.beginning && fragment.ending && !self.partials.contains_key(&key) {
            if fragment.payload.len() > limit {
                return Landing::TooLarge;
            }
            return Landing::Complete(Assembled {
                id: fragment.id,
                ppid: fragment.ppid,
                data: Bytes::copy_from_slice(fragment.payload),
            });
        }
        // One that is alone gets its room at once; of many that are never finished nobody gets any beforehand.
        let expected = if self.partials.is_empty() && fragment.beginning {
            self.usual_size.min(limit)
        } else {
            0
        };
        let partial = self.partials.entry(key).or_insert_with(|| {
            Box::new(Partial {
                data: Vec::with_capacity(expected),
                ..Partial::default()
            })
        });
        let before = partial.charge();
        let taken = partial.take(fragment);
        let is_complete = partial.last_fsn.is_some_and(|last| partial.next_fsn > last);
        let kept = partial.data.len() + partial.early_bytes;
        self.charged_bytes = self.charged_bytes + partial.charge() - before;
        if !taken {
            self.remove(key);
            return Landing::Contradiction;
        }
        if kept > limit {
            self.remove(key);
            return Landing::TooLarge;
        }
        if !is_complete {
            return Landing::Kept;
        }
        let Some(mut partial) = self.remove(key) else {
            return Landing::Kept;
        };
        self.usual_size = partial.data.len();
        if partial.data.capacity() / 8 * 7 > partial.data.len() {
            partial.data.shrink_to_fit();
        }
        let assembled = Assembled {
            id: fragment.id,
            ppid: partial.ppid,
            data: Bytes::from(partial.data),
        };
        if partial.begun {
            Landing::Rest(assembled)
        } else {
            Landing::Complete(assembled)
        }
    }

    /// What there is of the beginning of a message, if that is at least `least` bytes; it is no longer here afterwards.
    ///
    /// True says that it is the first piece of its message.
    pub(crate) fn take_begun(&mut self, id: MessageId, least: usize) -> Option<(Assembled, bool)> {
        let partial = self.partials.get_mut(&key(id))?;
        if partial.next_fsn == 0 || partial.data.is_empty() || partial.data.len() < least {
            return None;
        }
        let data = Bytes::from(std::mem::take(&mut partial.data));
        self.charged_bytes -= data.len();
        let first = !std::mem::replace(&mut partial.begun, true);
        let ppid = partial.ppid;
        Some((Assembled { id, ppid, data }, first))
    }

    /// Forgets the messages of a stream up to this one (RFC 8260 §2.3.1).
    pub(crate) fn skip(&mut self, stream: StreamId, ordering: Ordering, last: Mid) {
        self.forget(stream, |_, unordered, number| {
            unordered == (ordering == Ordering::Unordered) && number.distance_from(last) <= 0
        });
    }

    /// Forgets every message of a stream.
    pub(crate) fn forget_stream(&mut self, stream: StreamId) {
        self.forget(stream, |_, _, _| true);
    }

    /// Forgets every message.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, stream: StreamId, which: impl Fn(&Partial, bool, Mid) -> bool) {
        let stream = stream.get();
        let range = (stream, false, 0)..=(stream, true, u32::MAX);
        let gone = self
            .partials
            .range(range)
            .filter(|((_, unordered, number), partial)| {
                which(partial, *unordered, Mid::new(*number))
            })
            .map(|(key, _)| *key)
            .collect::<Vec<_>>();
        for key in gone {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) -> Option<Partial> {
        let partial = self.partials.remove(&key)?;
        self.charged_bytes -= partial.charge();
        if self.partials.is_empty() {
            // A tree keeps its last node.
            self.partials = BTreeMap::new();
        }
        Some(*partial)
    }
}

impl Partial {
    /// Puts a piece at its place. False when that cannot be its place.
    fn take(&mut self, fragment: &Fragment<&[u8]>) -> bool {
        let fsn = fragment.fsn;
        // Nothing follows the last piece, and there is one last piece.
        if self
            .last_fsn
            .is_some_and(|last| fragment.ending || fsn > last)
        {
            return false;
        }
        if fsn < self.next_fsn || self.early.contains_key(&fsn) {
            return false;
        }
        if fragment.ending {
            let follows = self
                .early
                .last_key_value()
                .is_some_and(|(last, _)| *last > fsn);
            if follows {
                return false;
            }
            self.last_fsn = Some(fsn);
        }
        if fragment.beginning {
            self.ppid = fragment.ppid;
        }
        if fsn > self.next_fsn {
            self.early_bytes += fragment.payload.len();
            let payload = Bytes::copy_from_slice(fragment.payload);
            self.early.insert(fsn, payload);
            return true;
        }
        self.data.extend_from_slice(fragment.payload);
        self.next_fsn = self.next_fsn.saturating_add(1);
        while !self.early.is_empty()
            && let Some(early) = self.early.remove(&self.next_fsn)
        {
            self.early_bytes -= early.len();
            self.data.extend_from_slice(&early);
            self.next_fsn = self.next_fsn.saturating_add(1);
        }
        true
    }

    fn charge(&self) -> usize {
        let nothing = self.next_fsn == 0 && self.early.is_empty();
        if nothing {
            return 0;
        }
        let tree = if self.early.is_empty() { 0 } else { EARLY_TREE };
        let overhead = PARTIAL_OVERHEAD + tree + self.early.len() * EARLY_OVERHEAD;
        self.data.len() + self.early_bytes + overhead
    }
}

fn key(id: MessageId) -> Key {
    let unordered = id.ordering == Ordering::Unordered;
    (id.stream.get(), unordered, id.number.get())
}

/// What a message that is being put together counts beside its bytes.
const PARTIAL_OVERHEAD: usize = 256;
/// What the first node of a tree of pieces that came early counts.
const EARLY_TREE: usize = 256;
/// What a piece that came early counts beside its bytes.
const EARLY_OVERHEAD: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(message: u32, fsn: u32, ending: bool, payload: &[u8]) -> Fragment<&[u8]> {
        Fragment {
            id: MessageId {
                stream: StreamId::new(1),
                ordering: Ordering::Ordered,
                number: Mid::new(message),
            },
            ppid: Ppid::new(if fsn == 0 { 53 } else { 0 }),
            fsn,
            beginning: fsn == 0,
            ending,
            payload,
        }
    }

    #[test]
    fn pieces_of_two_messages_mix_in_any_order() {
        let mut messages = Interleaved::default();
        for (message, fsn) in [(0, 2), (1, 1), (0, 0), (1, 0)] {
            let landing = messages.insert(&piece(message, fsn, fsn == 2, &[fsn as u8]), 100);
            assert!(matches!(landing, Landing::Kept));
        }
        let Landing::Complete(whole) = messages.insert(&piece(0, 1, false, &[1]), 100) else {
            panic!("not complete");
        };
        assert_eq!(
            (&whole.data[..], whole.ppid),
            (&[0, 1, 2][..], Ppid::new(53))
        );
        assert!(matches!(
            messages.insert(&piece(1, 2, true, &[2]), 100),
            Landing::Complete(_)
        ));
        assert!(messages.is_empty());
        assert_eq!(messages.charged_bytes(), 0);
    }

    #[test]
    fn pieces_that_contradict_each_other_are_found() {
        for (first, second) in [
            (piece(0, 1, true, &[1]), piece(0, 2, false, &[1])),
            (piece(0, 3, false, &[1]), piece(0, 2, true, &[1])),
            (piece(0, 1, true, &[1]), piece(0, 2, true, &[1])),
            (piece(0, 1, false, &[1]), piece(0, 1, false, &[1])),
            (piece(0, 0, false, &[1]), piece(0, 0, false, &[1])),
        ] {
            let mut messages = Interleaved::default();
            assert!(matches!(messages.insert(&first, 100), Landing::Kept));
            assert!(matches!(
                messages.insert(&second, 100),
                Landing::Contradiction
            ));
            assert_eq!(messages.charged_bytes(), 0);
        }
    }

    /// P-24: an ordered and an unordered message of one number are two.
    #[test]
    fn the_ordering_is_part_of_the_name() {
        let mut messages = Interleaved::default();
        let unordered = |fsn, ending| {
            let mut piece = piece(0, fsn, ending, b"u");
            piece.id.ordering = Ordering::Unordered;
            piece
        };
        messages.insert(&piece(0, 0, false, b"o"), 100);
        messages.insert(&unordered(0, false), 100);
        let Landing::Complete(whole) = messages.insert(&unordered(1, true), 100) else {
            panic!("not complete");
        };
        assert_eq!(
            (&whole.data[..], whole.id.ordering),
            (&b"uu"[..], Ordering::Unordered)
        );
        let Landing::Complete(whole) = messages.insert(&piece(0, 1, true, b"o"), 100) else {
            panic!("not complete");
        };
        assert_eq!(whole.data[..], *b"oo");
    }

    #[test]
    fn what_is_skipped_is_forgotten_on_either_side_of_the_wrap() {
        let mut messages = Interleaved::default();
        for message in [u32::MAX - 1, u32::MAX, 0, 1] {
            messages.insert(&piece(message, 0, false, &[1]), 100);
        }
        messages.skip(StreamId::new(1), Ordering::Ordered, Mid::new(0));
        assert_eq!(messages.partials.len(), 1);
        messages.forget_stream(StreamId::new(1));
        assert_eq!(messages.charged_bytes(), 0);
    }
}
