//! NATs and firewalls: RFC 4787 REQ-1 to REQ-6, REQ-8 and REQ-9, and what they may do instead; RFC 6092; RFC 6888.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::net::SocketAddr;
use std::time::Duration;

use avocet_netsim::{
    Filtering, Hairpin, Internet, LinkConfig, Mapping, NatConfig, Network, NodeId, Packet, Pooling,
    PortAssignment, at,
};
use net::{Path, StreamId, Transport};

const SECOND: Duration = Duration::from_secs(1);
const EXTERNAL: &str = "198.51.100.1";
const ALICE: &str = "192.168.1.2:5000";
const BOB: &str = "192.168.1.3:5000";
const SERVER: &str = "203.0.113.1:3478";
const SERVER_OTHER_PORT: &str = "203.0.113.1:3479";
const STRANGER: &str = "203.0.113.2:3478";

/// Two hosts behind a NAT, two outside.
struct Street {
    network: Network,
    nat: NodeId,
    alice: NodeId,
    bob: NodeId,
    server: NodeId,
    stranger: NodeId,
    time: Duration,
}

impl Street {
    fn new(config: NatConfig) -> Self {
        let mut internet = Internet::new(1, LinkConfig::default());
        let server = internet.host([203, 0, 113, 1]);
        let stranger = internet.host([203, 0, 113, 2]);
        let nat = internet.nat([198, 51, 100, 1], config);
        let alice = internet.host_behind(nat, [192, 168, 1, 2]);
        let bob = internet.host_behind(nat, [192, 168, 1, 3]);
        let network = internet.into_network();
        Self {
            network,
            nat,
            alice,
            bob,
            server,
            stranger,
            time: Duration::ZERO,
        }
    }

    /// Sends a packet and tells who got it, and from which source it seemed to come.
    fn send(&mut self, host: NodeId, from: &str, to: SocketAddr) -> Option<(NodeId, SocketAddr)> {
        let path = Path::udp(socket(from), to);
        self.deliver(host, path)
            .map(|(node, path)| (node, path.remote))
    }

    fn deliver(&mut self, host: NodeId, path: Path) -> Option<(NodeId, Path)> {
        let now = at(self.time);
        self.network
            .send(now, host, Packet::new(path, now, vec![1]));
        let (node, packet) = self.network.receive(now)?;
        Some((node, packet.path))
    }

    /// From which endpoint a host behind the NAT seems to send.
    fn seen(&mut self, host: NodeId, from: &str, to: &str) -> SocketAddr {
        self.send(host, from, socket(to)).unwrap().1
    }

    fn alice_seen_by(&mut self, to: &str) -> SocketAddr {
        self.seen(self.alice, ALICE, to)
    }

    /// Whether a packet from outside reaches Alice.
    fn reaches_alice(&mut self, from: &str, external: SocketAddr) -> bool {
        let host = if socket(from).ip() == socket(SERVER).ip() {
            self.server
        } else {
            self.stranger
        };
        let now = at(self.time);
        let path = Path::udp(socket(from), external);
        match self.deliver(host, path) {
            Some((node, path)) => {
                assert_eq!((node, path.local), (self.alice, socket(ALICE)), "{now:?}");
                true
            }
            None => false,
        }
    }
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn req_1_an_endpoint_independent_mapping_is_the_same_for_everybody() {
    let mut street = Street::new(NatConfig::default());
    let first = street.alice_seen_by(SERVER);
    assert_eq!(first.ip().to_string(), EXTERNAL);
    assert_eq!(street.alice_seen_by(SERVER_OTHER_PORT), first);
    assert_eq!(street.alice_seen_by(STRANGER), first);
    assert_eq!(street.network.mappings(at(SECOND), street.nat).len(), 1);
}

#[test]
fn an_address_dependent_mapping_changes_with_the_address_and_not_with_the_port() {
    let config = NatConfig::new(Mapping::AddressDependent, Filtering::EndpointIndependent);
    let mut street = Street::new(config);
    let first = street.alice_seen_by(SERVER);
    assert_eq!(street.alice_seen_by(SERVER_OTHER_PORT), first);
    assert_ne!(street.alice_seen_by(STRANGER), first);
    assert_eq!(street.alice_seen_by(SERVER), first);
}

#[test]
fn an_address_and_port_dependent_mapping_changes_with_both() {
    let config = NatConfig::new(
        Mapping::AddressAndPortDependent,
        Filtering::EndpointIndependent,
    );
    let mut street = Street::new(config);
    let seen = [SERVER, SERVER_OTHER_PORT, STRANGER].map(|to| street.alice_seen_by(to));
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    assert_eq!(street.alice_seen_by(SERVER), seen[0]);
}

#[test]
fn req_8_filtering_lets_in_whom_it_should_with_every_mapping() {
    for mapping in Mapping::ALL {
        for filtering in Filtering::ALL {
            let mut street = Street::new(NatConfig::new(mapping, filtering));
            let external = street.alice_seen_by(SERVER);
            let case = (mapping, filtering);
            assert!(street.reaches_alice(SERVER, external), "{case:?}");
            assert_eq!(
                street.reaches_alice(SERVER_OTHER_PORT, external),
                filtering != Filtering::AddressAndPortDependent,
                "{case:?}"
            );
            assert_eq!(
                street.reaches_alice(STRANGER, external),
                filtering == Filtering::EndpointIndependent,
                "{case:?}"
            );
            let refused = 3 - match filtering {
                Filtering::EndpointIndependent => 3,
                Filtering::AddressDependent => 2,
                Filtering::AddressAndPortDependent => 1,
            };
            assert_eq!(street.network.drops().filtered, refused, "{case:?}");
        }
    }
}

#[test]
fn a_filter_opens_for_whom_the_mapping_has_sent_to() {
    let config = NatConfig::new(
        Mapping::EndpointIndependent,
        Filtering::AddressAndPortDependent,
    );
    let mut street = Street::new(config);
    let external = street.alice_seen_by(SERVER);
    assert!(!street.reaches_alice(STRANGER, external));
    street.alice_seen_by(STRANGER);
    assert!(street.reaches_alice(STRANGER, external));
}

#[test]
fn a_port_without_a_mapping_lets_nobody_in_and_inside_addresses_cannot_be_named_from_outside() {
    let mut street = Street::new(NatConfig::new(
        Mapping::EndpointIndependent,
        Filtering::EndpointIndependent,
    ));
    assert!(!street.reaches_alice(SERVER, socket("198.51.100.1:5000")));
    assert_eq!(street.network.drops().filtered, 1);
    assert!(!street.reaches_alice(SERVER, socket(ALICE)));
    assert_eq!(street.network.drops().unreachable, 1);
}

#[test]
fn req_2_paired_pooling_gives_a_host_one_external_address_and_arbitrary_pooling_several() {
    for pooling in [Pooling::Paired, Pooling::Arbitrary] {
        let mut street = Street::new(NatConfig {
            pooling,
            ..NatConfig::symmetric()
        });
        let addresses = ["198.51.100.1", "198.51.100.7"].map(|text| text.parse().unwrap());
        street.network.renumber(street.nat, addresses);
        let first = street.alice_seen_by(SERVER).ip();
        let second = street.alice_seen_by(STRANGER).ip();
        assert_eq!(first == second, pooling == Pooling::Paired);
        assert!(addresses.contains(&first) && addresses.contains(&second));
    }
}

#[test]
fn req_3_a_port_is_preserved_where_it_is_free_and_never_shared() {
    let mut street = Street::new(NatConfig::default());
    let alice = street.alice_seen_by(SERVER);
    let bob = street.seen(street.bob, BOB, SERVER);
    assert_eq!((alice.port(), bob.port()), (5000, 5001));
    // Both are reached behind their own.
    assert!(street.reaches_alice(SERVER, alice));
    let (node, _) = street.send(street.server, SERVER, bob).unwrap();
    assert_eq!(node, street.bob);
}

#[test]
fn req_3b_well_known_ports_stay_well_known_when_ports_are_preserved() {
    let mut street = Street::new(NatConfig::default());
    let low = street.seen(street.alice, "192.168.1.2:1023", SERVER);
    let next = street.seen(street.bob, "192.168.1.3:1023", SERVER);
    assert_eq!(low.port(), 1023);
    assert!(next.port() < 1023, "{next}");
}

#[test]
fn req_4_parity_is_kept_when_asked_for() {
    for ports in [
        PortAssignment::Preserve,
        PortAssignment::Sequential,
        PortAssignment::Random,
    ] {
        let mut street = Street::new(NatConfig {
            ports,
            keeps_parity: true,
            ..NatConfig::default()
        });
        for port in 6_000..6_040 {
            for (host, address) in [(street.alice, "192.168.1.2"), (street.bob, "192.168.1.3")] {
                let seen = street.seen(host, &format!("{address}:{port}"), SERVER);
                assert_eq!(seen.port() % 2, port % 2, "{ports:?}");
            }
        }
    }
}

#[test]
fn sequential_ports_follow_each_other_and_random_ones_do_not() {
    for ports in [PortAssignment::Sequential, PortAssignment::Random] {
        let mut street = Street::new(NatConfig {
            ports,
            ..NatConfig::default()
        });
        let seen: Vec<_> = (7_000..7_010)
            .map(|port| street.seen(street.alice, &format!("192.168.1.2:{port}"), SERVER))
            .collect();
        let contiguous = seen
            .windows(2)
            .all(|two| two[1].port() == two[0].port() + 1);
        assert_eq!(contiguous, ports == PortAssignment::Sequential, "{seen:?}");
    }
}

#[test]
fn req_5_a_mapping_lives_as_long_as_the_timeout_says_and_not_longer() {
    let mut street = Street::new(NatConfig {
        timeout: 120 * SECOND,
        ports: PortAssignment::Sequential,
        ..NatConfig::default()
    });
    let external = street.alice_seen_by(SERVER);
    street.time = 120 * SECOND - Duration::from_nanos(1);
    assert!(street.reaches_alice(SERVER, external));
    street.time = 120 * SECOND;
    assert!(!street.reaches_alice(SERVER, external));
    assert!(
        street
            .network
            .mappings(at(street.time), street.nat)
            .is_empty()
    );
    assert_ne!(street.alice_seen_by(SERVER), external);
}

#[test]
fn req_6_outbound_packets_refresh_and_inbound_ones_only_when_asked_to() {
    for refreshed_by_inbound in [false, true] {
        let mut street = Street::new(NatConfig {
            timeout: 30 * SECOND,
            refreshed_by_inbound,
            ..NatConfig::default()
        });
        let external = street.alice_seen_by(SERVER);
        street.time = 20 * SECOND;
        assert_eq!(street.alice_seen_by(SERVER), external);
        street.time = 40 * SECOND;
        assert!(street.reaches_alice(SERVER, external), "outbound refreshed");
        street.time = 60 * SECOND;
        assert_eq!(
            street.reaches_alice(SERVER, external),
            refreshed_by_inbound,
            "60 s"
        );
    }
}

#[test]
fn a_permission_expires_although_its_mapping_lives_on() {
    let mut street = Street::new(NatConfig {
        timeout: 30 * SECOND,
        ..NatConfig::default()
    });
    let external = street.alice_seen_by(SERVER);
    street.time = 20 * SECOND;
    street.alice_seen_by(STRANGER);
    street.time = 40 * SECOND;
    assert!(!street.reaches_alice(SERVER, external));
    assert!(street.reaches_alice(STRANGER, external));
}

#[test]
fn req_9_hairpinning_shows_the_external_source_or_the_internal_one_or_does_not_happen() {
    for hairpin in [
        Hairpin::Off,
        Hairpin::InternalSource,
        Hairpin::ExternalSource,
    ] {
        let mut street = Street::new(NatConfig {
            hairpin,
            filtering: Filtering::EndpointIndependent,
            ..NatConfig::default()
        });
        let alice = street.alice_seen_by(SERVER);
        let arrived = street.send(street.bob, BOB, alice);
        match hairpin {
            Hairpin::Off => assert_eq!(arrived, None),
            Hairpin::InternalSource => assert_eq!(arrived, Some((street.alice, socket(BOB)))),
            Hairpin::ExternalSource => {
                let bob = street.seen(street.bob, BOB, SERVER);
                assert_eq!(arrived, Some((street.alice, bob)));
            }
        }
    }
}

#[test]
fn req_9_hairpinned_packets_are_filtered_like_others() {
    let mut street = Street::new(NatConfig::new(
        Mapping::EndpointIndependent,
        Filtering::AddressAndPortDependent,
    ));
    let alice = street.alice_seen_by(SERVER);
    let bob = street.seen(street.bob, BOB, SERVER);
    assert_eq!(street.send(street.bob, BOB, alice), None);
    // Alice's own packet meets Bob's filter, which his has just opened, and opens hers.
    assert_eq!(
        street.send(street.alice, ALICE, bob),
        Some((street.bob, alice))
    );
    assert_eq!(
        street.send(street.bob, BOB, alice),
        Some((street.alice, bob))
    );
}

#[test]
fn hosts_behind_one_nat_reach_each_other_without_it() {
    let mut street = Street::new(NatConfig {
        hairpin: Hairpin::Off,
        ..NatConfig::symmetric()
    });
    let arrived = street.send(street.bob, BOB, socket(ALICE));
    assert_eq!(arrived, Some((street.alice, socket(BOB))));
    assert!(street.network.mappings(at(SECOND), street.nat).is_empty());
}

#[test]
fn a_full_table_refuses_new_mappings_and_keeps_the_old_ones() {
    let mut street = Street::new(NatConfig {
        max_mappings: 2,
        timeout: 30 * SECOND,
        ..NatConfig::default()
    });
    let alice = street.alice_seen_by(SERVER);
    street.seen(street.bob, BOB, SERVER);
    let third = |street: &mut Street| street.send(street.bob, "192.168.1.3:9", socket(SERVER));
    assert_eq!(third(&mut street), None);
    assert_eq!(street.network.drops().mappings, 1);
    assert!(street.reaches_alice(SERVER, alice));
    street.time = 30 * SECOND;
    assert!(third(&mut street).is_some(), "room again");
}

#[test]
fn a_restarted_nat_knows_nobody_and_a_renumbered_one_shows_another_address() {
    let mut street = Street::new(NatConfig {
        ports: PortAssignment::Random,
        ..NatConfig::default()
    });
    let before = street.alice_seen_by(SERVER);
    street.network.forget_mappings(street.nat);
    assert!(!street.reaches_alice(SERVER, before));
    let after = street.alice_seen_by(SERVER);
    assert_ne!(after, before);
    street
        .network
        .renumber(street.nat, ["198.51.100.99".parse().unwrap()]);
    assert!(!street.reaches_alice(SERVER, after));
    let renumbered = street.alice_seen_by(SERVER);
    assert_eq!(renumbered.ip().to_string(), "198.51.100.99");
    assert!(street.reaches_alice(SERVER, renumbered));
}

#[test]
fn a_host_behind_two_nats_is_seen_from_the_outer_one_and_reached_through_both() {
    let mut internet = Internet::new(1, LinkConfig::delayed(Duration::from_millis(10)));
    let server = internet.host([203, 0, 113, 1]);
    let cgn = internet.nat([198, 51, 100, 1], NatConfig::default());
    let home = internet.nat_behind(cgn, [100, 64, 0, 2], NatConfig::default());
    let alice = internet.host_behind(home, [192, 168, 1, 2]);
    let neighbour = internet.nat_behind(cgn, [100, 64, 0, 3], NatConfig::default());
    // The same private address as Alice's.
    let bob = internet.host_behind(neighbour, [192, 168, 1, 2]);
    let mut network = internet.into_network();
    let mut send = |host, to: SocketAddr| {
        let from = if host == server { SERVER } else { ALICE };
        let path = Path::udp(socket(from), to);
        let now = at(Duration::ZERO);
        network.send(now, host, Packet::new(path, now, vec![1]));
        let (node, packet) = network.receive(at(SECOND))?;
        Some((node, packet.path.remote))
    };
    let (_, external) = send(alice, socket(SERVER)).unwrap();
    assert_eq!(external.ip().to_string(), EXTERNAL);
    let (node, _) = send(server, external).unwrap();
    assert_eq!(node, alice);
    // RFC 6888 REQ-1 keeps RFC 4787's hairpinning for a CGN: the neighbours meet at its outside.
    let (_, bobs) = send(bob, socket(SERVER)).unwrap();
    assert_ne!(bobs, external);
    assert_eq!(send(alice, bobs), None, "Bob's NAT and the CGN filter");
    assert_eq!(send(bob, external), Some((alice, bobs)));
    assert_eq!(send(alice, bobs), Some((bob, external)));
    assert_eq!(network.mappings(at(Duration::ZERO), cgn).len(), 2);
}

#[test]
fn an_ipv6_firewall_translates_nothing_and_lets_in_only_answers() {
    let mut internet = Internet::new(1, LinkConfig::default());
    let v6 = |last| [0x2001, 0xdb8, 0, 0, 0, 0, 0, last];
    let server = internet.host(v6(1));
    let gateway = internet.firewall(NatConfig::new(
        Mapping::AddressAndPortDependent,
        Filtering::AddressAndPortDependent,
    ));
    let alice = internet.host_behind(gateway, v6(0x10));
    let mut network = internet.into_network();
    let outward = Path::udp(socket("[2001:db8::10]:5000"), socket("[2001:db8::1]:3478"));
    let mut deliver = |host, path| {
        let now = at(Duration::ZERO);
        network.send(now, host, Packet::new(path, now, vec![1]));
        network
            .receive(now)
            .map(|(node, packet)| (node, packet.path))
    };
    assert_eq!(deliver(server, outward.reversed()), None);
    assert_eq!(deliver(alice, outward), Some((server, outward.reversed())));
    assert_eq!(deliver(server, outward.reversed()), Some((alice, outward)));
    let mut other_port = outward.reversed();
    other_port.local.set_port(3479);
    assert_eq!(deliver(server, other_port), None);
    assert_eq!(network.drops().filtered, 2);
}

#[test]
fn a_firewall_that_blocks_udp_lets_streams_pass() {
    let mut street = Street::new(NatConfig::udp_blocked());
    assert_eq!(street.send(street.alice, ALICE, socket(SERVER)), None);
    assert_eq!(street.network.drops().blocked, 1);
    let mut path = Path::udp(socket(ALICE), socket(SERVER));
    path.transport = Transport::Stream(StreamId::new(1));
    let (node, seen) = street.deliver(street.alice, path).unwrap();
    assert_eq!(node, street.server);
    let (back, _) = street.deliver(street.server, seen).unwrap();
    assert_eq!(back, street.alice);
}

#[test]
fn the_same_seed_gives_the_same_ports() {
    let run = || {
        let mut street = Street::new(NatConfig::symmetric());
        [SERVER, SERVER_OTHER_PORT, STRANGER].map(|to| street.alice_seen_by(to))
    };
    assert_eq!(run(), run());
}
