use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Battery, Law, Stage};
use crate::driver::Habit;
use crate::network::Packet;
use crate::{Machine, Pair, Side};

/// A law and how it was broken.
pub(super) type Broken = (Law, String);

/// How often and how far apart traffic is asked for.
const TRAFFIC_ROUNDS: u32 = 8;
const TRAFFIC_INTERVAL: Duration = Duration::from_millis(250);

/// One stage and seed of a battery.
pub(super) struct Trial<'a, F, A, B> {
    pub(super) battery: &'a Battery<F, A, B>,
    pub(super) stage: Stage,
    pub(super) seed: u64,
}

/// What is compared between two runs.
pub(super) struct Run {
    pub(super) outcomes: [String; 2],
    /// What each application pulled, sorted: order may depend on timing.
    pub(super) pulled: [Vec<Vec<u8>>; 2],
    pub(super) events: [Vec<String>; 2],
    pub(super) packets: Vec<Packet>,
}

impl<F, A, B> Trial<'_, F, A, B>
where
    F: Fn(Stage, u64) -> Pair<A, B>,
    A: Machine,
    B: Machine,
{
    /// A fresh pair at the trial's stage.
    pub(super) fn pair(&self) -> Result<Pair<A, B>, Broken> {
        self.pair_at(self.stage, self.seed)
    }

    /// A fresh pair at any stage.
    pub(super) fn pair_at(&self, stage: Stage, seed: u64) -> Result<Pair<A, B>, Broken> {
        guard(|| (self.battery.factory)(stage, seed))
    }

    /// A pair's life from the trial's stage to the horizon, after `prepare` has had its way with it.
    pub(super) fn run(
        &self,
        habit: Habit,
        prepare: impl FnOnce(&mut Pair<A, B>),
    ) -> Result<Run, Broken> {
        let mut pair = self.pair()?;
        pair.driver.habit = habit;
        pair.network().start_recording();
        prepare(&mut pair);
        self.live(&mut pair, self.stage)?;
        Ok(Run::of(&pair))
    }

    /// Runs a pair to the horizon, with traffic when it is established.
    pub(super) fn live(&self, pair: &mut Pair<A, B>, stage: Stage) -> Result<(), Broken> {
        let end = pair.now() + self.battery.horizon;
        guard(|| {
            let traffic = self.battery.traffic.as_ref();
            if let Some(traffic) = traffic.filter(|_| stage == Stage::Established) {
                for round in 0..TRAFFIC_ROUNDS {
                    traffic(pair, round);
                    pair.run_quietly(pair.now() + TRAFFIC_INTERVAL);
                }
            }
            pair.run_quietly(end);
        })?;
        complain(pair)
    }
}

impl Run {
    pub(super) fn of<A: Machine, B: Machine>(pair: &Pair<A, B>) -> Self {
        let sides = [Side::A, Side::B];
        Self {
            outcomes: pair.outcomes(),
            pulled: sides.map(|side| {
                let mut pulled = pair.pulled(side).to_vec();
                pulled.sort_unstable();
                pulled
            }),
            events: sides.map(|side| pair.events(side).to_vec()),
            packets: pair.driver.network.recorded().to_vec(),
        }
    }

    /// How two runs differ in what was sent, and when.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let same = |(a, b): &(&Packet, &Packet)| {
            a.path == b.path && a.sent == b.sent && a.bytes == b.bytes
        };
        let pairs = self.packets.iter().zip(&other.packets);
        let common = pairs.take_while(same).count();
        if common == self.packets.len() && common == other.packets.len() {
            return None;
        }
        let show = |packets: &[Packet]| {
            packets.get(common).map_or_else(
                || "nothing".to_owned(),
                |packet| {
                    let time = crate::since_epoch(packet.sent);
                    format!("{} at {time:?}", hex(&packet.bytes))
                },
            )
        };
        Some(format!(
            "datagram {common} is {} in one run and {} in the other",
            show(&self.packets),
            show(&other.packets)
        ))
    }
}

/// The finding of the driver, if there is one.
pub(super) fn complain<A: Machine, B: Machine>(pair: &Pair<A, B>) -> Result<(), Broken> {
    pair.driver
        .finding()
        .map_or(Ok(()), |finding| Err((finding.law, finding.text.clone())))
}

/// Runs `action`. A panic inside it breaks the law of total input, unless it is the pair itself that failed the
/// test in the name of another law.
pub(super) fn guard<T>(action: impl FnOnce() -> T) -> Result<T, Broken> {
    caught(action).map_err(|text| {
        let named = Law::ALL
            .iter()
            .find(|law| text.starts_with(&law.to_string()));
        match named {
            Some(law) => (*law, text),
            None => (Law::InputIsTotal, format!("it panicked: {text}")),
        }
    })
}

/// Runs `action`; a panic becomes its message.
pub(super) fn caught<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(action)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("no message").to_owned()
    })
}

/// Bytes for a sentence: at most the first 48.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes.iter().take(48) {
        let _ = write!(text, "{byte:02x}");
    }
    let more = if bytes.len() > 48 { "…" } else { "" };
    format!("{text}{more} ({} bytes)", bytes.len())
}
