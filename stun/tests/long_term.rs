//! Long-term credentials (RFC 8489 §9.2): keys, challenges, and attempts to bid them down.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use avocet_stun::*;
use serde_json::Value;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn refusal(code: u16, fill: impl FnOnce(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let id = TransactionId::new([3; 12]);
    let mut builder = MessageBuilder::new(&mut buf, Class::Error, Method::ALLOCATE, id);
    builder.error_code(code);
    fill(&mut builder);
    builder.fingerprint().finish().unwrap();
    buf
}

fn challenge(nonce: &str, algorithms: Option<&[u8]>) -> Result<Challenge, ChallengeError> {
    challenge_of("example.org", nonce, algorithms)
}

fn challenge_of(
    realm: &str,
    nonce: &str,
    algorithms: Option<&[u8]>,
) -> Result<Challenge, ChallengeError> {
    let bytes = refusal(401, |builder| {
        builder.realm(realm).nonce(nonce);
        if let Some(algorithms) = algorithms {
            builder.attribute(AttributeType::PASSWORD_ALGORITHMS, algorithms);
        }
    });
    Challenge::from_response(&Message::decode(&bytes).unwrap(), None)
}

/// MD5, then SHA-256.
const BOTH: &[u8] = &[0, 1, 0, 0, 0, 2, 0, 0];

#[test]
fn the_md5_key_is_that_of_rfc_5769_2_4() {
    let file = json(include_str!("../../testdata/stun/rfc5769.json"));
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|it| it["section"] == "2.4").unwrap();
    let bytes = unhex(vector["message"].as_str().unwrap());
    let message = Message::decode(&bytes).unwrap();
    let username = message.username().unwrap().unwrap();
    let realm = message.realm().unwrap().unwrap();
    assert_eq!(realm, vector["realm"]);
    assert_eq!(message.nonce().unwrap().unwrap(), vector["nonce"]);
    let password = vector["password_after_saslprep"].as_str().unwrap();
    let key = |algorithm| IntegrityKey::long_term(username, realm, password, algorithm);
    assert!(message.verify_integrity(&key(PasswordAlgorithm::Md5)));
    assert!(!message.verify_integrity(&key(PasswordAlgorithm::Sha256)));
}

#[test]
fn the_sha_256_key_and_the_userhash_are_those_of_rfc_8489_b_1() {
    let file = json(include_str!("../../testdata/stun/rfc8489_b1.json"));
    let text = |name: &str| file[name].as_str().unwrap().to_owned();
    let bytes = unhex(&text("message_corrected"));
    let message = Message::decode(&bytes).unwrap();
    let (username, realm) = (text("username"), text("realm"));
    let password = text("password_after_opaquestring");
    let key = IntegrityKey::long_term(&username, &realm, &password, PasswordAlgorithm::Sha256);
    assert!(message.verify_integrity(&key));
    let hash = userhash(&username, &realm);
    assert_eq!(hash.to_vec(), unhex(&text("userhash")));
    assert_eq!(message.userhash(), Ok(Some(&hash)));
}

/// S-18: what RFC 8489 B.1 was made from makes the same request again: hidden name, realm, nonce, the choice of
/// algorithm, and an integrity under the key of that appendix. The offer of the server goes back as it came (§9.2.3.2).
#[test]
fn the_request_of_rfc_8489_b_1_is_what_a_client_would_send() {
    let file = json(include_str!("../../testdata/stun/rfc8489_b1.json"));
    let text = |name: &str| file[name].as_str().unwrap();
    let vector = unhex(text("message_corrected"));
    let vector = Message::decode(&vector).unwrap();
    for offer in [
        BOTH,
        &[0, 2, 0, 0, 0, 1, 0, 0],
        &[0, 9, 0, 1, 7, 0, 0, 0, 0, 2, 0, 0],
    ] {
        let challenge = challenge_of(text("realm"), text("nonce"), Some(offer)).unwrap();
        let password = text("password_after_opaquestring");
        let credentials = LongTermCredentials::new(text("username"), password).unwrap();
        let auth = LongTermAuth::new(&credentials, challenge);
        let mut buf = Vec::new();
        let id = vector.transaction_id();
        let builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        auth.seal(builder).finish().unwrap();
        let message = Message::decode(&buf).unwrap();
        // The bit of user-name anonymity is set in that nonce, so the name is hidden.
        assert_eq!(message.username(), Ok(None));
        for kind in [
            AttributeType::USERHASH,
            AttributeType::REALM,
            AttributeType::NONCE,
            AttributeType::PASSWORD_ALGORITHM,
        ] {
            assert!(vector.attribute(kind).is_some());
            assert_eq!(message.attribute(kind), vector.attribute(kind), "{kind}");
        }
        let echoed = message.attribute(AttributeType::PASSWORD_ALGORITHMS);
        assert_eq!(echoed, Some(offer));
        // SHA-256 and nothing weaker beside it.
        assert!(message.has_integrity_sha256());
        assert_eq!(message.attribute(AttributeType::MESSAGE_INTEGRITY), None);
        let key = IntegrityKey::new(&unhex(text("key_sha256")));
        assert!(message.verify_integrity(&key));
    }
}

#[test]
fn without_the_cookie_a_nonce_promises_nothing_and_md5_is_meant() {
    let challenge = challenge("f//499k954d6OL34oL9FSTvy64sA", None).unwrap();
    assert_eq!(challenge.algorithm(), PasswordAlgorithm::Md5);
    let credentials = LongTermCredentials::new("alice", "secret").unwrap();
    let auth = LongTermAuth::new(&credentials, challenge);
    let mut buf = Vec::new();
    let id = TransactionId::new([4; 12]);
    let builder = MessageBuilder::new(&mut buf, Class::Request, Method::ALLOCATE, id);
    auth.seal(builder).finish().unwrap();
    let message = Message::decode(&buf).unwrap();
    assert_eq!(message.username(), Ok(Some("alice")));
    assert!(!message.has_integrity_sha256());
    assert!(auth.verify(&message));
}

#[test]
fn an_offer_that_was_taken_out_on_the_way_is_noticed() {
    for nonce in ["obMatJos2gAAAx", "obMatJos2AAABx", "obMatJos2wAAAx"] {
        assert_eq!(challenge(nonce, None), Err(ChallengeError::BidDown));
        let whole = challenge(nonce, Some(BOTH)).unwrap();
        assert_eq!(whole.algorithm(), PasswordAlgorithm::Sha256);
        let weak = challenge(nonce, Some(&[0, 1, 0, 0])).unwrap();
        assert_eq!(weak.algorithm(), PasswordAlgorithm::Md5);
        let strange = challenge(nonce, Some(&[0, 9, 0, 4, 1, 2, 3, 4]));
        assert_eq!(strange, Err(ChallengeError::NoAlgorithm));
    }
}

#[test]
fn a_response_with_sha_1_to_a_request_with_sha_256_is_a_bid_down() {
    let challenge = challenge("obMatJos2gAAAx", Some(BOTH)).unwrap();
    let credentials = LongTermCredentials::new("alice", "secret").unwrap();
    let auth = LongTermAuth::new(&credentials, challenge);
    let key = IntegrityKey::long_term("alice", "example.org", "secret", PasswordAlgorithm::Sha256);
    let mut buf = Vec::new();
    let id = TransactionId::new([4; 12]);
    let builder = MessageBuilder::new(&mut buf, Class::Success, Method::ALLOCATE, id);
    builder.integrity(&key).finish().unwrap();
    assert!(!auth.verify(&Message::decode(&buf).unwrap()));
    buf.clear();
    let builder = MessageBuilder::new(&mut buf, Class::Success, Method::ALLOCATE, id);
    builder.integrity_sha256(&key).finish().unwrap();
    assert!(auth.verify(&Message::decode(&buf).unwrap()));
}

#[test]
fn a_stale_nonce_may_come_without_the_realm_that_is_known() {
    let first = challenge("one", None).unwrap();
    let bytes = refusal(438, |builder| {
        builder.nonce("two");
    });
    let response = Message::decode(&bytes).unwrap();
    let next = Challenge::from_response(&response, Some(&first)).unwrap();
    assert_eq!((next.realm(), next.nonce()), ("example.org", "two"));
    let alone = Challenge::from_response(&response, None);
    assert_eq!(alone, Err(ChallengeError::Incomplete));
}

#[test]
fn s_15_credentials_and_texts_have_their_longest_and_shortest() {
    assert!(LongTermCredentials::new("", "x").is_err());
    assert!(LongTermCredentials::new("a".repeat(509), "x").is_err());
    assert!(LongTermCredentials::new("a".repeat(508), "x").is_ok());
    assert!(LongTermCredentials::new("a", "").is_err());
    for (text, fits) in [
        ("a".repeat(127), true),
        ("a".repeat(128), false),
        ("\u{20ac}".repeat(127), true),
    ] {
        let mut buf = b"kept".to_vec();
        let id = TransactionId::new([4; 12]);
        let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        builder.realm(&text);
        assert_eq!(builder.finish().is_ok(), fits);
        assert_eq!(buf.len() > 4, fits, "nothing is left of what does not fit");
        let mut buf = Vec::new();
        let mut builder = MessageBuilder::new(&mut buf, Class::Request, Method::BINDING, id);
        builder.attribute(AttributeType::REALM, text.as_bytes());
        builder.finish().unwrap();
        assert_eq!(Message::decode(&buf).unwrap().realm().is_ok(), fits);
    }
    let debug = format!("{:?}", LongTermCredentials::new("alice", "secret").unwrap());
    assert!(!debug.contains("secret"));
}

#[test]
fn s_09_a_refusal_of_unknown_attributes_is_shorter_than_the_request() {
    let file = json(include_str!("../../testdata/stun/negative.json"));
    let cases = file["cases"].as_array().unwrap();
    let mut count = 0;
    for case in cases.iter().filter(|case| case["id"] == "S-09") {
        let bytes = unhex(case["hex"].as_str().unwrap());
        let Ok(request) = Message::decode(&bytes) else {
            // The case with 64 of them has more attributes than are read at all.
            continue;
        };
        let known = [AttributeType::USERNAME, AttributeType::MESSAGE_INTEGRITY];
        let mut buf = Vec::new();
        let refusal = MessageBuilder::refuse_unknown(&mut buf, &request, &known).unwrap();
        refusal.fingerprint().finish().unwrap();
        assert!(buf.len() <= bytes.len());
        let refusal = Message::decode(&buf).unwrap();
        assert_eq!(refusal.error_code(), Ok(Some(ErrorCode::UNKNOWN_ATTRIBUTE)));
        assert!(refusal.unknown_attributes().all(|kind| kind.0 >= 0x7f00));
        count += 1;
    }
    assert_eq!(count, 1);
}
