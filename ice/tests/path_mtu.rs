//! The size of the selected path, found with padded checks (RFC 8899).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_ice::path_mtu::PathMtuConfig;
use avocet_ice::{Agent, Candidate, Config, Event, InterfaceFact, Role, State};
use netsim::{ADDRESS_A, ADDRESS_B, LinkConfig, Pair};
use stun::{AttributeType, Message};
use support::{FULL, Host, seed, tell_a, tell_b};

/// Two agents that search, on a link that drops IP packets above `mtu` bytes.
fn on_link(mtu: usize) -> Pair<Host> {
    let host = |number, role| {
        let mut config = Config::new(seed(number));
        config.role = role;
        config.path_mtu = Some(PathMtuConfig::default());
        Host {
            agent: Agent::new(config).unwrap(),
            events: Vec::new(),
        }
    };
    let mut link = LinkConfig::delayed(Duration::from_millis(25));
    link.mtu_bytes = mtu;
    let (a, b) = (host(1, Role::Controlling), host(2, Role::Controlled));
    let mut pair = Pair::over(link, 1, a, b);
    let now = pair.now();
    pair.a_mut()
        .agent
        .add_local_candidate(now, Candidate::host(ADDRESS_A))
        .unwrap();
    pair.b_mut()
        .agent
        .add_local_candidate(now, Candidate::host(ADDRESS_B))
        .unwrap();
    tell_a(&mut pair, FULL.1);
    tell_b(&mut pair, FULL.0);
    pair
}

/// M-3: only after selection, and the size is told.
#[test]
fn an_ethernet_path_is_known_one_round_trip_after_its_selection() {
    let mut pair = on_link(1_500);
    assert!(pair.run_until(Duration::from_secs(5), support::both_selected));
    assert_eq!(pair.a().agent.path_budget().datagram_bytes, 1_200);
    pair.run_for(Duration::from_millis(60));
    assert!(pair.a().events.contains(&Event::PathMtu(1_472)));
    let budget = pair.a().agent.path_budget();
    assert_eq!((budget.datagram_bytes, budget.relay_bytes), (1_472, 0));
    assert_eq!(pair.a().agent.stats().path_mtu_probes_sent, 1);
}

/// M-3: the loss of a probe says nothing about the path but its size.
#[test]
fn a_path_with_a_hole_for_large_packets_is_found_without_a_moment_of_doubt() {
    let mut pair = on_link(1_400);
    pair.run_for(Duration::from_secs(400));
    for host in [pair.a(), pair.b()] {
        let found = host.agent.path_budget().datagram_bytes;
        assert!((1_352..=1_372).contains(&found), "{found}");
        let doubts = |event: &&Event| **event == Event::StateChanged(State::Disconnected);
        assert_eq!(host.events.iter().filter(doubts).count(), 0);
        assert!(host.agent.stats().path_mtu_probes_sent <= 20);
    }
}

/// M-3: a black hole that opens in the middle of a call.
#[test]
fn when_the_path_shrinks_lost_full_packets_bring_the_size_down_and_it_is_searched_anew() {
    let mut pair = on_link(1_500);
    pair.run_for(Duration::from_secs(2));
    let mut link = LinkConfig::delayed(Duration::from_millis(25));
    link.mtu_bytes = 1_300;
    pair.set_link(&link);
    let now = pair.now();
    for _ in 0..3 {
        pair.a_mut().agent.on_datagram_lost(now, 1_472);
    }
    assert_eq!(pair.a().agent.path_budget().datagram_bytes, 1_200);
    pair.run_for(Duration::from_secs(400));
    let found = pair.a().agent.path_budget().datagram_bytes;
    assert!((1_252..=1_272).contains(&found), "{found}");
}

/// M-4
#[test]
fn what_the_socket_refuses_is_not_sent_again() {
    let mut pair = on_link(1_500);
    assert!(pair.run_until(Duration::from_secs(5), support::both_selected));
    let now = pair.now();
    let path = support::path_of_a();
    pair.a_mut().agent.on_too_large(now, &path, 1_472);
    let sent = support::drain(&mut pair.a_mut().agent, now);
    let probes = sent.iter().filter(|(_, bytes)| bytes.len() > 1_200);
    assert!(probes.clone().count() >= 1);
    for (_, bytes) in probes {
        assert!(
            bytes.len() < 1_472 && bytes.len() % 4 == 0,
            "{}",
            bytes.len()
        );
        let message = Message::decode(bytes).unwrap();
        assert!(message.attribute(AttributeType::PADDING).is_some());
    }
}

#[test]
fn nobody_searches_unless_asked_to() {
    let mut pair = support::connected(netsim::Profile::Clean, 1);
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.a().agent.stats().path_mtu_probes_sent, 0);
    assert_eq!(pair.a().agent.path_budget().datagram_bytes, 1_200);
}

/// M-5: data that takes another pair starts from the base, and the search begins anew.
#[test]
fn another_pair_is_measured_anew() {
    let mut now = netsim::epoch();
    let other = ([10, 0, 1, 1], 5_000).into();
    let mut agents = [Role::Controlling, Role::Controlled].map(|role| {
        let mut config = Config::new(seed(50 + u64::from(role == Role::Controlled)));
        config.role = role;
        config.path_mtu = Some(PathMtuConfig::default());
        Agent::new(config).unwrap()
    });
    for (side, address) in [(0, ADDRESS_A), (0, other), (1, ADDRESS_B)] {
        let candidate = Candidate::host(address);
        agents[side].add_local_candidate(now, candidate).unwrap();
    }
    for (from, to) in [(0, 1), (1, 0)] {
        let (credentials, lines) = support::said(&agents[from]);
        support::learn(&mut agents[to], now, credentials, &lines, FULL.0);
    }
    let mut run = |agents: &mut [Agent; 2], steps: usize| {
        for _ in 0..steps {
            for side in [0, 1] {
                for (path, bytes) in support::drain(&mut agents[side], now) {
                    let to = &mut agents[1 - side];
                    support::deliver(to, now, path.reversed(), &bytes);
                }
            }
            now += Duration::from_millis(10);
            agents
                .iter_mut()
                .for_each(|agent| agent.handle_timeout(now));
        }
        now
    };
    let now = run(&mut agents, 100);
    assert_eq!(agents[0].path_budget().datagram_bytes, 1_472);
    while agents[0].poll_event().is_some() {}
    let first = agents[0].best_path().unwrap();
    agents[0].on_interface(now, InterfaceFact::Down(first.local.ip()));
    assert_ne!(agents[0].best_path(), Some(first));
    assert_eq!(agents[0].path_budget().datagram_bytes, 1_200);
    let events: Vec<_> = std::iter::from_fn(|| agents[0].poll_event()).collect();
    assert!(events.contains(&Event::PathMtu(1_200)), "{events:?}");
    run(&mut agents, 100);
    assert_eq!(agents[0].path_budget().datagram_bytes, 1_472);
    assert_eq!(agents[0].stats().path_mtu_probes_sent, 2);
}
