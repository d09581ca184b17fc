use super::run::{Broken, Run, Trial};
use super::{Law, Stage};
use crate::driver::Habit;
use crate::{Machine, Pair};

/// Law 8: the same seed, inputs and instants give the same bytes and the same events.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>, ordinary: &Run) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let again = trial.run(Habit::diligent(), |_| {})?;
    compare(ordinary, &again)?;
    let whim = trial.run(Habit::capricious(trial.seed), |_| {})?;
    let same_whim = trial.run(Habit::capricious(trial.seed), |_| {})?;
    compare(&whim, &same_whim)
}

fn compare(one: &Run, other: &Run) -> Result<(), Broken> {
    if let Some(difference) = one.first_difference(other) {
        return Err((Law::SameSeedSameBytes, difference));
    }
    if one.events != other.events {
        let what = "the same datagrams went out, but the events differ".to_owned();
        return Err((Law::SameSeedSameBytes, what));
    }
    Ok(())
}
