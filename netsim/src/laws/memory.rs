use std::time::Duration;

use allocation_counter::measure;
use net::Datagram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::corpus::{Corpus, Source};
use super::run::{Broken, Trial, caught, complain, guard};
use super::{Law, Stage};
use crate::{Machine, Pair, Side, since_epoch};

/// A leak of this much per datagram is found.
const BYTES_PER_DATAGRAM: usize = 32;

/// Law 7: a machine that is fed and not polled stays under its caps.
///
/// Allocations are counted per thread by the counting allocator that this crate brings along, so nothing is
/// asked of the machine, and tests may run side by side.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>, corpus: &Corpus) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let limit = trial.battery.heap_limit_bytes;
    for side in [Side::A, Side::B] {
        let mut pair = trial.pair()?;
        let count = limit / BYTES_PER_DATAGRAM;
        let mut survived = true;
        let mut rng = StdRng::seed_from_u64(trial.seed);
        let mut bytes = Vec::with_capacity(8 * 1024);
        let heap = measure(|| {
            survived =
                caught(|| feed(&mut pair, side, corpus, count, (&mut rng, &mut bytes))).is_ok();
        });
        if !survived {
            // A panic is for the law of total input to report.
            return Ok(());
        }
        let growth = usize::try_from(heap.bytes_current).unwrap_or_default();
        if growth > limit {
            let what = format!(
                "at {:?}, machine {side:?} holds {growth} bytes more after {count} datagrams without \
                 a poll; its caps allow {limit}",
                since_epoch(pair.now())
            );
            return Err((Law::NotPollingIsBounded, what));
        }
        // What it then has to say has an end, too.
        guard(|| {
            let (driver, mut machines) = pair.split();
            driver.touch(side.index());
            driver.serve(&mut machines);
        })?;
        complain(&pair)?;
    }
    Ok(())
}

/// Feeds a machine real and forged datagrams, one per millisecond, half of them from strangers.
fn feed<A: Machine, B: Machine>(
    pair: &mut Pair<A, B>,
    side: Side,
    corpus: &Corpus,
    count: usize,
    (rng, bytes): (&mut StdRng, &mut Vec<u8>),
) {
    let own = pair.path(side);
    let (driver, mut machines) = pair.split();
    let machine = &mut machines[side.index()];
    for _ in 0..count {
        if rng.random() {
            corpus.genuine(rng, Source::Anything, side, bytes);
        } else {
            corpus.forged(rng, Source::Anything, side, bytes);
        }
        let mut path = own;
        if rng.random() {
            path.remote = (rng.random::<[u8; 4]>(), rng.random()).into();
        }
        let now = driver.now() + Duration::from_millis(1);
        driver.set_now(now);
        if machine
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            machine.handle_timeout(now);
        }
        machine.handle_datagram(now, Datagram::new(path, bytes));
    }
}
