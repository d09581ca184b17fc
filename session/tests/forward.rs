//! Forwarding: one unbroken stream for the subscriber, whatever comes in.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{ReceivedPacket, SenderId, Session};
use netsim::epoch;
use rtp::{ExtensionMap, ExtensionUri, Packet, PacketView, Ssrc};
use std::time::{Duration, Instant};
use support::*;

const SUBSCRIBER_MID: u8 = 9;
const SUBSCRIBER_LEVEL: u8 = 2;
const SUBSCRIBER_PT: u8 = 120;

fn publisher(seed: u8) -> Session {
    let mut session = Session::new(config(seed)).unwrap();
    session.add_receiver(epoch(), video_receiver());
    session
}

fn subscriber() -> (Session, SenderId) {
    let mut extensions = ExtensionMap::new();
    extensions
        .insert(SUBSCRIBER_MID, ExtensionUri::MID)
        .unwrap();
    extensions
        .insert(SUBSCRIBER_LEVEL, ExtensionUri::AUDIO_LEVEL)
        .unwrap();
    let mut session = Session::new(avocet_session::Config {
        extensions,
        ..config(9)
    })
    .unwrap();
    let mut sender = video_sender(900);
    sender.payload_types[0].pt = pt(SUBSCRIBER_PT);
    sender.payload_types[0].rtx_pt = Some(pt(SUBSCRIBER_PT + 1));
    let sender = session.add_sender(epoch(), sender);
    (session, sender)
}

fn publish(session: &mut Session, now: Instant, packet: &Packet) -> ReceivedPacket {
    session.handle_datagram(now, &wire(packet));
    session.poll_packet().unwrap().1
}

#[test]
fn a_change_of_source_keeps_numbers_and_timestamps_going() {
    let (mut out, sender) = subscriber();
    let mut sources = [publisher(1), publisher(2)];
    let mut last: Option<(u16, u32)> = None;
    for step in 0..400_u32 {
        let now = epoch() + millis(u64::from(step) * 10);
        // The publishers take turns; their numbers and clocks have nothing in common, and both wrap.
        let source = usize::from(step / 50 % 2 == 1);
        let base = if source == 0 {
            (65_400_u16, u32::MAX - 90_000)
        } else {
            (7, 5)
        };
        let packet = packet(
            VP8,
            base.0.wrapping_add(step as u16),
            base.1.wrapping_add(step * 900),
            &[1; 100],
        );
        let received = publish(&mut sources[source], now, &packet);
        out.forward(now, sender, &received, pt(SUBSCRIBER_PT))
            .unwrap();
        let (_, bytes) = drain(&mut out, now).pop().unwrap();
        let view = PacketView::parse(&bytes).unwrap();
        let now = (view.sequence_number().get(), view.timestamp());
        if let Some((sequence, timestamp)) = last {
            assert_eq!(now.0, sequence.wrapping_add(1), "step {step}");
            assert_eq!(now.1, timestamp.wrapping_add(900), "step {step}");
        }
        assert_eq!(view.ssrc(), Ssrc::new(900));
        assert_eq!(view.payload_type(), pt(SUBSCRIBER_PT));
        last = Some(now);
    }
}

#[test]
fn extensions_get_the_ids_and_the_mid_of_the_subscriber() {
    let (mut out, sender) = subscriber();
    let mut source = publisher(1);
    let mut packet = with_mid(packet(VP8, 1, 1, b"payload"), "1");
    packet.extensions.set(1, &[0x55]).unwrap();
    let received = publish(&mut source, epoch(), &packet);
    out.forward(epoch(), sender, &received, pt(SUBSCRIBER_PT))
        .unwrap();
    let (_, bytes) = drain(&mut out, epoch()).pop().unwrap();
    let view = PacketView::parse(&bytes).unwrap();
    let mut found: Vec<_> = view.extensions().collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [(SUBSCRIBER_LEVEL, &[0x55][..]), (SUBSCRIBER_MID, b"1")]
    );
    assert_eq!(view.payload(), b"payload");
}

#[test]
fn losses_and_padding_upstream_look_right_downstream() {
    let (mut out, sender) = subscriber();
    let mut source = publisher(1);
    let mut forwarded = Vec::new();
    let mut forward = |source: &mut Session, sequence, payload: &[u8], padding| {
        let mut packet = packet(VP8, sequence, 0, payload);
        packet.padding_len = padding;
        source.handle_datagram(epoch(), &wire(&packet));
        while let Some((_, received)) = source.poll_packet() {
            assert_eq!(received.packet.padding_len, 0);
            out.forward(epoch(), sender, &received, pt(SUBSCRIBER_PT))
                .unwrap();
            // Twice is once.
            out.forward(epoch(), sender, &received, pt(SUBSCRIBER_PT))
                .unwrap();
        }
        for (_, bytes) in drain(&mut out, epoch()) {
            forwarded.push(PacketView::parse(&bytes).unwrap().sequence_number().get());
        }
    };
    forward(&mut source, 100, b"a", 0);
    forward(&mut source, 101, b"", 255);
    forward(&mut source, 102, b"b", 4);
    forward(&mut source, 104, b"d", 0);
    forward(&mut source, 103, b"c", 0);
    let first = forwarded[0];
    let steps: Vec<_> = forwarded.iter().map(|n| n.wrapping_sub(first)).collect();
    assert_eq!(steps, [0, 1, 3, 2]);
    assert_eq!(out.stats().drops.forward_stale, 4);
}

#[test]
fn a_leap_upstream_is_not_shown_downstream() {
    let (mut out, sender) = subscriber();
    let mut source = publisher(1);
    let mut numbers = Vec::new();
    for sequence in [5_u16, 30_000, 30_001, 30_002] {
        source.handle_datagram(epoch(), &wire(&packet(VP8, sequence, 0, b"x")));
        while let Some((_, received)) = source.poll_packet() {
            out.forward(epoch(), sender, &received, pt(SUBSCRIBER_PT))
                .unwrap();
        }
        for (_, bytes) in drain(&mut out, epoch()) {
            numbers.push(PacketView::parse(&bytes).unwrap().sequence_number().get());
        }
    }
    let steps: Vec<_> = numbers.iter().map(|n| n.wrapping_sub(numbers[0])).collect();
    assert_eq!(steps, [0, 1, 2]);
}

#[test]
fn a_forwarded_packet_is_answered_from_the_history_without_a_copy_of_its_payload() {
    let (mut out, sender) = subscriber();
    let mut source = publisher(1);
    let received = publish(&mut source, epoch(), &packet(VP8, 1, 1, &[9; 1_000]));
    out.forward(epoch(), sender, &received, pt(SUBSCRIBER_PT))
        .unwrap();
    let (_, bytes) = drain(&mut out, epoch()).pop().unwrap();
    let sent = PacketView::parse(&bytes).unwrap();
    let mut nack = Vec::new();
    rtcp::Writer::new(&mut nack).nack(Ssrc::new(1), Ssrc::new(900), [sent.sequence_number()]);
    out.handle_datagram(epoch() + millis(30), &nack);
    let (_, bytes) = drain(&mut out, epoch() + millis(30)).pop().unwrap();
    let repair = PacketView::parse(&bytes).unwrap();
    assert_eq!(repair.ssrc(), Ssrc::new(901));
    assert_eq!(repair.payload_type(), pt(SUBSCRIBER_PT + 1));
    assert_eq!(repair.timestamp(), sent.timestamp());
    assert_eq!(
        &repair.payload()[..2],
        sent.sequence_number().get().to_be_bytes()
    );
    assert_eq!(&repair.payload()[2..], &[9; 1_000]);
    assert_eq!(repair.extension(SUBSCRIBER_MID), Some(&b"1"[..]));
}

#[test]
fn origin_capture_times_survive_into_the_reports_of_the_forwarder() {
    let (mut out, sender) = subscriber();
    let mut source = publisher(1);
    let at = |after: u64| epoch() + millis(after);
    publish(&mut source, at(0), &packet(VP8, 1, 9_000, b"x"));
    // Captured at 1,000.000 s on the publisher's clock: timestamp 9,000.
    let mut report = Vec::new();
    let info = rtcp::SenderInfo {
        ntp_time: rtcp::NtpTime::from_unix(Duration::from_secs(1_000)),
        rtp_timestamp: 9_000,
        ..Default::default()
    };
    rtcp::Writer::new(&mut report).sender_report(Ssrc::new(500), &info, &[]);
    source.handle_datagram(at(50), &report);
    // One second of media later, but held up by 300 ms on the way.
    let received = publish(&mut source, at(1_350), &packet(VP8, 2, 99_000, b"x"));
    let captured = received.captured.unwrap();
    assert!(captured.max(at(1_050)) - captured.min(at(1_050)) < millis(1));
    out.forward(at(1_350), sender, &received, pt(SUBSCRIBER_PT))
        .unwrap();
    let (_, bytes) = drain(&mut out, at(1_350)).pop().unwrap();
    let timestamp = PacketView::parse(&bytes).unwrap().timestamp();
    let due = out.poll_timeout().unwrap();
    out.handle_timeout(due);
    let told = rtcp(&mut out, due, |packet| match packet {
        rtcp::Packet::SenderReport(report) => Some(report.info.rtp_timestamp),
        _ => None,
    });
    let expected = (due - at(1_050)).as_millis() as i64 * 90;
    let found = i64::from(told[0].wrapping_sub(timestamp));
    assert!((found - expected).abs() <= 180, "{found} {expected}");
}
