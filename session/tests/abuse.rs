//! An authenticated peer that means harm: what it can make a session do is bounded.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{Event, Kind, Numbering, RtcpMode, SendError, SenderConfig, Session};
use netsim::epoch;
use rtcp::{Packet as Rtcp, Writer};
use rtp::{SequenceNumber, Ssrc};
use std::time::Instant;
use support::*;

fn at(after: u64) -> Instant {
    epoch() + millis(after)
}

fn nack(media: u32, numbers: std::ops::Range<u16>) -> Vec<u8> {
    let mut nack = Vec::new();
    Writer::new(&mut nack).nack(
        Ssrc::new(1),
        Ssrc::new(media),
        numbers.map(SequenceNumber::new),
    );
    nack
}

/// A sender whose sequence numbers the test chooses.
fn numbered_sender() -> SenderConfig {
    SenderConfig {
        numbering: Numbering::Keep,
        ..video_sender(40)
    }
}

#[test]
fn a_storm_of_nacks_is_answered_within_the_budget() {
    let mut session = Session::new(config(1)).unwrap();
    let sender = session.add_sender(epoch(), numbered_sender());
    let (mut media, mut repair) = (0_usize, 0_usize);
    for tick in 0..1_000_u16 {
        let now = at(u64::from(tick) * 10);
        session
            .send(now, sender, packet(VP8, tick, 0, &[0; 1_000]))
            .unwrap();
        session.handle_timeout(now);
        session.handle_datagram(now, &nack(40, tick.saturating_sub(100)..tick));
        for (kind, bytes) in drain(&mut session, now) {
            if kind == Kind::Rtp {
                match rtp::PacketView::parse(&bytes).unwrap().ssrc().get() {
                    40 => media += bytes.len(),
                    _ => repair += bytes.len(),
                }
            }
        }
    }
    assert!(media > 1_000_000);
    assert!(repair > 100_000);
    assert!(
        repair * 100 <= media * 15 + 32_000 * 100,
        "{repair} of {media}"
    );
    let drops = session.stats().drops;
    assert!(drops.retransmission_suppressed > 0 && drops.retransmission_budget > 0);
}

#[test]
fn the_same_packet_is_repeated_once_per_round_trip() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_round_trip_time(millis(60));
    let sender = session.add_sender(epoch(), numbered_sender());
    session
        .send(epoch(), sender, packet(VP8, 7, 0, &[0; 100]))
        .unwrap();
    drain(&mut session, epoch());
    let mut times = Vec::new();
    for tick in 1..200 {
        session.handle_datagram(at(tick), &nack(40, 7..8));
        let sent = drain(&mut session, at(tick));
        times.extend(
            sent.iter()
                .filter(|(kind, _)| *kind == Kind::Rtp)
                .map(|_| tick),
        );
    }
    assert_eq!(times, [1, 61, 121, 181]);
}

#[test]
fn a_number_that_was_used_before_is_not_sent_again() {
    let mut session = Session::new(config(1)).unwrap();
    let sender = session.add_sender(epoch(), numbered_sender());
    for sequence in [5, 5, 6, 5] {
        session
            .send(epoch(), sender, packet(VP8, sequence, 0, b"x"))
            .unwrap();
    }
    assert_eq!(drain(&mut session, epoch()).len(), 2);
    assert_eq!(session.stats().drops.forward_stale, 2);
}

#[test]
fn keyframe_requests_become_one_event_per_300_milliseconds() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_sender(epoch(), video_sender(40));
    let mut pli = Vec::new();
    Writer::new(&mut pli).picture_loss_indication(Ssrc::new(1), Ssrc::new(40));
    let mut seen = Vec::new();
    for tick in 0..1_000 {
        session.handle_timeout(at(tick));
        session.handle_datagram(at(tick), &pli);
        for event in events(&mut session) {
            let Event::KeyframeRequested { requests, .. } = event else {
                panic!("{event:?}");
            };
            seen.push((tick, requests));
        }
    }
    assert_eq!(seen, [(0, 1), (300, 299), (600, 300), (900, 300)]);
    assert_eq!(session.stats().outbound[0].pli_count, 1_000);
}

#[test]
fn a_repeated_fir_is_one_command() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_sender(epoch(), video_sender(40));
    let mut events_seen = 0;
    for (tick, sequence_number) in [(0, 7), (400, 7), (800, 7), (1_200, 8)] {
        let mut fir = Vec::new();
        let entry = rtcp::FirEntry {
            ssrc: Ssrc::new(40),
            sequence_number,
        };
        Writer::new(&mut fir).full_intra_request(Ssrc::new(1), &[entry]);
        session.handle_datagram(at(tick), &fir);
        events_seen += events(&mut session).len();
    }
    assert_eq!(events_seen, 2);
}

#[test]
fn a_gap_of_thirty_thousand_restarts_the_stream_and_asks_for_a_keyframe() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    session.add_receiver(epoch(), video_receiver());
    for sequence in [10_u16, 11, 30_011, 30_012, 30_013] {
        session.handle_datagram(epoch(), &wire(&packet(VP8, sequence, 0, b"x")));
    }
    let asked = rtcp(&mut session, epoch(), |packet| match packet {
        Rtcp::Nack(nack) => Some(nack.sequence_numbers().map(SequenceNumber::get).collect()),
        Rtcp::PictureLossIndication(_) => Some(Vec::new()),
        _ => None,
    });
    assert_eq!(
        asked,
        [vec![30_011], vec![]],
        "the packet that announced the leap, and a keyframe"
    );
    let received = packets(&mut session);
    assert_eq!(received.len(), 4);
    assert_ne!(received[1].stream, received[2].stream);
    assert_eq!(session.stats().inbound[0].packets_lost, 1);
}

#[test]
fn more_loss_than_can_be_repaired_asks_for_a_keyframe_instead() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 0, 0, b"x")));
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1_500, 0, b"x")));
    let kinds = rtcp(&mut session, epoch(), |packet| {
        Some(matches!(packet, Rtcp::Nack(_)))
    });
    assert_eq!(kinds, [false]);
    assert_eq!(session.stats().drops.repair_abandoned, 1_499);
}

#[test]
fn streams_without_negotiated_nack_are_not_asked_for() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    session.add_receiver(epoch(), audio_receiver());
    session.handle_datagram(epoch(), &wire(&packet(OPUS, 1, 0, b"x")));
    session.handle_datagram(epoch(), &wire(&packet(OPUS, 9, 0, b"x")));
    assert!(drain(&mut session, epoch()).is_empty());
}

#[test]
fn garbage_in_rtcp_is_counted_and_the_rest_of_the_compound_used() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_sender(epoch(), video_sender(40));
    let mut compound = Vec::new();
    Writer::new(&mut compound).receiver_report(Ssrc::new(1), &[]);
    compound.extend_from_slice(&[0x81, 205, 0, 1, 0, 0, 0, 1]); // a NACK without its media SSRC
    Writer::new(&mut compound).picture_loss_indication(Ssrc::new(1), Ssrc::new(40));
    compound.extend_from_slice(&[0x81, 201, 0xff, 0xff]);
    session.handle_datagram(epoch(), &compound);
    assert_eq!(events(&mut session).len(), 1);
    assert_eq!(session.stats().drops.malformed_rtcp, 2);
    // About streams of nobody.
    session.handle_datagram(epoch(), &nack(41_000, 0..500));
    let mut goodbye = Vec::new();
    Writer::new(&mut goodbye).goodbye(&[Ssrc::new(40)], Some("not yours"));
    session.handle_datagram(epoch(), &goodbye);
    assert!(session.stats().drops.unknown_ssrc_feedback > 0);
    assert!(session.stats().outbound[0].ssrc == Ssrc::new(40));
}

/// RFC 3550 appendix A.2 and RFC 5506: feedback that stands alone is read whatever was agreed on, unless the
/// configuration says otherwise.
#[test]
fn feedback_without_a_report_is_refused_only_where_compounds_are_strict() {
    for (strict, mode, refused) in [
        (false, RtcpMode::Compound, 0),
        (true, RtcpMode::Compound, 1),
        (true, RtcpMode::ReducedSize, 0),
    ] {
        let mut config = config(1);
        config.strict_compounds = strict;
        let mut session = Session::new(config).unwrap();
        session.set_rtcp_mode(mode);
        session.add_sender(epoch(), video_sender(40));
        let mut alone = Vec::new();
        Writer::new(&mut alone).picture_loss_indication(Ssrc::new(1), Ssrc::new(40));
        session.handle_datagram(epoch(), &alone);
        assert_eq!(session.stats().drops.malformed_rtcp, refused);
        assert_eq!(events(&mut session).len(), usize::from(refused == 0));
        let mut full = Vec::new();
        Writer::new(&mut full).receiver_report(Ssrc::new(1), &[]);
        full.extend(alone);
        session.handle_datagram(epoch(), &full);
        assert_eq!(session.stats().drops.malformed_rtcp, refused);
    }
}

#[test]
fn queues_that_nobody_polls_drop_their_oldest() {
    let mut small = config(1);
    small.send_queue_packets = 10;
    small.receive_queue_packets = 10;
    let mut session = Session::new(small).unwrap();
    let sender = session.add_sender(epoch(), video_sender(40));
    session.add_receiver(epoch(), video_receiver());
    for sequence in 0..30_u16 {
        session
            .send(epoch(), sender, packet(VP8, 0, 0, &[sequence as u8]))
            .unwrap();
        session.handle_datagram(epoch(), &wire(&packet(VP8, sequence, 0, &[sequence as u8])));
    }
    let received: Vec<_> = packets(&mut session)
        .iter()
        .map(|p| p.packet.payload[0])
        .collect();
    assert_eq!(received, (20..30).collect::<Vec<u8>>());
    let sent: Vec<_> = drain(&mut session, epoch())
        .iter()
        .map(|(_, bytes)| rtp::PacketView::parse(bytes).unwrap().payload()[0])
        .collect();
    assert_eq!(sent, (20..30).collect::<Vec<u8>>());
    let stats = session.stats();
    assert_eq!(
        (stats.drops.send_queue, stats.drops.receive_queue),
        (20, 20)
    );
    assert_eq!(stats.inbound[0].packets_discarded, 20);
}

#[test]
fn mistakes_of_the_caller_are_errors() {
    let mut session = Session::new(config(1)).unwrap();
    let sender = session.add_sender(epoch(), video_sender(40));
    let mut send = |packet| session.send(epoch(), sender, packet);
    assert_eq!(send(packet(OPUS, 0, 0, b"x")), Err(SendError::PayloadType));
    assert_eq!(
        send(packet(VP8, 0, 0, &[0; 2_000])),
        Err(SendError::TooLarge)
    );
    session.remove_sender(epoch(), sender);
    let gone = session.send(epoch(), sender, packet(VP8, 0, 0, b"x"));
    assert_eq!(gone, Err(SendError::UnknownSender));
    session.close(epoch());
    session.close(epoch());
    let closed = session.send(epoch(), sender, packet(VP8, 0, 0, b"x"));
    assert_eq!(closed, Err(SendError::Closed));
    assert_eq!(events(&mut session), [Event::Closed]);
}
