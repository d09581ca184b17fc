//! Decoding never fails but with an error, and what is decoded can be built again with the same meaning.
#![no_main]

use stun::{AttributeType, IntegrityKey, Message, MessageBuilder};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::decode(bytes) else {
        return;
    };
    let key = IntegrityKey::short_term("VOkJxbRl1RmTxUk/WvJxBt");
    let _ = (message.verify_fingerprint(), message.verify_integrity(&key));
    let _ = (
        message.error_code(),
        message.xor_mapped_address(),
        message.use_candidate(),
    );
    let _ = message.unknown_required(&[]).count();
    let mut buf = b"prefix".to_vec();
    let mut builder = MessageBuilder::response_to(&mut buf, message.class(), &message);
    let is_protection = |kind| {
        matches!(
            kind,
            AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::FINGERPRINT
        )
    };
    for attribute in message
        .attributes()
        .filter(|attribute| !is_protection(attribute.kind))
    {
        builder.attribute(attribute.kind, attribute.value);
    }
    if builder.integrity(&key).fingerprint().finish().is_err() {
        assert_eq!(buf, b"prefix");
        return;
    }
    let again = Message::decode(&buf[6..]).expect("what was built is a message");
    assert!(again.verify_integrity(&key) && again.verify_fingerprint());
    assert_eq!(again.username(), message.username());
    assert_eq!(again.priority(), message.priority());
    assert_eq!(again.xor_mapped_address(), message.xor_mapped_address());
});
