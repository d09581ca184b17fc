use std::time::Instant;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::Stage;
use super::run::{Broken, Trial};
use crate::driver::Habit;
use crate::{Machine, Pair, Side};

/// The most datagrams kept of one run.
const MAX_DATAGRAMS: usize = 1_024;

/// Real datagrams, by the side that they were meant for.
pub(super) struct Corpus {
    heard: [Heard; 2],
}

/// What was heard on the way to one side.
#[derive(Default)]
struct Heard {
    /// In the life of the pair from its beginning, by time.
    own: Vec<(Instant, Vec<u8>)>,
    /// In the later stages of the pair.
    later: Vec<Vec<u8>>,
    /// Of another pair.
    foreign: Vec<Vec<u8>>,
}

/// Which datagrams are drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// All, even those that the pair has not sent yet: nobody has them, but they get furthest.
    Anything,
    /// What somebody on the wire has by this instant, of this pair and of another.
    KnownBy(Instant),
}

impl Corpus {
    /// Lets pairs live and listens on the wire.
    pub(super) fn gather<F, A, B>(trial: &Trial<'_, F, A, B>) -> Result<Self, Broken>
    where
        F: Fn(Stage, u64) -> Pair<A, B>,
        A: Machine,
        B: Machine,
    {
        let mut corpus = Self {
            heard: [Heard::default(), Heard::default()],
        };
        let own = trial.seed;
        let foreign = trial.seed ^ 0x5eed;
        for (seed, stage) in [
            (own, Stage::New),
            (own, Stage::Established),
            (own, Stage::Closing),
            (foreign, Stage::New),
            (foreign, Stage::Established),
            (foreign, Stage::Closing),
        ] {
            let mut pair = trial.pair_at(stage, seed)?;
            pair.driver.habit = Habit::diligent();
            pair.network().start_recording();
            trial.live(&mut pair, stage)?;
            let a = pair.path(Side::A).local.ip();
            for packet in pair.network().recorded().iter().take(MAX_DATAGRAMS) {
                let side = if packet.path.local.ip() == a {
                    Side::B
                } else {
                    Side::A
                };
                let heard = &mut corpus.heard[side.index()];
                let bytes = packet.bytes.clone();
                match (seed == own, stage) {
                    (false, _) => heard.foreign.push(bytes),
                    (true, Stage::New) => heard.own.push((packet.sent, bytes)),
                    (true, _) => heard.later.push(bytes),
                }
            }
        }
        Ok(corpus)
    }

    /// A real datagram for a side; a random one when there are none.
    pub(super) fn genuine(&self, rng: &mut StdRng, source: Source, side: Side, into: &mut Vec<u8>) {
        into.clear();
        match self.draw(rng, source, side) {
            Some(datagram) => into.extend_from_slice(datagram),
            None => random(rng, into),
        }
    }

    /// A datagram that a damaged or hostile network might deliver.
    pub(super) fn forged(&self, rng: &mut StdRng, source: Source, side: Side, into: &mut Vec<u8>) {
        self.genuine(rng, source, side, into);
        match rng.random_range(0..10_u32) {
            0 => {}
            1 => self.genuine(rng, source, side.other(), into),
            2 => random(rng, into),
            3 => into.truncate(rng.random_range(0..=into.len())),
            4 => extend(rng, into),
            5 => {
                // The beginning of one datagram, the end of another.
                into.truncate(rng.random_range(0..=into.len()));
                if let Some(other) = self.draw(rng, source, side) {
                    into.extend_from_slice(&other[rng.random_range(0..=other.len())..]);
                }
            }
            6 => repeat(rng, into),
            7 => lie(rng, into),
            _ => flip(rng, into),
        }
    }

    fn draw(&self, rng: &mut StdRng, source: Source, side: Side) -> Option<&[u8]> {
        let heard = &self.heard[side.index()];
        let (own, later) = match source {
            Source::Anything => (heard.own.len(), heard.later.len()),
            Source::KnownBy(now) => (heard.own.partition_point(|(sent, _)| *sent < now), 0),
        };
        let all = own + later + heard.foreign.len();
        if all == 0 {
            return None;
        }
        let index = rng.random_range(0..all);
        let datagram = if index < own {
            heard.own.get(index).map(|(_, bytes)| bytes)
        } else if index < own + later {
            heard.later.get(index - own)
        } else {
            heard.foreign.get(index - own - later)
        };
        datagram.map(Vec::as_slice)
    }
}

/// Up to a full Ethernet packet of random bytes, now and then none.
pub(super) fn random(rng: &mut StdRng, into: &mut Vec<u8>) {
    into.clear();
    let length = *[0, 1, 4, 12, 20, 64, 300, 1_472].choose(rng).unwrap_or(&1);
    into.resize(rng.random_range(0..=length), 0);
    rng.fill_bytes(into);
}

fn extend(rng: &mut StdRng, into: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..64) {
        into.push(rng.random());
    }
}

/// Says a part of the datagram twice.
fn repeat(rng: &mut StdRng, into: &mut Vec<u8>) {
    let from = rng.random_range(0..=into.len());
    let until = rng.random_range(from..=into.len());
    into.extend_from_within(from..until);
}

/// Puts an extreme value where a length might stand.
fn lie(rng: &mut StdRng, into: &mut [u8]) {
    if into.len() < 2 {
        return;
    }
    let at = rng.random_range(0..into.len() - 1);
    let length = u16::try_from(into.len()).unwrap_or(u16::MAX);
    let values = [
        0,
        1,
        3,
        0x7fff,
        0x8000,
        0xffff,
        length,
        length.wrapping_add(1),
    ];
    let value = *values.choose(rng).unwrap_or(&0);
    into[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn flip(rng: &mut StdRng, into: &mut [u8]) {
    if into.is_empty() {
        return;
    }
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(0..into.len());
        into[at] ^= 1 << rng.random_range(0..8_u32);
    }
}
