//! Contestants take turns, each in the way that suits it best.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Rounds of each contestant; the median counts.
const ROUNDS: usize = 5;

/// Messages of each size in a round.
const SIZES: [(usize, usize); 2] = [(65_536, 128), (100, 10_000)];

/// Moves so many messages of a size, and tells the CPU time that took.
pub type Transfer<'a> = Box<dyn FnMut(usize, usize) -> Duration + 'a>;

/// One contestant, and the ways to run it.
pub struct Contestant<'a> {
    name: &'a str,
    ways: Vec<Way<'a>>,
}

struct Way<'a> {
    /// How much may be under way, if it does not decide that itself.
    bound: Option<usize>,
    run: Transfer<'a>,
}

impl Way<'_> {
    /// One message has to fit.
    fn takes(&self, size: usize) -> bool {
        self.bound.is_none_or(|bound| bound >= size)
    }

    fn name(&self) -> String {
        self.bound
            .map_or("own".into(), |bound| format!("{} KiB", bound >> 10))
    }
}

impl<'a> Contestant<'a> {
    /// One that decides for itself.
    pub fn new(name: &'a str, transfer: impl FnMut(usize, usize) -> Duration + 'a) -> Self {
        Self {
            name,
            ways: vec![Way {
                bound: None,
                run: Box::new(transfer),
            }],
        }
    }

    /// One that is tried with several bounds of what is under way.
    pub fn with_bounds<F>(name: &'a str, make: impl Fn(usize) -> F) -> Self
    where
        F: FnMut(usize, usize) -> Duration + 'a,
    {
        let ways = [1, 2, 4, 8, 16, 32, 64, 128, 512, 2_048].map(|kilobytes| {
            let bound = kilobytes << 10;
            Way {
                bound: Some(bound),
                run: Box::new(make(bound)),
            }
        });
        Self {
            name,
            ways: ways.into(),
        }
    }
}

/// CPU time of this process.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Prints what the lines are about.
pub fn headline() {
    let [(large, many), (small, more)] = SIZES;
    println!(
        "A round moves {many} messages of {large} bytes ({:.1} MB), then {more} of {small} ({:.1} MB), one way, reliable and in order.",
        (large * many) as f64 / 1e6,
        (small * more) as f64 / 1e6,
    );
    println!(
        "A row is the median of {ROUNDS} rounds, with so much under way as its last column says (chosen for either size beforehand).\n"
    );
    println!(
        "| what | who | 64 KiB, MB/s of CPU | 100 B, messages/s of CPU | 64 KiB, us each | 100 B, us each | under way |"
    );
    println!("|---|---|---|---|---|---|---|");
}

/// Lets them take turns, and prints a line for each.
pub fn contest(what: &str, contestants: &mut [Contestant<'_>]) {
    // Which way suits it, with the first go to warm up.
    let mut chosen = Vec::new();
    for contestant in &mut *contestants {
        chosen.push(SIZES.map(|(size, count)| {
            let ways = contestant.ways.iter_mut().enumerate();
            let ways = ways.filter(|(_, way)| way.takes(size));
            let times = ways.map(|(place, way)| {
                (way.run)(size, count);
                (place, (way.run)(size, count))
            });
            let best = times.min_by_key(|(_, time)| *time);
            best.map_or(0, |(way, _)| way)
        }));
    }
    let mut times = vec![[Vec::new(), Vec::new()]; contestants.len()];
    for _ in 0..ROUNDS {
        for (place, contestant) in contestants.iter_mut().enumerate() {
            for (kind, (size, count)) in SIZES.into_iter().enumerate() {
                let way = &mut contestant.ways[chosen[place][kind]];
                times[place][kind].push((way.run)(size, count));
            }
        }
    }
    for (place, contestant) in contestants.iter().enumerate() {
        let [large, small] = times[place].each_mut().map(|times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        });
        let [way, other] = chosen[place].map(|way| contestant.ways[way].name());
        let ways = if way == other {
            way
        } else {
            format!("{way}, {other}")
        };
        let [(bytes, many), (_, more)] = SIZES;
        println!(
            "| {what} | {} | {:.0} | {:.0} | {:.2} | {:.3} | {ways} |",
            contestant.name,
            (bytes * many) as f64 / 1e6 / large,
            more as f64 / small,
            large / many as f64 * 1e6,
            small / more as f64 * 1e6,
        );
    }
}
