//! One table: SCTP alone, whole stacks in one thread, and whole stacks over loopback, each beside other implementations in the same
//! run. CPU time, medians of rounds that take turns.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, reads the clock, and may stop at the first surprise"
)]

mod loopback;
mod sans_io;
mod stack;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Rounds of each contestant; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    println!("| what | who | 64 KiB, MB/s of CPU | 100 B, messages/s of CPU | 64 KiB, us each | 100 B, us each |");
    println!("|---|---|---|---|---|---|");
    if is_wanted("sctp") {
        sans_io::run();
    }
    if is_wanted("stack") {
        stack::run();
    }
    if is_wanted("loopback") {
        loopback::run();
    }
    if is_wanted("memory") {
        println!("\n| SCTP alone | allocations per packet, 64 KiB | allocations per message, 100 B | heap bytes, idle association |");
        println!("|---|---|---|---|");
        sans_io::memory();
    }
}

/// CPU time of this process.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// One contestant: its name, and what moves so many messages of a size and returns the CPU time that took.
pub type Contestant<'a> = (&'a str, Box<dyn FnMut(usize, usize) -> Duration + 'a>);

/// Messages of each size in a round.
const LARGE: (usize, usize) = (65_536, 128);
const SMALL: (usize, usize) = (100, 10_000);

/// Lets them take turns, and prints a line for each.
pub fn contest(what: &str, contestants: &mut [Contestant<'_>]) {
    let mut times = vec![[Vec::new(), Vec::new()]; contestants.len()];
    for round in 0..=ROUNDS {
        for (place, (_, run)) in contestants.iter_mut().enumerate() {
            for (kind, (size, count)) in [LARGE, SMALL].into_iter().enumerate() {
                let time = run(size, count);
                // The first one warms up.
                if round > 0 {
                    times[place][kind].push(time);
                }
            }
        }
    }
    for ((name, _), times) in contestants.iter().zip(&mut times) {
        let [large, small] = times.each_mut().map(|times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        });
        println!(
            "| {what} | {name} | {:.0} | {:.0} | {:.2} | {:.3} |",
            (LARGE.0 * LARGE.1) as f64 / 1e6 / large,
            SMALL.1 as f64 / small,
            large / LARGE.1 as f64 * 1e6,
            small / SMALL.1 as f64 * 1e6,
        );
    }
}
