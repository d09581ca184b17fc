use std::time::Duration;

use super::run::{Broken, Trial, complain, guard};
use super::{Law, Stage};
use crate::driver::Habit;
use crate::{Machine, Pair, Verdict};

/// Law 4: deadlines progress, None means nothing, output has a cause and an end.
///
/// The driver watches this in every run; here it also listens to machines that should be silent, once with a
/// peer that answers and once with one that does not, and at last the clock leaps an hour.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    for blackout in [false, true] {
        let mut pair = trial.pair()?;
        pair.driver.habit = Habit::diligent();
        pair.driver.listens_for_whispers = true;
        if blackout {
            pair.network().intercept(|_| Verdict::Drop);
        }
        trial.live(&mut pair, trial.stage)?;
        guard(|| wake_late(&mut pair))?;
        complain(&pair)?;
    }
    Ok(())
}

/// Calls both machines an hour too late; one that had no deadline must have nothing to say.
fn wake_late<A: Machine, B: Machine>(pair: &mut Pair<A, B>) {
    let late = pair.now() + Duration::from_secs(3_600);
    let (driver, mut machines) = pair.split();
    driver.serve(&mut machines);
    driver.set_now(late);
    for (index, machine) in machines.iter_mut().enumerate() {
        let idle = machine.poll_timeout().is_none();
        let sent = driver.sent();
        driver.fire(index, *machine);
        driver.poll(index, *machine);
        if idle && driver.sent() > sent {
            let what = "it had no deadline, but speaks when it is called";
            driver.find(Law::DeadlinesProgress, index, what);
        }
    }
}
