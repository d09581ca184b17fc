use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{NodeId, Packet};
use crate::since_epoch;

/// What one direction of a link does to packets. The default is perfect: no delay, no loss, no limits.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// Every packet takes at least this long.
    pub delay: Duration,
    /// Each packet takes a random time between nothing and this longer; packets may overtake each other.
    pub jitter: Duration,
    /// Which packets are lost.
    pub loss: Loss,
    /// The share of packets, 0 to 1, that are held back by up to `reorder_delay` so that later ones overtake.
    pub reorder: f64,
    /// How long a reordered packet is held back at most.
    pub reorder_delay: Duration,
    /// The share of packets that arrive twice; the copy comes up to `reorder_delay` later.
    pub duplicate: f64,
    /// The share of packets that arrive with one bit flipped (the UDP checksum is not simulated).
    pub corrupt: f64,
    /// Bits per second of IP packets; `None` for no limit.
    pub rate_bits: Option<u64>,
    /// How many bytes may wait for a link with a rate; a packet that finds no room is dropped (drop tail).
    pub queue_bytes: usize,
    /// Larger IP packets disappear without notice: a hole, as routers that filter ICMP make it.
    pub mtu_bytes: usize,
    /// When nothing passes, in time since the epoch.
    pub outages: Vec<Outage>,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::None,
            reorder: 0.0,
            reorder_delay: Duration::from_millis(20),
            duplicate: 0.0,
            corrupt: 0.0,
            rate_bits: None,
            queue_bytes: 256 * 1024,
            mtu_bytes: usize::MAX,
            outages: Vec::new(),
        }
    }
}

impl LinkConfig {
    /// A perfect link with a delay.
    pub fn delayed(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }
}

/// Which packets a link loses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None.
    None,
    /// Each with the same probability, independently.
    Random(f64),
    /// In bursts, after Gilbert and Elliott: the link changes between a good state without loss and a bad one.
    Burst {
        /// The probability per packet of going from good to bad.
        enter: f64,
        /// The probability per packet of going from bad to good.
        leave: f64,
        /// The probability that a packet is lost in the bad state.
        loss: f64,
    },
}

/// A time during which a link carries nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Its beginning, in time since the epoch.
    pub from: Duration,
    /// Its end, in time since the epoch; packets pass again at this instant.
    pub until: Duration,
}

/// Why packets did not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Lost at random.
    pub loss: u64,
    /// The queue before a link with a rate was full.
    pub queue: u64,
    /// Larger than the MTU.
    pub mtu: u64,
    /// Sent during an outage, or while the receiver slept.
    pub outage: u64,
    /// Nobody has the address, or nobody uses the port any more.
    pub unreachable: u64,
    /// An interceptor said so.
    pub intercepted: u64,
    /// A NAT or a firewall had no mapping that admits the source.
    pub filtered: u64,
    /// A NAT had no room for one more mapping.
    pub mappings: u64,
    /// A firewall lets no UDP pass.
    pub blocked: u64,
}

/// Names a link of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub(super) usize);

/// A wire between two nodes.
pub(super) struct Link {
    pub(super) ends: [NodeId; 2],
    pub(super) directions: [Direction; 2],
}

impl Link {
    pub(super) fn new(ends: [NodeId; 2], config: &LinkConfig, seed: u64) -> Self {
        Self {
            ends,
            directions: [0, 1]
                .map(|end| Direction::new(config.clone(), seed.rotate_left(17) ^ end)),
        }
    }

    /// The node at the other end.
    pub(super) fn opposite(&self, node: NodeId) -> NodeId {
        let [first, second] = self.ends;
        if first == node { second } else { first }
    }

    /// The direction that leaves from a node.
    pub(super) fn direction(&mut self, from: NodeId) -> &mut Direction {
        let [first, second] = &mut self.directions;
        if self.ends[0] == from { first } else { second }
    }
}

/// One direction of a link: its configuration and what it remembers.
pub(super) struct Direction {
    pub(super) config: LinkConfig,
    rng: StdRng,
    bad: bool,
    busy_until: Option<Instant>,
}

/// The arrivals that one packet causes: none, one or two.
pub(super) type Arrivals = Vec<(Instant, Packet)>;

impl Direction {
    fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            rng: StdRng::seed_from_u64(seed),
            bad: false,
            busy_until: None,
        }
    }

    /// Takes a packet at one end; tells when and how it comes out at the other.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        mut packet: Packet,
        drops: &mut Drops,
    ) -> Arrivals {
        let time = since_epoch(now);
        let outages = &self.config.outages;
        if outages
            .iter()
            .any(|outage| (outage.from..outage.until).contains(&time))
        {
            drops.outage += 1;
            return Vec::new();
        }
        if packet.ip_size() > self.config.mtu_bytes {
            drops.mtu += 1;
            return Vec::new();
        }
        let Some(departure) = self.queue(now, packet.ip_size()) else {
            drops.queue += 1;
            return Vec::new();
        };
        if self.loses() {
            drops.loss += 1;
            return Vec::new();
        }
        if self.chance(self.config.corrupt) && !packet.bytes.is_empty() {
            let index = self.rng.random_range(0..packet.bytes.len());
            packet.bytes[index] ^= 1 << self.rng.random_range(0..8_u32);
        }
        let mut arrival = departure + self.config.delay + self.up_to(self.config.jitter);
        if self.chance(self.config.reorder) {
            arrival += self.up_to(self.config.reorder_delay);
        }
        let mut arrivals = Vec::new();
        if self.chance(self.config.duplicate) {
            let later = arrival + self.up_to(self.config.reorder_delay);
            arrivals.push((later, packet.clone()));
        }
        arrivals.push((arrival, packet));
        arrivals
    }

    /// When the last bit of a packet has left; `None` when the queue has no room for it.
    fn queue(&mut self, now: Instant, size: usize) -> Option<Instant> {
        let Some(rate) = self.config.rate_bits else {
            return Some(now);
        };
        let nanos = |bytes: usize| bytes as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1));
        let start = self.busy_until.map_or(now, |busy| busy.max(now));
        let waiting = start.saturating_duration_since(now).as_nanos();
        if waiting > nanos(self.config.queue_bytes) {
            return None;
        }
        let sent = start + Duration::from_nanos(u64::try_from(nanos(size)).unwrap_or(u64::MAX / 4));
        self.busy_until = Some(sent);
        Some(sent)
    }

    fn loses(&mut self) -> bool {
        match self.config.loss {
            Loss::None => false,
            Loss::Random(share) => self.chance(share),
            Loss::Burst { enter, leave, loss } => {
                let change = if self.bad { leave } else { enter };
                self.bad ^= self.chance(change);
                self.bad && self.chance(loss)
            }
        }
    }

    /// Draws only for a feature in use, so that switching one on leaves the others' draws alone.
    fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.rng.random_bool(share.min(1.0))
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        if most.is_zero() {
            return most;
        }
        self.rng.random_range(Duration::ZERO..=most)
    }
}
