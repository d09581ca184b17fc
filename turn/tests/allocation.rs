//! The allocation: how it is made, kept and ended, and what a hostile server cannot do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Duration;

use avocet_turn::{Cause, Event, Families, Initiator, SetCredentialsError, SocketCause, State};
use net::{Datagram, Path};
use netsim::{ADDRESS_A, ADDRESS_B, Profile, Side, Verdict};
use stun::{Class, Message, MessageBuilder, Method};
use support::*;

#[test]
fn an_allocation_takes_two_round_trips_and_tells_both_addresses() {
    let pair = allocated(Habits::default());
    assert_eq!(pair.time(), Duration::from_millis(100));
    let Event::Allocated {
        relayed,
        mapped,
        lifetime,
        refused,
    } = &pair.a().events[0]
    else {
        panic!("{:?}", pair.a().events);
    };
    assert_eq!(*relayed, ["203.0.113.7:50000".parse().unwrap()]);
    assert_eq!(*mapped, Some(ADDRESS_A));
    assert_eq!(*lifetime, Duration::from_secs(600));
    assert_eq!(*refused, None);
}

#[test]
fn a_cached_challenge_saves_a_round_trip() {
    let pair = allocated(Habits::default());
    let mut config = config(2);
    config.challenge = pair.a().client.challenge().cloned();
    let mut pair = allocating(Profile::Clean, 2, config, Habits::default());
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    assert_eq!(pair.time(), Duration::from_millis(50));
}

#[test]
fn a_server_that_offers_sha_256_gets_it_with_the_name_hidden() {
    let pair = allocated(Habits {
        modern: true,
        ..Habits::default()
    });
    let challenge = pair.a().client.challenge().unwrap();
    assert_eq!(challenge.algorithm(), stun::PasswordAlgorithm::Sha256);
}

#[test]
fn an_allocation_is_made_under_every_profile() {
    for profile in Profile::ALL {
        for seed in 0..5 {
            let mut pair = allocating(profile, seed, config(seed), Habits::default());
            let limit = Duration::from_secs(100);
            let over = |pair: &Relayed| is_allocated(pair) || is_closed(pair);
            assert!(pair.run_until(limit, over), "{profile:?} {seed}");
            // Half the packets lost each way: seven sendings may all be in vain.
            let may_fail = matches!(profile, Profile::Loss50 | Profile::Partition | Profile::Nap);
            assert!(is_allocated(&pair) || may_fail, "{profile:?} {seed}");
        }
    }
}

#[test]
fn an_ipv6_relay_is_asked_for_alone_or_as_well() {
    let six = "[2001:db8::7]:50000".parse().unwrap();
    let four = "203.0.113.7:50000".parse().unwrap();
    for (families, relayed) in [(Families::V6, vec![six]), (Families::Both, vec![four, six])] {
        let mut config = config(3);
        config.families = families;
        let habits = Habits {
            relayed: relayed.clone(),
            ..Habits::default()
        };
        let mut pair = allocating(Profile::Clean, 3, config, habits);
        assert!(pair.run_until(Duration::from_secs(5), is_allocated));
        assert_eq!(pair.a().client.relayed(), relayed);
        assert!(
            pair.a_mut()
                .client
                .create_permission(peer_v6(1).ip())
                .is_ok()
        );
        let four_too = pair.a_mut().client.create_permission(peer(1).ip());
        assert_eq!(four_too.is_ok(), families == Families::Both);
    }
}

#[test]
fn half_of_a_dual_allocation_is_good_enough() {
    let mut config = config(4);
    config.families = Families::Both;
    let mut pair = allocating(Profile::Clean, 4, config, Habits::default());
    pair.a_mut()
        .client
        .create_permission(peer_v6(1).ip())
        .unwrap();
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    assert!(pair.has_event(Side::A, "refused: Some((V6, ErrorCode(440)))"));
    assert!(pair.has_event(Side::A, "PermissionRefused(2001:db8::1, Family)"));
}

#[test]
fn a_relayed_address_that_cannot_be_one_is_not_believed_t_15() {
    for bad in [
        "0.0.0.0:1",
        "224.0.0.1:1",
        "203.0.113.7:0",
        "[2001:db8::7]:1",
        "[::]:1",
        "[ff02::1]:1",
        "[2001:db8::7]:0",
        "[::ffff:0.0.0.0]:1",
        "[::ffff:224.0.0.1]:1",
    ] {
        let bad: std::net::SocketAddr = bad.parse().unwrap();
        let habits = Habits {
            relayed: vec![bad],
            ..Habits::default()
        };
        let mut config = config(5);
        // The wrong family is asked for in one case alone.
        if bad != "[2001:db8::7]:1".parse().unwrap() {
            config.families = Families::Both;
        }
        let mut pair = allocating(Profile::Clean, 5, config, habits);
        assert!(pair.run_until(Duration::from_secs(5), is_closed), "{bad}");
        assert_eq!(last_closed(&pair).unwrap().cause, Cause::Malformed);
        let now = pair.now();
        assert!(!pair.b().has_relay(now), "what was made is deleted");
    }
}

#[test]
fn an_allocation_is_refreshed_for_hours() {
    let mut pair = allocated(Habits::default());
    pair.run_for(Duration::from_secs(4 * 3600));
    assert!(is_allocated(&pair));
    let refreshes = pair.b().count(Method::REFRESH);
    assert_eq!(refreshes, 26, "in four hours, one per 540 s");
}

/// T-4: 60 s before the end that the server has set, whatever that is, and half-way where it is less than two minutes.
#[test]
fn an_allocation_is_refreshed_sixty_seconds_before_its_end() {
    for (lifetime, after) in [(600, 540), (3_600, 3_540), (777, 717), (100, 50), (20, 10)] {
        let habits = Habits {
            lifetime,
            refresh_lifetime: lifetime,
            ..Habits::default()
        };
        let mut pair = allocated(habits);
        // The lifetime counts from when the request was sent: 50 ms before the answer came.
        let sent = pair.now() - Duration::from_millis(50);
        pair.run_for(Duration::from_secs(after * 2));
        let times = pair.b().times(Method::REFRESH, sent);
        let expected = Duration::from_secs(after) + Duration::from_millis(25);
        assert_eq!(times.first(), Some(&expected), "{lifetime} s");
    }
}

/// T-09: what the server says of an hour and more is taken as an hour; a day of silence would be a day of not knowing.
#[test]
fn t_09_a_huge_lifetime_is_an_hour() {
    for lifetime in [3_601, 86_400, u32::MAX] {
        let mut pair = allocated(Habits {
            lifetime,
            refresh_lifetime: lifetime,
            ..Habits::default()
        });
        let Event::Allocated { lifetime: told, .. } = &pair.a().events[0] else {
            panic!("{:?}", pair.a().events);
        };
        assert_eq!(*told, Duration::from_secs(3_600));
        pair.run_for(Duration::from_secs(3_600 * 3));
        assert_eq!(pair.b().count(Method::REFRESH), 3, "{lifetime}");
    }
}

#[test]
fn t_09_a_tiny_or_huge_lifetime_makes_no_hot_loop() {
    for (lifetime, at_most) in [(1, 400), (u32::MAX, 2)] {
        let habits = Habits {
            refresh_lifetime: lifetime,
            lifetime,
            ..Habits::default()
        };
        let mut pair = allocated(habits);
        pair.run_for(Duration::from_secs(3600));
        let requests = pair.b().seen.len();
        assert!(
            requests <= at_most + 4,
            "{requests} requests for a lifetime of {lifetime}"
        );
    }
    let mut pair = allocated(Habits {
        refresh_lifetime: 0,
        ..Habits::default()
    });
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::AllocationLost);
    assert_eq!(pair.b().count(Method::REFRESH), 1);
}

#[test]
fn closing_deletes_the_allocation() {
    let mut pair = allocated(Habits::default());
    let now = pair.now();
    pair.a_mut().client.close(now);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    let reason = last_closed(&pair).unwrap();
    assert_eq!(
        (reason.initiator, reason.cause),
        (Initiator::Local, Cause::Closed)
    );
    let now = pair.now();
    assert!(!pair.b().has_relay(now));
}

#[test]
fn closing_while_allocating_leaves_nothing_behind() {
    for datagrams in 0..5 {
        let mut pair = allocating(Profile::Clean, 6, config(6), Habits::default());
        pair.run_datagrams(datagrams);
        let now = pair.now();
        pair.a_mut().client.close(now);
        assert!(pair.run_until(Duration::from_secs(5), is_closed));
        let now = pair.now();
        assert!(!pair.b().has_relay(now), "after {datagrams} datagrams");
    }
}

#[test]
fn closing_ends_when_the_server_is_silent() {
    let mut pair = allocated(Habits::default());
    pair.network().intercept(|_| Verdict::Drop);
    let now = pair.now();
    pair.a_mut().client.close(now);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
}

#[test]
fn a_silent_server_is_given_up_after_39_and_a_half_seconds() {
    let mut pair = allocating(Profile::Clean, 7, config(7), Habits::default());
    pair.network().intercept(|_| Verdict::Drop);
    assert!(pair.run_until(Duration::from_secs(60), is_closed));
    assert_eq!(pair.time(), Duration::from_millis(39_500));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::TimedOut);
    assert_eq!(pair.a().client.stats().requests_sent, 7);
}

#[test]
fn stale_nonces_are_taken_three_times_in_a_row_and_not_four() {
    let pair = allocated(Habits {
        stale: 3,
        ..Habits::default()
    });
    assert_eq!(pair.b().count(Method::ALLOCATE), 5);
    let habits = Habits {
        stale: 4,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 8, config(8), habits);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::StaleNonces);
}

#[test]
fn t_09_a_server_that_asks_for_credentials_forever_gets_them_once() {
    let habits = Habits {
        never_satisfied: true,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 9, config(9), habits);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::Unauthenticated);
    assert_eq!(pair.b().count(Method::ALLOCATE), 2);
}

/// Answers each request for a socket with the next local port.
fn follow(pair: &mut Relayed) -> Vec<SocketCause> {
    let mut causes = Vec::new();
    for port in 6000..6010 {
        let needs = |pair: &Relayed| pair.a().client.state() == State::SocketNeeded;
        let done = |pair: &Relayed| needs(pair) || is_allocated(pair) || is_closed(pair);
        assert!(pair.run_until(Duration::from_secs(5), done));
        if !needs(pair) {
            break;
        }
        let event = pair.a().events.last().cloned();
        let Some(Event::SocketNeeded { cause, .. }) = event else {
            panic!("{event:?}");
        };
        causes.push(cause);
        let mut local = ADDRESS_A;
        local.set_port(port);
        pair.a_mut()
            .client
            .allocate(Path::udp(local, ADDRESS_B))
            .unwrap();
    }
    causes
}

#[test]
fn a_mismatch_is_answered_with_another_port_three_tries_in_all() {
    let habits = Habits {
        mismatch: 2,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 10, config(10), habits);
    assert_eq!(follow(&mut pair), [SocketCause::AllocationMismatch; 2]);
    assert!(is_allocated(&pair));
    let habits = Habits {
        mismatch: 9,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 11, config(11), habits);
    assert_eq!(follow(&mut pair).len(), 2);
    assert!(is_closed(&pair));
}

#[test]
fn t_09_redirects_are_followed_three_times_and_never_in_a_circle() {
    let servers: Vec<_> = (1..=9).map(peer).collect();
    let habits = Habits {
        redirects: servers.clone(),
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 12, config(12), habits);
    // All servers are the same one behind other names, so the names must be told apart by hand.
    let mut followed = 0;
    loop {
        let done =
            |pair: &Relayed| pair.a().client.state() == State::SocketNeeded || is_closed(pair);
        assert!(pair.run_until(Duration::from_secs(5), done));
        if is_closed(&pair) {
            break;
        }
        let Some(Event::SocketNeeded { server, .. }) = pair.a().events.last().cloned() else {
            panic!();
        };
        assert_eq!(server, servers[followed]);
        followed += 1;
        redirected_by(&mut pair, server, servers[followed]);
        assert!(followed <= 3);
    }
    assert_eq!(followed, 3);
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::Redirects);

    let habits = Habits {
        redirects: vec![ADDRESS_B],
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 13, config(13), habits);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::Redirects);
}

/// Plays the server at another address, which redirects once more.
fn redirected_by(pair: &mut Relayed, server: std::net::SocketAddr, next: std::net::SocketAddr) {
    let now = pair.now();
    let path = Path::udp(ADDRESS_A, server);
    let client = &mut pair.a_mut().client;
    client.allocate(path).unwrap();
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    let request = Message::decode(&request).unwrap();
    let key = stun::IntegrityKey::long_term(USER, REALM, PASSWORD, stun::PasswordAlgorithm::Md5);
    assert!(
        request.verify_integrity(&key),
        "the same credentials (RFC 8489 §10)"
    );
    let mut response = Vec::new();
    let mut builder = MessageBuilder::response_to(&mut response, Class::Error, &request);
    builder.error_code(300).alternate_server(next);
    builder.integrity(&key).finish().unwrap();
    client.handle_datagram(now, Datagram::new(path, &mut response));
}

#[test]
fn a_lost_allocation_is_told() {
    let mut pair = allocated(Habits::default());
    pair.b_mut().habits.amnesia = true;
    assert!(pair.run_until(Duration::from_secs(600), is_closed));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::AllocationLost);
}

#[test]
fn a_forged_success_is_ignored() {
    // 5.3 no. 10: with the right transaction id, but without the key.
    let mut pair = allocating(Profile::Clean, 14, config(14), Habits::default());
    pair.b_mut().habits.unsigned = true;
    assert!(!pair.run_until(Duration::from_secs(20), is_allocated));
    assert!(pair.a().client.stats().drops.unauthenticated > 0);

    let mut host = Host::new(config(15));
    host.client.allocate(path()).unwrap();
    let now = pair.now();
    let mut request = Vec::new();
    host.client.poll_transmit(now, &mut request).unwrap();
    for signed in [false, true] {
        let request = Message::decode(&request).unwrap();
        let mut forged = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut forged, Class::Success, &request);
        builder
            .xor_relayed_address(peer(9))
            .lifetime(Duration::from_secs(600));
        if signed {
            let key = stun::IntegrityKey::short_term("guessed");
            builder.integrity(&key).finish().unwrap();
        } else {
            builder.finish().unwrap();
        }
        host.client
            .handle_datagram(now, Datagram::new(path(), &mut forged));
        assert_eq!(host.client.state(), State::Allocating);
    }
    assert_eq!(host.client.stats().drops.unauthenticated, 2);
}

/// T-16: the next request is signed with the new password, and the allocation stays; another user needs another socket
/// (441, RFC 8656 §5).
#[test]
fn a_password_of_the_same_user_can_be_exchanged() {
    for (known_to_client, is_kept) in [("new", true), ("newer", false)] {
        let mut pair = allocated(Habits::default());
        let relayed = pair.a().client.relayed().to_vec();
        let renewed = stun::LongTermCredentials::new(USER, known_to_client).unwrap();
        let client = &mut pair.a_mut().client;
        client.set_credentials(renewed).unwrap();
        let other = stun::LongTermCredentials::new("bob", PASSWORD).unwrap();
        let refused = client.set_credentials(other);
        assert_eq!(refused, Err(SetCredentialsError::AnotherUser));
        // The server knows the new one alone from now on.
        pair.b_mut().habits.password = "new".to_owned();
        pair.a_mut().client.create_permission(peer(1).ip()).unwrap();
        pair.run_for(Duration::from_secs(1_000));
        assert_eq!(is_allocated(&pair), is_kept);
        if is_kept {
            assert_eq!(pair.a().client.relayed(), relayed);
            assert!(pair.has_event(Side::A, "PermissionInstalled"));
            // Nobody had to ask who is there.
            assert_eq!(pair.b().count(Method::CREATE_PERMISSION), 5);
            assert_eq!(pair.b().count(Method::REFRESH), 1);
        }
    }
}
