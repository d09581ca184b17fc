//! Allocations that move to another socket (RFC 8016, T-17).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use avocet_turn::{Cause, Event, MigrateError, SendError, State};
use net::Path;
use netsim::{ADDRESS_A, ADDRESS_B, Profile, Side};
use support::*;

fn another_path(port: u16) -> Path {
    Path::udp(SocketAddr::new(ADDRESS_A.ip(), port), ADDRESS_B)
}

/// A client that may move, with a permission and a channel.
fn mobile(habits: Habits) -> Relayed {
    let mut config = config(1);
    config.mobility = true;
    let mut pair = allocating(Profile::Clean, 1, config, habits);
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    pair.a_mut().client.create_permission(peer(1).ip()).unwrap();
    pair.a_mut().client.bind_channel(peer(2)).unwrap();
    let bound = |pair: &Relayed| pair.has_event(Side::A, "ChannelBound");
    assert!(pair.run_until(Duration::from_secs(5), bound));
    pair
}

fn habits() -> Habits {
    Habits {
        mobile: true,
        ..Habits::default()
    }
}

#[test]
fn an_allocation_moves_with_its_addresses_permissions_and_channels_in_one_round_trip() {
    let mut pair = mobile(habits());
    let relayed = pair.a().client.relayed().to_vec();
    for port in [6_001, 6_002, 6_003] {
        let before = pair.time();
        pair.a_mut().client.migrate(another_path(port)).unwrap();
        assert_eq!(pair.a().client.state(), State::Moving);
        // What would be sent now would be lost.
        let begun = pair.a_mut().client.begin(&mut Vec::new(), peer(1));
        assert_eq!(begun.unwrap_err(), SendError::NotAllocated);
        assert!(pair.run_until(Duration::from_secs(5), is_allocated));
        assert_eq!(pair.time() - before, Duration::from_millis(50));
        assert_eq!(pair.a().client.relayed(), relayed);
    }
    assert_eq!(pair.a().count(|event| *event == Event::Migrated), 3);
    // Neither was asked for again.
    assert_eq!(pair.b().batches.len(), 1);
    pair.a_mut().say(peer(1), b"to the one with a permission");
    pair.a_mut().say(peer(2), b"to the one with a channel");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.pulled(Side::A).len(), 2);
}

#[test]
fn what_was_being_asked_when_the_way_broke_is_asked_again() {
    let mut pair = mobile(habits());
    pair.a_mut().client.create_permission(peer(3).ip()).unwrap();
    let now = pair.now();
    // It leaves, and nobody will hear the answer.
    while pair
        .a_mut()
        .client
        .poll_transmit(now, &mut Vec::new())
        .is_some()
    {}
    pair.a_mut().client.migrate(another_path(6_001)).unwrap();
    pair.run_for(Duration::from_secs(1));
    let installed = Event::PermissionInstalled(peer(3).ip());
    assert_eq!(pair.a().count(|event| *event == installed), 1);
}

#[test]
fn a_moved_allocation_is_refreshed_and_deleted_as_any_other() {
    let mut pair = mobile(habits());
    pair.a_mut().client.migrate(another_path(6_001)).unwrap();
    pair.run_for(Duration::from_secs(3_600));
    assert!(is_allocated(&pair));
    let now = pair.now();
    assert!(pair.b().has_relay(now));
    pair.a_mut().client.close(now);
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    let now = pair.now();
    assert!(!pair.b().has_relay(now));
}

#[test]
fn a_server_that_has_lost_the_allocation_ends_it() {
    let mut pair = mobile(habits());
    pair.b_mut().habits.amnesia = true;
    pair.a_mut().client.migrate(another_path(6_001)).unwrap();
    assert!(pair.run_until(Duration::from_secs(5), is_closed));
    assert_eq!(last_closed(&pair).unwrap().cause, Cause::AllocationLost);
}

#[test]
fn without_a_ticket_nothing_moves() {
    for (mobility, habits) in [(true, Habits::default()), (false, habits())] {
        let mut config = config(2);
        config.mobility = mobility;
        let mut pair = allocating(Profile::Clean, 2, config, habits);
        let early = pair.a_mut().client.migrate(another_path(6_001));
        assert_eq!(early, Err(MigrateError::NotAllocated));
        assert!(pair.run_until(Duration::from_secs(5), is_allocated));
        let refused = pair.a_mut().client.migrate(another_path(6_001));
        assert_eq!(refused, Err(MigrateError::NoTicket));
        assert!(!pair.a().client.is_mobile());
    }
}

/// RFC 8016 §3.1.3
#[test]
fn a_server_that_forbids_mobility_is_asked_again_without() {
    let mut config = config(3);
    config.mobility = true;
    let habits = Habits {
        forbids_mobility: true,
        ..Habits::default()
    };
    let mut pair = allocating(Profile::Clean, 3, config, habits);
    assert!(pair.run_until(Duration::from_secs(5), is_allocated));
    assert!(!pair.a().client.is_mobile());
}
