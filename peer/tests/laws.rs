//! The law battery.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use bytes::Bytes;
use netsim::laws::{Battery, Resists, Stage};
use netsim::{Pair, Profile};
use peer::{DataChannelInit, Direction, TransceiverInit};
use rtp::MediaKind;
use support::{Peer, negotiate_with, peers};

/// A call with audio, video and a channel, brought to a stage.
fn pair_at(stage: Stage, seed: u64) -> Pair<Peer> {
    let (mut a, mut b) = peers(seed as u8);
    let now = netsim::epoch();
    let init = TransceiverInit::default;
    a.pc.add_transceiver(MediaKind::Audio, Direction::SendRecv, init())
        .unwrap();
    a.pc.add_transceiver(MediaKind::Video, Direction::SendRecv, init())
        .unwrap();
    a.pc.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    negotiate_with(now, &mut a.pc, &mut b.pc, |b| {
        b.add_track(MediaKind::Video, &[]).unwrap();
    });
    let mut pair = Pair::on(Profile::Clean, seed, a, b);
    if stage == Stage::New {
        return pair;
    }
    pair.run_datagrams(6);
    if stage == Stage::MidHandshake {
        return pair;
    }
    pair.run_for(Duration::from_secs(3));
    for side in [pair.a(), pair.b()] {
        assert_eq!(side.pc.connection_state(), peer::ConnectionState::Connected);
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().pc.close(now);
    }
    pair
}

/// Both sides say something, as far as they can.
fn speak(pair: &mut Pair<Peer>, round: u32) {
    let now = pair.now();
    for peer in [true, false] {
        let peer = if peer { pair.a_mut() } else { pair.b_mut() };
        let ids: Vec<_> = peer.pc.transceivers().map(peer::Transceiver::id).collect();
        for id in ids {
            let transceiver = peer.pc.transceiver(id).unwrap();
            let Some(codec) = transceiver.send_codecs().first() else {
                continue;
            };
            let packet = rtp::Packet {
                payload_type: codec.payload_type,
                marker: true,
                timestamp: round * 3_000,
                payload: Bytes::from_static(&[7; 900]),
                ..rtp::Packet::default()
            };
            let _ = peer.pc.send_rtp(now, id, packet);
            peer.pc.request_keyframe(now, id);
        }
        let channels: Vec<_> = peer
            .pc
            .stats(now)
            .data_channels
            .iter()
            .map(|c| c.id)
            .collect();
        for id in channels {
            let mut channel = peer.pc.data_channel(id).unwrap();
            let _ = channel.send_text(now, &format!("round {round}"));
            let _ = channel.send_binary(now, &vec![1; 2_000]);
        }
    }
}

#[test]
fn a_peer_connection_keeps_the_laws() {
    Battery::new("peer::PeerConnection", pair_at)
        .traffic(speak)
        .resists(Resists::Forgeries)
        .heap_limit_bytes(1024 * 1024)
        .horizon(Duration::from_secs(40))
        .check();
}
