//! What a transfer with LEDBAT++ leaves to others, and what it takes when nobody else is there (P-37).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use avocet_sctp::{Config, CongestionAlgorithm};
use net::Path;
use netsim::{HostId, LinkConfig, Loss, Network, World};

use crate::common::bulk::Bulk;

/// Transfers through one bottleneck of 4 Mbit/s.
struct Scene {
    world: World<Bulk>,
    senders: Vec<HostId>,
    receivers: Vec<HostId>,
}

impl Scene {
    fn new(rtt_ms: u64, queue_bdp: f64, loss: f64, flows: &[CongestionAlgorithm]) -> Self {
        let mut network = Network::new(5);
        let [left, right] = [network.router(), network.router()];
        let mut bottleneck = LinkConfig::delayed(Duration::from_micros(rtt_ms * 500));
        bottleneck.rate_bits = Some(RATE * 8);
        bottleneck.queue_bytes = (RATE as f64 * rtt_ms as f64 / 1000.0 * queue_bdp) as usize;
        if loss > 0.0 {
            bottleneck.loss = Loss::Random(loss);
        }
        network.link(left, right, &bottleneck);
        let mut place = |last: u8, router| {
            let address = IpAddr::from([10, 0, 0, last]);
            let node = network.host([address]);
            network.link(node, router, &LinkConfig::delayed(Duration::ZERO));
            (node, SocketAddr::new(address, 5000))
        };
        let places = flows
            .iter()
            .zip(1..)
            .map(|(algorithm, last)| (*algorithm, place(last, left), place(last + 100, right)));
        let places = places.collect::<Vec<_>>();
        let mut world = World::new(network);
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for (index, (algorithm, (a, from), (b, to))) in (0..).zip(places) {
            let mut config = Config::default();
            config.congestion = algorithm;
            let mut ends =
                [(a, from, to, true), (b, to, from, false)].map(|(node, from, to, sends)| {
                    let bulk = Bulk::new(&config, 2 * index + u8::from(sends), sends);
                    world.add(node, Some(Path::udp(from, to)), bulk)
                });
            for end in &mut ends {
                let now = world.now();
                world.machine_mut(*end).association.connect(now, None);
            }
            let [sender, receiver] = ends;
            world.machine_mut(sender).sends = index == 0;
            senders.push(sender);
            receivers.push(receiver);
        }
        Self {
            world,
            senders,
            receivers,
        }
    }

    fn set_sending(&mut self, flow: usize, sends: bool) {
        let now = self.world.now();
        let bulk = self.world.machine_mut(self.senders[flow]);
        bulk.sends = sends;
        bulk.turn(now);
    }

    /// The part of the link that each flow gets, and what a round trip of the first takes beyond the least, at the middle and at
    /// the worst.
    fn measure(&mut self, span: Duration) -> (Vec<f64>, Duration, Duration) {
        let received = |scene: &Self| {
            let bytes = scene.receivers.iter();
            bytes
                .map(|end| scene.world.machine(*end).received)
                .collect::<Vec<_>>()
        };
        let before = received(self);
        let mut round_trips = Vec::new();
        let step = Duration::from_millis(50);
        for _ in 0..span.as_millis() / step.as_millis() {
            self.world.run_for(step);
            let stats = self.world.machine(self.senders[0]).association.stats();
            round_trips.extend(stats.round_trip);
        }
        round_trips.sort_unstable();
        let possible = RATE as f64 * span.as_secs_f64() * 1160.0 / 1228.0;
        let shares = received(self)
            .into_iter()
            .zip(before)
            .map(|(after, before)| (after - before) as f64 / possible);
        let middle = round_trips[round_trips.len() / 2];
        (shares.collect(), middle, *round_trips.last().unwrap())
    }
}

#[test]
fn alone_it_fills_the_path_and_keeps_the_queue_at_its_target() {
    for (rtt_ms, queue_bdp) in [(20, 5.0), (40, 4.0), (100, 4.0)] {
        let mut scene = Scene::new(rtt_ms, queue_bdp, 0.0, &[CongestionAlgorithm::Ledbat]);
        scene.world.run_for(Duration::from_secs(10));
        let (shares, middle, worst) = scene.measure(Duration::from_secs(20));
        let least = Duration::from_millis(rtt_ms);
        println!("{rtt_ms} ms, {queue_bdp}: {shares:.3?}, {middle:?}, {worst:?}");
        assert!(shares[0] > 0.9, "{rtt_ms} ms, {queue_bdp}: {shares:?}");
        assert!(middle < least + Duration::from_millis(28), "{middle:?}");
        assert!(worst < least + Duration::from_millis(35), "{worst:?}");
    }
}

#[test]
fn it_yields_to_a_flow_that_fills_the_queue_and_returns_when_it_is_gone() {
    for other in [
        CongestionAlgorithm::Cubic,
        CongestionAlgorithm::DelayAwareCubic,
    ] {
        let mut scene = Scene::new(40, 2.0, 0.0, &[CongestionAlgorithm::Ledbat, other]);
        scene.world.run_for(Duration::from_secs(10));
        scene.set_sending(1, true);
        scene.world.run_for(Duration::from_secs(5));
        let (shares, ..) = scene.measure(Duration::from_secs(40));
        println!("{other:?}: {shares:.3?}");
        assert!((0.002..0.15).contains(&shares[0]), "{other:?}: {shares:?}");
        assert!(shares[1] > 0.8, "{other:?}: {shares:?}");
        scene.set_sending(1, false);
        scene.world.run_for(Duration::from_secs(5));
        let (shares, ..) = scene.measure(Duration::from_secs(15));
        println!("afterwards: {shares:.3?}");
        assert!(shares[0] > 0.85, "{other:?}, afterwards: {shares:?}");
    }
}

#[test]
fn two_of_them_share_and_whoever_comes_later_is_not_favoured() {
    let both = [CongestionAlgorithm::Ledbat; 2];
    let mut scene = Scene::new(40, 4.0, 0.0, &both);
    scene.world.run_for(Duration::from_secs(10));
    scene.set_sending(1, true);
    scene.world.run_for(Duration::from_secs(30));
    let (shares, middle, _) = scene.measure(Duration::from_secs(40));
    println!("{shares:.3?}, {middle:?}");
    let [first, second] = shares[..] else {
        panic!("two");
    };
    assert!(first + second > 0.9, "{shares:?}");
    let jain = (first + second).powi(2) / (2.0 * (first * first + second * second));
    assert!(jain > 0.9, "{jain}, {shares:?}");
    assert!(middle < Duration::from_millis(40 + 40), "{middle:?}");
}

#[test]
fn a_little_loss_does_not_stop_it() {
    let mut scene = Scene::new(40, 1.0, 0.001, &[CongestionAlgorithm::Ledbat]);
    scene.world.run_for(Duration::from_secs(10));
    let (shares, ..) = scene.measure(Duration::from_secs(30));
    println!("{shares:.3?}");
    assert!(shares[0] > 0.5, "{shares:?}");
}

/// Bytes per second.
const RATE: u64 = 500_000;
