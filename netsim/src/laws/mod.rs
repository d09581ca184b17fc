//! The law battery: one test per machine that holds it to its contract at every stage of its life.

mod bytes;
mod corpus;
mod deadlines;
mod law;
mod leaps;
mod memory;
mod noise;
mod polls;
mod prefix;
mod run;

pub use law::{Law, Resists, Stage, Violation};

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use corpus::Corpus;
use run::{Broken, Trial};

use crate::driver::Habit;
use crate::{Machine, Pair};

/// Holds a machine to the laws, given a way to bring a pair of them to each stage of its life.
///
/// The factory must be deterministic: the same stage and seed give the same pair.
pub struct Battery<F, A, B = A> {
    name: &'static str,
    factory: F,
    traffic: Option<Traffic<A, B>>,
    resists: Resists,
    heap_limit_bytes: usize,
    horizon: Duration,
    seeds: Range<u64>,
}

type Traffic<A, B> = Box<dyn Fn(&mut Pair<A, B>, u32)>;

impl<F, A, B> Battery<F, A, B>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    /// A battery for the machine `name`.
    pub fn new(name: &'static str, factory: F) -> Self {
        Self {
            name,
            factory,
            traffic: None,
            resists: Resists::RandomBytes,
            heap_limit_bytes: 256 * 1024,
            horizon: Duration::from_secs(60),
            seeds: 0..3,
        }
    }

    /// Gives established machines something to say: called with 0 to 7 at fixed times of a run from
    /// [`Stage::Established`]. It must not depend on how far the other side is.
    #[must_use]
    pub fn traffic(mut self, traffic: impl Fn(&mut Pair<A, B>, u32) + 'static) -> Self {
        self.traffic = Some(Box::new(traffic));
        self
    }

    /// What input leaves the outcome as it is. Default: [`Resists::RandomBytes`].
    #[must_use]
    pub const fn resists(mut self, resists: Resists) -> Self {
        self.resists = resists;
        self
    }

    /// How much heap a machine may take while it is fed and not polled: the sum of its documented caps.
    /// Default: 256 KiB. It is fed one datagram per 32 bytes of this, so raising it takes time.
    #[must_use]
    pub const fn heap_limit_bytes(mut self, limit: usize) -> Self {
        self.heap_limit_bytes = limit;
        self
    }

    /// How much simulated time a run takes: longer than the machine needs to set up, to close and to give up.
    /// Default: 60 s.
    #[must_use]
    pub const fn horizon(mut self, horizon: Duration) -> Self {
        self.horizon = horizon;
        self
    }

    /// The seeds of the runs. Default: 0 to 2.
    #[must_use]
    pub const fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Fails with a sentence for every law that is broken.
    ///
    /// # Panics
    /// When a law is broken.
    pub fn check(&self) {
        let violations = self.violations();
        let sentences = violations.iter().map(ToString::to_string);
        assert!(
            violations.is_empty(),
            "{}",
            sentences.collect::<Vec<_>>().join("\n")
        );
    }

    /// The laws that are broken: at most one violation per law and stage.
    pub fn violations(&self) -> Vec<Violation> {
        let mut violations: Vec<Violation> = Vec::new();
        for seed in self.seeds.clone() {
            let corpus = Corpus::gather(&self.stand(Stage::New, seed));
            for stage in Stage::ALL {
                let stand = self.stand(stage, seed);
                for (law, what) in stand.trial(corpus.as_ref()) {
                    let known = |old: &Violation| old.law == law && old.stage == stage;
                    if !violations.iter().any(known) {
                        violations.push(Violation {
                            machine: self.name,
                            law,
                            stage,
                            seed,
                            what,
                        });
                    }
                }
            }
        }
        violations
    }

    const fn stand(&self, stage: Stage, seed: u64) -> Trial<'_, F, A, B> {
        Trial {
            battery: self,
            stage,
            seed,
        }
    }
}

impl<F, A, B> Trial<'_, F, A, B>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    /// Holds the pair to all laws. Without a corpus, because a law was broken while it was gathered, those
    /// that need one are left out.
    fn trial(&self, corpus: Result<&Corpus, &Broken>) -> Vec<Broken> {
        // What every law compares with: an ordinary life, driven as well as can be.
        let ordinary = match self.run(Habit::diligent(), |_| {}) {
            Ok(run) => run,
            Err(broken) => return vec![broken],
        };
        let mut results = vec![
            polls::check(self, &ordinary),
            deadlines::check(self),
            bytes::check(self, &ordinary),
            prefix::check(self, &ordinary),
        ];
        match corpus {
            Ok(corpus) => {
                results.push(noise::check(self, &ordinary, corpus));
                results.push(leaps::check(self, corpus));
                if self.seed == self.battery.seeds.start {
                    results.push(memory::check(self, corpus));
                }
            }
            Err(broken) => results.push(Err(broken.clone())),
        }
        results.into_iter().filter_map(Result::err).collect()
    }
}

impl<F, A, B> fmt::Debug for Battery<F, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Battery")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
