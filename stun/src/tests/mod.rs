#![allow(clippy::arithmetic_side_effects, reason = "tests know their numbers")]

mod catalogue;

use std::net::SocketAddr;

use proptest::prelude::*;
use serde_json::Value;

use crate::*;

const ICE: &[AttributeType] = &[
    AttributeType::USERNAME,
    AttributeType::PRIORITY,
    AttributeType::USE_CANDIDATE,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
];

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn rfc5769(section: &str) -> (Value, Vec<u8>) {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/stun/rfc5769.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|v| v["section"] == section).unwrap();
    (vector.clone(), unhex(vector["message"].as_str().unwrap()))
}

fn password() -> IntegrityKey {
    IntegrityKey::short_term("VOkJxbRl1RmTxUk/WvJxBt")
}

// ----- RFC 5769

#[test]
fn the_request_of_rfc_5769_2_1_is_read() {
    let (vector, bytes) = rfc5769("2.1");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.method(), Method::BINDING);
    assert_eq!(message.username(), Ok(vector["username"].as_str()));
    assert_eq!(message.priority(), Ok(Some(0x6e00_01ff)));
    assert_eq!(message.ice_controlled(), Ok(Some(0x932f_f9b1_5126_3b36)));
    assert_eq!(message.ice_controlling(), Ok(None));
    assert_eq!(message.use_candidate(), Ok(false));
    let software = message.attribute(AttributeType::SOFTWARE).unwrap();
    assert_eq!(software, b"STUN test client");
    assert!(message.verify_fingerprint());
    assert!(message.verify_integrity(&password()));
    assert!(!message.verify_integrity(&IntegrityKey::short_term("another password 12345")));
}

#[test]
fn the_responses_of_rfc_5769_2_2_and_2_3_are_read() {
    for (section, address) in [
        ("2.2", "192.0.2.1:32853"),
        ("2.3", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let (_, bytes) = rfc5769(section);
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(message.xor_mapped_address(), Ok(Some(address)));
        assert!(message.verify_fingerprint());
        assert!(message.verify_integrity(&password()));
    }
}

#[test]
fn the_request_of_rfc_5769_2_4_verifies_with_a_long_term_key() {
    let (vector, bytes) = rfc5769("2.4");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.username(), Ok(vector["username"].as_str()));
    assert!(!message.has_fingerprint());
    let key = IntegrityKey::new(&unhex(vector["long_term_key_md5"].as_str().unwrap()));
    assert!(message.verify_integrity(&key));
}

#[test]
fn the_messages_of_rfc_5769_are_written_again() {
    for section in ["2.1", "2.2", "2.3"] {
        let (_, bytes) = rfc5769(section);
        let message = Message::decode(&bytes).unwrap();
        let mut buf = b"prefix".to_vec();
        let (class, id) = (message.class(), message.transaction_id());
        let mut builder = MessageBuilder::new(&mut buf, class, Method::BINDING, id);
        for attribute in message.attributes() {
            match attribute.kind {
                AttributeType::MESSAGE_INTEGRITY | AttributeType::FINGERPRINT => {}
                AttributeType::XOR_MAPPED_ADDRESS => {
                    let address = message.xor_mapped_address().unwrap().unwrap();
                    builder.xor_mapped_address(address);
                }
                kind => {
                    builder.attribute(kind, attribute.value);
                }
            }
        }
        let sealed = builder.integrity(&password()).fingerprint();
        sealed.finish().unwrap();
        let again = Message::decode(buf.strip_prefix(b"prefix").unwrap()).unwrap();
        assert_eq!(again.bytes().len(), bytes.len());
        // The vectors pad with spaces, so only the bytes that are not under the MAC can be compared as they are.
        assert!(again.attributes().zip(message.attributes()).all(|(a, b)| {
            a == b
                || matches!(
                    a.kind,
                    AttributeType::MESSAGE_INTEGRITY | AttributeType::FINGERPRINT
                )
        }));
        assert!(again.verify_integrity(&password()) && again.verify_fingerprint());
    }
}

#[test]
fn the_request_of_rfc_8489_b_1_verifies_and_the_printed_one_is_malformed() {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/stun/rfc8489_b1.json")).unwrap();
    let text = |name: &str| unhex(file[name].as_str().unwrap());
    let bytes = text("message_corrected");
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_integrity(&IntegrityKey::new(&text("key_sha256"))));
    assert!(!message.verify_integrity(&password()));
    let printed = text("message_as_printed_in_rfc_expect_reject");
    assert_eq!(Message::decode(&printed).unwrap_err(), DecodeError::Length);
}

// ----- captures

#[test]
fn captures_of_browsers_are_read() {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/stun/packets.json")).unwrap();
    for capture in file["pion_browser_captures"].as_array().unwrap() {
        let bytes = unhex(capture["hex"].as_str().unwrap());
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(message.class(), Class::Request);
        let attributes = capture["parse"]["attrs"].as_array().unwrap();
        let fingerprint_ok = attributes.iter().any(|a| a == "fingerprint ok");
        assert_eq!(message.verify_fingerprint(), fingerprint_ok);
        assert_eq!(message.attributes().count(), attributes.len());
    }
}

#[test]
fn checks_of_chromium_and_firefox_are_read_and_authentic() {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/stun/browsers.json")).unwrap();
    for session in file["sessions"].as_array().unwrap() {
        let mut requests = 0;
        for datagram in session["datagrams"].as_array().unwrap() {
            let bytes = unhex(datagram["hex"].as_str().unwrap());
            let message = Message::decode(&bytes).unwrap();
            assert!(message.verify_fingerprint());
            let side = datagram["sealed_by"].as_str().unwrap();
            let pwd = session[side]["pwd"].as_str().unwrap();
            assert!(message.verify_integrity(&IntegrityKey::short_term(pwd)));
            assert_eq!(
                message.unknown_required(ICE).count(),
                usize::from(message.class() == Class::Success)
            );
            if message.class() == Class::Request {
                requests += 1;
                let ufrag = session[side]["ufrag"].as_str().unwrap();
                assert!(message.username().unwrap().unwrap().starts_with(ufrag));
                assert!(message.priority().unwrap().is_some());
                let roles = (message.ice_controlling(), message.ice_controlled());
                assert!(matches!(
                    roles,
                    (Ok(Some(_)), Ok(None)) | (Ok(None), Ok(Some(_)))
                ));
            } else {
                assert!(message.xor_mapped_address().unwrap().is_some());
            }
        }
        assert!(requests >= 2);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (_, bytes) = rfc5769("2.1");
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let Ok(message) = Message::decode(&damaged) else {
            continue;
        };
        assert!(!message.verify_fingerprint(), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let (_, bytes) = rfc5769("2.1");
    for end in 0..bytes.len() {
        assert!(Message::decode(&bytes[..end]).is_err(), "{end} bytes");
    }
}

// ----- building

#[test]
fn both_integrities_verify_together() {
    let mut buf = Vec::new();
    let id = TransactionId::new([7; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
    builder.username("a:b");
    let sealed = builder.integrity(&password());
    sealed
        .integrity_sha256(&password())
        .fingerprint()
        .finish()
        .unwrap();
    let message = Message::decode(&buf).unwrap();
    assert!(message.verify_integrity(&password()) && message.verify_fingerprint());
    assert_eq!(message.attributes().count(), 4);
    // Damage to the second alone is found.
    let at = buf.len() - 10;
    buf[at] ^= 1;
    assert!(!Message::decode(&buf).unwrap().verify_integrity(&password()));
}

#[test]
fn a_message_that_outgrows_the_format_leaves_the_buffer_as_it_was() {
    let mut buf = b"before".to_vec();
    let id = TransactionId::new([0; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Indication, Method::DATA, id);
    builder.attribute(AttributeType::SOFTWARE, &vec![0; 40_000]);
    builder.attribute(AttributeType::SOFTWARE, &vec![0; 40_000]);
    assert_eq!(builder.finish(), Err(EncodeError::TooLong));
    assert_eq!(buf, b"before");
}

#[test]
fn an_error_response_carries_its_code_and_the_unknown_attributes() {
    let (_, request) = rfc5769("2.1");
    let request = Message::decode(&request).unwrap();
    let mut buf = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut buf, Class::Error, &request);
    builder
        .error_code(420)
        .unknown_attributes([AttributeType(0x7fff)]);
    builder.fingerprint().finish().unwrap();
    let message = Message::decode(&buf).unwrap();
    assert_eq!(message.transaction_id(), request.transaction_id());
    assert_eq!(message.error_code(), Ok(Some(ErrorCode::UNKNOWN_ATTRIBUTE)));
    let unknown: Vec<_> = message.unknown_attributes().collect();
    assert_eq!(unknown, [AttributeType(0x7fff)]);
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..200), shape: bool) {
        if shape && bytes.len() >= 20 {
            bytes.truncate(bytes.len() / 4 * 4);
            let length = u16::try_from(bytes.len() - 20).unwrap();
            bytes[0] &= 0x3f;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        if let Ok(message) = Message::decode(&bytes) {
            let _ = (message.username(), message.error_code(), message.xor_mapped_address());
            let _ = (message.verify_fingerprint(), message.verify_integrity(&password()));
            prop_assert!(message.attributes().count() <= MAX_ATTRIBUTES);
        }
    }

    #[test]
    fn s20_messages_round_trip_and_their_padding_is_zero(
        id: [u8; 12],
        username in "[a-zA-Z0-9+/:]{0,80}",
        priority: u32,
        tie_breaker: u64,
        address: SocketAddr,
        // The buffer was used before: stale bytes must not come through.
        stale in prop::collection::vec(1_u8..=255, 0..400),
    ) {
        let mut buf = stale;
        buf.clear();
        let id = TransactionId::new(id);
        let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        builder.username(&username).priority(priority).ice_controlling(tie_breaker);
        builder.use_candidate().xor_mapped_address(address);
        builder.integrity(&password()).fingerprint().finish().unwrap();
        let padding = attribute::padding(username.len());
        let at = 24 + username.len();
        prop_assert!(buf[at..at + padding].iter().all(|byte| *byte == 0));

        let message = Message::decode(&buf).unwrap();
        prop_assert!(message.verify_integrity(&password()) && message.verify_fingerprint());
        prop_assert_eq!(message.transaction_id(), id);
        prop_assert_eq!(message.username(), Ok(Some(username.as_str())));
        prop_assert_eq!(message.priority(), Ok(Some(priority)));
        prop_assert_eq!(message.ice_controlling(), Ok(Some(tie_breaker)));
        let plain = SocketAddr::new(address.ip(), address.port());
        prop_assert_eq!(message.xor_mapped_address(), Ok(Some(plain)));
    }
}

proptest! {
    /// S-20 of the catalogue: bytes that nobody set would tell what was in memory before.
    #[test]
    fn s20_padding_bytes_are_zero(
        values in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..40),
            0..10,
        ),
    ) {
        // What lay in the buffer before must not shine through.
        let mut buf = vec![0xff; 2_000];
        buf.clear();
        let id = TransactionId::new([1; 12]);
        let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        for value in &values {
            builder.attribute(AttributeType(0xc0ff), value);
        }
        builder.finish().unwrap();
        let mut rest = &buf[20..];
        for value in &values {
            let (padded, later) = rest.split_at(4 + value.len().next_multiple_of(4));
            prop_assert_eq!(&padded[4..4 + value.len()], &value[..]);
            prop_assert!(padded[4 + value.len()..].iter().all(|byte| *byte == 0));
            rest = later;
        }
        prop_assert!(rest.is_empty());
    }
}
