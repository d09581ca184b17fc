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
    /// What each is called: how much may be under way.
    ways: Vec<(String, Transfer<'a>)>,
}

impl<'a> Contestant<'a> {
    /// One that decides for itself.
    pub fn new(name: &'a str, transfer: impl FnMut(usize, usize) -> Duration + 'a) -> Self {
        Self {
            name,
            ways: vec![("own".into(), Box::new(transfer))],
        }
    }

    /// One that is tried with several bounds of what is under way.
    pub fn with_bounds<F>(name: &'a str, make: impl Fn(usize) -> F) -> Self
    where
        F: FnMut(usize, usize) -> Duration + 'a,
    {
        let ways = [128, 512, 2_048].map(|kilobytes| {
            let way: Transfer<'a> = Box::new(make(kilobytes << 10));
            (format!("{kilobytes} KiB"), way)
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
            let times = contestant.ways.iter_mut().map(|(_, run)| {
                run(size, count);
                run(size, count)
            });
            let best = times.enumerate().min_by_key(|(_, time)| *time);
            best.map_or(0, |(way, _)| way)
        }));
    }
    let mut times = vec![[Vec::new(), Vec::new()]; contestants.len()];
    for _ in 0..ROUNDS {
        for (place, contestant) in contestants.iter_mut().enumerate() {
            for (kind, (size, count)) in SIZES.into_iter().enumerate() {
                let (_, run) = &mut contestant.ways[chosen[place][kind]];
                times[place][kind].push(run(size, count));
            }
        }
    }
    for (place, contestant) in contestants.iter().enumerate() {
        let [large, small] = times[place].each_mut().map(|times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        });
        let [way, other] = chosen[place].map(|way| contestant.ways[way].0.as_str());
        let ways = if way == other {
            way.to_owned()
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
