//! The server: what it relays, for whom, and what it does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use std::net::SocketAddr;

use avocet_turn::server::{Config, Destination, IcmpError, Limits, PeerPolicy, Rate};
use desk::*;
use stun::{Message, Method};

fn to_peer(sent: &[Sent]) -> Vec<(SocketAddr, Vec<u8>)> {
    let target = |it: &Sent| match it.0 {
        Destination::Peer { peer, .. } => Some((peer, it.1.clone())),
        Destination::Client(_) => None,
    };
    sent.iter().filter_map(target).collect()
}

#[test]
fn data_goes_both_ways_in_indications_and_on_channels() {
    let (mut desk, mut alice, relayed) = allocated(config());
    assert_eq!(alice.permit(&mut desk, peer(1)), 0);
    let sent = alice.send(&mut desk, peer(1), b"hello");
    assert_eq!(to_peer(&sent), [(peer(1), b"hello".to_vec())]);
    let sent = desk.peer_says(relayed, peer(1), b"hi!");
    assert_eq!(sent[0].0, Destination::Client(alice.path));
    assert_eq!(data_of(&sent[0].1), (peer(1), b"hi!".to_vec()));
    // Another port of the peer: the permission is for the address.
    let mut other = peer(1);
    other.set_port(9);
    assert_eq!(desk.peer_says(relayed, other, b"x").len(), 1);

    assert_eq!(alice.bind(&mut desk, 0x4001, peer(1)), 0);
    let sent = alice.channel(&mut desk, 0x4001, b"hello");
    assert_eq!(to_peer(&sent), [(peer(1), b"hello".to_vec())]);
    let sent = desk.peer_says(relayed, peer(1), b"hi!");
    assert_eq!(sent[0].1, channel_data(0x4001, b"hi!"));
    let sent = desk.peer_says(relayed, other, b"x");
    assert_eq!(data_of(&sent[0].1).0, other);
    let stats = desk.server.stats();
    assert_eq!((stats.packets_to_peers, stats.bytes_to_peers), (2, 10));
    assert_eq!((stats.packets_to_clients, stats.bytes_to_clients), (4, 8));
}

/// T-07: permission by address, five minutes to the second.
#[test]
fn t_07_a_permission_is_for_an_address_and_ends_after_five_minutes() {
    let (mut desk, mut alice, relayed) = allocated(config());
    assert!(desk.peer_says(relayed, peer(1), b"before").is_empty());
    assert!(alice.send(&mut desk, peer(1), b"before").is_empty());
    alice.permit(&mut desk, peer(1));
    let start = desk.now;
    desk.wait(seconds(299));
    assert_eq!(desk.peer_says(relayed, peer(1), b"x").len(), 1);
    assert!(desk.peer_says(relayed, peer(2), b"x").is_empty());
    desk.wait(seconds(1));
    assert_eq!(desk.now - start, seconds(300));
    assert!(desk.peer_says(relayed, peer(1), b"x").is_empty());
    assert!(alice.send(&mut desk, peer(1), b"x").is_empty());
    // Another request keeps it for longer.
    alice.permit(&mut desk, peer(1));
    desk.wait(seconds(200));
    alice.refresh(&mut desk, None);
    alice.permit(&mut desk, peer(1));
    desk.wait(seconds(200));
    assert_eq!(desk.peer_says(relayed, peer(1), b"x").len(), 1);
    assert_eq!(desk.server.stats().drops.no_permission, 5);
}

/// U-10, T-03
#[test]
fn t_03_a_channel_has_one_peer_and_a_peer_one_channel() {
    let (mut desk, mut alice, relayed) = allocated(config());
    for (number, to, code) in [
        (0x4000, peer(1), 0),
        (0x4fff, peer(2), 0),
        (0x4000, peer(1), 0),
        (0x4000, peer(3), 400),
        (0x4001, peer(1), 400),
        (0x3fff, peer(4), 400),
        (0x5000, peer(4), 400),
        (0x7fff, peer(4), 400),
        (0xffff, peer(4), 400),
    ] {
        assert_eq!(alice.bind(&mut desk, number, to), code, "{number:#x}");
    }
    let nothing = alice.ask(&mut desk, Method::CHANNEL_BIND, |it| {
        it.xor_peer_address(peer(5));
    });
    assert_eq!(nothing.code, 400);
    let nobody = alice.ask(&mut desk, Method::CHANNEL_BIND, |it| {
        it.channel_number(0x4005);
    });
    assert_eq!(nobody.code, 400);
    // A channel lives for ten minutes, its permission for five.
    desk.wait(seconds(300));
    alice.refresh(&mut desk, None);
    assert!(desk.peer_says(relayed, peer(1), b"x").is_empty());
    assert_eq!(alice.channel(&mut desk, 0x4000, b"x").len(), 1);
    alice.permit(&mut desk, peer(1));
    desk.wait(seconds(299));
    let sent = desk.peer_says(relayed, peer(1), b"x");
    assert_eq!(sent[0].1, channel_data(0x4000, b"x"));
    desk.wait(seconds(1));
    assert!(alice.channel(&mut desk, 0x4000, b"x").is_empty());
    // Now the number is free.
    assert_eq!(alice.bind(&mut desk, 0x4000, peer(3)), 0);
}

/// T-02
#[test]
fn t_02_a_request_with_one_denied_peer_installs_nothing() {
    let (mut desk, mut alice, relayed) = allocated(config());
    let answer = alice.ask(&mut desk, Method::CREATE_PERMISSION, |it| {
        it.xor_peer_address(peer(1))
            .xor_peer_address(address("127.0.0.1:80"));
    });
    assert_eq!(answer.code, 403);
    assert!(desk.peer_says(relayed, peer(1), b"x").is_empty());
    let answer = alice.ask(&mut desk, Method::CREATE_PERMISSION, |it| {
        it.xor_peer_address(peer(1)).xor_peer_address(peer_v6(1));
    });
    assert_eq!(answer.code, 443);
    assert!(desk.peer_says(relayed, peer(1), b"x").is_empty());
    let answer = alice.ask(&mut desk, Method::CREATE_PERMISSION, |_| {});
    assert_eq!(answer.code, 400);
}

/// T-04
#[test]
fn t_04_permissions_and_channels_of_an_allocation_have_a_limit() {
    let (mut desk, mut alice, _) = allocated(config());
    for number in 0..50 {
        assert_eq!(alice.permit(&mut desk, peer(number)), 0);
        assert_eq!(
            alice.bind(&mut desk, 0x4000 + u16::from(number), peer(number)),
            0
        );
    }
    assert_eq!(alice.permit(&mut desk, peer(50)), 508);
    assert_eq!(alice.bind(&mut desk, 0x4100, peer(50)), 508);
    assert_eq!(alice.permit(&mut desk, peer(7)), 0);
    assert_eq!(alice.bind(&mut desk, 0x4007, peer(7)), 0);
    alice.refresh(&mut desk, Some(3_600));
    desk.wait(seconds(600));
    assert_eq!(alice.permit(&mut desk, peer(50)), 0);
    assert_eq!(alice.bind(&mut desk, 0x4100, peer(51)), 0);
}

/// The addresses of T-01, and other ways to write them.
const FORBIDDEN: &[&str] = &[
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.0.170",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::1",
    "2001:0:808:808::80ff:fffe",
    "fd00:ec2::254",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fe80::5efe:10.0.0.1",
    // The server's own: the listener and relay, and an interface.
    "203.0.113.99",
];

/// U-1, T-01: {CreatePermission, ChannelBind, Send, Connect}, and what comes from there.
#[test]
fn t_01_nothing_inside_is_ever_a_peer() {
    let mut config = config();
    config.own_addresses = vec![address("203.0.113.99:0").ip()];
    let mut desk = Desk::new(config);
    let both = |it: &mut stun::MessageBuilder<'_>| {
        it.requested_transport(17)
            .additional_address_family(stun::AddressFamily::V6);
    };
    let mut alice = Caller::new(client(1), "alice");
    let relayed = alice.ask(&mut desk, Method::ALLOCATE, both).relayed();
    let mut over_tcp = Caller::new(stream(2), "alice");
    desk.server.on_stream_opened(desk.now, over_tcp.path);
    let answer = over_tcp.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(6);
    });
    assert_eq!(answer.code, 0);
    for text in FORBIDDEN {
        let peer = SocketAddr::new(text.parse().unwrap(), 80);
        assert_eq!(alice.permit(&mut desk, peer), 403, "{text}");
        assert_eq!(alice.bind(&mut desk, 0x4000, peer), 403, "{text}");
        assert!(alice.send(&mut desk, peer, b"x").is_empty(), "{text}");
        assert!(alice.channel(&mut desk, 0x4000, b"x").is_empty());
        let connect = over_tcp.ask(&mut desk, Method::CONNECT, |it| {
            it.xor_peer_address(peer);
        });
        assert_eq!(connect.code, 403, "{text}");
        for relayed in &relayed {
            assert!(desk.peer_says(*relayed, peer, b"x").is_empty(), "{text}");
        }
    }
}

#[test]
fn what_the_operator_allows_may_be_reached_and_what_he_denies_may_not() {
    let mut config = config();
    config.peers = PeerPolicy {
        allow: vec!["10.0.0.0/8".parse().unwrap()],
        deny: vec!["192.0.2.0/24".parse().unwrap()],
    };
    let (mut desk, mut alice, relayed) = allocated(config);
    let inside = address("10.1.2.3:99");
    assert_eq!(alice.permit(&mut desk, inside), 0);
    assert_eq!(alice.permit(&mut desk, peer(1)), 403);
    assert_eq!(alice.bind(&mut desk, 0x4000, inside), 0);
    assert_eq!(desk.peer_says(relayed, inside, b"x").len(), 1);
    // The lists change while the allocation stands: what they deny now is over at once, in both directions.
    desk.server.set_peer_policy(PeerPolicy::default());
    assert!(desk.peer_says(relayed, inside, b"x").is_empty());
    assert!(alice.send(&mut desk, inside, b"x").is_empty());
    assert!(alice.channel(&mut desk, 0x4000, b"x").is_empty());
}

/// U-23
#[test]
fn two_allocations_reach_each_other_without_a_socket_and_by_permission() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let mut bob = Caller::new(client(2), "bob");
    let (of_alice, of_bob) = (alice.allocate(&mut desk), bob.allocate(&mut desk));
    assert_eq!(alice.permit(&mut desk, of_bob), 0);
    assert!(
        alice.send(&mut desk, of_bob, b"hello").is_empty(),
        "bob has not allowed it"
    );
    assert_eq!(bob.bind(&mut desk, 0x4000, of_alice), 0);
    let sent = alice.send(&mut desk, of_bob, b"hello");
    assert_eq!(
        sent,
        [(
            Destination::Client(bob.path),
            channel_data(0x4000, b"hello")
        )]
    );
    // Nothing else of the server's address is reached: no port without an allocation, no listener.
    let mut nobody = of_bob;
    nobody.set_port(if of_bob.port() == 65_535 {
        49_152
    } else {
        of_bob.port() + 1
    });
    assert!(alice.send(&mut desk, nobody, b"x").is_empty());
    assert!(alice.send(&mut desk, listener(), b"x").is_empty());
    assert_eq!(alice.bind(&mut desk, 0x4001, listener()), 403);
    let relay = desk.relays[&of_alice];
    desk.server
        .handle_relayed(desk.now, relay, listener(), b"x");
    assert_eq!(desk.server.stats().drops.forbidden, 3);
}

#[test]
fn a_relay_of_a_neighbour_behind_the_same_address_is_reached_through_a_socket() {
    let mut config = config();
    config.relays[0].ports = 50_000..=50_099;
    config.relays[0].shared_ports = 50_000..=50_199;
    let (mut desk, mut alice, relayed) = allocated(config);
    let mut neighbour = relayed;
    neighbour.set_port(50_150);
    assert_eq!(alice.permit(&mut desk, neighbour), 0);
    let sent = alice.send(&mut desk, neighbour, b"x");
    assert_eq!(to_peer(&sent), [(neighbour, b"x".to_vec())]);
    neighbour.set_port(50_200);
    assert!(alice.send(&mut desk, neighbour, b"x").is_empty());
}

/// U-7
#[test]
fn beyond_the_bandwidth_data_is_dropped_in_each_direction_for_itself() {
    let rate = Rate {
        per_second: 100_000,
        burst: 100_000,
    };
    let of = |limits: Limits| allocated(Config { limits, ..config() });
    let defaults = Limits::default;
    for limits in [
        Limits {
            allocation_rate: Some(rate),
            ..defaults()
        },
        Limits {
            user_rate: Some(rate),
            ..defaults()
        },
        Limits {
            total_rate: Some(rate),
            ..defaults()
        },
    ] {
        let (mut desk, mut alice, relayed) = of(limits);
        alice.bind(&mut desk, 0x4000, peer(1));
        let count = |desk: &mut Desk| {
            let out = (0..200).map(|_| alice.channel(desk, 0x4000, &[0; 1_000]).len());
            let out: usize = out.sum();
            let back = (0..200).map(|_| desk.peer_says(relayed, peer(1), &[0; 1_000]).len());
            (out, back.sum::<usize>())
        };
        assert_eq!(count(&mut desk), (100, 100));
        desk.wait(seconds(1));
        assert_eq!(count(&mut desk), (100, 100));
        assert_eq!(desk.server.stats().drops.rate, 400);
    }
}

/// A peer that floods one relay takes nothing from another one.
#[test]
fn a_flooded_relay_uses_up_its_own_bandwidth_only() {
    let rate = Rate {
        per_second: 100_000,
        burst: 100_000,
    };
    let limits = Limits {
        allocation_rate: Some(rate),
        ..Limits::default()
    };
    let (mut desk, mut alice, relayed) = allocated(Config { limits, ..config() });
    alice.permit(&mut desk, peer(1));
    let mut bob = Caller::new(client(2), "bob");
    let of_bob = bob.allocate(&mut desk);
    bob.permit(&mut desk, peer(2));
    for round in 0..10_000 {
        desk.peer_says(relayed, peer(1), &[0; 1_200]);
        if round % 200 == 0 {
            assert_eq!(desk.peer_says(of_bob, peer(2), &[1; 1_200]).len(), 1);
        }
    }
}

/// U-15
#[test]
fn the_longest_datagrams_pass_and_longer_ones_are_counted() {
    let (mut desk, mut alice, relayed) = allocated(config());
    alice.bind(&mut desk, 0x4000, peer(1));
    alice.permit(&mut desk, peer(2));
    let long = vec![7; 65_503];
    let sent = alice.channel(&mut desk, 0x4000, &long);
    assert_eq!(to_peer(&sent)[0].1, long);
    assert_eq!(
        desk.peer_says(relayed, peer(1), &long)[0].1,
        channel_data(0x4000, &long)
    );
    let sent = desk.peer_says(relayed, peer(2), &long[..65_400]);
    assert_eq!(data_of(&sent[0].1).1, long[..65_400]);
    assert!(desk.peer_says(relayed, peer(1), &[0; 65_504]).is_empty());
    assert!(desk.peer_says(relayed, peer(2), &long).is_empty());
    assert_eq!(desk.server.stats().drops.too_long, 2);
    // A stream has frames of 65,535 bytes; a datagram has not.
    let mut on_stream = Caller::new(stream(3), "bob");
    desk.server.on_stream_opened(desk.now, on_stream.path);
    on_stream.allocate(&mut desk);
    on_stream.bind(&mut desk, 0x4000, peer(1));
    let mut frame = channel_data(0x4000, &vec![7; 65_535]);
    frame.push(0);
    assert!(desk.give(on_stream.path, &frame).is_empty());
    frame = channel_data(0x4000, &vec![7; 65_507]);
    frame.push(0);
    assert_eq!(desk.give(on_stream.path, &frame).len(), 1);
    assert_eq!(desk.server.stats().drops.too_long, 3);
}

/// U-14
#[test]
fn an_icmp_error_reaches_the_client_in_an_indication() {
    let (mut desk, mut alice, relayed) = allocated(config());
    let error = IcmpError {
        kind: 3,
        code: 4,
        data: [0, 0, 5, 0],
    };
    let relay = desk.relays[&relayed];
    desk.server.on_icmp(desk.now, relay, peer(1), error);
    let mut sent = Vec::new();
    desk.settle(&mut sent);
    assert!(sent.is_empty(), "without a permission");
    alice.permit(&mut desk, peer(1));
    // An echo reply, a redirect: whoever can send those has nothing to tell a client.
    for kind in [0, 5, 8] {
        desk.server
            .on_icmp(desk.now, relay, peer(1), IcmpError { kind, ..error });
    }
    desk.settle(&mut sent);
    assert!(sent.is_empty(), "what is no error");
    desk.server.on_icmp(desk.now, relay, peer(1), error);
    desk.settle(&mut sent);
    let message = Message::decode(&sent[0].1).unwrap();
    assert_eq!(message.method(), Method::DATA);
    assert_eq!(message.icmp(), Ok(Some((3, 4, [0, 0, 5, 0]))));
    assert_eq!(message.xor_peer_address(), Ok(Some(peer(1))));
    assert_eq!(message.data(), None);
}

/// U-13
#[test]
fn fragmentation_is_forbidden_where_the_driver_can_and_refused_where_it_cannot() {
    let mut with = config();
    with.dont_fragment = true;
    for (config, can) in [(with, true), (config(), false)] {
        let mut desk = Desk::new(config);
        let mut alice = Caller::new(client(1), "alice");
        let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
            it.requested_transport(17).dont_fragment();
        });
        assert_eq!(answer.code, if can { 0 } else { 420 });
        alice.allocate_unless(&mut desk, can);
        alice.permit(&mut desk, peer(1));
        let bytes = indication(|it| {
            it.xor_peer_address(peer(1)).dont_fragment().data(b"x");
        });
        let sent = desk.give(alice.path, &bytes);
        let flags = sent.iter().map(|(to, _)| match to {
            Destination::Peer { dont_fragment, .. } => *dont_fragment,
            Destination::Client(_) => panic!("to the client"),
        });
        assert_eq!(
            flags.collect::<Vec<_>>(),
            if can { vec![true] } else { vec![] }
        );
    }
}

#[test]
fn ecn_marks_pass_through_the_relay() {
    let (mut desk, mut alice, relayed) = allocated(config());
    alice.bind(&mut desk, 0x4000, peer(1));
    let mut marks = Vec::new();
    let mut bytes = channel_data(0x4000, b"x");
    let mut datagram = net::Datagram::new(alice.path, &mut bytes);
    datagram.ecn = net::Ecn::Ect1;
    desk.server
        .handle_datagram_with(desk.now, datagram, |it| marks.push(it.ecn));
    let from = (peer(1), net::Ecn::Ce);
    let relay = desk.relays[&relayed];
    desk.server
        .handle_relayed_with(desk.now, relay, from, b"x", |it| marks.push(it.ecn));
    assert_eq!(marks, [net::Ecn::Ect1, net::Ecn::Ce]);
}

/// Two of our servers that relay to each other make no loop: what comes round is longer each time, and a permission is needed at
/// each turn.
#[test]
fn a_loop_between_two_servers_ends_by_itself() {
    // R1 is an allocation of the first server whose client is R2, a relay of the second, and the other way round: what mobility
    // lets a client arrange.
    let mut first = Desk::new(config());
    let mut other = config();
    let second_listener = address("203.0.113.2:3478");
    other.relays[0].bind = second_listener.ip();
    other.relays[0].public = second_listener.ip();
    other.listeners = vec![second_listener];
    let mut second = Desk::new(other);
    let mut at_second = Caller::new(
        net::Path::udp(second_listener, address("198.51.100.7:700")),
        "alice",
    );
    let answer = at_second.ask(&mut second, Method::ALLOCATE, |it| {
        it.requested_transport(17).mobility_ticket(&[]);
    });
    let r2 = answer.relayed()[0];
    let ticket = answer.message().mobility_ticket().unwrap().to_vec();
    assert_eq!(at_second.permit(&mut second, listener()), 0);
    let mut at_first = Caller::new(net::Path::udp(listener(), r2), "alice");
    let r1 = at_first.allocate(&mut first);
    assert_eq!(at_first.permit(&mut first, second_listener), 0);
    // Now the client of R2 moves to R1.
    let mut moved = Caller::new(net::Path::udp(second_listener, r1), "alice");
    let answer = moved.ask(&mut second, Method::REFRESH, |it| {
        it.mobility_ticket(&ticket);
    });
    assert_eq!(answer.code, 0);
    at_first.permit(&mut first, peer(1));
    // A peer says one word.
    let mut wave = first.peer_says(r1, peer(1), b"hello");
    let mut turns = 0;
    while let Some((to, bytes)) = wave.pop() {
        turns += 1;
        assert!(turns < 3_000, "it goes on for ever");
        assert!(wave.is_empty(), "one became more");
        wave = match to {
            Destination::Client(path) if path.remote == r2 => {
                second.peer_says(r2, listener(), &bytes)
            }
            Destination::Client(path) if path.remote == r1 => {
                first.peer_says(r1, second_listener, &bytes)
            }
            _ => Vec::new(),
        };
    }
    assert!(turns > 2, "the loop was not made");
}

#[test]
fn relaying_allocates_nothing() {
    let (mut desk, mut alice, relayed) = allocated(config());
    alice.bind(&mut desk, 0x4000, peer(1));
    alice.permit(&mut desk, peer(2));
    let relay = desk.relays[&relayed];
    let on_channel = channel_data(0x4000, &[7; 1_200]);
    let indicated = indication(|it| {
        it.xor_peer_address(peer(2)).data(&[7; 1_200]);
    });
    let mut received = [0; 2_000];
    let mut out = Vec::with_capacity(4_000);
    let mut round = |desk: &mut Desk| {
        let mut count = 0;
        for message in [&on_channel, &indicated] {
            received[..message.len()].copy_from_slice(message);
            let datagram = net::Datagram::new(alice.path, &mut received[..message.len()]);
            desk.server.handle_datagram_with(desk.now, datagram, |it| {
                out.clear();
                it.append(&mut out);
                count += 1;
            });
        }
        for from in [peer(1), peer(2)] {
            let from = (from, net::Ecn::NotEct);
            desk.server
                .handle_relayed_with(desk.now, relay, from, &[7; 1_200], |it| {
                    out.clear();
                    it.append(&mut out);
                    count += 1;
                });
        }
        count
    };
    assert_eq!(round(&mut desk), 4);
    let heap = allocation_counter::measure(|| assert_eq!(round(&mut desk), 4));
    assert_eq!(heap.count_total, 0);
}

/// U-27: what expires is looked at once, and nothing else is.
#[test]
fn permissions_expire_in_as_many_looks_as_there_are_allocations() {
    let limits = Limits {
        allocations_per_user: 10_000,
        ..Limits::default()
    };
    let mut desk = Desk::new(Config { limits, ..config() });
    let mut callers = Vec::new();
    for number in 0..200_u32 {
        let remote = SocketAddr::from(([198, 51, number.to_be_bytes()[3], 1], 1_000));
        let mut caller = Caller::new(net::Path::udp(listener(), remote), "alice");
        caller.allocate(&mut desk);
        for batch in 0..2_u8 {
            caller.ask(&mut desk, Method::CREATE_PERMISSION, |it| {
                for last in 0..25 {
                    it.xor_peer_address(([8, 8, batch, last], 9).into());
                }
            });
        }
        callers.push(caller);
    }
    // 10,000 here; the benchmark has the other nine tenths.
    let mut looks = 0;
    let end = desk.now + seconds(301);
    while let Some(at) = desk.server.poll_timeout().filter(|at| *at <= end) {
        desk.server.handle_timeout(at);
        looks += 1;
    }
    assert!(looks <= 200, "{looks}");
    assert_eq!(desk.allocations(), 200);
}
