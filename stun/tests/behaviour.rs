//! NAT behaviour discovery (RFC 5780) against NATs of every kind (RFC 4787).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_stun::{
    BehaviourDiscovery, BehaviourEvent, Class, Dependence, Message, MessageBuilder, NatBehaviour,
    Timing,
};
use net::{Datagram, Path};

const ALL: [Dependence; 3] = [
    Dependence::EndpointIndependent,
    Dependence::AddressDependent,
    Dependence::AddressAndPortDependent,
];

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A NAT in front of the client; written from RFC 4787 alone.
struct Nat {
    mapping: Dependence,
    filtering: Dependence,
    hairpins: bool,
    mapped: BTreeMap<(Option<SocketAddr>, u16), SocketAddr>,
    sent_to: BTreeSet<SocketAddr>,
}

fn key(dependence: Dependence, remote: SocketAddr) -> (Option<SocketAddr>, u16) {
    match dependence {
        Dependence::EndpointIndependent => (None, 0),
        Dependence::AddressDependent => (Some(SocketAddr::new(remote.ip(), 0)), 0),
        Dependence::AddressAndPortDependent => (Some(remote), 0),
    }
}

impl Nat {
    fn outside(&mut self, remote: SocketAddr) -> SocketAddr {
        self.sent_to.insert(remote);
        let next = u16::try_from(self.mapped.len()).unwrap() + 40_000;
        let fresh = SocketAddr::new([198, 51, 100, 1].into(), next);
        *self
            .mapped
            .entry(key(self.mapping, remote))
            .or_insert(fresh)
    }

    fn lets_in(&self, from: SocketAddr) -> bool {
        let wanted = key(self.filtering, from);
        self.sent_to
            .iter()
            .any(|to| key(self.filtering, *to) == wanted)
    }
}

/// Runs the tests behind a NAT, or without one.
fn discover(mut nat: Option<Nat>, server_knows: bool) -> (NatBehaviour, Duration) {
    // The one clock reading of these tests; only differences count.
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    let start = Instant::now();
    let mut now = start;
    let (local, primary, other) = (
        address("192.168.1.2:5000"),
        address("203.0.113.1:3478"),
        address("203.0.113.2:3479"),
    );
    let timing = Timing {
        initial_rto: Duration::from_millis(100),
        max_sends: 3,
        last_wait: 4,
        ..Timing::default()
    };
    let mut client = BehaviourDiscovery::new([7; 32], timing, local, primary);
    loop {
        let mut request = Vec::new();
        while let Some(transmit) = client.poll_transmit(now, &mut request) {
            let to = transmit.path.remote;
            let seen = nat.as_mut().map_or(local, |nat| nat.outside(to));
            if nat
                .as_ref()
                .is_some_and(|nat| nat.mapped.values().any(|it| *it == to))
                || to == local
            {
                if nat.as_ref().is_none_or(|nat| nat.hairpins) {
                    let path = Path::udp(local, seen);
                    client.handle_datagram(now, Datagram::new(path, &mut request));
                }
                request.clear();
                continue;
            }
            let message = Message::decode(&request).unwrap();
            let change = message.change_request().unwrap().unwrap_or_default();
            let ip = if change.ip { other.ip() } else { to.ip() };
            let port = if change.port { other.port() } else { to.port() };
            let from = SocketAddr::new(ip, port);
            let mut answer = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut answer, Class::Success, &message);
            builder.xor_mapped_address(seen);
            if server_knows {
                builder.other_address(other).response_origin(from);
            }
            builder.fingerprint().finish().unwrap();
            if nat.as_ref().is_none_or(|nat| nat.lets_in(from)) {
                let path = Path::udp(local, from);
                client.handle_datagram(now, Datagram::new(path, &mut answer));
            }
            request.clear();
        }
        match client.poll_event() {
            Some(BehaviourEvent::Discovered(found)) => return (found, now - start),
            Some(BehaviourEvent::Failed(code)) => panic!("{code:?}"),
            None => {}
        }
        now = client.poll_timeout().unwrap();
        client.handle_timeout(now);
    }
}

#[test]
fn every_mapping_filtering_and_hairpinning_is_told_apart() {
    for mapping in ALL {
        for filtering in ALL {
            for hairpins in [true, false] {
                let nat = Nat {
                    mapping,
                    filtering,
                    hairpins,
                    mapped: BTreeMap::new(),
                    sent_to: BTreeSet::new(),
                };
                let (found, took) = discover(Some(nat), true);
                assert!(found.is_natted);
                assert_eq!(found.mapping, Some(mapping));
                assert_eq!(found.filtering, Some(filtering));
                assert_eq!(found.hairpinning, hairpins);
                assert!(took <= 4 * Duration::from_millis(700));
            }
        }
    }
}

#[test]
fn without_a_nat_everything_is_endpoint_independent() {
    let (found, _) = discover(None, true);
    assert!(!found.is_natted);
    assert_eq!(found.mapping, Some(Dependence::EndpointIndependent));
    assert_eq!(found.filtering, Some(Dependence::EndpointIndependent));
}

#[test]
fn a_server_without_another_address_shows_the_mapped_one_and_no_more() {
    let (found, _) = discover(None, false);
    assert_eq!((found.mapping, found.filtering), (None, None));
}

#[test]
fn a_silent_server_ends_it_and_forged_answers_do_not_count() {
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    let mut now = Instant::now();
    let (local, server) = (address("192.168.1.2:5000"), address("203.0.113.1:3478"));
    let mut client = BehaviourDiscovery::new([7; 32], Timing::default(), local, server);
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    let message = Message::decode(&request).unwrap();
    let mut answer = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut answer, Class::Success, &message);
    builder.xor_mapped_address(address("203.0.113.66:1"));
    builder.finish().unwrap();
    let elsewhere = Path::udp(local, address("203.0.113.66:3478"));
    client.handle_datagram(now, Datagram::new(elsewhere, &mut answer));
    assert_eq!(client.poll_event(), None);
    let event = loop {
        while client.poll_transmit(now, &mut Vec::new()).is_some() {}
        if let Some(event) = client.poll_event() {
            break event;
        }
        now = client.poll_timeout().unwrap();
        client.handle_timeout(now);
    };
    assert_eq!(event, BehaviourEvent::Failed(None));
    assert_eq!(client.poll_timeout(), None);
}
