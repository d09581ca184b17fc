//! The server: what those get who have not proved who they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use std::net::SocketAddr;

use avocet_turn::server::{Config, Destination, Discovery};
use desk::*;
use net::{Datagram, Path};
use stun::{AttributeType, ChangeRequest, Class, Message, MessageBuilder, Method, TransactionId};

fn request(method: Method, fill: impl Fn(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let id = TransactionId::new([3; 12]);
    let mut builder = MessageBuilder::new(&mut bytes, Class::Request, method, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}

#[test]
fn a_binding_request_is_answered_with_the_address_and_nothing_else() {
    let mut desk = Desk::new(config());
    let bytes = request(Method::BINDING, |_| {});
    let sent = desk.give(client(1), &bytes);
    let answer = Message::decode(&sent[0].1).unwrap();
    assert_eq!(answer.class(), Class::Success);
    assert_eq!(answer.xor_mapped_address(), Ok(Some(client(1).remote)));
    // S-18: at most 24 bytes more than what was asked; here twelve.
    assert_eq!(sent[0].1.len(), bytes.len() + 12);
    let sent = desk.give(
        client(1),
        &request(Method::BINDING, |it| {
            it.attribute(AttributeType(0x0003), &[0; 4]);
        }),
    );
    let answer = Message::decode(&sent[0].1).unwrap();
    assert_eq!(answer.error_code().unwrap().unwrap().get(), 420);
}

/// A challenge is as short as RFC 8489 §9.2.4 lets it be: realm and nonce must be in it.
#[test]
fn a_challenge_is_at_most_three_times_what_was_asked() {
    for sha256 in [true, false] {
        let mut desk = Desk::new(Config { sha256, ..config() });
        let bytes = request(Method::ALLOCATE, |it| {
            it.requested_transport(17);
        });
        let length = desk.give(client(1), &bytes)[0].1.len();
        assert!(length <= 108, "{length}");
        assert_eq!(length, if sha256 { 92 } else { 64 });
    }
}

/// S-19, U-3: 100,000 Allocates from as many sources without valid integrity.
#[test]
fn s_19_a_hundred_thousand_allocates_without_integrity_leave_nothing_behind() {
    let mut desk = Desk::new(config());
    let plain = request(Method::ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let mut mallory = Caller::with(
        client(1),
        stun::LongTermCredentials::new("alice", "guess").unwrap(),
    );
    mallory.ask(&mut desk, Method::REFRESH, |_| {});
    let forged = mallory.build(Method::ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let (mut asked, mut said, mut out) = (0, 0, Vec::with_capacity(4_096));
    let mut flood = |desk: &mut Desk, from: u32, to: u32| {
        for number in from..to {
            let [a, b, c, d] = number.wrapping_mul(2_654_435_761).to_be_bytes();
            let remote = SocketAddr::from(([a, b, c, d], 1_000 + (number % 60_000) as u16));
            let mut bytes = [0; 256];
            let message = if number % 8 != 0 { &plain } else { &forged };
            bytes[..message.len()].copy_from_slice(message);
            let datagram =
                Datagram::new(Path::udp(listener(), remote), &mut bytes[..message.len()]);
            desk.server
                .handle_datagram_with(desk.now, datagram, |_| panic!("relayed"));
            asked += message.len();
            while desk.server.poll_transmit(desk.now, &mut out).is_some() {
                said += out.len();
                out.clear();
            }
        }
    };
    // What is used again and again is there after the first.
    flood(&mut desk, 0, 1_000);
    let heap = allocation_counter::measure(|| flood(&mut desk, 1_000, 101_000));
    assert_eq!(heap.bytes_current, 0, "the heap grew");
    assert!(said <= asked * 3 / 2 + 100_000, "{said} for {asked}");
    let stats = desk.server.stats();
    assert_eq!((stats.allocations, desk.events.len()), (0, 0));
    assert!(stats.drops.strangers > 10_000);
    assert_eq!(desk.server.poll_timeout(), None);
}

#[test]
fn whoever_is_known_is_served_while_strangers_flood() {
    let (mut desk, mut alice, _) = allocated(config());
    let plain = request(Method::ALLOCATE, |it| {
        it.requested_transport(17);
    });
    for number in 0..10_000_u32 {
        let remote = SocketAddr::from((number.to_be_bytes(), 1_000));
        desk.give(Path::udp(listener(), remote), &plain);
    }
    assert_eq!(alice.permit(&mut desk, peer(1)), 0);
    assert_eq!(alice.refresh(&mut desk, None).code, 0);
}

#[test]
fn noise_is_dropped_and_counted() {
    let (mut desk, alice, _) = allocated(config());
    for bytes in [
        &[][..],
        &[0xff; 100],
        &[22, 254, 253, 0, 0],
        &[0; 20],
        &[0x40, 0, 0, 5, 1],
        &[0x50, 0, 0, 0],
    ] {
        assert!(desk.give(alice.path, bytes).is_empty());
    }
    // Responses, and requests of methods that nobody knows.
    let mut bytes = Vec::new();
    let id = TransactionId::new([1; 12]);
    MessageBuilder::new(&mut bytes, Class::Success, Method::ALLOCATE, id)
        .finish()
        .unwrap();
    assert!(desk.give(alice.path, &bytes).is_empty());
    assert!(
        desk.give(alice.path, &request(Method::new(0x123), |_| {}))
            .is_empty()
    );
    assert_eq!(desk.server.stats().drops.malformed, 8);
    // Data without an allocation.
    assert!(desk.give(client(9), &channel_data(0x4000, b"x")).is_empty());
    let data = indication(|it| {
        it.xor_peer_address(peer(1)).data(b"x");
    });
    assert!(desk.give(client(9), &data).is_empty());
    assert_eq!(desk.server.stats().drops.no_allocation, 2);
}

#[test]
fn a_request_that_lacks_half_of_its_credentials_is_a_bad_request() {
    let mut desk = Desk::new(config());
    let key = stun::IntegrityKey::new(b"any");
    let mut bytes = Vec::new();
    let id = TransactionId::new([1; 12]);
    let mut builder = MessageBuilder::new(&mut bytes, Class::Request, Method::ALLOCATE, id);
    builder.username("alice").realm(REALM);
    builder.integrity(&key).finish().unwrap();
    let sent = desk.give(client(1), &bytes);
    let answer = Message::decode(&sent[0].1).unwrap();
    assert_eq!(answer.error_code().unwrap().unwrap().get(), 400);
}

/// The four combinations of RFC 5780 §6.1, asked from each.
#[test]
fn a_server_with_two_addresses_answers_from_where_it_is_asked_to() {
    let mut config = config();
    let [a, b] = ["203.0.113.1:3478", "203.0.113.2:3479"].map(address);
    config.discovery = Some(Discovery {
        primary: a,
        alternate: b,
    });
    let mut desk = Desk::new(config);
    for (ip, port) in [(false, false), (true, false), (false, true), (true, true)] {
        let bytes = request(Method::BINDING, |it| {
            it.change_request(ChangeRequest { ip, port });
        });
        let sent = desk.give(client(1), &bytes);
        let Destination::Client(path) = sent[0].0 else {
            panic!("to a peer");
        };
        let from = SocketAddr::new(
            if ip { b.ip() } else { a.ip() },
            if port { b.port() } else { a.port() },
        );
        assert_eq!((path.local, path.remote), (from, client(1).remote));
        let answer = Message::decode(&sent[0].1).unwrap();
        assert_eq!(answer.response_origin(), Ok(Some(from)));
        assert_eq!(answer.other_address(), Ok(Some(b)));
        assert_eq!(answer.mapped_address(), Ok(Some(client(1).remote)));
    }
    // Padding comes back, no more of it than was sent, and never with another port.
    for (asked, given) in [(0, 0), (100, 100), (1_500, 1_500), (9_000, 1_500)] {
        let bytes = request(Method::BINDING, |it| {
            it.padding(asked);
        });
        let sent = desk.give(client(1), &bytes);
        let answer = Message::decode(&sent[0].1).unwrap();
        let padding = answer.attribute(AttributeType::PADDING).unwrap();
        assert_eq!(padding.len(), given);
    }
    let bytes = request(Method::BINDING, |it| {
        it.padding(100).response_port(777);
    });
    let sent = desk.give(client(1), &bytes);
    let answer = Message::decode(&sent[0].1).unwrap();
    assert_eq!(answer.error_code().unwrap().unwrap().get(), 400);
    let bytes = request(Method::BINDING, |it| {
        it.response_port(777);
    });
    let sent = desk.give(client(1), &bytes);
    let Destination::Client(path) = sent[0].0 else {
        panic!("to a peer");
    };
    assert_eq!(path.remote.port(), 777);
}

/// Whoever has recorded what a client said, and says it again: from elsewhere it is worth nothing, from the same address it does
/// what it did and no more.
#[test]
fn what_is_replayed_from_elsewhere_is_refused_and_from_there_does_nothing_new() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    alice.allocate(&mut desk);
    let requests = [
        alice.build(Method::CREATE_PERMISSION, |it| {
            it.xor_peer_address(peer(1));
        }),
        alice.build(Method::CHANNEL_BIND, |it| {
            it.channel_number(0x4000).xor_peer_address(peer(1));
        }),
        alice.build(Method::REFRESH, |it| {
            it.lifetime(seconds(0));
        }),
        alice.build(Method::ALLOCATE, |it| {
            it.requested_transport(17);
        }),
    ];
    // The nonce is for alice's address: wherever else it is said there is a new one, and no allocation.
    for request in &requests {
        let sent = desk.give(client(2), request);
        let answer = Message::decode(&sent[0].1).unwrap();
        assert_eq!(answer.error_code().unwrap().unwrap().get(), 438);
    }
    assert_eq!(desk.allocations(), 1);
    assert!(alice.send(&mut desk, peer(1), b"x").is_empty());
    let codes = |desk: &mut Desk, alice: &Caller| {
        requests
            .each_ref()
            .map(|it| alice.ask_once(desk, it).unwrap().code)
    };
    assert_eq!(codes(&mut desk, &alice), [0, 0, 0, 0]);
    // The allocation that the last one made is not the one of before: no permission, no channel.
    assert!(alice.send(&mut desk, peer(1), b"x").is_empty());
    assert!(alice.channel(&mut desk, 0x4000, b"x").is_empty());
    // The same once more, and when the nonce has ended nothing at all.
    assert_eq!(codes(&mut desk, &alice), [0, 0, 0, 0]);
    assert_eq!(desk.allocations(), 1);
    desk.wait(seconds(3_601));
    assert_eq!(codes(&mut desk, &alice), [438, 438, 438, 438]);
    assert_eq!(desk.allocations(), 0);
}
