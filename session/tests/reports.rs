//! RTCP: when reports leave, what they say, and what is done about those that arrive.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{ReceiverConfig, RtcpMode, Session};
use netsim::epoch;
use rtcp::Packet as Rtcp;
use rtp::{MediaKind, Mid, Packet, PayloadType, Ssrc};
use std::time::{Duration, Instant};
use support::*;

fn at(after: u64) -> Instant {
    epoch() + millis(after)
}

/// Runs the session's timers until `end`; the times at which it reported, and the RTCP packets as they were sent.
fn run(session: &mut Session, end: Instant) -> Vec<(Instant, Vec<u8>)> {
    let mut sent = Vec::new();
    while let Some(deadline) = session.poll_timeout().filter(|deadline| *deadline <= end) {
        session.handle_timeout(deadline);
        assert!(session.poll_timeout().is_none_or(|next| next > deadline));
        let all = drain(session, deadline).into_iter();
        sent.extend(all.map(|(_, bytes)| (deadline, bytes)));
    }
    sent
}

fn kinds(bytes: &[u8]) -> Vec<&'static str> {
    rtcp::Compound::new(bytes)
        .map(|packet| match packet.unwrap() {
            Rtcp::SenderReport(_) => "SR",
            Rtcp::ReceiverReport(_) => "RR",
            Rtcp::SourceDescription(_) => "SDES",
            Rtcp::Goodbye(_) => "BYE",
            Rtcp::Nack(_) => "NACK",
            Rtcp::PictureLossIndication(_) => "PLI",
            Rtcp::FullIntraRequest(_) => "FIR",
            _ => "other",
        })
        .collect()
}

#[test]
fn a_session_that_never_saw_media_is_silent() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_sender(epoch(), video_sender(1));
    session.add_receiver(epoch(), video_receiver());
    assert_eq!(session.poll_timeout(), None);
    assert!(drain(&mut session, epoch()).is_empty());
}

#[test]
fn reports_leave_every_five_seconds_for_audio_and_every_second_for_video() {
    for (kind, mean) in [(MediaKind::Audio, 5_000), (MediaKind::Video, 1_000)] {
        let mut session = Session::new(config(1)).unwrap();
        let (sender, pt) = match kind {
            MediaKind::Audio => (audio_sender(1), OPUS),
            MediaKind::Video => (video_sender(1), VP8),
        };
        let sender = session.add_sender(epoch(), sender);
        let mut times = Vec::new();
        for tick in 0..10_000 {
            session
                .send(at(tick * 20), sender, packet(pt, 0, 0, b"x"))
                .unwrap();
            drain(&mut session, at(tick * 20));
            times.extend(
                run(&mut session, at(tick * 20 + 19))
                    .into_iter()
                    .map(|(time, _)| time),
            );
        }
        let gaps: Vec<_> = times
            .windows(2)
            .map(|w| (w[1] - w[0]).as_millis())
            .collect();
        let average = gaps.iter().sum::<u128>() / gaps.len() as u128;
        assert!(average.abs_diff(mean) < mean / 5, "{kind:?}: {average}");
        assert!(
            gaps.iter()
                .all(|gap| (mean / 2..=mean * 3 / 2).contains(gap))
        );
        assert!(
            (times[0] - epoch()).as_millis() <= mean * 3 / 4,
            "the first at half"
        );
    }
}

#[test]
fn silent_streams_go_on_to_report_every_five_seconds() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"x")));
    let reports = run(&mut session, at(200_000));
    let late = reports
        .iter()
        .filter(|(time, _)| *time > at(10_000))
        .count();
    assert!((30..50).contains(&late), "{late}");
    assert!(
        reports
            .iter()
            .all(|(_, bytes)| kinds(bytes) == ["RR", "SDES"])
    );
}

#[test]
fn a_sender_report_extrapolates_from_the_capture_time_and_not_from_the_departure() {
    let mut session = Session::new(config(1)).unwrap();
    let sender = session.add_sender(epoch(), video_sender(1));
    session.set_capture_time(sender, at(100), 5_000);
    session
        .send(at(400), sender, packet(VP8, 0, 5_000, b"x"))
        .unwrap();
    drain(&mut session, at(400));
    let (time, bytes) = run(&mut session, at(2_000)).remove(0);
    assert_eq!(kinds(&bytes), ["SR", "SDES"]);
    let Some(Ok(Rtcp::SenderReport(report))) = rtcp::Compound::new(&bytes).next() else {
        panic!("no SR");
    };
    let expected = 5_000 + (time - at(100)).as_micros() as u32 * 9 / 100;
    assert!(report.info.rtp_timestamp.abs_diff(expected) <= 1);
    let unix = report.info.ntp_time.to_unix().unwrap();
    let wall = Duration::from_secs(1_700_000_000) + (time - epoch());
    assert!(wall.abs_diff(unix) < Duration::from_micros(1));
    assert_eq!((report.info.packet_count, report.info.octet_count), (1, 1));
}

#[test]
fn report_blocks_tell_loss_and_when_the_last_sender_report_came() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_receiver(epoch(), audio_receiver());
    for sequence in [10, 11, 13] {
        session.handle_datagram(epoch(), &wire(&packet(OPUS, sequence, 0, b"x")));
    }
    let mut report = Vec::new();
    let info = rtcp::SenderInfo {
        ntp_time: rtcp::NtpTime::new(0x1234_5678_9abc_def0),
        ..Default::default()
    };
    rtcp::Writer::new(&mut report).sender_report(Ssrc::new(500), &info, &[]);
    session.handle_datagram(at(100), &report);
    let (time, bytes) = run(&mut session, at(5_000)).remove(0);
    let Some(Ok(Rtcp::ReceiverReport(report))) = rtcp::Compound::new(&bytes).next() else {
        panic!("no RR");
    };
    let block = report.blocks.iter().next().unwrap();
    assert_eq!(block.ssrc, Ssrc::new(500));
    assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 1));
    assert_eq!(block.extended_highest_sequence_number, 13);
    assert_eq!(block.last_sender_report, 0x5678_9abc);
    let delay = (time - at(100)).as_micros() * 65_536 / 1_000_000;
    assert!(u128::from(block.delay_since_last_sender_report).abs_diff(delay) <= 1);
    assert_ne!(report.ssrc, Ssrc::new(0));
}

#[test]
fn round_trips_that_cannot_be_are_ignored() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_sender(epoch(), video_sender(1));
    let now = at(60_000);
    let sent = config(1).clock.ntp(at(59_900)).compact();
    let early = config(1).clock.ntp(at(20_000)).compact();
    let later = config(1).clock.ntp(at(60_500)).compact();
    for (last, delay, expected) in [
        (later, 0, None),
        (early, 0, None),
        (sent, 65_536, None),
        (0, 0, None),
        (sent, 65_536 / 20, Some(50)),
    ] {
        let block = rtcp::ReportBlock {
            ssrc: Ssrc::new(1),
            last_sender_report: last,
            delay_since_last_sender_report: delay,
            ..Default::default()
        };
        let mut report = Vec::new();
        rtcp::Writer::new(&mut report).receiver_report(Ssrc::new(9), &[block]);
        session.handle_datagram(now, &report);
        let measured = session.stats().round_trip_time;
        assert_eq!(
            measured.map(|m| (m + Duration::from_micros(500)).as_millis()),
            expected
        );
    }
}

#[test]
fn many_streams_are_reported_in_packets_that_fit() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_receiver(epoch(), video_receiver());
    for ssrc in 1..=200 {
        let packet = Packet {
            ssrc: Ssrc::new(ssrc),
            ..packet(VP8, 1, 0, b"x")
        };
        session.handle_datagram(epoch(), &wire(&packet));
    }
    let first = session.poll_timeout().unwrap();
    let reports = run(&mut session, first);
    assert!(reports.iter().all(|(_, bytes)| bytes.len() <= 1_200));
    let mut told = std::collections::BTreeSet::new();
    for (_, bytes) in &reports {
        for packet in rtcp::Compound::new(bytes) {
            if let Rtcp::ReceiverReport(report) = packet.unwrap() {
                told.extend(report.blocks.iter().map(|block| block.ssrc));
            }
        }
    }
    assert_eq!(told.len(), 200);
}

#[test]
fn feedback_travels_alone_only_when_that_was_agreed_on() {
    for (mode, expected) in [
        (RtcpMode::Compound, vec!["RR", "SDES", "NACK", "PLI"]),
        (RtcpMode::ReducedSize, vec!["NACK", "PLI"]),
    ] {
        let mut session = Session::new(config(1)).unwrap();
        session.set_rtcp_mode(mode);
        let video = session.add_receiver(epoch(), video_receiver());
        session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"x")));
        session.handle_datagram(epoch(), &wire(&packet(VP8, 4, 0, b"x")));
        session.request_keyframe(epoch(), video);
        let sent = drain(&mut session, epoch());
        assert_eq!(sent.len(), 1);
        assert_eq!(kinds(&sent[0].1), expected);
    }
}

#[test]
fn keyframe_requests_leave_every_half_second_at_most_and_none_is_forgotten() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    let video = session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"x")));
    let mut times = Vec::new();
    for tick in 0..200 {
        let now = at(tick * 10);
        session.handle_timeout(now);
        session.request_keyframe(now, video);
        let asked = rtcp(&mut session, now, |packet| {
            matches!(packet, Rtcp::PictureLossIndication(_)).then_some(now)
        });
        times.extend(asked);
    }
    assert_eq!(times, [at(0), at(500), at(1_000), at(1_500)]);
    assert_eq!(session.stats().inbound[0].pli_count, 4);
}

#[test]
fn fir_is_used_where_only_fir_was_agreed_on() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    let mut mapping = vp8();
    mapping.keyframe_feedback = Some(avocet_session::KeyframeFeedback::FullIntra);
    let receiver = ReceiverConfig::new(Mid::new("1"), MediaKind::Video, vec![mapping]);
    let video = session.add_receiver(epoch(), receiver);
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"x")));
    let mut numbers = Vec::new();
    for second in 0..3 {
        session.request_keyframe(at(second * 1_000), video);
        numbers.extend(rtcp(
            &mut session,
            at(second * 1_000),
            |packet| match packet {
                Rtcp::FullIntraRequest(request) => request
                    .entries()
                    .next()
                    .map(|entry| (entry.ssrc.get(), entry.sequence_number)),
                _ => None,
            },
        ));
    }
    assert_eq!(numbers, [(500, 0), (500, 1), (500, 2)]);
}

#[test]
fn a_removed_sender_says_goodbye_for_both_its_ssrcs_behind_a_report() {
    let mut session = Session::new(config(1)).unwrap();
    session.set_rtcp_mode(RtcpMode::ReducedSize);
    let sender = session.add_sender(epoch(), video_sender(40));
    session.remove_sender(epoch(), sender);
    let sent = drain(&mut session, epoch());
    assert_eq!(kinds(&sent[0].1), ["RR", "SDES", "BYE"]);
}

#[test]
fn a_stream_that_said_goodbye_delivers_for_two_more_seconds() {
    let mut session = Session::new(config(1)).unwrap();
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"x")));
    let mut goodbye = Vec::new();
    rtcp::Writer::new(&mut goodbye).goodbye(&[Ssrc::new(500), Ssrc::new(77)], None);
    session.handle_datagram(at(10), &goodbye);
    session.handle_datagram(at(20), &wire(&packet(VP8, 2, 0, b"x")));
    assert_eq!(packets(&mut session).len(), 2);
    run(&mut session, at(2_009));
    assert_eq!(session.stats().inbound.len(), 1);
    run(&mut session, at(2_010));
    assert!(session.stats().inbound.is_empty());
    assert!(
        events(&mut session)
            .iter()
            .any(|e| matches!(e, avocet_session::Event::Goodbye { .. }))
    );
}

#[test]
fn mid_is_announced_until_the_remote_side_reports() {
    let mut session = Session::new(config(1)).unwrap();
    let sender = session.add_sender(epoch(), audio_sender(40));
    let announced = |now: Instant, session: &mut Session| {
        session.send(now, sender, packet(OPUS, 0, 0, b"x")).unwrap();
        let sent = drain(session, now);
        let bytes = &sent
            .iter()
            .find(|(kind, _)| *kind == avocet_session::Kind::Rtp)
            .unwrap()
            .1;
        rtp::PacketView::parse(bytes)
            .unwrap()
            .extension(MID_ID)
            .is_some()
    };
    assert!(announced(at(0), &mut session));
    assert!(announced(at(9_000), &mut session));
    let block = rtcp::ReportBlock {
        ssrc: Ssrc::new(40),
        ..Default::default()
    };
    let mut report = Vec::new();
    rtcp::Writer::new(&mut report).receiver_report(Ssrc::new(9), &[block]);
    session.handle_datagram(at(9_000), &report);
    assert!(!announced(at(9_001), &mut session));
    session.update_sender(at(10_000), sender, audio_sender(40));
    assert!(
        announced(at(10_500), &mut session),
        "a second after each negotiation"
    );
    assert!(!announced(at(11_000), &mut session));
    assert_eq!(PayloadType::new(OPUS), Some(pt(OPUS)));
}
