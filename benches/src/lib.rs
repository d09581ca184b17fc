//! What the benches share: the comparison with the raw cost, and the raw cost itself.
#![allow(clippy::print_stdout, reason = "a bench prints")]

pub mod conference;
pub mod forwarder;
pub mod media;
pub mod pair;
pub mod raw;
pub mod samples;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use rustix::time::{ClockId, clock_gettime};

/// Benches of a few seconds each.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args()
}

/// Measures our way and the least that the same bytes can cost, and prints `name: ours X ns, raw Y ns, ratio Z` of
/// the medians.
///
/// The raw cost is that of the cryptography, called directly, and of one copy of the bytes. Each sample times both,
/// one right after the other, in CPU time of the thread, so that neither a busy machine nor a changing clock rate
/// favours one side. Absolute times move from machine to machine all the same: the ratio is the result.
///
/// Gives the median of our time in nanoseconds, unless the bench was filtered out.
pub fn compare<T, U>(
    criterion: &mut Criterion,
    name: &str,
    mut ours: impl FnMut() -> T,
    mut raw: impl FnMut() -> U,
) -> Option<f64> {
    let mut samples = Vec::new();
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let our_time = time(iterations, &mut ours);
            let raw_time = time(iterations, &mut raw);
            let each = |time: Duration| time.as_nanos() as f64 / iterations as f64;
            samples.push((each(our_time), each(raw_time)));
            our_time
        });
    });
    let ours = median(samples.iter().map(|(ours, _)| *ours));
    let raw = median(samples.iter().map(|(_, raw)| *raw));
    let ratio = median(samples.iter().map(|(ours, raw)| ours / raw.max(0.01)));
    if let (Some(ours), Some(raw), Some(ratio)) = (ours, raw, ratio) {
        println!("{name}: ours {ours:.1} ns, raw {raw:.1} ns, ratio {ratio:.2}");
    }
    ours
}

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

fn time<T>(iterations: u64, action: &mut impl FnMut() -> T) -> Duration {
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
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
