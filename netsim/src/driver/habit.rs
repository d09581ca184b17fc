use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How a driver polls. Every habit is allowed (law 2).
#[derive(Debug)]
pub(crate) struct Habit {
    kind: Kind,
    rng: StdRng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Everything at once, datagrams before events.
    Diligent,
    /// As diligent, into a buffer that already holds something.
    Prefixed,
    /// Everything but events.
    DeafToEvents,
    /// At any time, in any order, as much or little as it likes, never later than 20 ms.
    Capricious,
}

/// What one visit to a machine consists of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) early_timeout: bool,
    pub(super) events_first: bool,
    pub(super) events_last: bool,
    pub(super) pulls: bool,
    pub(super) datagrams: usize,
    /// Come back after this; `None` when the machine was polled dry.
    pub(super) stall: Option<Duration>,
}

impl Habit {
    pub(crate) fn diligent() -> Self {
        Self::new(Kind::Diligent, 0)
    }

    pub(crate) fn prefixed(seed: u64) -> Self {
        Self::new(Kind::Prefixed, seed)
    }

    pub(crate) fn deaf_to_events() -> Self {
        Self::new(Kind::DeafToEvents, 0)
    }

    pub(crate) fn capricious(seed: u64) -> Self {
        Self::new(Kind::Capricious, seed)
    }

    fn new(kind: Kind, seed: u64) -> Self {
        Self {
            kind,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    pub(super) fn next_plan(&mut self) -> Plan {
        let listens = self.kind != Kind::DeafToEvents;
        let all = Plan {
            early_timeout: false,
            events_first: false,
            events_last: listens,
            pulls: true,
            datagrams: usize::MAX,
            stall: None,
        };
        if self.kind != Kind::Capricious || self.rng.random_bool(0.3) {
            return all;
        }
        let stall = Duration::from_micros(self.rng.random_range(1..=20_000));
        Plan {
            early_timeout: self.rng.random_bool(0.2),
            events_first: self.rng.random_bool(0.3),
            events_last: self.rng.random_bool(0.3),
            pulls: self.rng.random_bool(0.5),
            datagrams: self.rng.random_range(0..4),
            stall: Some(stall),
        }
    }

    /// Fills a buffer with what an outer layer might have written there.
    pub(super) fn write_prefix(&mut self, buf: &mut Vec<u8>) {
        if self.kind == Kind::Prefixed {
            let length = self.rng.random_range(0..64);
            buf.extend((0..length).map(|_| self.rng.random::<u8>()));
        }
    }
}
