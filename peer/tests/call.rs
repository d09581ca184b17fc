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
    ChannelCloseCause, ChannelId, ChannelState, ConnectionState, DataChannelInit, Direction, Event,
    Failure, Initiator, Message, SdpType, SessionDescription, TransceiverId, TransceiverInit,
};
use rtp::MediaKind;
use support::{
    Peer, config_a, config_b, negotiate, negotiate_with, peers, renegotiate, with_addresses,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A creates a channel, and either side offers.
fn data_call(seed: u8, a_offers: bool) -> (Pair<Peer>, ChannelId) {
    data_call_of(peers(seed), a_offers)
}

/// The same, A offering, with a handshake that travels in datagrams of its own.
fn uncarried_data_call(seed: u8) -> (Pair<Peer>, ChannelId) {
    let (mut a, b) = (config_a(seed), config_b(seed));
    a.sped = false;
    data_call_of(with_addresses(a, b), true)
}

fn data_call_of((mut a, mut b): (Peer, Peer), a_offers: bool) -> (Pair<Peer>, ChannelId) {
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    b.echoes = true;
    if a_offers {
        negotiate(now, &mut a.pc, &mut b.pc);
    } else {
        // B has to offer an m-line for data: it opens a channel of its own.
        b.pc.create_data_channel(now, "other", DataChannelInit::default())
            .unwrap();
        negotiate(now, &mut b.pc, &mut a.pc);
    }
    (Pair::new(a, b), channel)
}

fn send(pair: &mut Pair<Peer>, side: Side, channel: ChannelId, text: &str) {
    let now = pair.now();
    let peer = match side {
        Side::A => pair.a_mut(),
        Side::B => pair.b_mut(),
    };
    peer.pc
        .data_channel(channel)
        .unwrap()
        .send_text(now, text)
        .unwrap();
}

fn is_open(peer: &Peer, channel: ChannelId) -> bool {
    peer.has(&Event::DataChannelOpened(channel))
}

fn state(peer: &Peer) -> ConnectionState {
    peer.pc.connection_state()
}

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

fn video_packet(
    payload_type: rtp::PayloadType,
    timestamp: u32,
    payload: &'static [u8],
) -> rtp::Packet {
    rtp::Packet {
        payload_type,
        marker: true,
        timestamp,
        payload: Bytes::from_static(payload),
        ..rtp::Packet::default()
    }
}

/// A offers audio, video and data, and B sends on what A offered.
fn media_call(seed: u8) -> (Pair<Peer>, [TransceiverId; 2]) {
    let (mut a, mut b) = peers(seed);
    let now = netsim::epoch();
    let init = || TransceiverInit {
        streams: vec!["camera".to_owned()],
        ..TransceiverInit::default()
    };
    let audio =
        a.pc.add_transceiver(MediaKind::Audio, Direction::SendRecv, init())
            .unwrap();
    let video =
        a.pc.add_transceiver(MediaKind::Video, Direction::SendRecv, init())
            .unwrap();
    a.pc.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    negotiate_with(now, &mut a.pc, &mut b.pc, |b| {
        b.add_track(MediaKind::Audio, &["back"]).unwrap();
        b.add_track(MediaKind::Video, &["back"]).unwrap();
    });
    (Pair::new(a, b), [audio, video])
}

fn connected(pair: &Pair<Peer>) -> bool {
    state(pair.a()) == ConnectionState::Connected && state(pair.b()) == ConnectionState::Connected
}

#[test]
fn audio_and_video_flow_both_ways_and_carry_their_transceiver() {
    let (mut pair, [audio, video]) = media_call(11);
    assert!(pair.run_until(PATIENCE, connected));
    assert_eq!(pair.b().tracks.len(), 2);
    assert_eq!(pair.a().tracks, [audio, video]);
    for turn in 0..50_u32 {
        let now = pair.now();
        for id in [audio, video] {
            let pt = pair.a().pc.transceiver(id).unwrap().send_codecs()[0].payload_type;
            pair.a_mut()
                .pc
                .send_rtp(now, id, video_packet(pt, turn * 960, b"from a"))
                .unwrap();
        }
        for id in pair.b().tracks.clone() {
            let pt = pair.b().pc.transceiver(id).unwrap().send_codecs()[0].payload_type;
            pair.b_mut()
                .pc
                .send_rtp(now, id, video_packet(pt, turn * 960, b"from b"))
                .unwrap();
        }
        pair.run_for(Duration::from_millis(20));
    }
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.b().packets.len(), 100);
    assert_eq!(pair.a().packets.len(), 100);
    for (id, packet) in &pair.a().packets {
        assert_eq!(packet.packet.payload, "from b");
        assert!([audio, video].contains(id));
    }
    let of_video = pair
        .a()
        .packets
        .iter()
        .filter(|(id, _)| *id == video)
        .count();
    assert_eq!(of_video, 50);
    let stats = pair.b().pc.stats(pair.now());
    assert!(stats.media.is_some() && stats.srtp.is_some());
    assert_eq!(stats.dropped, peer::Dropped::default());
}

#[test]
fn lost_video_is_repaired_by_retransmission() {
    let (a, b) = peers(12);
    let now = netsim::epoch();
    let (mut a, mut b) = (a, b);
    let init = TransceiverInit::default();
    let video =
        a.pc.add_transceiver(MediaKind::Video, Direction::SendOnly, init)
            .unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::on(Profile::Loss10, 12, a, b);
    assert!(pair.run_until(PATIENCE, connected));
    for turn in 0..500_u32 {
        let now = pair.now();
        let pt = pair.a().pc.transceiver(video).unwrap().send_codecs()[0].payload_type;
        pair.a_mut()
            .pc
            .send_rtp(now, video, video_packet(pt, turn * 900, &[9; 1_000]))
            .unwrap();
        pair.run_for(Duration::from_millis(10));
    }
    pair.run_for(Duration::from_secs(2));
    let arrived = pair.b().packets.len();
    let repaired = pair
        .b()
        .packets
        .iter()
        .filter(|(_, packet)| packet.retransmitted)
        .count();
    assert!(arrived >= 490, "{arrived} of 500 arrived");
    assert!(repaired >= 20, "{repaired} were repaired");
}

#[test]
fn a_key_frame_request_reaches_the_sender_and_a_forwarder_rewrites() {
    let (mut pair, [_, video]) = media_call(13);
    assert!(pair.run_until(PATIENCE, connected));
    let now = pair.now();
    let pt = pair.a().pc.transceiver(video).unwrap().send_codecs()[0].payload_type;
    pair.a_mut()
        .pc
        .send_rtp(now, video, video_packet(pt, 1, b"frame"))
        .unwrap();
    pair.run_for(Duration::from_millis(200));
    let now = pair.now();
    let (theirs, packet) = pair.b_mut().packets[0].clone();
    pair.b_mut().pc.request_keyframe(now, theirs);
    // B sends back what it got.
    let codec = pair.b().pc.transceiver(theirs).unwrap().receive_codecs()[0].clone();
    let payload_type = pair.b().pc.payload_type_for(theirs, &codec).unwrap();
    pair.b_mut()
        .pc
        .forward(now, theirs, &packet, payload_type)
        .unwrap();
    assert!(pair.run_until(PATIENCE, |pair| {
        pair.a().has(&Event::KeyframeRequested(video)) && pair.a().packets.len() == 1
    }));
    let ssrc = pair.b().pc.transceiver(theirs).unwrap().ssrc();
    assert_eq!(pair.a().packets[0].1.packet.ssrc.get(), ssrc);
}

#[test]
fn a_track_is_added_and_stopped_while_the_call_goes_on() {
    let (mut pair, channel) = data_call(14, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let video = pair
        .a_mut()
        .pc
        .add_track(MediaKind::Video, &["late"])
        .unwrap();
    pair.run_for(Duration::from_millis(1));
    assert!(pair.a().has(&Event::NegotiationNeeded));
    renegotiate(&mut pair);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    let pt = pair.a().pc.transceiver(video).unwrap().send_codecs()[0].payload_type;
    pair.a_mut()
        .pc
        .send_rtp(now, video, video_packet(pt, 1, b"frame"))
        .unwrap();
    assert!(pair.run_until(PATIENCE, |pair| pair.b().packets.len() == 1));
    let theirs = pair.b().tracks[0];

    pair.a_mut().pc.stop_transceiver(video).unwrap();
    renegotiate(&mut pair);
    pair.run_for(Duration::from_millis(100));
    assert!(pair.b().has(&Event::TrackRemoved {
        transceiver: theirs
    }));
    assert!(pair.a().pc.transceiver(video).unwrap().is_stopped());
    let offer = pair.a().pc.local_description().unwrap().sdp;
    assert!(offer.contains("m=video 0 "), "{offer}");
    // The next track takes the free place.
    pair.a_mut().pc.add_track(MediaKind::Audio, &[]).unwrap();
    renegotiate(&mut pair);
    let offer = pair.a().pc.local_description().unwrap().sdp;
    assert_eq!(offer.matches("m=").count(), 2, "{offer}");
    assert!(offer.contains("m=audio 9 "), "{offer}");
    send(&mut pair, Side::A, channel, "still here");
    assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["still here"]));
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

/// P-8: with an INIT in both descriptions the first message arrives a round trip earlier, and without one in either it arrives all the same.
#[test]
fn inits_in_the_descriptions_save_the_handshake() {
    let time_to_data = |snap: [bool; 2]| {
        let (mut a, mut b) = (config_a(61), config_b(61));
        (a.snap, b.snap) = (snap[0], snap[1]);
        let (mut a, mut b) = with_addresses(a, b);
        let now = netsim::epoch();
        let init = DataChannelInit::default();
        a.pc.create_data_channel(now, "chat", init).unwrap();
        let offer = a.pc.create_offer(now).unwrap();
        assert_eq!(offer.sdp.contains("a=sctp-init:"), snap[0]);
        a.pc.set_local_description(now, offer.clone()).unwrap();
        b.pc.set_remote_description(now, offer).unwrap();
        let answer = b.pc.create_answer(now).unwrap();
        assert_eq!(answer.sdp.contains("a=sctp-init:"), snap[0] && snap[1]);
        b.pc.set_local_description(now, answer.clone()).unwrap();
        a.pc.set_remote_description(now, answer).unwrap();
        let mut pair = Pair::new(a, b);
        let arrived = |pair: &Pair<Peer>| {
            let sctp = pair.b().pc.stats(pair.now()).sctp;
            sctp.is_some_and(|sctp| sctp.messages_received >= 1)
        };
        assert!(pair.run_until(PATIENCE, arrived));
        let time = pair.time();
        // The same descriptions again change nothing (the same INIT keeps the association).
        renegotiate(&mut pair);
        pair.run_for(Duration::from_secs(2));
        assert_eq!(state(pair.a()), ConnectionState::Connected);
        time
    };
    let plain = time_to_data([false, false]);
    let both = time_to_data([true, true]);
    assert!(
        both + Duration::from_millis(9) < plain,
        "{both:?} against {plain:?}"
    );
    for one in [[true, false], [false, true]] {
        let time = time_to_data(one);
        assert!(
            time.abs_diff(plain) < Duration::from_millis(5),
            "{time:?}, {plain:?}"
        );
    }
}

/// P-8: another INIT of the peer in a later description is another association, on both sides; the same INIT changes nothing.
#[test]
fn another_init_in_a_later_description_restarts_the_association() {
    let (mut pair, channel) = data_call(62, true);
    assert!(pair.run_until(PATIENCE, |pair| is_open(pair.a(), channel)));
    let init_of = |sdp: &str| {
        let line = sdp.lines().find(|line| line.starts_with("a=sctp-init:"));
        line.unwrap().to_owned()
    };
    let now = pair.now();
    let first = init_of(&pair.a().pc.local_description().unwrap().sdp);
    // The peer's offer describes the association of another peer.
    let stranger = {
        let (stranger, _) = data_call(63, true);
        init_of(&stranger.a().pc.local_description().unwrap().sdp)
    };
    let mut offer = pair.b_mut().pc.create_offer(now).unwrap();
    let present = init_of(&offer.sdp);
    offer.sdp = offer.sdp.replace(&present, &stranger);
    pair.a_mut()
        .pc
        .set_remote_description(now, offer.clone())
        .unwrap();
    // An offer that is taken back leaves everything as it was.
    let rollback = SessionDescription {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    let answer = pair.a_mut().pc.create_answer(now).unwrap();
    assert_ne!(init_of(&answer.sdp), first);
    pair.a_mut()
        .pc
        .set_remote_description(now, rollback)
        .unwrap();
    send(&mut pair, Side::A, channel, "still here");
    assert!(pair.run_until(PATIENCE, |pair| pair.a().texts() == ["still here"]));
    let now = pair.now();
    pair.a_mut().pc.set_remote_description(now, offer).unwrap();
    let answer = pair.a_mut().pc.create_answer(now).unwrap();
    let second = init_of(&answer.sdp);
    assert_ne!(second, first, "and another INIT of ours");
    pair.a_mut().pc.set_local_description(now, answer).unwrap();
    pair.run_for(Duration::from_millis(1));
    let cause = ChannelCloseCause::AssociationRestarted;
    let closed = pair.a().closed(channel).unwrap();
    assert_eq!((closed.initiator, closed.cause), (Initiator::Remote, cause));
    assert_eq!(state(pair.a()), ConnectionState::Connected);
    let now = pair.now();
    let offer = pair.a_mut().pc.create_offer(now).unwrap();
    assert_eq!(init_of(&offer.sdp), second, "which stays");
    let id = pair
        .a_mut()
        .pc
        .create_data_channel(now, "new", DataChannelInit::default());
    pair.run_for(Duration::from_millis(1));
    assert!(is_open(pair.a(), id.unwrap()));
}
