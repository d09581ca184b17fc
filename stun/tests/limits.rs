//! The exact lengths and values of the attributes that ICE and its credentials live on: the last that is right, and the
//! first that is not (catalogue S-06, S-10, S-15, S-16).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use avocet_stun::{
    AttributeType, Class, DecodeError, IntegrityKey, Message, MessageBuilder, Method, TransactionId,
};

/// A Binding request with one attribute of these bytes.
fn with(kind: AttributeType, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let id = TransactionId::new([7; 12]);
    let mut message = MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, id);
    message.attribute(kind, value);
    message.finish().unwrap();
    bytes
}

/// The lengths up to 40 that decoding takes of an attribute.
fn lengths(kind: AttributeType) -> Vec<usize> {
    let decodes = |length: &usize| match Message::decode(&with(kind, &vec![0; *length])) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, DecodeError::Attribute(kind));
            false
        }
    };
    (0..=40).filter(decodes).collect()
}

#[test]
fn s06_tags_have_the_lengths_of_rfc_8489_and_no_others() {
    assert_eq!(lengths(AttributeType::MESSAGE_INTEGRITY), [20]);
    let sha_256 = lengths(AttributeType::MESSAGE_INTEGRITY_SHA256);
    assert_eq!(sha_256, [16, 20, 24, 28, 32]);
    assert_eq!(lengths(AttributeType::FINGERPRINT), [4]);
}

#[test]
fn s06_a_tag_of_zeros_verifies_at_no_length() {
    let key = IntegrityKey::short_term("VOkJxbRl1RmTxUk/WvJxBt");
    for length in [16, 20, 24, 28, 32] {
        let bytes = with(AttributeType::MESSAGE_INTEGRITY_SHA256, &vec![0; length]);
        assert!(!Message::decode(&bytes).unwrap().verify_integrity(&key));
    }
}

#[test]
fn s10_error_codes_are_300_to_699_and_nothing_else() {
    for class in 0..=7_u8 {
        for number in 0..=255 {
            let bytes = with(AttributeType::ERROR_CODE, &[0, 0, class, number]);
            let read = Message::decode(&bytes).unwrap().error_code();
            let is_code = (3..=6).contains(&class) && number <= 99;
            let expected = u16::from(class) * 100 + u16::from(number);
            match read {
                Ok(Some(code)) => assert_eq!((is_code, code.get()), (true, expected)),
                other => {
                    let error = DecodeError::Attribute(AttributeType::ERROR_CODE);
                    assert_eq!((is_code, other), (false, Err(error)));
                }
            }
        }
    }
}

#[test]
fn s15_a_username_has_508_bytes_of_text_at_most() {
    let read = |value: &[u8]| {
        let bytes = with(AttributeType::USERNAME, value);
        let message = Message::decode(&bytes).unwrap();
        message.username().map(|name| name.map(str::len))
    };
    let error = Err(DecodeError::Attribute(AttributeType::USERNAME));
    assert_eq!(read(&[b'a'; 508]), Ok(Some(508)));
    assert_eq!(read(&[b'a'; 509]), error);
    assert_eq!(read(&[0xff]), error);
}

/// The lengths up to 12 of which the value of an attribute is read.
fn readable(kind: AttributeType, is_read: fn(Message<'_>) -> bool) -> Vec<usize> {
    let reads = |length: &usize| {
        let bytes = with(kind, &vec![1; *length]);
        is_read(Message::decode(&bytes).unwrap())
    };
    (0..=12).filter(reads).collect()
}

#[test]
fn s16_what_a_check_says_has_one_length_each() {
    use AttributeType as Kind;
    let priority = readable(Kind::PRIORITY, |it| it.priority().is_ok());
    let choice = readable(Kind::USE_CANDIDATE, |it| it.use_candidate().is_ok());
    let controls = readable(Kind::ICE_CONTROLLING, |it| it.ice_controlling().is_ok());
    let follows = readable(Kind::ICE_CONTROLLED, |it| it.ice_controlled().is_ok());
    assert_eq!([priority, choice, controls, follows], [[4], [0], [8], [8]]);
}
