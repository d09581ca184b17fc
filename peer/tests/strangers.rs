//! What strangers send to a call, and what comes before its path is proved.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use netsim::{Pair, Side, Verdict};
use support::Peer;
use support::calls::{PATIENCE, data_call, is_open, uncarried_data_call};

/// What somebody who can write the peer's address may send before the handshake has keys.
fn forgeries() -> Vec<Vec<u8>> {
    let record = |content: u8, body: &[u8]| {
        let mut record = vec![content, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend_from_slice(&(body.len() as u16).to_be_bytes());
        record.extend_from_slice(body);
        record
    };
    let mut hello = vec![1, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 60, 0xfe, 0xfd];
    hello.resize(12 + 60, 0);
    // A well-formed ClientHello whose one cipher suite nobody has.
    let mut foreign = vec![1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd];
    foreign.extend_from_slice(&[5; 32]);
    foreign.extend_from_slice(&[0, 0, 0, 2, 0x00, 0x05, 1, 0]);
    vec![
        record(21, &[2, 40]), // a fatal alert
        record(22, &foreign),
        record(22, &hello), // a ClientHello that offers nothing
        record(22, &[14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), // ServerHelloDone
        record(20, &[1]),   // ChangeCipherSpec
        record(23, b"plaintext"),
        vec![22; 40],
    ]
}

#[test]
fn forged_handshake_messages_do_not_keep_the_call_from_coming_about() {
    let forgeries = forgeries();
    for forgery in &forgeries {
        for side in [Side::A, Side::B] {
            let (mut pair, channel) = data_call(16, true);
            for _ in 0..30 {
                let path = pair.path(side);
                pair.inject(side, path, forgery);
                pair.run_for(Duration::from_millis(10));
            }
            let open = pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel));
            assert!(open, "{forgery:02x?} to {side:?}: {:?}", pair.outcomes());
            assert!(!pair.b().texts().contains(&"plaintext".to_owned()));
        }
    }
}

#[test]
fn a_forged_flight_of_the_server_ends_the_handshake_and_not_the_call() {
    let is = |bytes: &[u8], kind: u8| bytes.first() == Some(&22) && bytes.get(13) == Some(&kind);
    let (mut pair, channel) = uncarried_data_call(20);
    pair.network().start_recording();
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let recorded = pair.network().recorded().to_vec();
    let flight: Vec<_> = recorded
        .iter()
        .filter(|packet| is(&packet.bytes, 2))
        .collect();
    assert!(!flight.is_empty());

    // In another call it comes before the genuine one: B has sent its ClientHello.
    let (mut pair, channel) = uncarried_data_call(21);
    pair.network().start_recording();
    let sent_hello = |pair: &mut Pair<Peer>| {
        pair.network()
            .recorded()
            .iter()
            .any(|packet| is(&packet.bytes, 1))
    };
    while !sent_hello(&mut pair) {
        pair.step();
    }
    let path = pair.path(Side::B);
    for packet in flight {
        pair.inject(Side::B, path, &packet.bytes);
    }
    let open = pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel));
    assert!(open, "{:?}", pair.outcomes());
}

#[test]
fn a_client_hello_that_overtakes_the_checks_is_kept_and_answered() {
    let is_hello = |bytes: &[u8]| bytes.first() == Some(&22) && bytes.get(13) == Some(&1);
    let (mut pair, channel) = uncarried_data_call(17);
    pair.network().start_recording();
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let recorded = pair.network().recorded().to_vec();
    let hello = recorded
        .iter()
        .find(|packet| is_hello(&packet.bytes))
        .unwrap()
        .bytes
        .clone();

    // The same call, in which the hellos of the first seconds are lost, with and without one that came before.
    let time_to_open = |early: bool| {
        let (mut pair, channel) = uncarried_data_call(17);
        let path = pair.path(Side::A);
        pair.network().intercept(move |packet| {
            let drop = is_hello(&packet.bytes);
            if drop { Verdict::Drop } else { Verdict::Pass }
        });
        if early {
            pair.inject(Side::A, path, &hello);
        }
        pair.run_for(Duration::from_millis(900));
        let open = is_open(pair.a(), channel);
        pair.network().pass_all();
        assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
        open
    };
    assert!(time_to_open(true));
    assert!(!time_to_open(false));
}

#[test]
fn data_is_taken_from_proved_paths_only() {
    let (mut pair, channel) = data_call(18, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let mut foreign = pair.path(Side::A);
    foreign.remote.set_port(6_666);
    for bytes in [
        &[23, 0xfe, 0xfd, 0, 1, 0][..],
        &[0x80; 40][..],
        &[0x80, 200, 0, 1][..],
        &[99][..],
    ] {
        pair.inject(Side::A, foreign, bytes);
    }
    pair.run_for(Duration::from_millis(100));
    let dropped = pair.a().pc.stats(pair.now()).dropped;
    assert_eq!(dropped.unproved_path, 3);
    assert_eq!(dropped.unknown_content, 1);
}
