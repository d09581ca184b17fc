//! The server: whom it knows, by which password, nonce and algorithm, and for how long.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use avocet_turn::server::{Credentials, SecretHash, SharedSecret};
use desk::*;
use stun::{AttributeType, Method};

const ALLOCATE: Method = Method::ALLOCATE;

/// U-9, T-04
#[test]
fn t_04_what_one_user_made_is_not_for_another() {
    let (mut desk, alice, relayed) = allocated(config());
    let mut bob = Caller::new(alice.path, "bob");
    assert_eq!(bob.refresh(&mut desk, Some(0)).code, 441);
    assert_eq!(bob.permit(&mut desk, peer(1)), 441);
    assert_eq!(bob.bind(&mut desk, 0x4000, peer(1)), 441);
    assert!(desk.relays.contains_key(&relayed));
    assert!(desk.peer_says(relayed, peer(1), b"hello").is_empty());
}

#[test]
fn a_wrong_password_or_realm_or_name_is_challenged_anew() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    alice.allocate(&mut desk);
    for credentials in [
        stun::LongTermCredentials::new("alice", "guess").unwrap(),
        stun::LongTermCredentials::new("mallory", "alice's secret").unwrap(),
    ] {
        let mut mallory = Caller::with(client(2), credentials);
        let answer = mallory.ask(&mut desk, ALLOCATE, |it| {
            it.requested_transport(17);
        });
        assert_eq!(answer.code, 401);
        assert!(answer.message().nonce().unwrap().is_some());
        assert!(!answer.message().has_integrity());
    }
    assert_eq!(desk.allocations(), 1);
}

#[test]
fn a_request_that_hides_its_name_is_known_by_its_hash() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let first = alice.build(ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let answer = alice.ask_once(&mut desk, &first).unwrap();
    let nonce = answer.message().nonce().unwrap().unwrap().to_owned();
    let mut bytes = Vec::new();
    let class = stun::Class::Request;
    let mut builder = stun::MessageBuilder::new(&mut bytes, class, ALLOCATE, alice.id());
    builder
        .requested_transport(17)
        .userhash(&stun::userhash("alice", REALM))
        .realm(REALM)
        .nonce(&nonce);
    let key = alice.key(stun::PasswordAlgorithm::Md5);
    builder.integrity(&key).finish().unwrap();
    let answer = alice.ask_once(&mut desk, &bytes).unwrap();
    assert_eq!(answer.code, 0);
}

/// RFC 8489 §9.2.4: an offer that was changed on the way.
#[test]
fn algorithms_that_were_not_offered_are_a_bad_request() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice").old();
    alice.ask(&mut desk, Method::REFRESH, |_| {});
    for (offered, chosen) in [
        (&[0, 1, 0, 0][..], Some(&[0, 1, 0, 0][..])),
        (&[0, 2, 0, 0, 0, 1, 0, 0][..], Some(&[0, 3, 0, 0][..])),
        (&[0, 2, 0, 0, 0, 1, 0, 0][..], None),
    ] {
        let answer = alice.ask(&mut desk, ALLOCATE, |it| {
            it.requested_transport(17)
                .attribute(AttributeType::PASSWORD_ALGORITHMS, offered);
            if let Some(chosen) = chosen {
                it.attribute(AttributeType::PASSWORD_ALGORITHM, chosen);
            }
        });
        assert_eq!(answer.code, 400);
    }
}

/// T-06
#[test]
fn t_06_a_nonce_ends_after_an_hour_and_is_worth_nothing_elsewhere() {
    let (mut desk, mut alice, _) = allocated(config());
    let nonce = alice.challenge.clone();
    alice.refresh(&mut desk, Some(3_600));
    desk.wait(seconds(3_599));
    assert_eq!(alice.refresh(&mut desk, Some(3_600)).code, 0);
    desk.wait(seconds(2));
    let request = alice.build(Method::REFRESH, |_| {});
    let stale = alice.ask_once(&mut desk, &request).unwrap();
    assert_eq!(stale.code, 438);
    let fresh = stale.message().nonce().unwrap().unwrap().to_owned();
    assert_ne!(Some(&*fresh), nonce.as_ref().map(|it| it.nonce()));
    assert_eq!(alice.refresh(&mut desk, None).code, 0);
    // The same nonce, from another address.
    let mut elsewhere = Caller::new(client(2), "alice");
    elsewhere.challenge = alice.challenge.clone();
    let request = elsewhere.build(ALLOCATE, |it| {
        it.requested_transport(17);
    });
    assert_eq!(elsewhere.ask_once(&mut desk, &request).unwrap().code, 438);
}

/// U-24
#[test]
fn credentials_of_a_shared_secret_are_good_until_they_end() {
    for hash in [SecretHash::Sha1, SecretHash::Sha256] {
        let secret = |text: &str| SharedSecret::new(text, hash);
        let mut config = config();
        config.credentials = Credentials {
            users: Vec::new(),
            secrets: vec![secret("new"), secret("old")],
        };
        let mut desk = Desk::new(config);
        for (at, text, until, code) in [
            (1, "new", 60, 0),
            (2, "old", 60, 0),
            (3, "guess", 60, 401),
            (4, "new", 0, 401),
        ] {
            let made = secret(text)
                .credentials("carol", UNIX + seconds(until))
                .unwrap();
            let mut carol = Caller::with(client(at), made).old();
            let answer = carol.ask(&mut desk, ALLOCATE, |it| {
                it.requested_transport(17);
            });
            assert_eq!(answer.code, code, "{text}");
        }
    }
}

/// U-24: what stands is kept; the user is the name, not the name with its end.
#[test]
fn an_allocation_outlives_its_credential_and_another_one_of_the_user_keeps_it() {
    let secret = SharedSecret::new("secret", SecretHash::Sha1);
    let mut config = config();
    config.credentials.secrets = vec![secret.clone()];
    let mut desk = Desk::new(config);
    let made = secret.credentials("carol", UNIX + seconds(60)).unwrap();
    let mut carol = Caller::with(client(1), made);
    carol.allocate(&mut desk);
    desk.wait(seconds(120));
    assert_eq!(carol.refresh(&mut desk, None).code, 0);
    carol.credentials = secret.credentials("carol", UNIX + seconds(900)).unwrap();
    assert_eq!(carol.refresh(&mut desk, None).code, 0);
    carol.credentials = secret.credentials("dave", UNIX + seconds(900)).unwrap();
    assert_eq!(carol.refresh(&mut desk, None).code, 441);
}
