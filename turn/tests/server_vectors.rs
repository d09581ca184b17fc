//! Every hand-made message of `testdata/turn` against the server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use avocet_turn::server::Destination;
use desk::*;
use serde_json::Value;
use stun::{AttributeType, Class, Message, MessageBuilder, Method};

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The message as its author would have sent it to this server: the nonce is the server's, and the signature fits it.
fn signed_anew(original: &Message<'_>, alice: &mut Caller) -> Vec<u8> {
    let fill = |it: &mut MessageBuilder<'_>| {
        for attribute in original.attributes() {
            if !matches!(
                attribute.kind,
                AttributeType::USERNAME
                    | AttributeType::REALM
                    | AttributeType::NONCE
                    | AttributeType::MESSAGE_INTEGRITY
                    | AttributeType::FINGERPRINT
            ) {
                // Addresses are masked with the transaction id.
                if attribute.kind != AttributeType::XOR_PEER_ADDRESS {
                    it.attribute(attribute.kind, attribute.value);
                }
            }
        }
        for peer in original.xor_peer_addresses() {
            it.xor_peer_address(peer.unwrap());
        }
    };
    alice.build(original.method(), fill)
}

/// A desk where alice has an allocation of both families, and the credentials of the file.
fn ready() -> (Desk, Caller, std::net::SocketAddr) {
    let mut config = config();
    let alice = stun::LongTermCredentials::new("alice", "secret").unwrap();
    config.credentials.users = vec![alice.clone()];
    let mut desk = Desk::new(config);
    let mut alice = Caller::with(client(1), alice);
    let answer = alice.ask(&mut desk, Method::ALLOCATE, |it| {
        it.requested_transport(17)
            .additional_address_family(stun::AddressFamily::V6);
    });
    let relayed = answer.relayed()[0];
    (desk, alice, relayed)
}

#[test]
fn every_hand_made_message_gets_what_it_deserves() {
    let file: Value =
        serde_json::from_str(include_str!("../../testdata/turn/messages.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 48);
    for case in cases {
        let (name, expect) = (
            case["name"].as_str().unwrap(),
            case["expect"].as_str().unwrap(),
        );
        let bytes = unhex(case["hex"].as_str().unwrap());
        match Message::decode(&bytes) {
            Ok(message) if message.class() == Class::Request => request(name, expect, &message),
            Ok(message) => indication(name, &message),
            Err(_) => channel(name, &bytes),
        }
    }
}

fn request(name: &str, expect: &str, message: &Message<'_>) {
    let (mut desk, mut alice, relayed) = ready();
    // As it stands its nonce is not ours.
    let given = desk.give(client(9), message.bytes());
    let answer = Message::decode(&given[0].1).unwrap();
    let code = answer.error_code().unwrap().unwrap().get();
    if !message.has_integrity() {
        assert_eq!((code, name), (401, "Allocate without credentials"));
        assert!(answer.realm().unwrap().is_some() && answer.nonce().unwrap().is_some());
        assert!(given[0].1.len() <= 3 * message.bytes().len());
        assert_eq!(desk.allocations(), 1);
        return;
    }
    assert_eq!(code, 438, "{name}: {expect}");
    assert!(answer.nonce().unwrap().is_some());
    // An Allocate is for a client that has none.
    if message.method() == Method::ALLOCATE {
        alice.path = client(2);
        alice.challenge = None;
        alice.ask(&mut desk, Method::REFRESH, |_| {});
    }
    let request = signed_anew(message, &mut alice);
    let answer = alice.ask_once(&mut desk, &request).unwrap();
    let expected = expect.get(..3).and_then(|it| it.parse().ok()).unwrap_or(0);
    match expected {
        438 => {}
        code => assert_eq!(answer.code, code, "{name}: {expect}"),
    }
    if expect.contains("lifetime clamped") {
        assert_eq!(answer.lifetime(), 3_600);
    }
    if expect.contains("deleted") {
        assert_eq!((desk.allocations(), answer.lifetime()), (0, 0));
        return;
    }
    for peer in message.xor_peer_addresses().map(Result::unwrap) {
        let passes = peer.is_ipv4() && !desk.peer_says(relayed, peer, b"x").is_empty();
        assert_eq!(passes, expected == 0, "{name}: {expect}");
    }
}

fn indication(name: &str, message: &Message<'_>) {
    let (mut desk, mut alice, _) = ready();
    let mut peers = message.xor_peer_addresses().map(Result::unwrap);
    let first = peers.next().unwrap();
    assert_eq!(alice.permit(&mut desk, first), 0);
    let sent = desk.give(alice.path, message.bytes());
    if let Some(data) = message.data() {
        let [(Destination::Peer { peer, .. }, bytes)] = &sent[..] else {
            panic!("{name}: {sent:?}");
        };
        assert_eq!((*peer, &bytes[..]), (first, data), "{name}");
        assert_ne!(peers.next(), None);
    } else {
        assert!(sent.is_empty(), "{name}");
    }
}

fn channel(name: &str, bytes: &[u8]) {
    for path in [client(1), stream(1)] {
        let (mut desk, mut alice, _) = ready();
        if path == stream(1) {
            desk.server.on_stream_opened(desk.now, path);
            alice = Caller::with(path, alice.credentials);
            alice.allocate(&mut desk);
        }
        assert_eq!(alice.bind(&mut desk, 0x4000, peer(1)), 0);
        let sent = desk.give(path, bytes);
        let lengths: Vec<usize> = sent.iter().map(|(_, bytes)| bytes.len()).collect();
        let is_udp = path == client(1);
        let expected: &[usize] = match name {
            "ChannelData 0x4000 5 bytes unpadded (UDP)" if is_udp => &[5],
            // On a stream the rest of the frame is still to come.
            "ChannelData 0x4000 5 bytes unpadded (UDP)" => &[],
            "ChannelData padded to 4 (TCP)" => &[5],
            "ChannelData length 0" => &[0],
            "ChannelData length 65535 on TCP, 8 bytes arrived" => &[],
            "ChannelData 3 bytes" => &[],
            other => panic!("what is {other}?"),
        };
        assert_eq!(lengths, expected, "{name} {path}");
    }
}
