use std::time::Duration;

use allocation_counter::measure;
use net::Datagram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::corpus::{Corpus, Source};
use super::run::{Broken, Trial, caught, complain, guard};
use super::{Law, Stage};
use crate::{Machine, Pair, Side};

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
    for side in [Side::A, Side::B] {
        flood(trial, corpus, side)?;
        ignore(trial, side)?;
    }
    Ok(())
}

/// Datagrams come in, thousands of them.
fn flood<F, A, B>(trial: &Trial<'_, F, A, B>, corpus: &Corpus, side: Side) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let mut pair = trial.pair()?;
    let count = trial.battery.heap_limit_bytes / BYTES_PER_DATAGRAM;
    let mut survived = true;
    let mut rng = StdRng::seed_from_u64(trial.seed);
    let mut bytes = Vec::with_capacity(8 * 1024);
    let heap = measure(|| {
        survived = caught(|| feed(&mut pair, side, corpus, count, (&mut rng, &mut bytes))).is_ok();
    });
    if !survived {
        // A panic is for the law of total input to report.
        return Ok(());
    }
    judge(
        trial,
        side,
        heap.bytes_current,
        &format!("after {count} datagrams"),
    )?;
    // What it then has to say has an end, too.
    guard(|| {
        let (driver, mut machines) = pair.split();
        driver.touch(side.index());
        driver.serve(&mut machines);
    })?;
    complain(&pair)
}

/// A whole life goes by, with a peer that talks and timers that fire. What the peer holds counts as well.
fn ignore<F, A, B>(trial: &Trial<'_, F, A, B>, side: Side) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let mut pair = trial.pair()?;
    pair.driver.mute(side.index());
    let mut lived = Ok(());
    let heap = measure(|| lived = trial.live(&mut pair, trial.stage));
    lived?;
    judge(trial, side, heap.bytes_current, "after a life")
}

fn judge<F, A, B>(
    trial: &Trial<'_, F, A, B>,
    side: Side,
    growth: i64,
    after: &str,
) -> Result<(), Broken> {
    let limit = trial.battery.heap_limit_bytes;
    if usize::try_from(growth).is_ok_and(|growth| growth > limit) {
        let what = format!(
            "{after} without a poll, machine {side:?} holds {growth} bytes more; its caps allow {limit}"
        );
        return Err((Law::NotPollingIsBounded, what));
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
