use std::collections::BTreeMap;

use rtp::Ssrc;

use crate::RolloverError;
use crate::index::Known;
use crate::window::{Stale, Window};

/// The replay windows of the sources of one direction, in order of SSRC.
///
/// An entry is made only for a packet that was proved genuine (or that we send ourselves). At most `MAX` sources have
/// a window. Time is not known here: idleness is counted in packets accepted from anybody.
#[derive(Debug)]
pub(crate) struct Streams<const WORDS: usize> {
    entries: Vec<Entry<WORDS>>,
    /// Where the last packet's entry is: packets of one source come in runs.
    recent: usize,
    /// Packets accepted so far.
    clock: u64,
    /// The last index of sources that were evicted, so that their packets cannot be replayed.
    retired: BTreeMap<Ssrc, Retired>,
    /// Rollover counters that were supplied for sources without a packet yet.
    starts: BTreeMap<Ssrc, u32>,
}

#[derive(Debug)]
struct Entry<const WORDS: usize> {
    ssrc: Ssrc,
    used: u64,
    window: Window<WORDS>,
}

#[derive(Clone, Copy, Debug)]
struct Retired {
    used: u64,
    highest: u64,
}

/// Where the state of a source is, or would be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// At this place in the table.
    Known(usize),
    /// Not in the table: nothing is known of it.
    New,
    /// Not in the table since it was evicted: the highest index that it had.
    Resumed(u64),
    /// Not in the table, and the rollover counter was supplied.
    Starting(u32),
}

/// What it took to make room for a new source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) evicted: bool,
    pub(crate) forgotten: bool,
}

/// There is no room, and every source was active lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<const WORDS: usize> Streams<WORDS> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            recent: 0,
            clock: 0,
            retired: BTreeMap::new(),
            starts: BTreeMap::new(),
        }
    }

    /// How many sources have a window.
    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The rollover counter of a source that has a window.
    pub(crate) fn rollover_counter(&self, ssrc: Ssrc) -> Option<u32> {
        let place = self
            .entries
            .binary_search_by_key(&ssrc, |entry| entry.ssrc)
            .ok()?;
        let highest = self.entries.get(place)?.window.highest()?;
        u32::try_from(highest >> 16).ok()
    }

    /// Looks a source up. Changes nothing.
    ///
    /// This and what comes with it is inlined: a slot that travels through memory costs as much as all the rest.
    #[inline]
    pub(crate) fn find(&self, ssrc: Ssrc) -> Slot {
        match self.entries.get(self.recent) {
            Some(entry) if entry.ssrc == ssrc => Slot::Known(self.recent),
            _ => self.search(ssrc),
        }
    }

    fn search(&self, ssrc: Ssrc) -> Slot {
        match self.entries.binary_search_by_key(&ssrc, |entry| entry.ssrc) {
            Ok(place) => Slot::Known(place),
            Err(_) => match (self.starts.get(&ssrc), self.retired.get(&ssrc)) {
                (Some(&start), _) => Slot::Starting(start),
                (None, Some(retired)) => Slot::Resumed(retired.highest),
                (None, None) => Slot::New,
            },
        }
    }

    /// What is known of the index of the source of a slot.
    #[inline]
    pub(crate) fn known(&self, slot: Slot) -> Known {
        let highest = match slot {
            Slot::Known(place) => self
                .entries
                .get(place)
                .and_then(|entry| entry.window.highest()),
            Slot::New => None,
            Slot::Resumed(highest) => Some(highest),
            Slot::Starting(start) => return Known::Start(start),
        };
        highest.map_or(Known::Start(0), Known::Highest)
    }

    /// Whether an index may be accepted in a slot. Changes nothing.
    #[inline]
    pub(crate) fn check(&self, slot: Slot, index: u64) -> Result<(), Stale> {
        match slot {
            Slot::Known(place) => match self.entries.get(place) {
                Some(entry) => entry.window.check(index),
                None => Ok(()),
            },
            Slot::Resumed(highest) => Window::<WORDS>::after(highest).check(index),
            Slot::New | Slot::Starting(_) => Ok(()),
        }
    }

    /// Notes the rollover counter with which a source begins that has no window.
    pub(crate) fn supply(
        &mut self,
        ssrc: Ssrc,
        start: u32,
        limits: Limits,
    ) -> Result<(), RolloverError> {
        if matches!(self.find(ssrc), Slot::Known(_)) {
            return Err(RolloverError::InUse);
        }
        if self.starts.len() >= limits.streams && !self.starts.contains_key(&ssrc) {
            return Err(RolloverError::TooManyStreams);
        }
        self.starts.insert(ssrc, start);
        Ok(())
    }

    /// Notes that a packet was accepted in a slot that [`find`](Self::find) has just given.
    ///
    /// A new source takes the place of the one idle for longest if `max` sources are there, but only if that one has
    /// been silent while `idle` packets of others were accepted.
    #[inline]
    pub(crate) fn accept(
        &mut self,
        ssrc: Ssrc,
        slot: Slot,
        index: u64,
        limits: Limits,
    ) -> Result<Room, Full> {
        let mut room = Room::default();
        let place = match slot {
            Slot::Known(place) => place,
            Slot::New | Slot::Starting(_) => self.admit(ssrc, Window::new(), limits, &mut room)?,
            Slot::Resumed(highest) => {
                self.admit(ssrc, Window::after(highest), limits, &mut room)?
            }
        };
        self.clock += 1;
        self.recent = place;
        if let Some(entry) = self.entries.get_mut(place) {
            entry.used = self.clock;
            entry.window.accept(index);
        }
        Ok(room)
    }

    /// Puts a source into the table, and gives its place.
    #[cold]
    fn admit(
        &mut self,
        ssrc: Ssrc,
        window: Window<WORDS>,
        limits: Limits,
        room: &mut Room,
    ) -> Result<usize, Full> {
        if self.entries.len() >= limits.streams {
            *room = self.evict(limits)?;
        }
        self.retired.remove(&ssrc);
        self.starts.remove(&ssrc);
        let place = self.entries.partition_point(|entry| entry.ssrc < ssrc);
        let used = self.clock;
        self.entries.insert(place, Entry { ssrc, used, window });
        Ok(place)
    }

    fn evict(&mut self, limits: Limits) -> Result<Room, Full> {
        let (place, used) = self
            .entries
            .iter()
            .enumerate()
            .map(|(place, entry)| (place, entry.used))
            .min_by_key(|(_, used)| *used)
            .filter(|(_, used)| self.clock - used >= limits.idle_packets)
            .ok_or(Full)?;
        let entry = self.entries.remove(place);
        let forgotten = self.retired.len() >= limits.retired;
        if forgotten {
            let oldest = self.retired.iter().min_by_key(|(_, retired)| retired.used);
            if let Some((&oldest, _)) = oldest {
                self.retired.remove(&oldest);
            }
        }
        if let Some(highest) = entry.window.highest() {
            self.retired.insert(entry.ssrc, Retired { used, highest });
        }
        Ok(Room {
            evicted: true,
            forgotten,
        })
    }
}

/// How much a table may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Sources with a window.
    pub(crate) streams: usize,
    /// Evicted sources whose last index is remembered.
    pub(crate) retired: usize,
    /// Packets of others after which a silent source counts as idle.
    pub(crate) idle_packets: u64,
}
