//! Whole calls between two peers on the simulated network.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use avocet_peer as peer;
use bytes::Bytes;
use netsim::{ADDRESS_A, ADDRESS_B, Pair, Profile, Side, Verdict};
use peer::{
    ChannelCloseCause, ChannelState, ConnectionState, DataChannelInit, Event, Failure, Message,
    SessionDescription,
};
use rtp::MediaKind;
use support::calls::{PATIENCE, data_call, is_open, send, state};
use support::{Peer, config_a, config_b, negotiate, peers, renegotiate, with_addresses};

#[test]
fn a_message_is_echoed_whoever_offers() {
    for a_offers in [true, false] {
        let (mut pair, channel) = data_call(1, a_offers);
        assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
        send(&mut pair, Side::A, channel, "hello");
        assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["hello"]));
        assert_eq!(state(pair.a()), ConnectionState::Connected);
        assert_eq!(state(pair.b()), ConnectionState::Connected);
        let stats = pair.a().pc.stats(pair.now());
        assert_eq!(stats.transport.tls_version, Some(0xfefc));
    }
}

/// How long each of some seeds takes on a profile until a message was echoed; `None` where it failed.
fn times(profile: Profile, seeds: std::ops::Range<u8>) -> Vec<Option<Duration>> {
    seeds
        .map(|seed| {
            let (mut a, mut b) = peers(seed);
            let now = netsim::epoch();
            let channel =
                a.pc.create_data_channel(now, "chat", DataChannelInit::default())
                    .unwrap();
            b.echoes = true;
            negotiate(now, &mut a.pc, &mut b.pc);
            let mut pair = Pair::on(profile, u64::from(seed), a, b);
            let patience = Duration::from_secs(90);
            if !pair.run_until(patience, |pair| is_open(pair.a(), channel)) {
                return None;
            }
            send(&mut pair, Side::A, channel, "hello");
            let echoed = pair.run_until(patience, |pair| pair.a().texts() == ["hello"]);
            echoed.then(|| pair.time())
        })
        .collect()
}

#[test]
fn a_message_is_echoed_on_every_profile() {
    for profile in Profile::ALL {
        // A changed address needs an ICE restart; half of all packets have a test of their own.
        if [Profile::Nap, Profile::Loss50].contains(&profile) {
            continue;
        }
        let times = times(profile, 0..5);
        assert!(times.iter().all(Option::is_some), "{profile:?}: {times:?}");
    }
}

#[test]
fn a_channel_is_open_after_four_and_a_half_round_trips() {
    // One for the check, two for DTLS 1.2, one and a half for SCTP; OPEN rides on COOKIE ECHO.
    let (mut pair, channel) = data_call(19, true);
    let round_trip = Duration::from_millis(40);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    assert!(
        pair.time() <= round_trip * 9 / 2 + Duration::from_millis(2),
        "{:?}",
        pair.time()
    );
}

#[test]
fn most_calls_come_about_when_half_of_all_packets_are_lost() {
    let times = times(Profile::Loss50, 0..20);
    let echoed = times.iter().flatten().count();
    assert!(echoed >= 12, "{echoed} of 20: {times:?}");
}

#[test]
fn a_lite_side_answers_and_is_called() {
    let mut lite = config_b(2);
    lite.ice_mode = ice::Mode::Lite;
    lite.answer_setup = peer::AnswerSetup::Passive;
    let (mut a, mut b) = with_addresses(config_a(2), lite);
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    b.echoes = true;
    negotiate(now, &mut a.pc, &mut b.pc);
    assert!(b.pc.local_description().unwrap().sdp.contains("a=ice-lite"));
    let mut pair = Pair::new(a, b);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    send(&mut pair, Side::A, channel, "hello");
    assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["hello"]));
}

#[test]
fn candidates_may_trickle_long_after_the_answer() {
    let mut a = Peer::new(config_a(3));
    let mut b = Peer::new(config_b(3));
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    b.echoes = true;
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    pair.run_for(Duration::from_secs(3));
    let now = pair.now();
    pair.a_mut().pc.add_local_address(now, ADDRESS_A).unwrap();
    pair.b_mut().pc.add_local_address(now, ADDRESS_B).unwrap();
    pair.run_for(Duration::from_millis(1));
    let trickled = |peer: &Peer| {
        let candidates = peer.events.iter().filter_map(|event| match event {
            Event::IceCandidate(candidate) => Some(candidate.clone()),
            _ => None,
        });
        candidates.collect::<Vec<_>>()
    };
    let (from_a, from_b) = (trickled(pair.a()), trickled(pair.b()));
    assert_eq!(from_a.len(), 1);
    for candidate in from_a {
        pair.b_mut().pc.add_ice_candidate(now, &candidate).unwrap();
    }
    for candidate in from_b {
        pair.a_mut().pc.add_ice_candidate(now, &candidate).unwrap();
    }
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
}

#[test]
fn a_late_answer_meets_a_handshake_that_waits_for_its_fingerprint() {
    let (mut a, mut b) = peers(4);
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    let offer = a.pc.create_offer(now).unwrap();
    a.pc.set_local_description(now, offer.clone()).unwrap();
    b.pc.set_remote_description(now, offer).unwrap();
    let answer = b.pc.create_answer(now).unwrap();
    b.pc.set_local_description(now, answer.clone()).unwrap();
    let mut pair = Pair::new(a, b);
    // B checks, and calls as soon as A answers its check; A does not know B's certificate yet.
    pair.run_for(Duration::from_secs(2));
    assert_ne!(state(pair.a()), ConnectionState::Connected);
    let now = pair.now();
    pair.a_mut().pc.set_remote_description(now, answer).unwrap();
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    assert_eq!(
        pair.a().pc.stats(pair.now()).transport.dtls_role,
        Some(dtls::Role::Server)
    );
}

/// C-17: a channel that waits closes with the handshake that fails.
#[test]
fn a_wrong_fingerprint_fails_both_roles_and_no_data_passes() {
    for wrong_in_offer in [true, false] {
        let (mut a, mut b) = peers(5);
        let now = netsim::epoch();
        let channel =
            a.pc.create_data_channel(now, "chat", DataChannelInit::default())
                .unwrap();
        let forge = |mut description: SessionDescription| {
            let at = description.sdp.find("sha-256 ").unwrap() + 8;
            let digit = if description.sdp[at..].starts_with('0') {
                "1"
            } else {
                "0"
            };
            description.sdp.replace_range(at..=at, digit);
            description
        };
        let offer = a.pc.create_offer(now).unwrap();
        a.pc.set_local_description(now, offer.clone()).unwrap();
        let offer = if wrong_in_offer { forge(offer) } else { offer };
        b.pc.set_remote_description(now, offer).unwrap();
        let answer = b.pc.create_answer(now).unwrap();
        b.pc.set_local_description(now, answer.clone()).unwrap();
        let answer = if wrong_in_offer {
            answer
        } else {
            forge(answer)
        };
        a.pc.set_remote_description(now, answer).unwrap();
        let mut pair = Pair::new(a, b);
        let judge = |pair: &Pair<Peer>| {
            if wrong_in_offer {
                pair.b().pc.failure()
            } else {
                pair.a().pc.failure()
            }
        };
        assert!(pair.run_until(PATIENCE, |pair| judge(pair) == Some(Failure::Fingerprint)));
        pair.run_for(Duration::from_secs(5));
        let closed = pair.a().closed(channel).unwrap();
        assert_eq!(closed.cause, ChannelCloseCause::TransportFailed);
        for side in [pair.a(), pair.b()] {
            assert!(
                !side
                    .events
                    .iter()
                    .any(|event| matches!(event, Event::DataChannelOpened(_)))
            );
            assert!(side.messages.is_empty());
        }
    }
}

#[test]
fn close_says_goodbye_and_both_sides_end() {
    let (mut pair, channel) = data_call(6, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    send(&mut pair, Side::A, channel, "last words");
    let now = pair.now();
    pair.a_mut().pc.close(now);
    pair.a_mut().pc.close(now);
    assert!(pair.run_until(PATIENCE, |pair| {
        let closed = |peer: &Peer| {
            peer.events
                .iter()
                .any(|event| matches!(event, Event::Closed(_)))
        };
        closed(pair.a()) && closed(pair.b())
    }));
    assert_eq!(pair.b().texts(), ["last words"]);
    assert!(pair.a().closed(channel).is_some());
    assert_eq!(state(pair.a()), ConnectionState::Closed);
    assert_eq!(pair.a().pc.poll_timeout(), None);
    let now = pair.now();
    let pc = &mut pair.a_mut().pc;
    assert!(pc.create_offer(now).is_err());
    assert!(
        pc.create_data_channel(now, "x", DataChannelInit::default())
            .is_err()
    );
    assert!(pc.add_track(MediaKind::Audio, &[]).is_err());
}

#[test]
fn a_channel_closes_on_both_sides_and_its_stream_can_be_used_again() {
    let (mut pair, channel) = data_call(8, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    for round in 0..20 {
        let now = pair.now();
        let id = pair
            .a_mut()
            .pc
            .create_data_channel(now, &format!("round {round}"), DataChannelInit::default())
            .unwrap();
        assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), id)));
        let view = pair.a_mut().pc.data_channel(id).unwrap();
        let stream = view.stream_id();
        assert_eq!(
            stream,
            pair.a().pc.stats(now).data_channels[1].data_channel_identifier
        );
        let mut view = pair.a_mut().pc.data_channel(id).unwrap();
        view.send_text(now, "bye").unwrap();
        view.close(now);
        assert_eq!(view.state(), ChannelState::Closing);
        assert!(pair.run_until(PATIENCE, |pair| pair.a().closed(id).is_some()));
        pair.run_for(Duration::from_secs(1));
        let theirs = *pair.b().channels.last().unwrap();
        assert!(pair.b().closed(theirs).is_some(), "round {round}");
        assert!(pair.a_mut().pc.data_channel(id).is_none());
    }
    assert_eq!(pair.b().texts().len(), 20);
}

#[test]
fn negotiated_and_unordered_channels_carry_text_bytes_and_nothing() {
    let (mut a, mut b) = peers(9);
    let now = netsim::epoch();
    let init = DataChannelInit {
        ordered: false,
        negotiated: Some(42),
        ..DataChannelInit::default()
    };
    let on_a =
        a.pc.create_data_channel(now, "agreed", init.clone())
            .unwrap();
    let on_b = b.pc.create_data_channel(now, "agreed", init).unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), on_a)
        && is_open(pair.b(), on_b)));
    let messages = [
        Message::from(""),
        Message::from(Vec::new()),
        Message::from("grüße"),
        Message::Binary(Bytes::from(vec![7; 100_000])),
    ];
    let now = pair.now();
    for message in &messages {
        pair.a_mut()
            .pc
            .data_channel(on_a)
            .unwrap()
            .send(now, message)
            .unwrap();
    }
    assert!(pair.run_until(PATIENCE, |pair| pair.b().messages.len() == messages.len()));
    for message in messages {
        assert!(pair.b().messages.contains(&(on_b, message)));
    }
    let now = pair.now();
    let too_large = vec![0; 262_145];
    let error = pair
        .a_mut()
        .pc
        .data_channel(on_a)
        .unwrap()
        .send_binary(now, &too_large);
    assert_eq!(error, Err(peer::SendError::TooLarge));
}

#[test]
fn a_reader_that_stops_holds_the_writer_back_and_nothing_is_lost() {
    let (mut pair, channel) = data_call(10, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let mut sent = 0;
    let block = vec![1; 60_000];
    // B's application does not read: take its events without acting on them.
    pair.b_mut().echoes = false;
    let mut full = false;
    for _ in 0..200 {
        let now = pair.now();
        let result = pair
            .a_mut()
            .pc
            .data_channel(channel)
            .unwrap()
            .send_binary(now, &block);
        match result {
            Ok(()) => sent += 1,
            Err(peer::SendError::Full) => {
                full = true;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(full);
    assert!(pair.run_until(PATIENCE, |pair| {
        pair.a().has(&Event::DataChannelWritable(channel))
    }));
    assert!(pair.run_until(PATIENCE, |pair| pair.b().messages.len() == sent));
}

/// Catalogue I-01, for the whole connection: consent ends 30 s after the last answer (RFC 7675 §5.1).
#[test]
fn nothing_leaves_once_consent_expired_not_even_a_goodbye() {
    let (mut pair, channel) = data_call(9, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    pair.run_for(Duration::from_secs(10));
    // B is gone from here on: whatever A sends is lost, and counted.
    let expired = pair.now() + Duration::from_secs(31);
    let late = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&late);
    pair.network().intercept(move |packet| {
        let from_a = packet.path.local == ADDRESS_A;
        if from_a && packet.sent > expired {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Verdict::Drop
    });
    for _ in 0..70 {
        send(&mut pair, Side::A, channel, "is anybody there?");
        pair.run_for(Duration::from_secs(1));
    }
    let now = pair.now();
    pair.a_mut().pc.close(now);
    pair.run_for(Duration::from_secs(5));
    assert!(
        pair.a()
            .has(&Event::ConnectionStateChanged(ConnectionState::Closed))
    );
    assert_eq!(late.load(Ordering::Relaxed), 0);
}

#[test]
fn an_ice_restart_keeps_the_association() {
    let (mut pair, channel) = data_call(15, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let before = pair.a().pc.local_ufrag().to_owned();
    let their_before = pair.b().pc.local_ufrag().to_owned();
    let now = pair.now();
    pair.a_mut().pc.restart_ice(now);
    renegotiate(&mut pair);
    assert_ne!(pair.a().pc.local_ufrag(), before);
    assert_ne!(pair.b().pc.local_ufrag(), their_before);
    pair.run_for(Duration::from_secs(5));
    send(&mut pair, Side::A, channel, "after the restart");
    assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["after the restart"]));
}
