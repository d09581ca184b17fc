//! What the benches share: the comparison with the raw cost, and the raw cost itself.
#![allow(clippy::print_stdout, reason = "a bench prints")]

pub mod associations;
pub mod beside;
pub mod conference;
pub mod forwarder;
pub mod media;
pub mod pair;
pub mod raw;
pub mod samples;

use std::time::Duration;

use beside::{median, time};
use criterion::Criterion;

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
