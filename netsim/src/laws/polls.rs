use super::run::{Broken, Run, Trial};
use super::{Law, Stage};
use crate::driver::Habit;
use crate::{Machine, Pair, Side};

/// How many random interleavings are tried.
const INTERLEAVINGS: u64 = 4;

/// Law 2: any interleaving of polls, or none, reaches the same protocol outcome.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>, ordinary: &Run) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let deaf = trial.run(Habit::deaf_to_events(), |_| {})?;
    compare(ordinary, &deaf, "when nobody polls events")?;
    for index in 0..INTERLEAVINGS {
        let habit = Habit::capricious(trial.seed * INTERLEAVINGS + index);
        let whim = trial.run(habit, |_| {})?;
        compare(
            ordinary,
            &whim,
            "when polled in another order, later or less",
        )?;
    }
    Ok(())
}

fn compare(ordinary: &Run, other: &Run, when: &str) -> Result<(), Broken> {
    for side in [Side::A, Side::B] {
        let index = side.index();
        let (expected, found) = (&ordinary.outcomes[index], &other.outcomes[index]);
        if expected != found {
            let what = format!("{when}, machine {side:?} ends as {found:?}, else as {expected:?}");
            return Err((Law::PollsCommute, what));
        }
        if ordinary.pulled[index] != other.pulled[index] {
            let (expected, found) = (ordinary.pulled[index].len(), other.pulled[index].len());
            let what = format!(
                "{when}, the application of machine {side:?} gets other data \
                 ({found} pieces, else {expected})"
            );
            return Err((Law::PollsCommute, what));
        }
    }
    Ok(())
}
