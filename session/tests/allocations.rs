//! What a forwarded packet costs in allocations: nothing, once everything is warm.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{Config, Session};
use netsim::epoch;
use std::time::Instant;
use support::*;

const SUBSCRIBERS: u32 = 20;

struct Relay {
    publisher: Session,
    subscribers: Vec<(Session, avocet_session::SenderId)>,
    wire: Vec<u8>,
    out: Vec<u8>,
    forwarded: u64,
}

impl Relay {
    fn new() -> Self {
        let mut publisher = Session::new(config(1)).unwrap();
        publisher.add_receiver(epoch(), video_receiver());
        let subscribers = (0..SUBSCRIBERS).map(|n| {
            let config = Config {
                seed: [n as u8; 32],
                ..config(2)
            };
            let mut session = Session::new(config).unwrap();
            let sender = session.add_sender(epoch(), video_sender(100 + n * 2));
            (session, sender)
        });
        Self {
            publisher,
            subscribers: subscribers.collect(),
            wire: Vec::with_capacity(2_000),
            out: Vec::with_capacity(64_000),
            forwarded: 0,
        }
    }

    /// One packet arrives and leaves for everybody, its history with it.
    fn forward(&mut self, now: Instant, sequence: u32) {
        self.wire.clear();
        let header = [0x80, VP8, (sequence >> 8) as u8, sequence as u8];
        self.wire.extend_from_slice(&header);
        self.wire.extend_from_slice(&(sequence * 900).to_be_bytes());
        self.wire.extend_from_slice(&500_u32.to_be_bytes());
        self.wire.resize(1_200, 7);
        self.publisher.handle_timeout(now);
        self.publisher.handle_datagram(now, &self.wire);
        while let Some((_, received)) = self.publisher.poll_packet() {
            for (session, sender) in &mut self.subscribers {
                session.forward(now, *sender, &received, pt(VP8)).unwrap();
                self.forwarded += 1;
            }
        }
        for (session, _) in &mut self.subscribers {
            self.out.clear();
            session.handle_timeout(now);
            while session.poll_transmit(now, &mut self.out).is_some() {}
        }
        self.out.clear();
        while self.publisher.poll_transmit(now, &mut self.out).is_some() {}
        while self.publisher.poll_event().is_some() {}
    }
}

#[test]
fn a_forwarded_packet_allocates_nothing() {
    let mut relay = Relay::new();
    let mut sequence = 0;
    let mut run = |relay: &mut Relay, packets: u32| {
        for _ in 0..packets {
            // 250 packets per second.
            relay.forward(epoch() + millis(u64::from(sequence) * 4), sequence);
            sequence += 1;
        }
    };
    run(&mut relay, 3_000);
    let before = relay.forwarded;
    let counted = allocation_counter::measure(|| run(&mut relay, 2_000));
    let forwarded = relay.forwarded - before;
    assert_eq!(forwarded, u64::from(SUBSCRIBERS) * 2_000);
    println!(
        "{} allocations for {forwarded} forwarded packets",
        counted.count_total
    );
    assert_eq!(counted.count_total, 0);
}

#[test]
fn an_idle_session_of_audio_and_video_is_small() {
    let mut peer = Peer::new(1);
    let video = packet(VP8, 1, 0, &[0; 1_000]);
    let audio = rtp::Packet {
        ssrc: rtp::Ssrc::new(600),
        ..packet(OPUS, 1, 0, &[0; 100])
    };
    peer.session.handle_datagram(epoch(), &wire(&video));
    peer.session.handle_datagram(epoch(), &wire(&audio));
    peer.send_frame(epoch(), 3);
    packets(&mut peer.session);
    events(&mut peer.session);
    while let Some(deadline) = peer.session.poll_timeout() {
        if deadline > epoch() + millis(60_000) {
            break;
        }
        peer.session.handle_timeout(deadline);
        drain(&mut peer.session, deadline);
    }
    let freed = -allocation_counter::measure(|| drop(peer)).bytes_current;
    println!(
        "{freed} bytes, and the session itself {}",
        size_of::<Session>()
    );
    assert!(freed < 5_000, "{freed}");
}
