//! What the network does to packets, without any machine.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use avocet_netsim::{
    Drops, LinkConfig, LinkId, Loss, Network, NodeId, Outage, Packet, Profile, Verdict, at,
    since_epoch,
};
use net::Path;

const MS: Duration = Duration::from_millis(1);

/// Two hosts with a link.
struct Line {
    network: Network,
    link: LinkId,
    left: NodeId,
    right: NodeId,
}

impl Line {
    fn new(seed: u64, config: &LinkConfig) -> Self {
        let mut network = Network::new(seed);
        let left = network.host([ip("10.0.0.1"), ip("fd00::1")]);
        let right = network.host([ip("10.0.0.2"), ip("fd00::2")]);
        let link = network.link(left, right, config);
        Self {
            network,
            link,
            left,
            right,
        }
    }

    /// The left host sends a packet whose payload says when and which.
    fn send(&mut self, time: Duration, number: u16, size: usize) {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.resize(size.max(2), 0);
        let packet = Packet::new(path(), at(time), bytes);
        self.network.send(at(time), self.left, packet);
    }

    /// Everything that arrives, in order: when, and which.
    fn arrivals(&mut self) -> Vec<(Duration, u16)> {
        let mut all = Vec::new();
        while let Some(next) = self.network.next_arrival() {
            while let Some((node, packet)) = self.network.receive(next) {
                assert_eq!(node, self.right);
                all.push((
                    since_epoch(next),
                    u16::from_be_bytes([packet.bytes[0], packet.bytes[1]]),
                ));
            }
        }
        all
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn path() -> Path {
    Path::udp(socket("10.0.0.1:1000"), socket("10.0.0.2:2000"))
}

/// Sends 10,000 packets, one per 10 ms, of 100 bytes.
fn stream(config: &LinkConfig) -> (Vec<(Duration, u16)>, Drops) {
    let mut line = Line::new(1, config);
    for number in 0..10_000 {
        line.send(MS * 10 * u32::from(number), number, 100);
    }
    let arrivals = line.arrivals();
    (arrivals, line.network.drops())
}

#[test]
fn a_perfect_link_delivers_everything_in_order_after_its_delay() {
    let (arrivals, drops) = stream(&LinkConfig::delayed(30 * MS));
    assert_eq!(drops, Drops::default());
    for (index, (time, number)) in arrivals.iter().enumerate() {
        assert_eq!(usize::from(*number), index);
        assert_eq!(*time, MS * 10 * u32::from(*number) + 30 * MS);
    }
}

#[test]
fn the_share_of_lost_packets_is_what_was_asked_for() {
    for share in [0.01, 0.1, 0.3, 0.5] {
        let (arrivals, drops) = stream(&LinkConfig {
            loss: Loss::Random(share),
            ..LinkConfig::default()
        });
        let lost = drops.loss as f64 / 10_000.0;
        assert!((lost - share).abs() < 0.015, "{share} asked, {lost} lost");
        assert_eq!(arrivals.len() as u64 + drops.loss, 10_000);
    }
}

#[test]
fn burst_loss_comes_in_bursts_of_the_expected_length() {
    let Loss::Burst { .. } = Profile::BurstLoss.weather(0).link.loss else {
        panic!("the profile has burst loss");
    };
    let (arrivals, drops) = stream(&Profile::BurstLoss.weather(0).link);
    let numbers: Vec<_> = arrivals.iter().map(|(_, number)| *number).collect();
    let gaps: Vec<_> = numbers
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1)
        .map(|pair| pair[1] - pair[0] - 1)
        .collect();
    let average = f64::from(gaps.iter().sum::<u16>()) / gaps.len() as f64;
    let lost = drops.loss as f64 / 10_000.0;
    assert!((0.03..0.08).contains(&lost), "{lost} lost");
    assert!(average > 2.0, "{average} packets in a row");
    assert!(*gaps.iter().max().unwrap() > 8);
}

#[test]
fn reordering_holds_back_the_share_that_was_asked_for() {
    let (arrivals, _) = stream(&LinkConfig {
        reorder: 0.25,
        reorder_delay: 60 * MS,
        ..LinkConfig::default()
    });
    assert_eq!(arrivals.len(), 10_000);
    let late = arrivals
        .iter()
        .filter(|(time, number)| *time > MS * 10 * u32::from(*number));
    let share = late.count() as f64 / 10_000.0;
    assert!((share - 0.25).abs() < 0.02, "{share}");
    assert!(!arrivals.is_sorted_by_key(|(_, number)| *number));
}

#[test]
fn duplicates_are_copies_and_as_many_as_asked_for() {
    let (arrivals, _) = stream(&LinkConfig {
        duplicate: 0.1,
        ..LinkConfig::default()
    });
    let mut counts = BTreeMap::new();
    for (_, number) in arrivals {
        *counts.entry(number).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 10_000);
    let twice = counts.values().filter(|count| **count == 2).count() as f64 / 10_000.0;
    assert!((twice - 0.1).abs() < 0.015, "{twice}");
}

#[test]
fn corruption_flips_one_bit_and_keeps_the_length() {
    let mut line = Line::new(
        3,
        &LinkConfig {
            corrupt: 1.0,
            ..LinkConfig::default()
        },
    );
    line.send(Duration::ZERO, 0, 50);
    let (_, packet) = line.network.receive(at(Duration::ZERO)).unwrap();
    assert_eq!(packet.bytes.len(), 50);
    assert_eq!(
        packet
            .bytes
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>(),
        1
    );
}

#[test]
fn a_rate_spaces_packets_and_its_queue_is_bounded() {
    let mut line = Line::new(
        1,
        &LinkConfig {
            // 1,000 bytes take 8 ms.
            rate_bits: Some(1_000_000),
            queue_bytes: 5_000,
            ..LinkConfig::default()
        },
    );
    for number in 0..20 {
        line.send(Duration::ZERO, number, 1_000 - 28);
    }
    let arrivals = line.arrivals();
    // One on the wire, five bytes-worth waiting.
    assert_eq!(arrivals.len(), 6);
    assert_eq!(line.network.drops().queue, 14);
    for (index, (time, _)) in arrivals.iter().enumerate() {
        assert_eq!(*time, 8 * MS * u32::try_from(index + 1).unwrap());
    }
}

#[test]
fn an_mtu_is_a_hole_for_larger_packets_and_counts_ip_headers() {
    let mut line = Line::new(
        1,
        &LinkConfig {
            mtu_bytes: 1_280,
            ..LinkConfig::default()
        },
    );
    line.send(Duration::ZERO, 1, 1_280 - 28);
    line.send(Duration::ZERO, 2, 1_280 - 27);
    assert_eq!(line.arrivals().len(), 1);
    assert_eq!(line.network.drops().mtu, 1);

    let v6 = Path::udp(socket("[fd00::1]:1"), socket("[fd00::2]:2"));
    for size in [1_280 - 48, 1_280 - 47] {
        let packet = Packet::new(v6, at(Duration::ZERO), vec![0; size]);
        line.network.send(at(Duration::ZERO), line.left, packet);
    }
    assert_eq!(line.arrivals().len(), 1);
    assert_eq!(line.network.drops().mtu, 2);
}

#[test]
fn an_outage_swallows_what_is_sent_during_it_and_nothing_else() {
    let outage = Outage {
        from: 10 * MS,
        until: 20 * MS,
    };
    let mut line = Line::new(
        1,
        &LinkConfig {
            outages: vec![outage],
            ..LinkConfig::default()
        },
    );
    for time in [9, 10, 19, 20] {
        line.send(MS * u32::from(time), time, 10);
    }
    let numbers: Vec<_> = line
        .arrivals()
        .into_iter()
        .map(|(_, number)| number)
        .collect();
    assert_eq!(numbers, [9, 20]);
    assert_eq!(line.network.drops().outage, 2);
}

#[test]
fn each_direction_of_a_link_can_differ() {
    let mut line = Line::new(1, &LinkConfig::default());
    line.network.direction(line.link, line.right).delay = 70 * MS;
    line.send(Duration::ZERO, 1, 10);
    assert_eq!(line.arrivals(), [(Duration::ZERO, 1)]);
    let back = Packet::new(path().reversed(), at(Duration::ZERO), vec![1]);
    line.network.send(at(Duration::ZERO), line.right, back);
    assert_eq!(line.network.next_arrival(), Some(at(70 * MS)));
}

#[test]
fn a_rebound_host_appears_from_another_port_and_the_old_one_is_dead() {
    let mut line = Line::new(1, &LinkConfig::default());
    line.send(Duration::ZERO, 1, 10);
    let (_, before) = line.network.receive(at(Duration::ZERO)).unwrap();
    assert_eq!(before.path.remote, socket("10.0.0.1:1000"));
    line.network.rebind(line.left);
    line.send(Duration::ZERO, 2, 10);
    let (_, after) = line.network.receive(at(Duration::ZERO)).unwrap();
    assert_ne!(after.path.remote, before.path.remote);

    for (path, arrives) in [(before.path, false), (after.path, true)] {
        let packet = Packet::new(path, at(Duration::ZERO), vec![1]);
        line.network.send(at(Duration::ZERO), line.right, packet);
        let received = line.network.receive(at(Duration::ZERO));
        assert_eq!(received.is_some(), arrives);
        if let Some((_, packet)) = received {
            assert_eq!(packet.path.local, socket("10.0.0.1:1000"));
        }
    }
    assert_eq!(line.network.drops().unreachable, 1);
}

#[test]
fn routers_pass_packets_on_and_hosts_do_not() {
    let mut network = Network::new(1);
    let a = network.host([ip("10.0.0.1")]);
    let b = network.host([ip("10.0.0.2")]);
    let c = network.host([ip("10.0.0.3")]);
    let middle = network.router();
    for host in [a, b] {
        network.link(host, middle, &LinkConfig::delayed(10 * MS));
    }
    network.link(b, c, &LinkConfig::default());
    let send = |network: &mut Network, to: &str| {
        let path = Path::udp(socket("10.0.0.1:1"), socket(to));
        network.send(
            at(Duration::ZERO),
            a,
            Packet::new(path, at(Duration::ZERO), vec![1]),
        );
        network.receive(at(20 * MS)).map(|(node, _)| node)
    };
    assert_eq!(send(&mut network, "10.0.0.2:1"), Some(b));
    assert_eq!(send(&mut network, "10.0.0.3:1"), None);
    assert_eq!(send(&mut network, "10.0.0.4:1"), None);
    assert_eq!(network.drops().unreachable, 2);

    network.remove_address(b, ip("10.0.0.2"));
    network.add_address(b, ip("10.0.0.9"));
    assert_eq!(send(&mut network, "10.0.0.2:1"), None);
    assert_eq!(send(&mut network, "10.0.0.9:1"), Some(b));
}

#[test]
fn an_interceptor_decides_about_every_packet() {
    let mut line = Line::new(1, &LinkConfig::default());
    line.network.intercept(|packet| match packet.bytes[1] {
        1 => Verdict::Drop,
        2 => Verdict::Delay(5 * MS),
        3 => Verdict::Replace(vec![0, 33]),
        _ => Verdict::Pass,
    });
    for number in 0..4 {
        line.send(Duration::ZERO, number, 10);
    }
    assert_eq!(
        line.arrivals(),
        [(Duration::ZERO, 0), (Duration::ZERO, 33), (5 * MS, 2)]
    );
    assert_eq!(line.network.drops().intercepted, 1);
}

#[test]
fn a_recording_holds_what_was_sent_even_when_it_was_lost() {
    let mut line = Line::new(
        1,
        &LinkConfig {
            loss: Loss::Random(1.0),
            ..LinkConfig::default()
        },
    );
    line.send(Duration::ZERO, 1, 10);
    line.network.start_recording();
    line.send(Duration::ZERO, 2, 10);
    assert_eq!(line.network.recorded().len(), 1);
    assert!(line.arrivals().is_empty());
}

#[test]
fn the_same_seed_gives_the_same_weather_and_the_same_arrivals() {
    for profile in Profile::ALL {
        let run = |seed| {
            let weather = profile.weather(seed);
            let mut line = Line::new(seed, &weather.link);
            for number in 0..500 {
                line.send(MS * 30 * u32::from(number), number, 1_200);
            }
            (weather, line.arrivals())
        };
        assert_eq!(run(4), run(4));
        let same_times = [
            Profile::Clean,
            Profile::Corruption,
            Profile::SmallMtu,
            Profile::Nap,
        ];
        if !same_times.contains(&profile) {
            assert_ne!(run(4).1, run(5).1, "{profile:?}");
        }
    }
}

#[test]
fn a_profile_covers_its_range_over_many_seeds() {
    let weathers = |profile: Profile| (0..400).map(move |seed| profile.weather(seed));
    let mtus: std::collections::BTreeSet<_> = weathers(Profile::SmallMtu)
        .map(|weather| weather.link.mtu_bytes)
        .collect();
    assert_eq!(
        mtus.into_iter().collect::<Vec<_>>(),
        [576, 1_200, 1_280, 1_500]
    );
    let lengths = weathers(Profile::Partition).map(|weather| {
        let outage = weather.link.outages[0];
        outage.until - outage.from
    });
    let (short, long) = (lengths.clone().min().unwrap(), lengths.max().unwrap());
    assert!(short < Duration::from_millis(500) && long > Duration::from_millis(24_500));
    assert!(weathers(Profile::Nap).all(|weather| weather.nap.is_some()));
}
