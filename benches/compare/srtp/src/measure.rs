//! CPU time of the thread, sample by sample, so that neither a busy machine nor a changing clock rate favours a side.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const SAMPLES: usize = 101;

/// What some ways to do the same cost, in nanoseconds.
pub struct Times {
    samples: Vec<Vec<f64>>,
}

impl Times {
    /// What each way costs at best: whatever is above the least of the samples is other people's work on the same
    /// processor.
    pub fn least(&self) -> Vec<f64> {
        let least = |values: &Vec<f64>| values.iter().copied().fold(f64::INFINITY, f64::min);
        self.samples.iter().map(least).collect()
    }

    /// What the first way costs of the second: the median of what neighbouring samples say, which have the clock rate of the
    /// processor in common.
    pub fn ratio(&self) -> f64 {
        let [first, second, ..] = self.samples.as_slice() else {
            return f64::NAN;
        };
        let mut ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }
}

/// Each sample times all ways, one right after the other.
pub fn beside(ways: &mut [&mut dyn FnMut() -> usize]) -> Times {
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
    Times { samples }
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
