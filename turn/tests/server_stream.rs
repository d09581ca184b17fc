//! The server: clients on streams, TCP relays (RFC 6062), and clients that move (RFC 8016).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use std::net::SocketAddr;

use avocet_turn::server::{Config, ConnectionId, Destination, Event, Limits, Rate, shard_of};
use desk::*;
use net::Path;
use stun::{Message, Method};

fn opened(config: Config, number: u8, name: &str) -> (Desk, Caller) {
    let mut desk = Desk::new(config);
    let caller = Caller::new(stream(number), name);
    desk.server.on_stream_opened(desk.now, caller.path);
    (desk, caller)
}

fn closed(desk: &Desk, path: Path) -> bool {
    desk.events.contains(&Event::CloseStream { path })
}

#[test]
fn frames_of_a_stream_come_cut_in_any_way_and_go_out_padded() {
    let (mut desk, mut alice) = opened(config(), 1, "alice");
    let relayed = alice.allocate(&mut desk);
    alice.bind(&mut desk, 0x4000, peer(1));
    let mut bytes = channel_data(0x4000, b"hello");
    bytes.extend_from_slice(&[0; 3]);
    bytes.extend(channel_data(0x4000, b"four"));
    for step in 1..bytes.len() {
        let sent: Vec<Sent> = bytes
            .chunks(step)
            .flat_map(|piece| desk.give(alice.path, piece))
            .collect();
        let payloads: Vec<&[u8]> = sent.iter().map(|(_, bytes)| &bytes[..]).collect();
        assert_eq!(payloads, [&b"hello"[..], b"four"], "in steps of {step}");
    }
    let sent = desk.peer_says(relayed, peer(1), b"hello");
    let mut expected = channel_data(0x4000, b"hello");
    expected.extend_from_slice(&[0; 3]);
    assert_eq!(sent, [(Destination::Client(alice.path), expected)]);
}

/// U-16, T-05: slow-loris.
#[test]
fn t_05_a_stream_without_an_allocation_is_closed_after_twenty_seconds() {
    let (mut desk, alice) = opened(config(), 1, "alice");
    // The beginning of a frame of 65,535 bytes, one byte a second.
    let mut frame = channel_data(0x4000, &[0; 65_535]).into_iter();
    for _ in 0..19 {
        assert!(desk.give(alice.path, &[frame.next().unwrap()]).is_empty());
        desk.wait(seconds(1));
        assert!(!closed(&desk, alice.path));
    }
    desk.wait(seconds(1));
    assert!(closed(&desk, alice.path));
    assert_eq!(desk.server.stats().streams, 0);
    assert!(desk.give(alice.path, &[0; 100]).is_empty());
    assert_eq!(desk.server.poll_timeout(), None);
}

#[test]
fn a_stream_with_an_allocation_stays_and_gets_time_again_when_that_ends() {
    let (mut desk, mut alice) = opened(config(), 1, "alice");
    alice.allocate(&mut desk);
    desk.wait(seconds(500));
    assert!(!closed(&desk, alice.path));
    alice.refresh(&mut desk, Some(0));
    desk.wait(seconds(19));
    assert!(!closed(&desk, alice.path));
    desk.wait(seconds(1));
    assert!(closed(&desk, alice.path));
}

/// T-05
#[test]
fn t_05_a_stream_out_of_step_is_closed_with_its_allocation() {
    let (mut desk, mut alice) = opened(config(), 1, "alice");
    alice.allocate(&mut desk);
    desk.give(alice.path, b"POST / HTTP/1.1\r\n\r\n");
    assert!(closed(&desk, alice.path));
    assert_eq!((desk.allocations(), desk.relays.len()), (0, 0));
}

#[test]
fn a_stream_that_ends_takes_its_allocation_along_and_too_many_are_not_let_in() {
    let limits = Limits {
        streams: 2,
        ..Limits::default()
    };
    let (mut desk, mut alice) = opened(Config { limits, ..config() }, 1, "alice");
    alice.allocate(&mut desk);
    desk.server.on_stream_opened(desk.now, stream(2));
    desk.server.on_stream_opened(desk.now, stream(3));
    let mut sent = Vec::new();
    desk.settle(&mut sent);
    assert!(closed(&desk, stream(3)) && !closed(&desk, stream(2)));
    desk.server.on_stream_closed(desk.now, alice.path);
    desk.settle(&mut sent);
    assert_eq!((desk.allocations(), desk.relays.len()), (0, 0));
}

/// A client with a TCP relay.
fn with_tcp_relay() -> (Desk, Caller, SocketAddr) {
    let (mut desk, mut alice) = opened(config(), 1, "alice");
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(6);
    });
    assert_eq!(answer.code, 0);
    let relayed = answer.relayed()[0];
    (desk, alice, relayed)
}

fn connect(desk: &mut Desk, alice: &mut Caller, peer: SocketAddr) -> (ConnectionId, Vec<u8>) {
    let request = alice.build(Method::CONNECT, |it| {
        it.xor_peer_address(peer);
    });
    assert!(
        alice.ask_once(desk, &request).is_none(),
        "not before it is connected"
    );
    let Some(Event::ConnectPeer { connection, .. }) = desk.events.last().copied() else {
        panic!("nothing to connect");
    };
    (connection, request)
}

fn answers(desk: &mut Desk) -> Vec<(u16, Option<u32>)> {
    let mut sent = Vec::new();
    desk.settle(&mut sent);
    let read = |(_, bytes): &Sent| {
        let message = Message::decode(bytes).unwrap();
        let code = message.error_code().unwrap().map_or(0, |code| code.get());
        (code, message.connection_id().unwrap())
    };
    sent.iter().map(read).collect()
}

fn join(desk: &mut Desk, number: u8, name: &str, id: u32) -> (Caller, u16) {
    let mut data = Caller::new(stream(number), name);
    desk.server.on_stream_opened(desk.now, data.path);
    let answer = data.ask(desk, Method::CONNECTION_BIND, |it| {
        it.connection_id(id);
    });
    (data, answer.code)
}

/// U-19
#[test]
fn a_client_connects_to_a_peer_and_gets_its_bytes_on_another_stream() {
    let (mut desk, mut alice, _) = with_tcp_relay();
    let (connection, _) = connect(&mut desk, &mut alice, peer(1));
    let twice = alice.ask(&mut desk, Method::CONNECT, |it| {
        it.xor_peer_address(peer(1));
    });
    assert_eq!(twice.code, 446);
    desk.server.on_peer_connected(desk.now, connection, true);
    let id = connection.get();
    assert_eq!(answers(&mut desk), [(0, Some(id))]);
    // One pending id, one owner.
    assert_eq!(join(&mut desk, 2, "bob", id).1, 441);
    assert_eq!(join(&mut desk, 3, "alice", id ^ 1).1, 400);
    let (data, code) = join(&mut desk, 4, "alice", id);
    assert_eq!(code, 0);
    let path = data.path;
    assert!(desk.events.contains(&Event::Join { connection, path }));
    assert_eq!(join(&mut desk, 5, "alice", id).1, 400, "it is taken");
    desk.wait(seconds(100));
    assert!(!closed(&desk, path));
    // The peer hangs up.
    desk.server.on_connection_closed(desk.now, connection);
    desk.settle(&mut Vec::new());
    assert!(closed(&desk, path));
    let (again, _) = connect(&mut desk, &mut alice, peer(1));
    assert_ne!(again, connection);
}

/// U-19
#[test]
fn a_connection_that_fails_or_takes_too_long_is_447_and_one_that_nobody_wants_is_closed() {
    let (mut desk, mut alice, _) = with_tcp_relay();
    let (connection, _) = connect(&mut desk, &mut alice, peer(1));
    desk.server.on_peer_connected(desk.now, connection, false);
    assert_eq!(answers(&mut desk), [(447, None)]);
    let (connection, _) = connect(&mut desk, &mut alice, peer(2));
    let sent = desk.wait(seconds(30));
    let message = Message::decode(&sent[0].1).unwrap();
    assert_eq!(message.error_code().unwrap().unwrap().get(), 447);
    let close = |connection| Event::CloseConnection { connection };
    assert!(desk.events.contains(&close(connection)));
    desk.server.on_peer_connected(desk.now, connection, true);
    assert!(answers(&mut desk).is_empty());
    let (connection, _) = connect(&mut desk, &mut alice, peer(3));
    desk.wait(seconds(20));
    desk.server.on_peer_connected(desk.now, connection, true);
    desk.wait(seconds(29));
    assert!(!desk.events.contains(&close(connection)));
    desk.wait(seconds(1));
    assert!(desk.events.contains(&close(connection)));
    assert_eq!(join(&mut desk, 2, "alice", connection.get()).1, 400);
}

/// U-19
#[test]
fn a_peer_that_has_permission_may_connect_and_the_client_is_told() {
    let (mut desk, mut alice, relayed) = with_tcp_relay();
    let relay = desk.relays[&relayed];
    assert_eq!(desk.server.on_peer_accepted(desk.now, relay, peer(1)), None);
    alice.permit(&mut desk, peer(1));
    let connection = desk
        .server
        .on_peer_accepted(desk.now, relay, peer(1))
        .unwrap();
    let mut sent = Vec::new();
    desk.settle(&mut sent);
    let message = Message::decode(&sent[0].1).unwrap();
    assert_eq!(message.method(), Method::CONNECTION_ATTEMPT);
    assert_eq!(message.xor_peer_address(), Ok(Some(peer(1))));
    assert_eq!(message.connection_id(), Ok(Some(connection.get())));
    let (data, code) = join(&mut desk, 2, "alice", connection.get());
    assert_eq!(code, 0);
    // The allocation ends, and all with it.
    alice.refresh(&mut desk, Some(0));
    assert!(desk.events.contains(&Event::CloseConnection { connection }));
    assert!(closed(&desk, data.path));
    assert_eq!(desk.relays.len(), 0);
}

/// U-19, T-04
#[test]
fn a_tcp_relay_does_no_datagrams_and_has_a_limit_of_connections() {
    let (mut desk, mut alice, relayed) = with_tcp_relay();
    assert_eq!(alice.bind(&mut desk, 0x4000, peer(1)), 400);
    alice.permit(&mut desk, peer(1));
    assert!(alice.send(&mut desk, peer(1), b"x").is_empty());
    let relay = desk.relays[&relayed];
    for port in 0..16 {
        let mut from = peer(1);
        from.set_port(1_000 + port);
        assert!(
            desk.server
                .on_peer_accepted(desk.now, relay, from)
                .is_some()
        );
    }
    assert_eq!(desk.server.on_peer_accepted(desk.now, relay, peer(1)), None);
    let full = alice.ask(&mut desk, Method::CONNECT, |it| {
        it.xor_peer_address(peer(2));
    });
    assert_eq!(full.code, 508);
    // And a UDP relay does no connections.
    let (mut desk, mut bob, _) = allocated(config());
    let answer = bob.ask(&mut desk, Method::CONNECT, |it| {
        it.xor_peer_address(peer(2));
    });
    assert_eq!(answer.code, 400);
}

/// U-7
#[test]
fn the_bytes_of_a_connection_are_held_to_the_bandwidth() {
    let rate = Rate {
        per_second: 100_000,
        burst: 100_000,
    };
    let limits = Limits {
        user_rate: Some(rate),
        ..Limits::default()
    };
    let (mut desk, mut alice) = opened(Config { limits, ..config() }, 1, "alice");
    alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(6);
    });
    let (connection, _) = connect(&mut desk, &mut alice, peer(1));
    desk.server.on_peer_connected(desk.now, connection, true);
    let mut wait = |bytes| {
        desk.server
            .on_joined_data(desk.now, connection, true, bytes)
    };
    assert_eq!(wait(100_000), seconds(0));
    assert_eq!(wait(50_000).as_millis(), 500);
}

/// U-20
#[test]
fn a_client_takes_its_allocation_to_another_address_with_a_ticket() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(17).mobility_ticket(&[]);
    });
    let relayed = answer.relayed()[0];
    let ticket = answer.message().mobility_ticket().unwrap().to_vec();
    alice.bind(&mut desk, 0x4000, peer(1));
    let take = |caller: &mut Caller, desk: &mut Desk, ticket: &[u8]| {
        caller.ask(desk, Method::REFRESH, |it| {
            it.mobility_ticket(ticket);
        })
    };
    // It is bound to the user.
    let mut bob = Caller::new(client(2), "bob");
    assert_eq!(take(&mut bob, &mut desk, &ticket).code, 441);
    let mut guess = ticket.clone();
    guess[5] ^= 1;
    let mut moved = Caller::new(client(3), "alice");
    assert_eq!(take(&mut moved, &mut desk, &guess).code, 400);
    assert_eq!(take(&mut moved, &mut desk, &ticket[..16]).code, 400);
    let answer = take(&mut moved, &mut desk, &ticket);
    assert_eq!(answer.code, 0);
    let next = answer.message().mobility_ticket().unwrap().to_vec();
    assert_ne!(next, ticket);
    let sent = desk.peer_says(relayed, peer(1), b"x");
    assert_eq!(sent[0].0, Destination::Client(moved.path));
    assert!(alice.channel(&mut desk, 0x4000, b"x").is_empty());
    assert_eq!(moved.channel(&mut desk, 0x4000, b"x").len(), 1);
    // The answer was lost, and the same request comes again from where the allocation is now.
    let again = moved.build_again(Method::REFRESH, |it| {
        it.mobility_ticket(&ticket);
    });
    let answer = moved.ask_once(&mut desk, &again).unwrap();
    assert_eq!(answer.message().mobility_ticket(), Some(&next[..]));
    // A ticket opens once.
    let mut thief = Caller::new(client(4), "alice");
    assert_eq!(take(&mut thief, &mut desk, &ticket).code, 400);
    assert_eq!(desk.allocations(), 1);
}

/// U-20
#[test]
fn an_allocation_with_a_ticket_survives_its_stream() {
    let (mut desk, mut alice) = opened(config(), 1, "alice");
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(17).mobility_ticket(&[]);
    });
    let ticket = answer.message().mobility_ticket().unwrap().to_vec();
    desk.server.on_stream_closed(desk.now, alice.path);
    assert_eq!(desk.allocations(), 1);
    let mut moved = Caller::new(client(2), "alice");
    let answer = moved.ask(&mut desk, Method::REFRESH, |it| {
        it.mobility_ticket(&ticket);
    });
    assert_eq!(answer.code, 0);
}

/// U-20: 405 of RFC 8016 §3.5.
#[test]
fn where_mobility_is_off_tickets_are_forbidden() {
    let mut desk = Desk::new(Config {
        mobility: false,
        ..config()
    });
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(17).mobility_ticket(&[]);
    });
    assert_eq!(answer.code, 405);
    let answer = alice.ask(&mut desk, Method::REFRESH, |it| {
        it.mobility_ticket(&[1; 17]);
    });
    assert_eq!(answer.code, 405);
}

#[test]
fn what_a_client_brings_back_says_which_shard_it_is_from() {
    let mut desk = Desk::new(Config {
        shard: 5,
        ..config()
    });
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(17)
            .even_port(true)
            .mobility_ticket(&[]);
    });
    let ticket = answer.message().mobility_ticket().unwrap().to_vec();
    let token = answer.message().reservation_token().unwrap().unwrap();
    let refresh = alice.build(Method::REFRESH, |it| {
        it.mobility_ticket(&ticket);
    });
    assert_eq!(shard_of(&refresh), Some(5));
    let allocate = alice.build(Method::ALLOCATE, |it| {
        it.requested_transport(17).reservation_token(token);
    });
    assert_eq!(shard_of(&allocate), Some(5));
    let plain = alice.build(Method::ALLOCATE, |it| {
        it.requested_transport(17);
    });
    assert_eq!(shard_of(&plain), None);
    assert_eq!(shard_of(&channel_data(0x4000, b"x")), None);
    assert_eq!(shard_of(&[]), None);
}
