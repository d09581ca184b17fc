use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::{LinkConfig, Loss, Outage};

/// Twelve networks on which every connection must hold.
///
/// Each has 25 ms of delay one way and nothing else but what its name says; what varies within a profile is
/// drawn from the seed by [`Profile::weather`], so that a run over many seeds covers the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// No loss: the reference for all others.
    Clean,
    /// 1 % or 5 % of the packets are lost.
    LightLoss,
    /// 10 % of the packets are lost.
    Loss10,
    /// 30 % of the packets are lost.
    Loss30,
    /// 50 % of the packets are lost.
    Loss50,
    /// Loss in bursts (Gilbert-Elliott): 5 % on average, about 6 packets in a row.
    BurstLoss,
    /// 25 % of the packets are held back by up to 60 ms, 10 % arrive twice.
    Shuffle,
    /// 1 % of the packets arrive with one bit flipped.
    Corruption,
    /// Each packet takes up to 2 s longer, on its own, so that order is lost altogether.
    Jitter,
    /// A hole for IP packets above 576, 1200, 1280 or 1500 bytes.
    SmallMtu,
    /// The network is cut once, for up to 25 s, within the first 10 s.
    Partition,
    /// Once within the first 10 s one host sleeps for 1 to 10 s and wakes up behind other ports: its clock
    /// leaps, what was sent to it meanwhile is lost, and its old address answers no more.
    Nap,
}

impl Profile {
    /// All twelve.
    pub const ALL: [Self; 12] = [
        Self::Clean,
        Self::LightLoss,
        Self::Loss10,
        Self::Loss30,
        Self::Loss50,
        Self::BurstLoss,
        Self::Shuffle,
        Self::Corruption,
        Self::Jitter,
        Self::SmallMtu,
        Self::Partition,
        Self::Nap,
    ];

    /// The profile in one run.
    pub fn weather(self, seed: u64) -> Weather {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x7ea7_4e12);
        let mut link = LinkConfig::delayed(Duration::from_millis(25));
        let mut nap = None;
        match self {
            Self::Clean => {}
            Self::LightLoss => link.loss = Loss::Random(if rng.random() { 0.01 } else { 0.05 }),
            Self::Loss10 => link.loss = Loss::Random(0.1),
            Self::Loss30 => link.loss = Loss::Random(0.3),
            Self::Loss50 => link.loss = Loss::Random(0.5),
            Self::BurstLoss => {
                link.loss = Loss::Burst {
                    enter: 0.01,
                    leave: 0.15,
                    loss: 0.8,
                };
            }
            Self::Shuffle => {
                link.reorder = 0.25;
                link.duplicate = 0.1;
                link.reorder_delay = Duration::from_millis(60);
            }
            Self::Corruption => link.corrupt = 0.01,
            Self::Jitter => link.jitter = Duration::from_secs(2),
            Self::SmallMtu => {
                link.mtu_bytes = *[576, 1_200, 1_280, 1_500].choose(&mut rng).unwrap_or(&576);
            }
            Self::Partition => {
                let from = some_time(&mut rng);
                let until = from + rng.random_range(Duration::ZERO..=Duration::from_secs(25));
                link.outages.push(Outage { from, until });
            }
            Self::Nap => {
                let from = some_time(&mut rng);
                let until =
                    from + rng.random_range(Duration::from_secs(1)..=Duration::from_secs(10));
                nap = Some(Nap { from, until });
            }
        }
        Weather { link, nap }
    }
}

/// A profile with its dice thrown.
#[derive(Clone, Debug, PartialEq)]
pub struct Weather {
    /// What the link between the hosts does, in both directions.
    pub link: LinkConfig,
    /// When the first of two hosts sleeps.
    pub nap: Option<Nap>,
}

impl From<LinkConfig> for Weather {
    fn from(link: LinkConfig) -> Self {
        Self { link, nap: None }
    }
}

/// A host's sleep, as when the lid of a laptop is closed and opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nap {
    /// Its beginning, in time since the epoch.
    pub from: Duration,
    /// Its end, in time since the epoch.
    pub until: Duration,
}

fn some_time(rng: &mut StdRng) -> Duration {
    rng.random_range(Duration::ZERO..=Duration::from_secs(10))
}
