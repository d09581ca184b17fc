//! CPU time of the thread, sample by sample, so that neither a busy machine nor a changing clock rate favours a side.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What one sample of some work took, in nanoseconds for each time that it was done.
pub type Way<'a> = &'a mut dyn FnMut() -> f64;

/// The medians of some ways to do the same. Each sample times all of them, one right after the other.
pub fn beside(samples: usize, ways: &mut [Way<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); ways.len()];
    for way in ways.iter_mut() {
        black_box(way());
    }
    for _ in 0..samples {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            times.push(way());
        }
    }
    times.into_iter().map(median).collect()
}

/// How long an action takes, in nanoseconds.
pub fn time<T>(times: usize, mut action: impl FnMut() -> T) -> f64 {
    let start = cpu_time();
    for _ in 0..times {
        black_box(action());
    }
    let took = cpu_time().saturating_sub(start);
    took.as_nanos() as f64 / times as f64
}

/// What this thread has used of a processor.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
