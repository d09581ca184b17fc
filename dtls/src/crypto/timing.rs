//! Whether the time of a refusal tells where what was shown is wrong: Welch's t between two classes in random order, as
//! in the method `dudect` (Reparaz, Balasch, Verbauwhede 2017). Too slow and too sensitive for every day, on which the
//! tests only see that each forgery is refused:
//!
//! ```text
//! AVOCET_TIMING=1 cargo test --release -p avocet-dtls timing -- --nocapture --test-threads 1
//! ```
#![expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::hint::black_box;
use std::time::Instant;

use super::{AeadAlgorithm, Provider, equal};
use crate::{Fingerprint, HashAlgorithm};

/// With `AVOCET_TIMING`, and without.
const SAMPLES: usize = 200_000;
const FEW_SAMPLES: usize = 500;
/// Above it two classes differ.
const BOUND: f64 = 4.5;
/// A leak is there each time; other people's work on the machine is not.
const ATTEMPTS: usize = 5;

fn measures() -> bool {
    std::env::var_os("AVOCET_TIMING").is_some()
}

/// Calls `work` with one of two inputs, wrong at the first and at the last place. Both are shown from the same place in
/// memory, prepared before the clock starts: where bytes lie has a time of its own, which is not what is looked for.
fn t<I: Clone>(inputs: &[I; 2], mut work: impl FnMut(&I) -> bool) -> f64 {
    let mut shown = inputs[0].clone();
    let samples = if measures() { SAMPLES } else { FEW_SAMPLES };
    let mut times = [(); 2].map(|()| Vec::with_capacity(samples));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..samples {
        // xorshift: any order that the processor cannot foresee will do.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let class = usize::from(random & 0x100 != 0);
        shown.clone_from(black_box(&inputs[class]));
        let start = Instant::now();
        let mut refused = true;
        for _ in 0..8 {
            refused &= black_box(work(black_box(&shown)));
        }
        times[class].push(start.elapsed().as_nanos() as f64);
        assert!(refused);
    }
    // The longest tenth is interrupts and other people's work.
    let [one, other] = times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (one.0 - other.0) / (one.1 + other.1).sqrt()
}

pub(crate) fn assert_silent<I: Clone>(
    what: &str,
    inputs: &[I; 2],
    mut work: impl FnMut(&I) -> bool,
) {
    let attempts = (0..ATTEMPTS).map(|_| t(inputs, &mut work));
    let found = attempts.inspect(|t| println!("{what}: t = {t:.2}"));
    let silent = found.take(ATTEMPTS).any(|t| t.abs() < BOUND || !measures());
    assert!(silent, "the time of {what} tells");
}

/// The same bytes, wrong at the first and at the last place of the part from `from` on.
pub(crate) fn wrong(genuine: &[u8], from: usize) -> [Vec<u8>; 2] {
    let mut both = [genuine.to_vec(), genuine.to_vec()];
    both[0][from] ^= 0x55;
    *both[1].last_mut().unwrap() ^= 0x55;
    both
}

/// What the method has to find: a comparison that ends where it knows, of as few bytes as the shortest tag has.
///
/// Catalogue K-02.
#[test]
fn a_comparison_that_tells_is_found_out() {
    let genuine = vec![7; 8];
    let naive = |shown: &Vec<u8>| {
        let mut pairs = shown.iter().zip(&genuine);
        !pairs.all(|(a, b)| black_box(a) == black_box(b))
    };
    let found = t(&wrong(&genuine, 0), naive);
    println!("a loop with an early end: t = {found:.2}");
    assert!(found.abs() > BOUND || !measures());
}

/// Catalogue K-02: the tags of records.
#[test]
fn the_time_of_refusing_a_tag_does_not_tell() {
    let providers = [
        Provider::ring(),
        Provider::rust_crypto([1; 32]),
        #[cfg(feature = "aws-lc-rs")]
        Provider::aws_lc_rs(),
    ];
    for provider in providers {
        for algorithm in [
            AeadAlgorithm::Aes128Gcm,
            AeadAlgorithm::Aes256Gcm,
            AeadAlgorithm::ChaCha20Poly1305,
            AeadAlgorithm::Aes128Ccm,
            AeadAlgorithm::Aes128Ccm8,
        ] {
            let Ok(aead) = provider.aead(algorithm, &vec![5; algorithm.key_length()]) else {
                continue;
            };
            let mut sealed = vec![1; 40];
            aead.seal([6; 12], b"aad", &mut sealed, 0).unwrap();
            let mut buf = sealed.clone();
            assert_silent(
                &format!("{provider:?} {algorithm:?}"),
                &wrong(&sealed, 40),
                |forged| {
                    buf.copy_from_slice(forged);
                    aead.open([6; 12], b"aad", &mut buf).is_err()
                },
            );
        }
    }
}

/// Catalogue K-02: Finished, of the lengths of 1.2 and of both hashes of 1.3.
#[test]
fn the_time_of_refusing_a_mac_does_not_tell() {
    for length in [12, 32, 48] {
        let genuine = vec![7; length];
        assert_silent(
            &format!("a MAC of {length} bytes"),
            &wrong(&genuine, 0),
            |shown| !equal(shown, &genuine),
        );
    }
}

/// Catalogue K-02.
#[test]
fn the_time_of_refusing_a_fingerprint_does_not_tell() {
    let genuine = Fingerprint::of(HashAlgorithm::Sha256, b"certificate").to_string();
    let announced = ["sha-256 ".len(), genuine.len() - 2].map(|at| {
        let mut text = genuine.clone();
        let other = if &text[at..=at] == "0" { "1" } else { "0" };
        text.replace_range(at..=at, other);
        vec![text.parse::<Fingerprint>().unwrap()]
    });
    assert_silent("a fingerprint", &announced, |announced| {
        !Fingerprint::any_matches(announced, b"certificate")
    });
}
