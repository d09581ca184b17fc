//! STUN: a connectivity check is read and its integrity and fingerprint are verified.

use avocet_benches::raw::{Primitives, crc32};
use avocet_benches::{compare, criterion, samples};
use stun::{IntegrityKey, Message};

fn main() {
    let mut criterion = criterion();
    let key = IntegrityKey::short_term(samples::PASSWORD);
    let message = samples::binding_request(&key);
    let raw = Primitives::default();
    let mut copy = Vec::with_capacity(256);
    compare(
        &mut criterion,
        "stun parse and verify",
        || {
            let message = Message::decode(&message).expect("it was built here");
            assert!(message.verify_fingerprint() && message.verify_integrity(&key));
            message.priority()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&message);
            (
                raw.hmac_sha1(&copy[..copy.len() - 32]),
                crc32(&copy[..copy.len() - 8]),
            )
        },
    );
    criterion.final_summary();
}
