//! Two ways to do a thing, measured in turns. It needs nothing of the package, so that packages beside it can take the file.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Measures two ways sample by sample in CPU time, each timed right after the other, and gives the medians in nanoseconds.
pub fn beside<T, U>(mut ours: impl FnMut() -> T, mut theirs: impl FnMut() -> U) -> (f64, f64) {
    const SAMPLES: usize = 51;
    let sample = Duration::from_millis(4);
    let warm_up = time(20, &mut ours) / 20;
    let rounds = sample.as_nanos() / warm_up.as_nanos().max(1);
    let rounds = u64::try_from(rounds).unwrap_or(1).clamp(1, 1_000_000);
    let each = |time: Duration| time.as_nanos() as f64 / rounds as f64;
    let pairs: Vec<_> = (0..SAMPLES)
        .map(|_| {
            (
                each(time(rounds, &mut ours)),
                each(time(rounds, &mut theirs)),
            )
        })
        .collect();
    let ours = median(pairs.iter().map(|(ours, _)| *ours));
    let theirs = median(pairs.iter().map(|(_, theirs)| *theirs));
    (ours.unwrap_or_default(), theirs.unwrap_or_default())
}

/// The CPU time of so many calls.
pub fn time<T>(iterations: u64, action: &mut impl FnMut() -> T) -> Duration {
    let start = cpu_time();
    for _ in 0..iterations {
        black_box(action());
    }
    cpu_time().saturating_sub(start)
}

/// What this thread has used of a processor.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// `None` when the bench was filtered out.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
