//! Two sessions over bad networks: what is lost comes back, and nothing runs away.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{Config, SendError};
use netsim::{Machine, Pair, Profile, Side};
use std::collections::BTreeSet;
use std::time::Duration;
use support::{Peer, config, millis};

/// A call of 20 s: 30 frames of 4 packets and 50 audio packets per second from A, some video back.
fn call(profile: Profile, seed: u64) -> Pair<Peer> {
    // What a sleeping host was given meanwhile is mostly dropped when it wakes.
    let peer = |n: u8| {
        let config = Config {
            send_queue_packets: 256,
            ..config(n)
        };
        Peer::with(config, u32::from(n) * 100)
    };
    let mut pair = Pair::on(profile, seed, peer(1), peer(2));
    for tick in 0..1_000_u32 {
        let now = pair.now();
        pair.a_mut().send_audio(now);
        if tick % 2 == 0 {
            pair.a_mut().send_frame(now, 4);
        }
        if tick % 10 == 0 {
            pair.b_mut().send_frame(now, 1);
        }
        pair.run_for(millis(20));
    }
    pair.run_for(Duration::from_secs(3));
    pair
}

fn video_received(pair: &Pair<Peer>) -> BTreeSet<Vec<u8>> {
    let pieces = pair.pulled(Side::B).iter().filter(|piece| piece[0] == 1);
    pieces.map(|piece| piece[1..5].to_vec()).collect()
}

fn duplicates(pair: &Pair<Peer>) -> usize {
    let pieces = pair.pulled(Side::B).iter().filter(|piece| piece[0] == 1);
    pieces.count() - video_received(pair).len()
}

#[test]
fn lost_video_is_recovered_by_retransmission() {
    for profile in [Profile::LightLoss, Profile::Loss10, Profile::BurstLoss] {
        for seed in 0..3 {
            let pair = call(profile, seed);
            let received = video_received(&pair).len();
            let sent = pair.a().video_sent() as usize;
            // Of a burst some is asked for ten times in vain; of independent losses nothing is.
            assert!(
                received >= sent * 998 / 1_000,
                "{profile:?}: {received} of {sent}"
            );
            assert_eq!(duplicates(&pair), 0, "{profile:?}");
            let stats = pair.a().session.stats().outbound;
            assert!(stats[1].retransmitted_packets_sent > 0, "{profile:?}");
            assert!(
                pair.b().slowest < millis(1_000),
                "{profile:?}: {:?}",
                pair.b().slowest
            );
        }
    }
}

#[test]
fn a_clean_path_needs_no_repair() {
    let pair = call(Profile::Clean, 1);
    assert_eq!(video_received(&pair).len(), pair.a().video_sent() as usize);
    let a = pair.a().session.stats();
    let b = pair.b().session.stats();
    assert_eq!(a.outbound[1].nack_count, 0);
    assert_eq!(a.outbound[1].pli_count, 0);
    assert_eq!(a.outbound[1].retransmitted_packets_sent, 0);
    assert!(b.inbound.iter().all(|stream| stream.packets_lost == 0));
    let round_trip = a.round_trip_time.unwrap();
    assert!(
        round_trip.abs_diff(millis(50)) < millis(1),
        "{round_trip:?}"
    );
}

#[test]
fn reordering_delivers_everything_once_and_is_not_taken_for_loss_for_long() {
    let pair = call(Profile::Shuffle, 2);
    assert_eq!(video_received(&pair).len(), pair.a().video_sent() as usize);
    assert_eq!(duplicates(&pair), 0);
    let sent = pair.a().session.stats().outbound[1].clone();
    assert!(
        sent.retransmitted_packets_sent * 100 <= sent.packets_sent * 16,
        "{sent:?}"
    );
}

#[test]
fn every_profile_ends_with_a_bounded_repair_and_the_same_trace_for_the_same_seed() {
    for profile in Profile::ALL {
        let pair = call(profile, 5);
        let stats = pair.a().session.stats();
        let video = &stats.outbound[1];
        let media = video.bytes_sent - video.retransmitted_bytes_sent;
        // The share, and the floor of one window on which a call begins.
        let allowed = media * 15 / 100 + 32_000;
        assert!(
            video.retransmitted_bytes_sent <= allowed,
            "{profile:?}: {video:?}"
        );
        assert!(!video_received(&pair).is_empty(), "{profile:?}");
        // Nothing is authenticated here: a flipped bit makes another packet of one.
        let corrupts = profile == Profile::Corruption;
        assert!(corrupts || duplicates(&pair) == 0, "{profile:?}");
        assert_eq!(
            pair.trace_hash(),
            call(profile, 5).trace_hash(),
            "{profile:?}"
        );
    }
}

#[test]
fn a_low_rate_call_recovers_too() {
    let mut pair = Pair::on(Profile::Loss10, 3, Peer::new(1), Peer::new(2));
    for _ in 0..100 {
        let now = pair.now();
        pair.a_mut().send_frame(now, 1);
        pair.run_for(millis(200));
    }
    // One more frame shows that the last one before it was lost.
    let now = pair.now();
    pair.a_mut().send_frame(now, 1);
    pair.run_for(Duration::from_secs(2));
    assert!(video_received(&pair).len() >= 100);
}

#[test]
fn sequence_numbers_wrap_during_loss() {
    let mut pair = Pair::on(Profile::Loss10, 9, Peer::new(1), Peer::new(2));
    // The sender starts in the lower half of the numbers: 17 s of 4 packets per millisecond pass the wrap.
    for _ in 0..17_000_u32 / 10 {
        let now = pair.now();
        pair.a_mut().send_frame(now, 40);
        pair.run_for(millis(10));
    }
    pair.run_for(Duration::from_secs(1));
    let stats = pair.b().session.stats();
    let video = stats.inbound.iter().find(|s| s.ssrc.get() == 120).unwrap();
    assert!(video.packets_received > 66_000, "{video:?}");
    assert!(video.packets_lost < 400, "{video:?}");
    assert_eq!(duplicates(&pair), 0);
}

#[test]
fn a_closed_session_says_goodbye_and_its_streams_end() {
    let mut pair = Pair::on(Profile::Clean, 1, Peer::new(1), Peer::new(2));
    let now = pair.now();
    pair.a_mut().send_frame(now, 1);
    pair.a_mut().send_audio(now);
    pair.run_for(millis(100));
    assert_eq!(pair.b().session.stats().inbound.len(), 2);
    let now = pair.now();
    pair.a_mut().session.close(now);
    assert_eq!(pair.a().poll_timeout(), None);
    pair.run_for(Duration::from_secs(3));
    assert!(pair.b().session.stats().inbound.is_empty());
    assert!(pair.has_event(Side::B, "Goodbye"));
    assert!(pair.has_event(Side::A, "Closed"));
    let now = pair.now();
    let (video, packet) = (pair.a().video, rtp::Packet::default());
    let refused = pair.a_mut().session.send(now, video, packet);
    assert_eq!(refused, Err(SendError::Closed));
}
