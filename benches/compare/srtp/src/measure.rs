//! CPU time of the thread, sample by sample, so that neither a busy machine nor a changing clock rate favours a side.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const SAMPLES: usize = 41;

/// What some ways to do the same cost at best, in nanoseconds. Each sample times all of them, one right after the other;
/// whatever is above the least of the samples is other people's work on the same processor.
pub fn beside(ways: &mut [&mut dyn FnMut() -> usize]) -> Vec<f64> {
    let mut rounds = Vec::new();
    for way in ways.iter_mut() {
        let warm_up = time(200, way) / 200;
        let fit = Duration::from_millis(2).as_nanos() / warm_up.as_nanos().max(1);
        rounds.push(u64::try_from(fit).unwrap_or(1).clamp(1, 1_000_000));
    }
    let mut samples = vec![Vec::new(); ways.len()];
    for _ in 0..SAMPLES {
        for ((way, rounds), samples) in ways.iter_mut().zip(&rounds).zip(&mut samples) {
            samples.push(time(*rounds, way).as_nanos() as f64 / *rounds as f64);
        }
    }
    samples.into_iter().map(least).collect()
}

pub fn time(iterations: u64, action: &mut dyn FnMut() -> usize) -> Duration {
    let start = cpu_time();
    for _ in 0..iterations {
        black_box(action());
    }
    cpu_time().saturating_sub(start)
}

/// What this thread has used of a processor.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}
