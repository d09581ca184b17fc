//! The server: who gets an allocation, what it is told otherwise, and how long it lives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod desk;

use avocet_turn::server::{Event, Limits};
use desk::*;
use stun::{AddressFamily, AttributeType, ErrorCode, Method};

const ALLOCATE: Method = Method::ALLOCATE;

#[test]
fn an_allocation_takes_one_challenge_in_the_old_way_and_in_the_new() {
    for style in [Style::Modern, Style::Old] {
        for sha256 in [true, false] {
            let mut desk = Desk::new(avocet_turn::server::Config { sha256, ..config() });
            let mut alice = Caller::new(client(1), "alice");
            alice.style = style;
            let request = alice.build(ALLOCATE, |it| {
                it.requested_transport(17);
            });
            let first = alice.ask_once(&mut desk, &request).unwrap();
            assert_eq!(first.code, 401);
            let relayed = alice.allocate(&mut desk);
            assert_eq!(relayed.ip(), listener().ip());
            assert!(relayed.port() >= 49_152);
            let stats = desk.server.stats();
            assert_eq!((stats.allocations, stats.answers.success), (1, 1));
            assert_eq!(stats.answers.code_401, 2);
        }
    }
}

#[test]
fn the_answer_says_relay_lifetime_and_where_the_client_is() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let message = answer.message();
    assert_eq!(message.xor_mapped_address(), Ok(Some(alice.path.remote)));
    assert_eq!(answer.lifetime(), 600);
    assert_eq!(
        desk.relays.keys().copied().collect::<Vec<_>>(),
        answer.relayed()
    );
}

/// U-8
#[test]
fn a_lifetime_is_between_ten_minutes_and_an_hour_whatever_is_asked() {
    for (asked, granted) in [
        (Some(1), 600),
        (None, 600),
        (Some(700), 700),
        (Some(u64::from(u32::MAX)), 3_600),
    ] {
        let mut desk = Desk::new(config());
        let mut alice = Caller::new(client(1), "alice");
        let answer = alice.ask(&mut desk, ALLOCATE, |it| {
            it.requested_transport(17);
            if let Some(asked) = asked {
                it.lifetime(seconds(asked));
            }
        });
        assert_eq!(answer.lifetime(), granted);
        assert_eq!(alice.refresh(&mut desk, asked).lifetime(), granted);
        desk.wait(seconds(granted - 1));
        assert_eq!(desk.allocations(), 1);
        desk.wait(seconds(1));
        assert_eq!((desk.allocations(), desk.relays.len()), (0, 0));
        assert_eq!(desk.server.poll_timeout(), None);
    }
}

/// U-5
#[test]
fn the_same_allocate_gets_the_same_answer_and_another_one_is_a_mismatch() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let relayed = alice.allocate(&mut desk);
    let again = alice.build_again(ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let answer = alice.ask_once(&mut desk, &again).unwrap();
    assert_eq!((answer.code, answer.relayed()), (0, vec![relayed]));
    let another = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17);
    });
    assert_eq!(another.code, 437);
    assert_eq!(desk.allocations(), 1);
}

/// U-4: each code of RFC 8656 §19 that an Allocate can have.
#[test]
fn an_allocate_that_makes_no_sense_is_refused_with_its_code() {
    type Fill = fn(&mut stun::MessageBuilder<'_>);
    let cases: &[(u16, Fill)] = &[
        (400, |_| {}),
        (400, |it| {
            it.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0]);
        }),
        (442, |it| {
            it.requested_transport(132);
        }),
        // TCP relays are for clients on streams (RFC 6062 §5.1).
        (400, |it| {
            it.requested_transport(6);
        }),
        (400, |it| {
            it.requested_transport(17)
                .even_port(true)
                .reservation_token([1; 8]);
        }),
        (400, |it| {
            it.requested_transport(17)
                .requested_address_family(AddressFamily::V6)
                .additional_address_family(AddressFamily::V6);
        }),
        (400, |it| {
            it.requested_transport(17)
                .additional_address_family(AddressFamily::V4);
        }),
        (400, |it| {
            it.requested_transport(17)
                .additional_address_family(AddressFamily::V6)
                .even_port(true);
        }),
        (440, |it| {
            it.requested_transport(17)
                .attribute(AttributeType::REQUESTED_ADDRESS_FAMILY, &[9, 0, 0, 0]);
        }),
        (508, |it| {
            it.requested_transport(17).reservation_token([1; 8]);
        }),
        (420, |it| {
            it.requested_transport(17)
                .attribute(AttributeType(0x7abc), &[]);
        }),
        // U-13: without a driver that can, fragmentation cannot be forbidden.
        (420, |it| {
            it.requested_transport(17).dont_fragment();
        }),
    ];
    for (at, (code, fill)) in cases.iter().enumerate() {
        let mut desk = Desk::new(config());
        let mut alice = Caller::new(client(1), "alice");
        let answer = alice.ask(&mut desk, ALLOCATE, fill);
        assert_eq!(answer.code, *code, "case {at}");
        assert_eq!((desk.allocations(), desk.events.len()), (0, 0));
    }
}

/// U-4
#[test]
fn requests_without_an_allocation_are_a_mismatch() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    assert_eq!(alice.refresh(&mut desk, None).code, 437);
    assert_eq!(alice.permit(&mut desk, peer(1)), 437);
    assert_eq!(alice.bind(&mut desk, 0x4000, peer(1)), 437);
    let connect = alice.ask(&mut desk, Method::CONNECT, |it| {
        it.xor_peer_address(peer(1));
    });
    assert_eq!(connect.code, 437);
}

/// U-6, T-04
#[test]
fn t_04_a_user_a_source_and_all_together_have_their_quota() {
    let limits = Limits {
        allocations: 5,
        allocations_per_user: 3,
        allocations_per_source: 2,
        ..Limits::default()
    };
    let mut desk = Desk::new(avocet_turn::server::Config { limits, ..config() });
    let mut codes = Vec::new();
    let mut callers = Vec::new();
    for (number, name) in [
        (1, "alice"),
        (2, "alice"),
        (3, "alice"),
        (4, "alice"),
        (5, "bob"),
        (6, "bob"),
        (7, "bob"),
    ] {
        let mut caller = Caller::new(client(number), name);
        codes.push(
            caller
                .ask(&mut desk, ALLOCATE, |it| {
                    it.requested_transport(17);
                })
                .code,
        );
        callers.push(caller);
    }
    assert_eq!(codes, [0, 0, 0, 486, 0, 0, 508]);
    // One goes, one may come.
    assert_eq!(callers[0].refresh(&mut desk, Some(0)).code, 0);
    assert_eq!(
        callers[3]
            .ask(&mut desk, ALLOCATE, |it| {
                it.requested_transport(17);
            })
            .code,
        0
    );
    callers[1].refresh(&mut desk, Some(0));
    callers[2].refresh(&mut desk, Some(0));
    callers[4].refresh(&mut desk, Some(0));
    // Of one address there are two at most, whoever asks.
    let codes = [1_000, 1_001, 1_002].map(|port| {
        let mut path = client(9);
        path.remote.set_port(port);
        let name = if port == 1_001 { "bob" } else { "alice" };
        let mut caller = Caller::new(path, name);
        caller
            .ask(&mut desk, ALLOCATE, |it| {
                it.requested_transport(17);
            })
            .code
    });
    assert_eq!(codes, [0, 0, 486]);
}

/// U-18
#[test]
fn a_reserved_port_is_the_next_one_and_waits_for_thirty_seconds() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17).even_port(true);
    });
    let first = answer.relayed()[0];
    assert_eq!(first.port() % 2, 0);
    let token = answer.message().reservation_token().unwrap().unwrap();
    assert_eq!(desk.relays.len(), 2);
    let mut second = Caller::new(client(2), "alice");
    let answer = second.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17).reservation_token(token);
    });
    assert_eq!(answer.relayed()[0].port(), first.port() + 1);
    assert_eq!(second.permit(&mut desk, peer(1)), 0);
    assert_eq!(desk.peer_says(answer.relayed()[0], peer(1), b"x").len(), 1);
    desk.wait(seconds(60));
    assert_eq!(desk.relays.len(), 2);
    // A token opens once.
    let mut third = Caller::new(client(3), "alice");
    let take = |it: &mut stun::MessageBuilder<'_>| {
        it.requested_transport(17).reservation_token(token);
    };
    assert_eq!(third.ask(&mut desk, ALLOCATE, take).code, 508);
    // Nobody comes.
    let mut fourth = Caller::new(client(4), "alice");
    fourth.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17).even_port(true);
    });
    assert_eq!(desk.relays.len(), 4);
    desk.wait(seconds(30));
    assert_eq!(desk.relays.len(), 3);
    // Only even, nothing reserved.
    let mut fifth = Caller::new(client(5), "alice");
    let answer = fifth.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17).even_port(false);
    });
    assert_eq!(answer.relayed()[0].port() % 2, 0);
    assert_eq!(answer.message().reservation_token(), Ok(None));
}

/// U-21
#[test]
fn one_allocation_has_addresses_of_both_families() {
    let mut desk = Desk::new(config());
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17)
            .additional_address_family(AddressFamily::V6);
    });
    let relayed = answer.relayed();
    assert_eq!(relayed.len(), 2);
    assert!(relayed[0].is_ipv4() && relayed[1].is_ipv6());
    assert_eq!(alice.permit(&mut desk, peer(1)), 0);
    assert_eq!(alice.permit(&mut desk, peer_v6(1)), 0);
    assert_eq!(desk.peer_says(relayed[0], peer(1), b"four").len(), 1);
    let sent = desk.peer_says(relayed[1], peer_v6(1), b"six");
    assert_eq!(data_of(&sent[0].1), (peer_v6(1), b"six".to_vec()));
    assert_eq!(alice.send(&mut desk, peer_v6(1), b"six").len(), 1);
    // RFC 8656 §8.2: one family can go alone.
    let gone = alice.ask(&mut desk, Method::REFRESH, |it| {
        it.lifetime(seconds(0))
            .requested_address_family(AddressFamily::V6);
    });
    assert_eq!(gone.code, 0);
    assert_eq!((desk.allocations(), desk.relays.len()), (1, 1));
    assert_eq!(alice.permit(&mut desk, peer_v6(2)), 443);
    let gone = alice.ask(&mut desk, Method::REFRESH, |it| {
        it.requested_address_family(AddressFamily::V6);
    });
    assert_eq!(gone.code, 443);
}

/// U-21
#[test]
fn the_family_that_cannot_be_had_is_named_with_its_reason() {
    let mut config = config();
    config.relays.pop();
    let mut desk = Desk::new(config);
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17)
            .additional_address_family(AddressFamily::V6);
    });
    assert_eq!((answer.code, answer.relayed().len()), (0, 1));
    let refused = (AddressFamily::V6, ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
    assert_eq!(answer.message().address_error_code(), Ok(Some(refused)));
    let mut bob = Caller::new(client(2), "bob");
    let answer = bob.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17)
            .requested_address_family(AddressFamily::V6);
    });
    assert_eq!(answer.code, 440);
    assert_eq!(bob.permit(&mut desk, peer(1)), 437);
}

#[test]
fn a_port_that_somebody_else_has_is_tried_once_and_another_one_taken() {
    let mut config = config();
    config.relays[0].ports = 50_000..=50_007;
    let mut desk = Desk::new(config);
    desk.busy = (50_000..=50_006).collect();
    let mut codes = Vec::new();
    for number in 1..=2 {
        let mut caller = Caller::new(client(number), "alice");
        let answer = caller.ask(&mut desk, ALLOCATE, |it| {
            it.requested_transport(17);
        });
        codes.push(answer.code);
    }
    assert_eq!(codes, [0, 508]);
    assert_eq!((desk.allocations(), desk.relays.len()), (1, 1));
}

#[test]
fn a_pair_of_ports_is_found_again_when_one_of_them_is_taken() {
    let mut config = config();
    config.relays[0].ports = 50_000..=50_005;
    let mut desk = Desk::new(config);
    desk.busy = [50_001, 50_002].into();
    let mut alice = Caller::new(client(1), "alice");
    let answer = alice.ask(&mut desk, ALLOCATE, |it| {
        it.requested_transport(17).even_port(true);
    });
    assert_eq!((answer.code, answer.relayed()[0].port()), (0, 50_004));
    assert_eq!(desk.relays.len(), 2);
    let answer = alice.refresh(&mut desk, Some(0));
    assert_eq!((answer.code, answer.lifetime()), (0, 0));
    desk.wait(seconds(31));
    assert_eq!(desk.relays.len(), 0);
    assert_eq!(desk.server.poll_timeout(), None);
}

/// Port exhaustion.
#[test]
fn when_no_socket_can_be_opened_the_client_hears_508_and_nothing_stays() {
    let mut desk = Desk::new(config());
    desk.sockets = 0;
    let mut alice = Caller::new(client(1), "alice");
    for _ in 0..20 {
        let answer = alice.ask(&mut desk, ALLOCATE, |it| {
            it.requested_transport(17)
                .additional_address_family(AddressFamily::V6);
        });
        assert_eq!(answer.code, 508);
    }
    assert_eq!((desk.allocations(), desk.server.poll_timeout()), (0, None));
}

/// U-25
#[test]
fn a_server_that_drains_keeps_what_stands_and_sends_others_away() {
    let (mut desk, mut alice, _) = allocated(config());
    desk.server.drain(None);
    let mut bob = Caller::new(client(2), "bob");
    let ask = |it: &mut stun::MessageBuilder<'_>| {
        it.requested_transport(17);
    };
    assert_eq!(bob.ask(&mut desk, ALLOCATE, ask).code, 508);
    desk.server.drain(Some(address("203.0.113.2:3478")));
    let answer = bob.ask(&mut desk, ALLOCATE, ask);
    assert_eq!(answer.code, 300);
    assert!(answer.message().has_integrity());
    assert_eq!(
        answer.message().alternate_server(),
        Ok(Some(address("203.0.113.2:3478")))
    );
    assert_eq!(alice.refresh(&mut desk, None).code, 0);
    alice.refresh(&mut desk, Some(0));
    assert_eq!(desk.allocations(), 0);
}

#[test]
fn a_driver_that_never_answers_loses_the_allocation_after_thirty_seconds() {
    let mut config = config();
    config.relays.truncate(1);
    let mut desk = Desk::new(config);
    let mut alice = Caller::new(client(1), "alice");
    alice.ask(&mut desk, Method::REFRESH, |_| {});
    let request = alice.build(ALLOCATE, |it| {
        it.requested_transport(17);
    });
    let mut bytes = request;
    let datagram = net::Datagram::new(alice.path, &mut bytes);
    desk.server.handle_datagram(desk.now, datagram);
    let Some(Event::OpenRelay { relay, .. }) = desk.server.poll_event() else {
        panic!("nothing to open");
    };
    desk.wait(seconds(30));
    assert_eq!(desk.allocations(), 0);
    desk.server.on_relay_opened(desk.now, relay, Ok(()));
    assert_eq!(desk.server.stats().drops.stale, 1);
}

/// U-6
#[test]
fn a_quota_that_is_shared_is_asked_and_told() {
    #[derive(Debug)]
    struct One(usize);
    impl avocet_turn::server::Quota for One {
        fn enter(&mut self, user: &str, _: u64) -> bool {
            assert_eq!(user, "alice");
            self.0 += 1;
            self.0 == 1
        }
        fn leave(&mut self, _: &str, _: u64) {
            self.0 = 0;
        }
    }
    let mut desk = Desk::new(config());
    desk.server = avocet_turn::Server::new(config())
        .unwrap()
        .with_quota(Box::new(One(0)));
    let ask = |it: &mut stun::MessageBuilder<'_>| {
        it.requested_transport(17);
    };
    let mut first = Caller::new(client(1), "alice");
    let mut second = Caller::new(client(2), "alice");
    assert_eq!(first.ask(&mut desk, ALLOCATE, ask).code, 0);
    assert_eq!(second.ask(&mut desk, ALLOCATE, ask).code, 486);
    first.refresh(&mut desk, Some(0));
    assert_eq!(second.ask(&mut desk, ALLOCATE, ask).code, 0);
}
