use rtp::Packet;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets of one sender that may be asked for again, by sequence number.
///
/// Packets lie in a ring indexed by their number, so that a look-up does not search. Their payloads are references.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The number of the front slot.
    first: u64,
    slots: VecDeque<Option<Kept>>,
    bytes: usize,
}

/// A packet that was sent.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) packet: Packet,
    pub(crate) sent: Instant,
    /// When it was asked for last and granted.
    pub(crate) granted: Option<Instant>,
}

/// Slots at most, used or not.
const MAX_SLOTS: u64 = 9_600;

/// What a packet is charged beyond its payload.
const OVERHEAD: usize = size_of::<Option<Kept>>();

impl History {
    /// Keeps a packet; one that lies before everything kept is forgotten.
    pub(crate) fn push(&mut self, now: Instant, sequence: u64, packet: Packet) {
        if self.slots.is_empty() {
            self.first = sequence;
        }
        let Some(mut index) = sequence.checked_sub(self.first) else {
            return;
        };
        if index >= MAX_SLOTS {
            let excess = index - MAX_SLOTS + 1;
            if excess >= self.slots.len() as u64 {
                self.clear();
                self.first = sequence;
            } else {
                (0..excess).for_each(|_| self.pop());
            }
            index = sequence - self.first;
        }
        while self.slots.len() as u64 <= index {
            self.slots.push_back(None);
            self.bytes += OVERHEAD;
        }
        let Some(slot) = usize::try_from(index)
            .ok()
            .and_then(|index| self.slots.get_mut(index))
        else {
            return;
        };
        self.bytes += packet.payload.len();
        let kept = Kept {
            packet,
            sent: now,
            granted: None,
        };
        if let Some(replaced) = slot.replace(kept) {
            self.bytes -= replaced.packet.payload.len();
        }
    }

    pub(crate) fn get_mut(&mut self, sequence: u64) -> Option<&mut Kept> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(index)?.as_mut()
    }

    pub(crate) fn get(&self, sequence: u64) -> Option<&Kept> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.slots.get(index)?.as_ref()
    }

    /// The place of a 16-bit sequence number, the highest one that is not beyond the end.
    pub(crate) fn place(&self, number: u16) -> Option<u64> {
        let last = self.first + (self.slots.len() as u64).checked_sub(1)?;
        let behind = (last as u16).wrapping_sub(number);
        last.checked_sub(behind.into())
    }

    /// Forgets what was sent before `oldest`.
    pub(crate) fn expire(&mut self, now: Instant, age: Duration) {
        while let Some(front) = self.slots.front() {
            let keep = front
                .as_ref()
                .is_some_and(|kept| now.saturating_duration_since(kept.sent) <= age);
            if keep {
                break;
            }
            self.pop();
        }
    }

    /// Forgets the oldest packet.
    pub(crate) fn pop(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.first += 1;
            self.bytes -= OVERHEAD + slot.map_or(0, |kept| kept.packet.payload.len());
        }
    }

    /// Bytes held, slots included.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use netsim::epoch;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn packet(len: usize) -> Packet {
        Packet {
            payload: Bytes::from(vec![0; len]),
            ..Packet::default()
        }
    }

    proptest! {
        #[test]
        fn holds_what_a_map_would_hold(
            steps in proptest::collection::vec((-50_i64..500, 0_usize..1_200, 0_u8..8), 1..200),
        ) {
            let mut history = History::default();
            let mut model = BTreeMap::new();
            let mut top = 65_000_u64;
            for (step, len, pops) in steps {
                let sequence = top.wrapping_add_signed(step);
                top = top.max(sequence);
                let before_all = model.keys().next().is_some_and(|_| sequence < history.first);
                history.push(epoch(), sequence, packet(len));
                if !before_all {
                    model.insert(sequence, len);
                }
                for _ in 0..pops.saturating_sub(4) {
                    history.pop();
                }
                model.retain(|&sequence, _| !history.is_empty() && sequence >= history.first);
                let held: usize = model.values().sum();
                prop_assert_eq!(history.bytes(), held + history.slots.len() * OVERHEAD);
                for (&sequence, &len) in &model {
                    let kept = history.get(sequence).map(|kept| kept.packet.payload.len());
                    prop_assert_eq!(kept, Some(len));
                    prop_assert_eq!(history.place(sequence as u16), Some(sequence));
                }
            }
        }
    }

    #[test]
    fn a_leap_of_the_numbers_does_not_make_it_grow() {
        let mut history = History::default();
        history.push(epoch(), 1, packet(1));
        history.push(epoch(), 1 << 40, packet(1));
        assert_eq!(history.slots.len(), 1);
        history.push(epoch(), (1 << 40) + MAX_SLOTS + 5, packet(1));
        assert!(history.slots.len() as u64 <= MAX_SLOTS);
        assert!(history.get((1 << 40) + MAX_SLOTS + 5).is_some());
    }

    #[test]
    fn age_and_gaps_are_expired_together() {
        let mut history = History::default();
        history.push(epoch(), 10, packet(100));
        history.push(epoch(), 20, packet(100));
        history.push(epoch() + Duration::from_secs(1), 21, packet(100));
        history.expire(epoch() + Duration::from_secs(2), Duration::from_secs(1));
        assert!(history.get(20).is_none());
        assert!(history.get(21).is_some());
        history.expire(epoch() + Duration::from_secs(3), Duration::from_secs(1));
        assert!(history.is_empty());
        assert_eq!(history.bytes(), 0);
    }
}
