use std::time::{Duration, Instant};

use net::Datagram;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::corpus::{Corpus, Source};
use super::run::{Broken, Trial, caught};
use super::{Law, Stage};
use crate::driver::Driver;
use crate::{Machine, Pair, Side, since_epoch};

const SECOND: Duration = Duration::from_secs(1);
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// a clock that stands still, goes back or leaps ten years does not make a machine panic, and deadlines
/// progress after it.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>, corpus: &Corpus) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    for order in [leaps_forward_last, leaps_forward_first] {
        let mut pair = trial.pair()?;
        let start = pair.now();
        let mut rng = StdRng::seed_from_u64(trial.seed);
        let mut bytes = Vec::new();
        for now in order(start) {
            let (driver, machines) = pair.split();
            for side in [Side::A, Side::B] {
                corpus.genuine(&mut rng, Source::Anything, side, &mut bytes);
                let machine = &mut *machines[side.index()];
                caught(|| visit(driver, machine, side, now, &mut bytes)).map_err(|text| {
                    let (before, now) = (since_epoch(start), now.checked_duration_since(start));
                    let what = format!(
                        "machine {side:?}, taken over at {before:?}, panicked when its clock stood \
                         at {}: {text}",
                        now.map_or_else(
                            || "an earlier time".to_owned(),
                            |later| format!("+{later:?}")
                        )
                    );
                    (Law::TimeMayLeap, what)
                })?;
            }
            if let Some(finding) = pair.driver.finding() {
                return Err((finding.law, finding.text.clone()));
            }
        }
    }
    Ok(())
}

fn leaps_forward_last(start: Instant) -> [Instant; 6] {
    let back = start.checked_sub(3_600 * SECOND).unwrap_or(start);
    let little = start.checked_sub(SECOND).unwrap_or(start);
    [
        start,
        start,
        little,
        back,
        start + SECOND,
        start + TEN_YEARS,
    ]
}

fn leaps_forward_first(start: Instant) -> [Instant; 6] {
    let back = start.checked_sub(TEN_YEARS).unwrap_or(start);
    [
        start + SECOND,
        start + TEN_YEARS,
        start + TEN_YEARS,
        start + SECOND,
        back,
        start,
    ]
}

/// Every verb once, at an instant that may lie anywhere.
fn visit(
    driver: &mut Driver,
    machine: &mut dyn Machine,
    side: Side,
    now: Instant,
    bytes: &mut [u8],
) {
    driver.set_now(now);
    driver.fire(side.index(), machine);
    if let Some(path) = driver.path(side.index()) {
        machine.handle_datagram(now, Datagram::new(path, bytes));
    }
    driver.poll(side.index(), machine);
    driver.fire(side.index(), machine);
    let _ = machine.pull(now);
    let _ = machine.outcome();
}
