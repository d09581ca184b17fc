use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

/// The ports of one relay address: drawn at random, and after use not given to anybody else for a while, so that what a
/// peer still sends to the one does not reach the next.
#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    /// A bit per port of the range: in use or resting.
    taken: Vec<u64>,
    resting: VecDeque<(Instant, u16)>,
    rest: Duration,
}

/// Which ports would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Any,
    /// An even one.
    Even,
    /// An even one with the next one, which is taken too.
    Pair,
}

/// How often chance is tried before a search.
const DRAWS: usize = 16;

impl Ports {
    pub(super) fn new(range: RangeInclusive<u16>, rest: Duration) -> Self {
        let words = range.len().div_ceil(64);
        Self {
            range,
            taken: vec![0; words],
            resting: VecDeque::new(),
            rest,
        }
    }

    /// Takes a port; `None` when all are taken.
    pub(super) fn take(&mut self, now: Instant, rng: &mut StdRng, want: Want) -> Option<u16> {
        self.wake(now);
        let (first, last) = (*self.range.start(), *self.range.end());
        let mut port = rng.random_range(first..=last);
        for _ in 0..DRAWS {
            if self.suits(port, want) {
                return self.hold(port, want);
            }
            port = rng.random_range(first..=last);
        }
        let from_here = (port..=last).chain(first..port);
        let found = from_here.into_iter().find(|port| self.suits(*port, want))?;
        self.hold(found, want)
    }

    /// Lets a port rest.
    pub(super) fn release(&mut self, now: Instant, port: u16) {
        let until = now.checked_add(self.rest).unwrap_or(now);
        self.resting.push_back((until, port));
    }

    fn wake(&mut self, now: Instant) {
        while let Some((until, port)) = self.resting.front().copied() {
            // A clock that went back by more than a rest would keep ports resting for as long.
            let is_over = until <= now || until.saturating_duration_since(now) > self.rest;
            if !is_over {
                return;
            }
            self.resting.pop_front();
            self.mark(port, false);
        }
    }

    fn suits(&self, port: u16, want: Want) -> bool {
        let is_even = port.is_multiple_of(2);
        match want {
            Want::Any => self.is_free(port),
            Want::Even => is_even && self.is_free(port),
            Want::Pair => is_even && self.is_free(port) && self.is_free(port | 1),
        }
    }

    fn hold(&mut self, port: u16, want: Want) -> Option<u16> {
        self.mark(port, true);
        if want == Want::Pair {
            self.mark(port | 1, true);
        }
        Some(port)
    }

    fn place(&self, port: u16) -> Option<(usize, u64)> {
        let offset = usize::from(port.checked_sub(*self.range.start())?);
        (port <= *self.range.end()).then(|| (offset / 64, 1 << (offset % 64)))
    }

    fn is_free(&self, port: u16) -> bool {
        self.place(port)
            .and_then(|(word, bit)| Some(self.taken.get(word)? & bit == 0))
            .unwrap_or(false)
    }

    fn mark(&mut self, port: u16, taken: bool) {
        let Some((word, bit)) = self.place(port) else {
            return;
        };
        if let Some(word) = self.taken.get_mut(word) {
            if taken {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    fn rng() -> StdRng {
        StdRng::from_seed([5; 32])
    }

    /// T-08
    #[test]
    fn t_08_allocating_and_freeing_131072_times_never_doubles_a_port() {
        let mut ports = Ports::new(65_000..=65_535, Duration::from_secs(120));
        let (mut rng, mut now) = (rng(), netsim::epoch());
        let mut held = VecDeque::new();
        let mut in_use = BTreeSet::new();
        for _ in 0..1_u32 << 17 {
            let port = ports.take(now, &mut rng, Want::Any).unwrap();
            assert!(in_use.insert(port), "{port} twice");
            held.push_back(port);
            if held.len() > 100 {
                let port = held.pop_front().unwrap();
                in_use.remove(&port);
                ports.release(now, port);
            }
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn a_port_rests_for_two_minutes() {
        let rest = Duration::from_secs(120);
        let mut ports = Ports::new(5_000..=5_000, rest);
        let (mut rng, now) = (rng(), netsim::epoch());
        assert_eq!(ports.take(now, &mut rng, Want::Any), Some(5_000));
        assert_eq!(ports.take(now, &mut rng, Want::Any), None);
        ports.release(now, 5_000);
        let almost = now + rest - Duration::from_millis(1);
        assert_eq!(ports.take(almost, &mut rng, Want::Any), None);
        assert_eq!(ports.take(now + rest, &mut rng, Want::Any), Some(5_000));
    }

    #[test]
    fn a_pair_begins_with_an_even_port_and_takes_both() {
        let mut ports = Ports::new(6_001..=6_006, Duration::ZERO);
        let (mut rng, now) = (rng(), netsim::epoch());
        let pairs = [(); 2].map(|()| ports.take(now, &mut rng, Want::Pair).unwrap());
        assert_eq!(BTreeSet::from(pairs), BTreeSet::from([6_002, 6_004]));
        assert_eq!(ports.take(now, &mut rng, Want::Pair), None);
        assert_eq!(ports.take(now, &mut rng, Want::Even), Some(6_006));
        assert_eq!(ports.take(now, &mut rng, Want::Any), Some(6_001));
        assert_eq!(ports.take(now, &mut rng, Want::Any), None);
    }

    #[test]
    fn ports_are_drawn_from_the_whole_range_by_chance() {
        let mut ports = Ports::new(10_000..=65_535, Duration::ZERO);
        let (mut rng, now) = (rng(), netsim::epoch());
        let drawn = [(); 200].map(|()| ports.take(now, &mut rng, Want::Any).unwrap());
        let neighbours = drawn
            .windows(2)
            .filter(|w| w[0].abs_diff(w[1]) < 100)
            .count();
        assert!(neighbours < 10, "{neighbours}");
        let low = drawn.iter().filter(|port| **port < 37_768).count();
        assert!((70..130).contains(&low), "{low}");
    }
}
