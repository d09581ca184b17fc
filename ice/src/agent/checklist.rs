use std::collections::VecDeque;

use net::Path;

use super::pair::{End, Nomination, Pair, PairId};
use crate::grow;
use crate::{PairState, Role};

/// The pairs, and the queue of those whose check was triggered (RFC 8445 §6.1.4).
#[derive(Debug)]
pub(super) struct Checklist {
    /// The most pairs (RFC 8445 §6.1.2.5), learned ones included.
    limit: usize,
    pairs: Vec<Pair>,
    triggered: VecDeque<PairId>,
    next_id: u64,
}

/// How a pair came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Two candidates were signalled.
    Signalled,
    /// A request with valid integrity came this way, so it is worth more than a guess.
    Learned,
}

impl Checklist {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            pairs: Vec::new(),
            triggered: VecDeque::new(),
            next_id: 0,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pair> {
        self.pairs.iter_mut()
    }

    /// The pair at a place in the list.
    pub(super) fn at(&self, place: usize) -> Option<&Pair> {
        self.pairs.get(place)
    }

    pub(super) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }

    pub(super) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.id == id)
    }

    pub(super) fn find(&mut self, generation: u32, path: &Path) -> Option<&mut Pair> {
        self.pairs
            .iter_mut()
            .find(|pair| pair.path == *path && pair.generation == generation)
    }

    /// Forms a pair unless its path has one, in which case the better ends are kept (RFC 8445 §6.1.2.4).
    /// At the cap, the least of the pairs that are neither valid nor being checked gives way; to a signalled pair only
    /// one that is less than it and was never checked, so that no list of candidates makes this side check more pairs
    /// in all than the cap says (RFC 8445 §6.1.2.5). `None` when there was no room.
    pub(super) fn insert(
        &mut self,
        generation: u32,
        path: Path,
        ends: (End, End),
        role: Role,
        origin: Origin,
    ) -> Option<PairId> {
        if let Some(pair) = self.find(generation, &path) {
            if ends.0.priority > pair.local.priority {
                pair.local = ends.0;
                pair.recompute_priority(role);
            }
            return Some(pair.id);
        }
        let id = PairId(self.next_id);
        let pair = Pair::new(id, generation, path, ends, role);
        if self.pairs.len() >= self.limit {
            let may_go = |other: &Pair| match origin {
                Origin::Learned => true,
                Origin::Signalled => {
                    !other.proved && other.first_checked.is_none() && other.priority < pair.priority
                }
            };
            let (at, _) = self
                .pairs
                .iter()
                .enumerate()
                .filter(|(_, other)| {
                    matches!(other.state, PairState::Waiting | PairState::Failed)
                        && other.nomination == Nomination::No
                        && may_go(other)
                })
                .min_by_key(|(_, other)| (other.proved, other.priority))?;
            self.pairs.remove(at);
            self.prune_triggered();
        }
        self.next_id += 1;
        grow::push(&mut self.pairs, pair);
        Some(id)
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Pair) -> bool) {
        self.pairs.retain(keep);
        self.prune_triggered();
    }

    pub(super) fn clear_triggered(&mut self) {
        self.triggered.clear();
    }

    /// Queues a check; each pair stands in the queue once.
    pub(super) fn trigger(&mut self, id: PairId) {
        if !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// Queues a check before all others.
    pub(super) fn trigger_first(&mut self, id: PairId) {
        self.triggered.retain(|queued| *queued != id);
        self.triggered.push_front(id);
    }

    pub(super) fn untrigger(&mut self, id: PairId) {
        self.triggered.retain(|queued| *queued != id);
    }

    pub(super) fn is_triggered(&self, id: PairId) -> bool {
        self.triggered.contains(&id)
    }

    pub(super) fn has_triggered(&self) -> bool {
        !self.triggered.is_empty()
    }

    pub(super) fn pop_triggered(&mut self) -> Option<&Pair> {
        let id = self.triggered.pop_front()?;
        self.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// How many pairs are waiting or in progress: N of the retransmission timer (RFC 8445 §14.3).
    pub(super) fn pending(&self) -> u32 {
        self.pairs
            .iter()
            .filter(|pair| pair.is_pending())
            .fold(0, |count, _| count + 1)
    }

    /// The best pair of those that pass.
    pub(super) fn best(&self, filter: impl Fn(&Pair) -> bool) -> Option<&Pair> {
        self.pairs
            .iter()
            .filter(|pair| filter(pair))
            .max_by_key(|pair| (pair.rank(), std::cmp::Reverse(pair.id)))
    }

    fn prune_triggered(&mut self) {
        let pairs = &self.pairs;
        self.triggered
            .retain(|id| pairs.iter().any(|pair| pair.id == *id));
    }
}
