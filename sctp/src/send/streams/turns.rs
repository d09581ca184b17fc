use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::config::Scheduler;

/// Whose turn it is among the streams with something to send.
///
/// Each stream has a virtual time that grows by what it sent, in relation to its weight; the one that is least ahead goes next
/// (RFC 8260 §3.6). A stream that begins to send starts at the present time, so that silence earns nothing. While one stream is alone,
/// or its turn goes on, nothing is searched.
#[derive(Debug)]
pub(super) struct Turns {
    scheduler: Scheduler,
    waiting: BinaryHeap<Reverse<Turn>>,
    /// The one being served, which does not stand among the waiting.
    current: Option<Turn>,
    /// The virtual time of what was served last.
    clock: u64,
    /// For ties: the one that came first goes first.
    order: u64,
}

/// A stream's place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Lower ones go first, whatever the time.
    class: u16,
    time: u64,
    order: u64,
    pub(super) slot: u32,
    weight: u16,
}

impl Turns {
    pub(super) fn new(scheduler: Scheduler) -> Self {
        Self {
            scheduler,
            waiting: BinaryHeap::new(),
            current: None,
            clock: 0,
            order: 0,
        }
    }

    /// A stream has something to send.
    pub(super) fn join(&mut self, slot: u32, weight: u16) {
        let turn = Turn {
            class: self.class(weight),
            time: self.clock,
            order: self.next_order(),
            slot,
            weight,
        };
        if self.current.is_none() && self.waiting.is_empty() {
            self.current = Some(turn);
        } else {
            self.waiting.push(Reverse(turn));
        }
    }

    /// Whose turn it is. With `stay` the present one keeps it.
    #[inline]
    pub(super) fn current(&mut self, stay: bool) -> Option<u32> {
        if let Some(current) = self.current {
            let overtaken = self
                .waiting
                .peek()
                .is_some_and(|Reverse(next)| *next < current);
            if stay || !overtaken {
                return Some(current.slot);
            }
            self.waiting.push(Reverse(current));
        }
        self.current = self.waiting.pop().map(|Reverse(turn)| turn);
        self.current.map(|turn| turn.slot)
    }

    /// The one whose turn it is sent so many bytes; `rests` says that a unit that streams take turns in is over.
    pub(super) fn served(&mut self, bytes: usize, rests: bool) {
        let order = self.next_order();
        let Some(current) = &mut self.current else {
            return;
        };
        self.clock = self.clock.max(current.time);
        let cost = match self.scheduler {
            Scheduler::RoundRobin => u64::from(rests),
            Scheduler::WeightedFair | Scheduler::Priority => {
                (bytes as u64).saturating_mul(SCALE) / u64::from(current.weight.max(1))
            }
        };
        current.time = current.time.saturating_add(cost);
        if rests {
            current.order = order;
        }
    }

    /// The one whose turn it is has nothing to send now.
    pub(super) fn leave(&mut self) {
        self.current = None;
    }

    /// A stream's weight changed while it waits.
    pub(super) fn reweigh(&mut self, slot: u32, weight: u16) {
        let class = self.class(weight);
        let set = |turn: &mut Turn| {
            if turn.slot == slot {
                turn.weight = weight;
                turn.class = class;
            }
        };
        self.current.iter_mut().for_each(set);
        let mut waiting = std::mem::take(&mut self.waiting).into_vec();
        waiting.iter_mut().for_each(|Reverse(turn)| set(turn));
        self.waiting = BinaryHeap::from(waiting);
    }

    /// How many streams wait, the present one included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some())
    }

    fn class(&self, weight: u16) -> u16 {
        match self.scheduler {
            Scheduler::Priority => u16::MAX - weight,
            Scheduler::RoundRobin | Scheduler::WeightedFair => 0,
        }
    }

    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}

/// A byte of a stream of the greatest weight still counts.
const SCALE: u64 = 1 << 16;
