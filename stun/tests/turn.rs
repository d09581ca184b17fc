//! The attributes of TURN and of NAT behaviour discovery, and the hand-made TURN messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use avocet_stun::*;
use serde_json::Value;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn messages() -> Value {
    serde_json::from_str(include_str!("../../testdata/turn/messages.json")).unwrap()
}

/// The hand-made message of that name.
fn named(name: &str) -> Vec<u8> {
    let file = messages();
    let list = file
        .as_object()
        .unwrap()
        .values()
        .find_map(Value::as_array)
        .unwrap();
    let case = list.iter().find(|case| case["name"] == name).unwrap();
    unhex(case["hex"].as_str().unwrap())
}

fn build(fill: impl FnOnce(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::ALLOCATE, id);
    fill(&mut builder);
    builder.finish().unwrap();
    buf
}

#[test]
fn every_hand_made_request_is_signed_with_the_long_term_key() {
    let file = messages();
    let text = |name: &str| file[name].as_str().unwrap();
    let key = IntegrityKey::long_term(
        text("username"),
        text("realm"),
        text("password"),
        PasswordAlgorithm::Md5,
    );
    let list = file
        .as_object()
        .unwrap()
        .values()
        .find_map(Value::as_array)
        .unwrap();
    let mut signed = 0;
    for case in list {
        let bytes = unhex(case["hex"].as_str().unwrap());
        let Ok(message) = Message::decode(&bytes) else {
            assert!(case["name"].as_str().unwrap().starts_with("ChannelData"));
            continue;
        };
        assert!(!message.has_fingerprint() || message.verify_fingerprint());
        if message.has_integrity() {
            assert!(message.verify_integrity(&key), "{}", case["name"]);
            assert_eq!(message.realm(), Ok(Some(text("realm"))));
            signed += 1;
        }
        // What it is about is what its name says.
        if let Some(peer) = case["peer"].as_str() {
            let address = message.xor_peer_address().unwrap().unwrap();
            assert_eq!(
                address.ip().to_string(),
                peer.parse::<std::net::IpAddr>().unwrap().to_string()
            );
        }
    }
    assert!(signed >= 36, "{signed}");
}

#[test]
fn the_attributes_of_the_hand_made_requests_are_read() {
    let bytes = named("Allocate UDP with long-term credential");
    let allocate = Message::decode(&bytes).unwrap();
    assert_eq!(allocate.method(), Method::ALLOCATE);
    assert_eq!(allocate.requested_transport(), Ok(Some(TRANSPORT_UDP)));
    let bytes = named("Allocate, LIFETIME 0xffffffff");
    let lifetime = Message::decode(&bytes).unwrap().lifetime();
    assert_eq!(lifetime, Ok(Some(Duration::from_secs(u32::MAX.into()))));
    let bytes = named("Refresh LIFETIME 0");
    assert_eq!(
        Message::decode(&bytes).unwrap().lifetime(),
        Ok(Some(Duration::ZERO))
    );
    for number in [0x4000, 0x4fff, 0x7fff, 0xffff] {
        let bytes = named(&format!("ChannelBind number {number:#06x}"));
        assert_eq!(
            Message::decode(&bytes).unwrap().channel_number(),
            Ok(Some(number))
        );
    }
    let bytes = named("CreatePermission with two peers, second denied");
    assert_eq!(
        Message::decode(&bytes)
            .unwrap()
            .xor_peer_addresses()
            .count(),
        2
    );
}

#[test]
fn s_08_of_two_peers_in_an_indication_the_first_counts() {
    let bytes = named("Send indication with duplicate XOR-PEER-ADDRESS (second denied)");
    let message = Message::decode(&bytes).unwrap();
    let peers: Vec<SocketAddr> = message.xor_peer_addresses().map(Result::unwrap).collect();
    assert_eq!(message.xor_peer_address(), Ok(Some(peers[0])));
    assert_eq!(message.data(), Some(&b"hello"[..]));
    let range = message.attribute_range(AttributeType::DATA).unwrap();
    assert_eq!(&bytes[range], b"hello");
    let bytes = named("Send indication without DATA");
    assert_eq!(Message::decode(&bytes).unwrap().data(), None);
}

#[test]
fn attributes_of_turn_round_trip() {
    let six: SocketAddr = "[2001:db8::1]:5000".parse().unwrap();
    let four: SocketAddr = "192.0.2.1:5000".parse().unwrap();
    let refused = (AddressFamily::V6, ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
    let bytes = build(|builder| {
        builder
            .channel_number(0x4abc)
            .lifetime(Duration::from_secs(777))
            .xor_peer_address(six)
            .xor_relayed_address(four)
            .xor_relayed_address(six)
            .data(b"odd")
            .requested_transport(TRANSPORT_TCP)
            .requested_address_family(AddressFamily::V4)
            .additional_address_family(AddressFamily::V6)
            .address_error_code(refused.0, refused.1)
            .even_port(true)
            .dont_fragment()
            .reservation_token([1, 2, 3, 4, 5, 6, 7, 8])
            .icmp(3, 4, [0, 0, 5, 0])
            .connection_id(0xdead_beef)
            .mobility_ticket(b"ticket");
    });
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.channel_number(), Ok(Some(0x4abc)));
    assert_eq!(message.lifetime(), Ok(Some(Duration::from_secs(777))));
    assert_eq!(message.xor_peer_address(), Ok(Some(six)));
    let relayed: Vec<_> = message
        .xor_relayed_addresses()
        .map(Result::unwrap)
        .collect();
    assert_eq!(relayed, [four, six]);
    assert_eq!(message.data(), Some(&b"odd"[..]));
    assert_eq!(message.requested_transport(), Ok(Some(TRANSPORT_TCP)));
    assert_eq!(
        message.requested_address_family(),
        Ok(Some(AddressFamily::V4))
    );
    assert_eq!(
        message.additional_address_family(),
        Ok(Some(AddressFamily::V6))
    );
    assert_eq!(message.address_error_code(), Ok(Some(refused)));
    assert_eq!(message.even_port(), Ok(Some(true)));
    assert!(message.dont_fragment());
    assert_eq!(
        message.reservation_token(),
        Ok(Some([1, 2, 3, 4, 5, 6, 7, 8]))
    );
    assert_eq!(message.icmp(), Ok(Some((3, 4, [0, 0, 5, 0]))));
    assert_eq!(message.connection_id(), Ok(Some(0xdead_beef)));
    assert_eq!(message.mobility_ticket(), Some(&b"ticket"[..]));
}

#[test]
fn attributes_of_redirection_and_discovery_round_trip() {
    let six: SocketAddr = "[2001:db8::1]:5000".parse().unwrap();
    let four: SocketAddr = "192.0.2.1:5000".parse().unwrap();
    let change = ChangeRequest {
        ip: true,
        port: false,
    };
    let bytes = build(|builder| {
        builder
            .alternate_server(six)
            .alternate_domain("turn.example.org")
            .mapped_address(four)
            .software("a test")
            .change_request(change)
            .response_origin(four)
            .other_address(six)
            .response_port(4711)
            .padding(100);
    });
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.alternate_server(), Ok(Some(six)));
    assert_eq!(message.alternate_domain(), Ok(Some("turn.example.org")));
    assert_eq!(message.mapped_address(), Ok(Some(four)));
    assert_eq!(message.software(), Ok(Some("a test")));
    assert_eq!(message.change_request(), Ok(Some(change)));
    assert_eq!(message.response_origin(), Ok(Some(four)));
    assert_eq!(message.other_address(), Ok(Some(six)));
    assert_eq!(message.response_port(), Ok(Some(4711)));
    assert_eq!(
        message.attribute(AttributeType::PADDING),
        Some(&[0; 100][..])
    );
}

#[test]
fn s_11_values_of_a_wrong_length_are_errors_and_not_panics() {
    for kind in [
        AttributeType::CHANNEL_NUMBER,
        AttributeType::LIFETIME,
        AttributeType::XOR_PEER_ADDRESS,
        AttributeType::REQUESTED_TRANSPORT,
        AttributeType::REQUESTED_ADDRESS_FAMILY,
        AttributeType::ADDRESS_ERROR_CODE,
        AttributeType::RESERVATION_TOKEN,
        AttributeType::ICMP,
        AttributeType::CONNECTION_ID,
        AttributeType::ALTERNATE_SERVER,
        AttributeType::CHANGE_REQUEST,
    ] {
        let bytes = build(|builder| {
            builder.attribute(kind, &[0, 9, 9]);
        });
        let message = Message::decode(&bytes).unwrap();
        let results = [
            message.channel_number().is_err(),
            message.lifetime().is_err(),
            message.xor_peer_address().is_err(),
            message.requested_transport().is_err(),
            message.requested_address_family().is_err(),
            message.address_error_code().is_err(),
            message.reservation_token().is_err(),
            message.icmp().is_err(),
            message.connection_id().is_err(),
            message.alternate_server().is_err(),
            message.change_request().is_err(),
        ];
        assert_eq!(results.iter().filter(|it| **it).count(), 1, "{kind}");
    }
}
