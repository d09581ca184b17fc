//! Audio and video of whole calls: both ways, repaired, forwarded, added and stopped.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use bytes::Bytes;
use netsim::{Pair, Profile, Side};
use peer::{DataChannelInit, Direction, Event, TransceiverId, TransceiverInit};
use rtp::MediaKind;
use support::calls::{PATIENCE, connected, data_call, is_open, send};
use support::{Peer, negotiate, negotiate_with, peers, renegotiate};

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
