//! The hand-made messages of the catalogue of attacks, by id.

use std::time::Duration;

use serde_json::Value;

use super::{ICE, password, unhex};
use crate::*;

/// The hand-made message of that id whose name begins so.
fn case(id: &str, name: &str) -> Vec<u8> {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/stun/negative.json")).unwrap();
    let mut cases = file["cases"].as_array().unwrap().iter();
    let case =
        cases.find(|case| case["id"] == id && case["name"].as_str().unwrap().starts_with(name));
    unhex(case.unwrap()["hex"].as_str().unwrap())
}

#[test]
fn s00_the_control_message_is_accepted() {
    let bytes = case("S-00", "control");
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_fingerprint() && message.verify_integrity(&password()));
    assert_eq!(message.use_candidate(), Ok(true));
    assert_eq!(message.unknown_required(ICE).count(), 0);
}

#[test]
fn s01_an_empty_datagram_is_not_stun() {
    assert_eq!(Message::decode(&[]).unwrap_err(), DecodeError::NotStun);
    assert!(!looks_like_stun(&[]));
}

#[test]
fn s02_a_wrong_length_field_is_an_error() {
    for name in ["length field larger", "length field smaller"] {
        let bytes = case("S-02", name);
        assert_eq!(Message::decode(&bytes).unwrap_err(), DecodeError::Length);
        assert!(!looks_like_stun(&bytes));
    }
}

#[test]
fn s03_an_attribute_past_the_end_is_an_error() {
    let overrun = case("S-03", "attribute length overruns");
    assert_eq!(
        Message::decode(&overrun).unwrap_err(),
        DecodeError::Truncated
    );
    let header = case("S-03", "attribute header truncated");
    assert_eq!(Message::decode(&header).unwrap_err(), DecodeError::Length);
}

#[test]
fn s04_other_protocols_are_not_stun() {
    for name in ["top two bits", "wrong magic cookie"] {
        let bytes = case("S-04", name);
        assert_eq!(Message::decode(&bytes).unwrap_err(), DecodeError::NotStun);
    }
}

#[test]
fn s05_a_fingerprint_must_be_last_and_whole() {
    let bytes = case("S-05", "fingerprint not last");
    assert_eq!(
        Message::decode(&bytes).unwrap_err(),
        DecodeError::AfterFingerprint
    );
    let bytes = case("S-05", "fingerprint length 3");
    assert_eq!(
        Message::decode(&bytes).unwrap_err(),
        DecodeError::Attribute(AttributeType::FINGERPRINT)
    );
}

#[test]
fn s06_a_message_integrity_may_not_be_cut_short() {
    for name in ["MESSAGE-INTEGRITY of 0", "MESSAGE-INTEGRITY of 4"] {
        let bytes = case("S-06", name);
        assert_eq!(
            Message::decode(&bytes).unwrap_err(),
            DecodeError::Attribute(AttributeType::MESSAGE_INTEGRITY)
        );
    }
}

#[test]
fn s06_a_message_integrity_sha256_may_have_16_bytes() {
    let bytes = case("S-06", "MESSAGE-INTEGRITY-SHA256 of 16");
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_integrity(&password()));
}

#[test]
fn s07_nothing_after_the_integrity_can_be_seen() {
    let bytes = case("S-07", "attributes after");
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_integrity(&password()));
    assert_eq!(message.use_candidate(), Ok(false));
    assert_eq!(message.priority(), Ok(None));
    let kinds: Vec<_> = message
        .attributes()
        .map(|attribute| attribute.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            AttributeType::USERNAME,
            AttributeType::MESSAGE_INTEGRITY,
            AttributeType::FINGERPRINT
        ]
    );
}

/// S-4: behind MESSAGE-INTEGRITY-SHA256 nothing is seen but FINGERPRINT, not even the older integrity (RFC 8489 §14.6);
/// behind the older one both are.
#[test]
fn s07_nothing_after_the_sha_256_integrity_can_be_seen() {
    let id = TransactionId::new([7; 12]);
    let mut whole = Vec::new();
    let mut builder = MessageBuilder::new(&mut whole, Class::Request, Method::BINDING, id);
    builder.username("a:b");
    builder.integrity_sha256(&password()).finish().unwrap();
    for extra in [
        &[0, 0x25, 0, 0][..],
        &[
            0, 8, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
        ],
    ] {
        let mut bytes = whole.clone();
        bytes.extend_from_slice(extra);
        let length = u16::try_from(bytes.len() + 8 - 20).unwrap();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let crc = fingerprint::fingerprint(&bytes);
        bytes.extend_from_slice(&[0x80, 0x28, 0, 4]);
        bytes.extend_from_slice(&crc.to_be_bytes());
        let message = Message::decode(&bytes).unwrap();
        assert!(message.verify_fingerprint() && message.verify_integrity(&password()));
        assert_eq!(message.use_candidate(), Ok(false));
        let kinds: Vec<_> = message.attributes().map(|it| it.kind).collect();
        assert_eq!(
            kinds,
            [
                AttributeType::USERNAME,
                AttributeType::MESSAGE_INTEGRITY_SHA256,
                AttributeType::FINGERPRINT
            ]
        );
        assert!(
            message
                .attribute_range(AttributeType::USE_CANDIDATE)
                .is_none()
        );
        assert_eq!(message.unknown_required(ICE).count(), 0);
    }
}

#[test]
fn s08_of_repeated_attributes_the_first_counts() {
    let bytes = case("S-08", "duplicate MESSAGE-INTEGRITY");
    assert!(
        Message::decode(&bytes)
            .unwrap()
            .verify_integrity(&password())
    );
    let bytes = case("S-08", "duplicate USERNAME");
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_integrity(&password()));
    assert_eq!(message.username(), Ok(Some("evtj:h6vY")));
}

#[test]
fn s09_unknown_required_attributes_are_listed_once() {
    let bytes = case("S-09", "unknown comprehension-required attribute 0x7fff");
    let message = Message::decode(&bytes).unwrap();
    let unknown: Vec<_> = message.unknown_required(ICE).collect();
    assert_eq!(unknown, [AttributeType(0x7fff)]);

    let mut buf = Vec::new();
    let id = TransactionId::new([1; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
    for number in [0x7000, 0x8001, 0x7000, 0x7001] {
        builder.attribute(AttributeType(number), &[]);
    }
    builder.finish().unwrap();
    let message = Message::decode(&buf).unwrap();
    let unknown: Vec<_> = message.unknown_required(ICE).collect();
    assert_eq!(unknown, [AttributeType(0x7000), AttributeType(0x7001)]);
}

#[test]
fn s09_more_than_64_attributes_are_refused() {
    let bytes = case("S-09", "64 unknown");
    assert_eq!(
        Message::decode(&bytes).unwrap_err(),
        DecodeError::TooManyAttributes
    );
}

/// S-3: 64 are read, and the 65th refuses the message, hidden or not.
#[test]
fn s09_the_limit_of_attributes_is_exact() {
    let id = TransactionId::new([1; 12]);
    for (count, fits) in [(63, true), (64, false)] {
        let mut builder_takes = Vec::new();
        let (class, method) = (Class::Request, Method::BINDING);
        let mut builder = MessageBuilder::new(&mut builder_takes, class, method, id);
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend_from_slice(&[1; 12]);
        for _ in 0..count {
            builder.attribute(AttributeType(0x8001), &[]);
            bytes.extend_from_slice(&[0x80, 0x01, 0, 0]);
        }
        assert_eq!(builder.fingerprint().finish().is_ok(), fits);
        bytes[2..4].copy_from_slice(&(count * 4 + 8_u16).to_be_bytes());
        bytes.extend_from_slice(&[0x80, 0x28, 0, 4, 1, 2, 3, 4]);
        assert_eq!(
            Message::decode(&bytes).is_ok(),
            fits,
            "{count} and FINGERPRINT"
        );
    }
}

#[test]
fn s10_an_impossible_error_code_is_an_error() {
    for name in ["ERROR-CODE of 2 bytes", "ERROR-CODE class 0"] {
        let bytes = case("S-10", name);
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(
            message.error_code(),
            Err(DecodeError::Attribute(AttributeType::ERROR_CODE))
        );
    }
}

#[test]
fn s11_an_impossible_address_is_an_error() {
    for name in [
        "XOR-MAPPED-ADDRESS family 3",
        "XOR-MAPPED-ADDRESS family IPv6",
    ] {
        let bytes = case("S-11", name);
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(
            message.xor_mapped_address(),
            Err(DecodeError::Attribute(AttributeType::XOR_MAPPED_ADDRESS))
        );
    }
}

#[test]
fn s12_ten_thousand_attributes_cost_no_more_than_64() {
    let bytes = case("S-12", "10 000");
    assert_eq!(
        Message::decode(&bytes).unwrap_err(),
        DecodeError::TooManyAttributes
    );
    let start = clock();
    for _ in 0..100 {
        let _ = Message::decode(&bytes);
    }
    assert!(clock() - start < Duration::from_millis(100));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bound on real time is measured"
)]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

#[test]
fn s13_an_indication_without_integrity_is_read_as_one() {
    let bytes = case("S-13", "Binding indication");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.class(), Class::Indication);
    assert!(!message.verify_integrity(&password()));
}

#[test]
fn s15_a_username_beyond_508_bytes_is_an_error() {
    let bytes = case("S-15", "USERNAME of 513");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(
        message.username(),
        Err(DecodeError::Attribute(AttributeType::USERNAME))
    );
}

#[test]
fn s16_a_short_role_attribute_is_an_error() {
    let bytes = case("S-16", "ICE-CONTROLLING of 4");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(
        message.ice_controlling(),
        Err(DecodeError::Attribute(AttributeType::ICE_CONTROLLING))
    );
}

#[test]
fn s17_an_integrity_under_the_empty_key_does_not_verify() {
    let bytes = case("S-17", "MESSAGE-INTEGRITY computed with an empty key");
    assert!(
        !Message::decode(&bytes)
            .unwrap()
            .verify_integrity(&password())
    );
}
