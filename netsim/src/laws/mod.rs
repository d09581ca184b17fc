//! The law battery: one test per machine that holds it to its contract at every stage of its life.

mod law;

pub use law::{Law, Resists, Stage, Violation};

use std::ops::Range;
use std::time::Duration;

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

    /// Gives the machines something to say: called with 0, 1, 2, … at fixed times of a run. A command that the
    /// machine refuses at its stage is to be ignored.
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
        Vec::new()
    }
}
