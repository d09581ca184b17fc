use net::Path;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::corpus::{Corpus, Source, random};
use super::run::{Broken, Run, Trial, caught, complain, hex};
use super::{Law, Resists, Stage};
use crate::driver::Habit;
use crate::network::Packet;
use crate::{Machine, Pair, Side};

/// How many datagrams are thrown at each pair.
const DATAGRAMS: u32 = 600;

/// Law 1: any bytes at any time; no panic, the machine goes on, and noise that it resists changes nothing.
pub(super) fn check<F, A, B>(
    trial: &Trial<'_, F, A, B>,
    ordinary: &Run,
    corpus: &Corpus,
) -> Result<(), Broken>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    for noise in [Noise::Random, Noise::Forged, Noise::Clairvoyant] {
        let mut pair = trial.pair()?;
        pair.driver.habit = Habit::diligent();
        bombard(&mut pair, corpus, trial.seed, noise)?;
        trial.live(&mut pair, trial.stage)?;
        let resists = match noise {
            Noise::Random => trial.battery.resists >= Resists::RandomBytes,
            Noise::Forged => trial.battery.resists >= Resists::Forgeries,
            Noise::Clairvoyant => false,
        };
        let outcomes = pair.outcomes();
        if resists && outcomes != ordinary.outcomes {
            let what = format!(
                "after {noise:?} noise the machines end as {outcomes:?}, else as {:?}",
                ordinary.outcomes
            );
            return Err((Law::InputIsTotal, what));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noise {
    /// Random bytes.
    Random,
    /// Damaged, replayed and foreign datagrams.
    Forged,
    /// The same of datagrams that the pair is still going to send: they pass every check of a tag.
    Clairvoyant,
}

fn bombard<A: Machine, B: Machine>(
    pair: &mut Pair<A, B>,
    corpus: &Corpus,
    seed: u64,
    noise: Noise,
) -> Result<(), Broken> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut bytes = Vec::new();
    let known = Source::KnownBy(pair.now());
    for _ in 0..DATAGRAMS {
        let side = if rng.random() { Side::A } else { Side::B };
        match noise {
            Noise::Random => random(&mut rng, &mut bytes),
            Noise::Forged => corpus.forged(&mut rng, known, side, &mut bytes),
            Noise::Clairvoyant => corpus.forged(&mut rng, Source::Anything, side, &mut bytes),
        }
        let path = some_path(&mut rng, pair, side);
        let goes_on = rng.random_bool(0.1);
        let (driver, mut machines) = pair.split();
        let packet = Packet::new(path, driver.now(), bytes.clone());
        caught(|| {
            driver.hand_over(side.index(), machines[side.index()], packet);
            driver.serve(&mut machines);
            if goes_on {
                driver.step(&mut machines, None);
            }
        })
        .map_err(|text| {
            let what = format!("machine {side:?} panicked after {}: {text}", hex(&bytes));
            (Law::InputIsTotal, what)
        })?;
        complain(pair)?;
    }
    Ok(())
}

/// Mostly the peer's address, sometimes a stranger's.
fn some_path<A: Machine, B: Machine>(rng: &mut StdRng, pair: &Pair<A, B>, side: Side) -> Path {
    let mut path = pair.path(side);
    if rng.random_bool(0.3) {
        path.remote = (rng.random::<[u8; 4]>(), rng.random()).into();
    }
    path
}
