//! Machines on the network: pairs, worlds, naps, and what a pair refuses to accept.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod toy;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use avocet_netsim::{
    ADDRESS_A, LinkConfig, Machine, Network, Pair, Profile, Side, Verdict, World, at, since_epoch,
};
use net::Path;
use toy::{Flaw, Toy};

const SECOND: Duration = Duration::from_secs(1);

fn pair(profile: Profile, seed: u64) -> Pair<Toy> {
    let mut pair = Pair::on(
        profile,
        seed,
        Toy::new(Flaw::None, 1, seed),
        Toy::new(Flaw::None, 1, seed + 1),
    );
    let now = pair.now();
    pair.a_mut().connect(now);
    pair
}

fn connected(pair: &Pair<Toy>) -> bool {
    pair.a().is_established() && pair.b().is_established()
}

#[test]
fn a_handshake_takes_one_round_trip_on_a_clean_network() {
    let mut pair = pair(Profile::Clean, 1);
    assert!(pair.run_until(SECOND, connected));
    assert_eq!(pair.time(), Duration::from_millis(50));
    assert!(pair.has_event(Side::A, "Connected"));
    assert!(pair.run_to_rest(SECOND));
    assert_eq!(pair.sent(), 2);
}

#[test]
fn messages_arrive_once_and_in_order_when_nothing_worse_than_loss_happens() {
    for profile in [
        Profile::LightLoss,
        Profile::Loss10,
        Profile::Shuffle,
        Profile::Corruption,
    ] {
        for seed in 0..20 {
            let mut pair = pair(profile, seed);
            assert!(pair.run_until(10 * SECOND, connected), "{profile:?} {seed}");
            for number in 0..10 {
                let now = pair.now();
                pair.a_mut().send(now, &[number]);
            }
            pair.run_for(60 * SECOND);
            let expected: Vec<_> = (0..10).map(|number| vec![number]).collect();
            assert_eq!(pair.pulled(Side::B), expected, "{profile:?} {seed}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_on_every_network() {
    for profile in Profile::ALL {
        let run = |seed| {
            let mut pair = pair(profile, seed);
            pair.run_for(30 * SECOND);
            (pair.trace_hash(), pair.sent())
        };
        assert_eq!(run(3), run(3), "{profile:?}");
    }
}

#[test]
fn a_lost_answer_costs_one_repetition() {
    let mut pair = pair(Profile::Clean, 1);
    let mut lost = false;
    pair.network().intercept(move |packet| {
        if packet.bytes[0] == 2 && !lost {
            lost = true;
            return Verdict::Drop;
        }
        Verdict::Pass
    });
    assert!(pair.run_until(SECOND, connected));
    assert_eq!(pair.time(), Duration::from_millis(250));
}

#[test]
fn time_passes_even_when_nothing_happens() {
    let mut pair = pair(Profile::Clean, 1);
    pair.run_for(10 * SECOND);
    assert_eq!(pair.time(), 10 * SECOND);
    assert!(!pair.run_until(SECOND, |_| false));
}

#[test]
fn a_sleeper_hears_nothing_fires_nothing_and_wakes_behind_another_port() {
    let seed = (0..)
        .find(|seed| {
            let nap = Profile::Nap.weather(*seed).nap.unwrap();
            nap.from > SECOND && nap.until - nap.from > 3 * SECOND
        })
        .unwrap();
    let nap = Profile::Nap.weather(seed).nap.unwrap();
    let mut pair = pair(Profile::Nap, seed);
    assert!(pair.run_until(SECOND, connected));
    pair.network().start_recording();
    pair.run_for(nap.from + SECOND - pair.time());
    let now = pair.now();
    pair.b_mut().send(now, b"are you there");
    let asleep = now;
    pair.a_mut().send(now, b"dreaming");
    pair.run_for(30 * SECOND);
    let from_a = |packet: &&avocet_netsim::Packet| packet.path.local == ADDRESS_A;
    let first = pair.network().recorded().iter().find(from_a).unwrap().sent;
    assert!(since_epoch(first) >= nap.until && first > asleep);
    assert!(pair.network().drops().outage > 0);
    assert_eq!(pair.pulled(Side::B), [b"dreaming"]);
}

#[test]
fn an_application_that_does_not_pull_gets_everything_later() {
    let mut pair = pair(Profile::Clean, 1);
    assert!(pair.run_until(SECOND, connected));
    pair.set_pulling(Side::B, false);
    let now = pair.now();
    pair.a_mut().send(now, b"wait for me");
    pair.run_for(SECOND);
    assert!(pair.pulled(Side::B).is_empty());
    pair.set_pulling(Side::B, true);
    pair.run_for(SECOND);
    assert_eq!(pair.pulled(Side::B), [b"wait for me"]);
}

#[test]
#[should_panic(expected = "law \"deadlines are facts and progress\"")]
fn a_pair_fails_the_test_as_soon_as_a_deadline_stands_still() {
    let toy = |seed| Toy::new(Flaw::DeadlineStandsStill, 1, seed);
    let mut pair = Pair::new(toy(1), toy(2));
    pair.network().intercept(|_| Verdict::Drop);
    let now = pair.now();
    pair.a_mut().connect(now);
    pair.run_for(SECOND);
}

#[test]
fn a_world_holds_many_machines_and_routes_between_them() {
    let mut network = Network::new(9);
    let middle = network.router();
    let mut add = |last: u8| {
        let address = IpAddr::from([10, 0, 0, last]);
        let node = network.host([address]);
        network.link(
            node,
            middle,
            &LinkConfig::delayed(Duration::from_millis(10)),
        );
        (node, SocketAddr::new(address, 1))
    };
    let places: Vec<_> = (1..=10).map(&mut add).collect();
    let mut world = World::new(network);
    let mut hosts = Vec::new();
    // Neighbours talk: 0 with 1, 2 with 3, …
    for (index, (node, address)) in places.iter().enumerate() {
        let peer = places[index ^ 1].1;
        let toy = Toy::new(Flaw::None, 1, index as u64);
        hosts.push(world.add(*node, Some(Path::udp(*address, peer)), toy));
    }
    for host in hosts.iter().step_by(2) {
        let now = world.now();
        world.machine_mut(*host).connect(now);
    }
    let all = |world: &World<Toy>| {
        hosts
            .iter()
            .all(|host| world.machine(*host).is_established())
    };
    assert!(world.run_until(SECOND, all));
    assert_eq!(world.now(), at(Duration::from_millis(40)));
    assert!(world.machine(hosts[3]).outcome().starts_with("Established"));
    assert_eq!(world.events(hosts[3]), ["Connected"]);
}
