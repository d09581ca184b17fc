//! TCP allocations (RFC 6062): connections to peers and from peers, each bound on a stream of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use avocet_turn::{
    AllocateError, Allocation, BindError, ConnectError, ConnectionId, DataConnection, DataState,
    Event, Initiator, OpenError, Refusal, SendError,
};
use net::{Datagram, Path, StreamId, Transport};
use netsim::{ADDRESS_A, ADDRESS_B, Pair, Profile};
use stun::{Class, ErrorCode, Message, MessageBuilder, Method};
use support::*;

fn stream(id: u64) -> Path {
    Path {
        local: ADDRESS_A,
        remote: ADDRESS_B,
        transport: Transport::Stream(StreamId::new(id)),
    }
}

/// A client with a TCP allocation.
fn allocated_for_tcp(seed: u64) -> Relayed {
    let mut config = config(seed);
    config.allocation = Allocation::Tcp;
    let mut host = Host::new(config);
    let refused = host.client.allocate(path());
    assert_eq!(refused, Err(AllocateError::Datagrams));
    host.client.allocate(stream(0)).unwrap();
    let mut pair = Pair::on(Profile::Clean, seed, host, Server::new(Habits::default()));
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    pair
}

/// What the client was told of connections.
fn ready(pair: &Relayed) -> Vec<(SocketAddr, ConnectionId, Initiator)> {
    let events = pair.a().events.iter();
    events
        .filter_map(|event| match event {
            Event::ConnectionReady {
                peer,
                id,
                initiator,
            } => Some((*peer, *id, *initiator)),
            _ => None,
        })
        .collect()
}

/// What the server answers to the last request of a connection.
fn answer(
    connection: &mut DataConnection,
    write: impl FnOnce(&mut MessageBuilder<'_>),
    class: Class,
) -> Vec<u8> {
    let mut request = Vec::new();
    let sent = connection.poll_transmit(&mut request).unwrap();
    assert_eq!(sent.path, stream(1));
    assert!(connection.poll_transmit(&mut Vec::new()).is_none());
    let request = Message::decode(&request).unwrap();
    assert_eq!(request.method(), Method::CONNECTION_BIND);
    assert_eq!(request.connection_id(), Ok(Some(FIRST_CONNECTION)));
    assert!(request.verify_integrity(&key()));
    let mut buf = Vec::new();
    let mut message = MessageBuilder::response_to(&mut buf, class, &request);
    write(&mut message);
    message.integrity(&key()).finish().unwrap();
    buf
}

fn opened(pair: &mut Relayed) -> DataConnection {
    pair.a_mut().client.connect(peer(1)).unwrap();
    pair.run_for(Duration::from_secs(1));
    let (peer_address, id, initiator) = ready(pair)[0];
    assert_eq!((peer_address, initiator), (peer(1), Initiator::Local));
    let refused = pair.a_mut().client.open(id, path());
    assert_eq!(refused.unwrap_err(), OpenError::Datagrams);
    pair.a_mut().client.open(id, stream(1)).unwrap()
}

fn read(connection: &mut DataConnection, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut heard = Vec::new();
    let datagram = Datagram::new(stream(1), &mut bytes);
    connection.handle_datagram_with(datagram, |data| heard.extend_from_slice(data));
    heard
}

#[test]
fn a_connection_is_bound_and_then_the_peers() {
    // However the stream is cut, and with the peer's first words behind the answer.
    for piece in [1, 3, 7, 20, 1_000] {
        let mut pair = allocated_for_tcp(1);
        let mut connection = opened(&mut pair);
        let mut bytes = answer(&mut connection, |_| {}, Class::Success);
        bytes.extend_from_slice(b"\x40\x00hello");
        let mut heard = Vec::new();
        for chunk in bytes.chunks(piece) {
            heard.extend(read(&mut connection, chunk.to_vec()));
        }
        assert_eq!(connection.state(), DataState::Bound);
        assert_eq!(heard, b"\x40\x00hello");
        assert_eq!(read(&mut connection, b"more".to_vec()), b"more");
    }
}

#[test]
fn a_stale_nonce_is_answered_and_a_refusal_told() {
    let mut pair = allocated_for_tcp(2);
    let mut connection = opened(&mut pair);
    for _ in 0..3 {
        let write = |message: &mut MessageBuilder<'_>| {
            message.error_code(438).realm(REALM).nonce("fresh");
        };
        let bytes = answer(&mut connection, write, Class::Error);
        assert!(read(&mut connection, bytes).is_empty());
        assert_eq!(connection.state(), DataState::Binding);
    }
    let write = |message: &mut MessageBuilder<'_>| {
        message.error_code(400);
    };
    let bytes = answer(&mut connection, write, Class::Error);
    read(&mut connection, bytes);
    let refusal = Refusal::Code(ErrorCode::BAD_REQUEST);
    assert_eq!(connection.state(), DataState::Failed(refusal));
}

#[test]
fn what_is_no_answer_or_a_forged_one_ends_the_connection() {
    let mut pair = allocated_for_tcp(3);
    let connection = opened(&mut pair);
    let id = ready(&pair)[0].1;
    drop(connection);
    let forged = |connection: &mut DataConnection| {
        let mut request = Vec::new();
        connection.poll_transmit(&mut request).unwrap();
        let request = Message::decode(&request).unwrap();
        let mut buf = Vec::new();
        let message = MessageBuilder::response_to(&mut buf, Class::Success, &request);
        message.finish().unwrap();
        buf
    };
    for noise in [b"HTTP/1.1 400 Bad Request".to_vec(), vec![0; 4_000]] {
        let mut connection = pair.a_mut().client.open(id, stream(1)).unwrap();
        assert!(read(&mut connection, noise).is_empty());
        assert!(matches!(connection.state(), DataState::Failed(_)));
    }
    let mut connection = pair.a_mut().client.open(id, stream(1)).unwrap();
    let bytes = forged(&mut connection);
    read(&mut connection, bytes);
    assert!(matches!(connection.state(), DataState::Failed(_)));
}

#[test]
fn a_peer_that_connects_is_told_of_when_it_may() {
    let mut pair = allocated_for_tcp(4);
    pair.b_mut().connect_from(stream(0), peer(1));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(ready(&pair), []);
    assert_eq!(pair.a().client.stats().drops.no_permission, 1);
    pair.a_mut().client.create_permission(peer(1).ip()).unwrap();
    pair.run_for(Duration::from_secs(1));
    pair.b_mut().connect_from(stream(0), peer(1));
    pair.run_for(Duration::from_secs(1));
    let told = ready(&pair);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, told[0].2), (peer(1), Initiator::Remote));
}

#[test]
fn a_peer_that_cannot_be_reached_is_told_of_and_may_be_tried_again() {
    let mut pair = allocated_for_tcp(5);
    pair.b_mut().habits.forbidden = vec![peer(2).ip()];
    for _ in 0..2 {
        pair.a_mut().client.connect(peer(2)).unwrap();
        let twice = pair.a_mut().client.connect(peer(2));
        assert_eq!(twice, Err(ConnectError::AlreadyAsked));
        pair.run_for(Duration::from_secs(1));
    }
    let refused = Event::ConnectRefused(
        peer(2),
        Refusal::Code(ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE),
    );
    assert_eq!(pair.a().count(|event| *event == refused), 2);
}

#[test]
fn streams_and_datagrams_do_not_mix() {
    let mut pair = allocated_for_tcp(6);
    let client = &mut pair.a_mut().client;
    assert_eq!(client.bind_channel(peer(1)), Err(BindError::Streams));
    let begun = client.begin(&mut Vec::new(), peer(1));
    assert_eq!(begun.unwrap_err(), SendError::Streams);
    let mut pair = allocated(Habits::default());
    let client = &mut pair.a_mut().client;
    assert_eq!(client.connect(peer(1)), Err(ConnectError::Datagrams));
}
