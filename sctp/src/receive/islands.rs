use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::chunk::GapAckBlock;
use crate::receive::fragment::{Assembled, Fragment};
use crate::serial::Unwrapped;

/// What arrived beyond a gap: runs of neighbouring TSNs, each of which is one gap ack block.
///
/// Memory follows what is really there, never the distance between two TSNs. Finding a place is a binary search over the
/// islands, joining two costs the smaller one, and a message that is complete on an island is found by looking at its two ends.
#[derive(Debug, Default)]
pub(crate) struct Islands {
    islands: VecDeque<Island>,
}

#[derive(Debug)]
struct Island {
    start: Unwrapped,
    places: VecDeque<Place>,
}

#[derive(Debug)]
enum Place {
    /// Arrived, and kept.
    Held(Held),
    /// Arrived, and no longer here: its message was complete, or it is not wanted.
    Gone,
}

#[derive(Debug)]
struct Held {
    fragment: Fragment<Bytes>,
    /// How many places the run of this message's pieces has. True at its two ends only.
    run: usize,
}

/// What became of a fragment.
#[derive(Debug)]
pub(crate) enum Landing {
    /// It was here before.
    Duplicate,
    /// It is held. Its arrival may have completed a message, whose pieces are then no longer held.
    Held {
        complete: Option<Assembled>,
        pieces: usize,
    },
}

impl Islands {
    pub(crate) fn is_empty(&self) -> bool {
        self.islands.is_empty()
    }

    /// How many runs of neighbouring TSNs there are.
    pub(crate) fn count(&self) -> usize {
        self.islands.len()
    }

    #[inline]
    pub(crate) fn contains(&self, tsn: Unwrapped) -> bool {
        // As a rule nothing is missing.
        if self.islands.is_empty() {
            return false;
        }
        let after = self.islands.partition_point(|island| island.start <= tsn);
        let island = after
            .checked_sub(1)
            .and_then(|index| self.islands.get(index));
        island.is_some_and(|island| tsn < island.end())
    }

    /// The gap ack blocks, as offsets from the cumulative TSN.
    pub(crate) fn gap_ack_blocks(
        &self,
        cumulative: Unwrapped,
    ) -> impl Iterator<Item = GapAckBlock> {
        self.islands.iter().map_while(move |island| {
            Some(GapAckBlock {
                start: u16::try_from(island.start.since(cumulative)).ok()?,
                end: u16::try_from(island.end().previous().since(cumulative)).ok()?,
            })
        })
    }

    /// Puts a fragment at its TSN; `None` marks the TSN as arrived and keeps nothing.
    pub(crate) fn insert(&mut self, tsn: Unwrapped, fragment: Option<&Fragment<&[u8]>>) -> Landing {
        let after = self.islands.partition_point(|island| island.start <= tsn);
        let place = fragment.map_or(Place::Gone, |fragment| {
            let fragment = fragment.keep();
            Place::Held(Held { fragment, run: 1 })
        });
        let joins_next = self
            .islands
            .get(after)
            .is_some_and(|next| next.start == tsn.plus(1));
        let index = match after.checked_sub(1) {
            Some(index) if tsn < self.islands[index].end() => return Landing::Duplicate,
            Some(index) if tsn == self.islands[index].end() => {
                self.islands[index].places.push_back(place);
                if joins_next && let Some(next) = self.islands.remove(after) {
                    self.islands[index].join(next);
                }
                index
            }
            _ if joins_next => {
                self.islands[after].start = tsn;
                self.islands[after].places.push_front(place);
                after
            }
            _ => {
                let mut places = VecDeque::with_capacity(1);
                places.push_back(place);
                self.islands.insert(after, Island { start: tsn, places });
                after
            }
        };
        let (complete, pieces) = self.islands[index].connect(tsn);
        Landing::Held { complete, pieces }
    }

    /// Forgets everything up to this TSN. Gives how many places that were, and the bytes that they held.
    ///
    /// It costs what was there, not the distance.
    pub(crate) fn discard_up_to(&mut self, last: Unwrapped) -> (usize, usize) {
        let (mut places, mut bytes) = (0, 0);
        while let Some(island) = self.islands.front_mut() {
            if island.start > last {
                break;
            }
            let passed = last.since(island.start) as usize + 1;
            for place in island.places.drain(..passed.min(island.places.len())) {
                places += 1;
                if let Place::Held(held) = place {
                    bytes += held.fragment.payload.len();
                }
            }
            island.start = last.plus(1);
            if island.places.is_empty() {
                self.islands.pop_front();
            }
        }
        (places, bytes)
    }

    /// The first place, if its TSN is `tsn`. The inner `None` says that nothing is kept there.
    pub(crate) fn take(&mut self, tsn: Unwrapped) -> Option<Option<Fragment<Bytes>>> {
        let island = self.islands.front_mut()?;
        if island.start != tsn {
            return None;
        }
        let place = island.places.pop_front()?;
        island.start = tsn.plus(1);
        if island.places.is_empty() {
            self.islands.pop_front();
        }
        Some(match place {
            Place::Held(held) => Some(held.fragment),
            Place::Gone => None,
        })
    }
}

impl Island {
    /// The TSN after the last one.
    fn end(&self) -> Unwrapped {
        self.start.plus(self.places.len() as u64)
    }

    /// Joins the island that begins where this one ends, moving the smaller of the two.
    fn join(&mut self, mut next: Self) {
        if next.places.len() <= self.places.len() {
            self.places.append(&mut next.places);
        } else {
            while let Some(place) = self.places.pop_back() {
                next.places.push_front(place);
            }
            self.places = next.places;
        }
    }

    /// Connects a new fragment with its neighbours of the same message, and takes the message out if it is complete.
    ///
    /// Gives the message and how many pieces it had.
    fn connect(&mut self, tsn: Unwrapped) -> (Option<Assembled>, usize) {
        let index = tsn.since(self.start) as usize;
        let Some(Place::Held(held)) = self.places.get(index) else {
            return (None, 0);
        };
        let (beginning, ending) = (held.fragment.beginning, held.fragment.ending);
        let id = held.fragment.id;
        let same = |place: Option<&Place>| match place {
            Some(Place::Held(held)) if held.fragment.id == id => {
                Some((held.run, held.fragment.beginning, held.fragment.ending))
            }
            _ => None,
        };
        let mut first = index;
        let mut last = index;
        if !beginning && let Some((run, _, false)) = same(self.places.get(index.wrapping_sub(1))) {
            first = index - run;
        }
        if !ending && let Some((run, false, _)) = same(self.places.get(index + 1)) {
            last = index + run;
        }
        let run = last - first + 1;
        for end in [first, last] {
            if let Some(Place::Held(held)) = self.places.get_mut(end) {
                held.run = run;
            }
        }
        let begins = matches!(&self.places[first], Place::Held(held) if held.fragment.beginning);
        let ends = matches!(&self.places[last], Place::Held(held) if held.fragment.ending);
        if begins && ends {
            (self.assemble(first, last), run)
        } else {
            (None, 0)
        }
    }

    fn assemble(&mut self, first: usize, last: usize) -> Option<Assembled> {
        let take = |place: &mut Place| match std::mem::replace(place, Place::Gone) {
            Place::Held(held) => Some(held.fragment),
            Place::Gone => None,
        };
        let mut run = self.places.range_mut(first..=last).filter_map(take);
        let head = run.next()?;
        let data = if first == last {
            head.payload
        } else {
            let rest = run.map(|fragment| fragment.payload).collect::<Vec<_>>();
            let length = head.payload.len() + rest.iter().map(Bytes::len).sum::<usize>();
            let mut whole = BytesMut::with_capacity(length);
            whole.put_slice(&head.payload);
            for payload in &rest {
                whole.put_slice(payload);
            }
            whole.freeze()
        };
        Some(Assembled {
            id: head.id,
            ppid: head.ppid,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::message::{Ordering, Ppid, StreamId};
    use crate::receive::fragment::MessageId;
    use crate::serial::{Mid, Tsn};

    fn piece(message: u16, beginning: bool, ending: bool, payload: &[u8]) -> Fragment<&[u8]> {
        Fragment {
            id: MessageId {
                stream: StreamId::new(1),
                ordering: Ordering::Ordered,
                number: Mid::new(u32::from(message)),
            },
            ppid: Ppid::new(53),
            fsn: 0,
            beginning,
            ending,
            payload,
        }
    }

    #[test]
    fn any_order_of_arrival_completes_every_message_once() {
        for seed in 0..200 {
            let mut rng = StdRng::seed_from_u64(seed);
            let base = Unwrapped::first(Tsn::new(0xffff_fff0));
            // Messages of 1 to 5 pieces; the payload of a piece is its offset.
            let mut pieces = Vec::new();
            for message in 0..20u16 {
                let length = rng.random_range(1..=5);
                for place in 0..length {
                    pieces.push((message, place == 0, place + 1 == length));
                }
            }
            let mut order = (0..pieces.len()).collect::<Vec<_>>();
            for index in (1..order.len()).rev() {
                order.swap(index, rng.random_range(0..=index));
            }
            let mut islands = Islands::default();
            let mut arrived = BTreeSet::new();
            let mut whole = BTreeSet::new();
            for &offset in &order {
                let (message, beginning, ending) = pieces[offset];
                let payload = [offset as u8];
                let tsn = base.plus(offset as u64);
                let fragment = piece(message, beginning, ending, &payload);
                let landing = islands.insert(tsn, Some(&fragment));
                assert!(matches!(
                    islands.insert(tsn, Some(&fragment)),
                    Landing::Duplicate
                ));
                arrived.insert(offset);
                if let Landing::Held {
                    complete: Some(complete),
                    pieces: count,
                } = landing
                {
                    assert_eq!(complete.data.len(), count);
                    assert!(complete.data.windows(2).all(|pair| pair[0] + 1 == pair[1]));
                    assert!(whole.insert(complete.id.number.get()));
                }
                let naive = arrived
                    .iter()
                    .filter(|offset| **offset == 0 || !arrived.contains(&(*offset - 1)))
                    .count();
                assert_eq!(islands.islands.len(), naive);
            }
            assert_eq!(whole.len(), 20);
            for offset in 0..pieces.len() {
                assert!(matches!(islands.take(base.plus(offset as u64)), Some(None)));
            }
            assert!(islands.is_empty());
        }
    }
}
