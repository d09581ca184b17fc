use super::run::{Broken, Run, Trial};
use super::{Law, Stage};
use crate::driver::Habit;
use crate::{Machine, Pair};

/// Law 5: `poll_transmit` appends, and what it appends does not depend on what the buffer holds.
///
/// The driver compares the prefix at every poll; here the datagrams of the whole run are compared too. A
/// machine that is not deterministic is left to the law that says so.
pub(super) fn check<F, A, B>(trial: &Trial<'_, F, A, B>, ordinary: &Run) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    let prefixed = trial.run(Habit::prefixed(trial.seed), |_| {})?;
    let Some(difference) = ordinary.first_difference(&prefixed) else {
        return Ok(());
    };
    let again = trial.run(Habit::diligent(), |_| {})?;
    if ordinary.first_difference(&again).is_some() {
        return Ok(());
    }
    let what = format!("with a prefix in the buffer other bytes are appended: {difference}");
    Err((Law::PrefixUntouched, what))
}
