use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use net::Path;

use crate::driver::Driver;
use crate::network::{LinkConfig, LinkId, Network, Packet};
use crate::profile::{Profile, Weather};
use crate::{Machine, epoch};

/// The address of machine A of a [`Pair`].
pub const ADDRESS_A: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5001);

/// The address of machine B of a [`Pair`].
pub const ADDRESS_B: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5002);

/// One of the two machines of a [`Pair`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// Two machines, a network between them and a virtual clock.
///
/// While it runs, it holds the machines to the laws of deadlines and of bounded output, and fails with a
/// sentence that names the law.
#[derive(Debug)]
pub struct Pair<A, B = A> {
    a: A,
    b: B,
    pub(crate) driver: Driver,
    link: LinkId,
}

impl<A: Machine, B: Machine> Pair<A, B> {
    /// Two machines 20 ms apart on a perfect link.
    pub fn new(a: A, b: B) -> Self {
        let link = LinkConfig::delayed(Duration::from_millis(20));
        Self::over(link, 0, a, b)
    }

    /// Two machines on one of the twelve networks.
    pub fn on(profile: Profile, seed: u64, a: A, b: B) -> Self {
        Self::over(profile.weather(seed), seed, a, b)
    }

    /// Two machines on a network of your own: a [`LinkConfig`], or a whole [`Weather`].
    pub fn over(weather: impl Into<Weather>, seed: u64, a: A, b: B) -> Self {
        let weather = weather.into();
        let mut network = Network::new(seed);
        let node_a = network.host([ADDRESS_A.ip()]);
        let node_b = network.host([ADDRESS_B.ip()]);
        let link = network.link(node_a, node_b, &weather.link);
        let mut driver = Driver::new(network);
        let path = Path::udp(ADDRESS_A, ADDRESS_B);
        driver.add_host(node_a, Some(path));
        driver.add_host(node_b, Some(path.reversed()));
        if let Some(nap) = weather.nap {
            driver.nap(Side::A.index(), epoch() + nap.from, epoch() + nap.until);
        }
        Self { a, b, driver, link }
    }

    /// Machine A.
    pub const fn a(&self) -> &A {
        &self.a
    }

    /// Machine A, for a command; it is polled when the pair runs on.
    pub fn a_mut(&mut self) -> &mut A {
        self.driver.touch(Side::A.index());
        &mut self.a
    }

    /// Machine B.
    pub const fn b(&self) -> &B {
        &self.b
    }

    /// Machine B, for a command; it is polled when the pair runs on.
    pub fn b_mut(&mut self) -> &mut B {
        self.driver.touch(Side::B.index());
        &mut self.b
    }

    /// The virtual now.
    pub const fn now(&self) -> Instant {
        self.driver.now()
    }

    /// The virtual time that has passed since the epoch.
    pub fn time(&self) -> Duration {
        crate::since_epoch(self.now())
    }

    /// The network, to change it, watch it or read what it dropped.
    pub const fn network(&mut self) -> &mut Network {
        &mut self.driver.network
    }

    /// Changes the link in both directions.
    pub fn set_link(&mut self, config: &LinkConfig) {
        self.driver.network.configure(self.link, config);
    }

    /// Changes the direction of the link that leaves from a side.
    pub fn set_direction(&mut self, from: Side, config: &LinkConfig) {
        let node = self.driver.node(from.index());
        *self.driver.network.direction(self.link, node) = config.clone();
    }

    /// The path as a side sees it.
    pub fn path(&self, side: Side) -> Path {
        let path = Path::udp(ADDRESS_A, ADDRESS_B);
        match side {
            Side::A => path,
            Side::B => path.reversed(),
        }
    }

    /// Lets both machines speak, then lets time go on to the next thing that happens; false when nothing is
    /// left to happen.
    pub fn step(&mut self) -> bool {
        let went_on = self.driver.step(&mut [&mut self.a, &mut self.b], None);
        self.driver.insist();
        went_on
    }

    /// Runs for a time; time passes even when nothing happens.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now() + duration;
        self.driver.run(&mut [&mut self.a, &mut self.b], end);
        self.driver.insist();
    }

    /// Runs until a condition holds or `limit` has passed; tells whether it holds.
    #[must_use]
    pub fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now() + limit;
        loop {
            self.driver.serve(&mut [&mut self.a, &mut self.b]);
            self.driver.insist();
            if holds(self) {
                return true;
            }
            if !self.driver.step(&mut [&mut self.a, &mut self.b], Some(end)) {
                self.driver.insist();
                return false;
            }
        }
    }

    /// Runs until nothing is left to happen or `limit` has passed; tells whether it came to rest.
    pub fn run_to_rest(&mut self, limit: Duration) -> bool {
        let end = self.now() + limit;
        while self.driver.step(&mut [&mut self.a, &mut self.b], Some(end)) {
            self.driver.insist();
        }
        self.driver.insist();
        self.driver.at_rest(&[&self.a, &self.b])
    }

    /// Runs until `count` more datagrams were sent or nothing is left to happen: a way into the middle of a
    /// handshake.
    pub fn run_datagrams(&mut self, count: u64) {
        let goal = self.driver.sent() + count;
        while self.driver.sent() < goal && self.step() {}
    }

    /// Hands a datagram straight to a machine, past the network.
    pub fn inject(&mut self, to: Side, path: Path, bytes: &[u8]) {
        let machine: &mut dyn Machine = match to {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        };
        let packet = Packet::new(path, self.driver.now(), bytes.to_vec());
        self.driver.hand_over(to.index(), machine, packet);
    }

    /// The events of a side so far, as text.
    pub fn events(&self, side: Side) -> &[String] {
        self.driver.events(side.index())
    }

    /// Whether a side has had an event whose text contains `text`.
    pub fn has_event(&self, side: Side, text: &str) -> bool {
        self.events(side).iter().any(|event| event.contains(text))
    }

    /// What a side has pulled so far.
    pub fn pulled(&self, side: Side) -> &[Vec<u8>] {
        self.driver.pulled(side.index())
    }

    /// What a side has pulled since this was last asked, moved out: for runs of much data.
    pub fn take_pulled(&mut self, side: Side) -> Vec<Vec<u8>> {
        self.driver.take_pulled(side.index())
    }

    /// Whether the application of a side pulls; it does at first.
    pub fn set_pulling(&mut self, side: Side, pulling: bool) {
        self.driver.set_pulling(side.index(), pulling);
    }

    /// How many datagrams were sent.
    pub const fn sent(&self) -> u64 {
        self.driver.sent()
    }

    /// A hash over every datagram sent, with its sender and its time: the same for two runs that are the same.
    pub const fn trace_hash(&self) -> u64 {
        self.driver.trace_hash()
    }

    /// Both machines' outcomes.
    pub fn outcomes(&self) -> [String; 2] {
        [self.a.outcome(), self.b.outcome()]
    }

    /// Runs to `end` or to the first broken law, without failing the test.
    pub(crate) fn run_quietly(&mut self, end: Instant) {
        while self.driver.finding().is_none()
            && self.driver.step(&mut [&mut self.a, &mut self.b], Some(end))
        {}
        if self.driver.finding().is_none() {
            self.driver.run(&mut [&mut self.a, &mut self.b], end);
        }
    }

    pub(crate) fn split(&mut self) -> (&mut Driver, [&mut dyn Machine; 2]) {
        (&mut self.driver, [&mut self.a, &mut self.b])
    }
}
