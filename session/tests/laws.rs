//! The law battery.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::Config;
use netsim::laws::{Battery, Resists, Stage};
use netsim::{Pair, Profile};
use std::time::Duration;
use support::{Peer, config, millis};

/// A session whose queues are small, so that the battery sees them overflow.
fn small(seed: u8) -> Config {
    Config {
        send_queue_packets: 64,
        receive_queue_packets: 64,
        receive_queue_bytes: 128 * 1024,
        history_bytes: 128 * 1024,
        ..config(seed)
    }
}

fn pair_at(stage: Stage, seed: u64) -> Pair<Peer> {
    let peer = |n| Peer::with(small(n), u32::from(n) * 100);
    let mut pair = Pair::on(Profile::Clean, seed, peer(1), peer(2));
    if stage == Stage::New {
        speak(&mut pair, 0);
        return pair;
    }
    speak(&mut pair, 0);
    pair.run_datagrams(2);
    if stage == Stage::MidHandshake {
        return pair;
    }
    pair.run_for(Duration::from_secs(2));
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().session.close(now);
    }
    pair
}

/// Both sides send.
fn speak(pair: &mut Pair<Peer>, round: u32) {
    let now = pair.now();
    for _ in 0..=round {
        pair.a_mut().send_audio(now);
        pair.a_mut().send_frame(now, 3);
        pair.b_mut().send_frame(now, 2);
    }
    let receiver = pair.b().video_in;
    pair.b_mut().session.request_keyframe(now, receiver);
}

#[test]
fn a_session_keeps_the_laws() {
    Battery::new("session::Session", pair_at)
        .traffic(speak)
        // What arrives was authenticated by the layer below.
        .resists(Resists::Nothing)
        // 1,024 streams, the queues, what is held, and the chunks that pin them.
        .heap_limit_bytes(3 * 1024 * 1024)
        .horizon(Duration::from_secs(20) + millis(1))
        .check();
}
