//! Which media section a packet belongs to, and what happens to packets that belong to none.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_session::{Event, ReceiverConfig, SenderConfig, Session};
use netsim::epoch;
use rtp::{ExtensionMap, ExtensionUri, MediaKind, Mid, Packet, Ssrc};
use support::*;

fn session() -> Session {
    Session::new(config(3)).unwrap()
}

/// A retransmission of `sequence`, on its own SSRC.
fn retransmission(sequence: u16, payload: &[u8]) -> Packet {
    let mut wrapped = sequence.to_be_bytes().to_vec();
    wrapped.extend_from_slice(payload);
    Packet {
        ssrc: Ssrc::new(501),
        ..packet(VP8_RTX, 9_000, 70, &wrapped)
    }
}

#[test]
fn unknown_ssrc_with_known_mid_binds_and_stays_bound_without_it() {
    let mut session = session();
    let audio = session.add_receiver(epoch(), audio_receiver());
    // Both sections use the same payload type: only the MID tells them apart.
    let other = ReceiverConfig::new(Mid::new("2"), MediaKind::Audio, vec![opus()]);
    session.add_receiver(epoch(), other);
    let first = with_mid(packet(OPUS, 1, 0, b"one"), "0");
    session.handle_datagram(epoch(), &wire(&first));
    session.handle_datagram(epoch(), &wire(&packet(OPUS, 2, 960, b"two")));
    let started = Event::StreamStarted {
        receiver: audio,
        ssrc: Ssrc::new(500),
    };
    assert_eq!(events(&mut session), [started]);
    for expected in [&b"one"[..], b"two"] {
        let (receiver, received) = session.poll_packet().unwrap();
        assert_eq!(receiver, audio);
        assert_eq!(received.packet.payload, expected);
    }
}

#[test]
fn a_unique_payload_type_binds_and_an_ambiguous_one_waits_for_its_mid() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"v")));
    assert_eq!(packets(&mut session).len(), 1);

    let mut session = Session::new(config(3)).unwrap();
    session.add_receiver(epoch(), audio_receiver());
    let other = ReceiverConfig::new(Mid::new("2"), MediaKind::Audio, vec![opus()]);
    session.add_receiver(epoch(), other);
    session.handle_datagram(epoch(), &wire(&packet(OPUS, 1, 0, b"early")));
    assert_eq!(packets(&mut session).len(), 0);
    let named = with_mid(packet(OPUS, 2, 0, b"named"), "2");
    session.handle_datagram(epoch() + millis(20), &wire(&named));
    let payloads: Vec<_> = packets(&mut session)
        .into_iter()
        .map(|p| p.packet.payload)
        .collect();
    assert_eq!(
        payloads,
        ["named", "early"],
        "the held packet followed its source"
    );
}

#[test]
fn packets_from_before_the_description_are_taken_when_it_comes_or_given_up() {
    let mut session = session();
    for sequence in 0..60 {
        session.handle_datagram(epoch(), &wire(&packet(VP8, sequence, 0, b"early")));
    }
    assert_eq!(session.stats().drops.unknown_stream, 10, "fifty are held");
    session.add_receiver(epoch() + millis(100), video_receiver());
    assert_eq!(packets(&mut session).len(), 50);

    let mut session = Session::new(config(3)).unwrap();
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"early")));
    let deadline = session.poll_timeout().unwrap();
    assert_eq!(deadline, epoch() + millis(500));
    session.handle_timeout(deadline);
    assert_eq!(session.poll_timeout(), None);
    assert_eq!(session.stats().drops.unknown_stream, 1);
}

#[test]
fn a_mid_that_names_another_section_moves_the_source() {
    let mut session = session();
    let video = session.add_receiver(epoch(), video_receiver());
    let second = ReceiverConfig {
        mid: Mid::new("2"),
        ..video_receiver()
    };
    let second = session.add_receiver(epoch(), second);
    let one = with_mid(packet(VP8, 1, 0, b"a"), "1");
    let two = with_mid(packet(VP8, 2, 0, b"b"), "2");
    session.handle_datagram(epoch(), &wire(&one));
    session.handle_datagram(epoch(), &wire(&two));
    let to: Vec<_> = std::iter::from_fn(|| session.poll_packet())
        .map(|(id, _)| id)
        .collect();
    assert_eq!(to, [video, second]);
    let ssrc = Ssrc::new(500);
    let goodbye = Event::Goodbye {
        receiver: video,
        ssrc,
    };
    assert!(events(&mut session).contains(&goodbye));
}

#[test]
fn a_mid_under_an_id_that_was_not_agreed_on_binds_nothing() {
    let mut session = session();
    let mut extensions = ExtensionMap::new();
    extensions.insert(7, ExtensionUri::MID).unwrap();
    session.set_extensions(extensions);
    session.add_receiver(epoch(), audio_receiver());
    let other = ReceiverConfig::new(Mid::new("2"), MediaKind::Audio, vec![opus()]);
    session.add_receiver(epoch(), other);
    let spoofed = with_mid(packet(OPUS, 1, 0, b"a"), "0");
    session.handle_datagram(epoch(), &wire(&spoofed));
    assert!(packets(&mut session).is_empty());
    assert!(session.stats().inbound.is_empty());
}

#[test]
fn probing_on_ssrc_zero_and_padding_alone_are_never_delivered() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    let mut probe = packet(VP8, 1, 0, b"");
    probe.padding_len = 200;
    session.handle_datagram(epoch(), &wire(&packet(VP8, 0, 0, b"media")));
    session.handle_datagram(epoch(), &wire(&probe));
    session.handle_datagram(epoch(), &wire(&packet(VP8, 2, 0, b"media")));
    probe.ssrc = Ssrc::new(0);
    session.handle_datagram(epoch(), &wire(&probe));
    let received = packets(&mut session);
    assert_eq!(received.len(), 2);
    assert_eq!(
        received[0].place + 1,
        received[1].place,
        "padding leaves no gap"
    );
    let stats = session.stats();
    assert_eq!(stats.drops.padding, 2);
    assert_eq!(stats.inbound[0].packets_received, 3);
    assert_eq!(stats.inbound[0].packets_lost, 0);
}

/// RFC 8285 §4.1: the first of two elements of one id counts.
#[test]
fn an_extension_that_repeats_an_id_is_counted_and_the_first_one_taken() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    let mut bytes = wire(&packet(VP8, 0, 0, b"media"));
    bytes[0] |= 0x10;
    let block = [0xbe, 0xde, 0, 1, 0x10, 7, 0x10, 8];
    bytes.splice(12..12, block);
    session.handle_datagram(epoch(), &bytes);
    let received = packets(&mut session);
    assert_eq!(received[0].packet.extensions.get(1), Some(&[7][..]));
    assert_eq!(session.stats().drops.duplicate_extensions, 1);
}

#[test]
fn a_retransmission_is_unwrapped_into_its_stream_once() {
    for declared in [false, true] {
        let mut session = session();
        let rtx_ssrcs = vec![(Ssrc::new(500), Ssrc::new(501))];
        let receiver = ReceiverConfig {
            rtx_ssrcs: if declared { rtx_ssrcs } else { Vec::new() },
            ..video_receiver()
        };
        session.add_receiver(epoch(), receiver);
        session.handle_datagram(epoch(), &wire(&packet(VP8, 10, 70, b"ten")));
        session.handle_datagram(epoch(), &wire(&packet(VP8, 12, 70, b"twelve")));
        for _ in 0..2 {
            let repair = retransmission(11, b"eleven");
            session.handle_datagram(epoch(), &wire(&repair));
        }
        session.handle_datagram(epoch(), &wire(&packet(VP8, 11, 70, b"eleven")));
        let received = packets(&mut session);
        assert_eq!(received.len(), 3);
        let recovered = &received[2];
        assert!(recovered.retransmitted);
        assert_eq!(recovered.packet.ssrc, Ssrc::new(500));
        assert_eq!(recovered.packet.payload_type, pt(VP8));
        assert_eq!(recovered.packet.sequence_number.get(), 11);
        assert_eq!(recovered.packet.payload, "eleven");
        assert_eq!(session.stats().inbound[0].packets_lost, 0);
        let asked = rtcp(&mut session, epoch(), |packet| {
            matches!(packet, rtcp::Packet::Nack(_)).then_some(())
        });
        assert!(asked.is_empty(), "nothing is missing any more");
    }
}

#[test]
fn a_retransmission_before_its_stream_waits_for_it() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    let early = with_mid(retransmission(11, b"eleven"), "1");
    session.handle_datagram(epoch(), &wire(&early));
    assert!(packets(&mut session).is_empty());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 10, 0, b"ten")));
    let payloads: Vec<_> = packets(&mut session)
        .into_iter()
        .map(|p| p.packet.payload)
        .collect();
    assert_eq!(payloads, ["ten", "eleven"]);
}

#[test]
fn a_retransmission_without_an_original_is_counted_as_padding() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 10, 0, b"ten")));
    for payload in [&b""[..], b"\0"] {
        let probe = Packet {
            ssrc: Ssrc::new(501),
            ..packet(VP8_RTX, 1, 0, payload)
        };
        session.handle_datagram(epoch(), &wire(&probe));
    }
    assert_eq!(packets(&mut session).len(), 1);
    assert_eq!(session.stats().drops.padding, 2);
}

#[test]
fn a_flood_of_ssrcs_evicts_the_learned_and_keeps_the_declared() {
    let mut session = session();
    let receiver = ReceiverConfig {
        ssrcs: vec![Ssrc::new(7)],
        ..video_receiver()
    };
    session.add_receiver(epoch(), receiver);
    for ssrc in 1_000..6_000 {
        let flood = Packet {
            ssrc: Ssrc::new(ssrc),
            ..packet(VP8, 1, 0, b"x")
        };
        session.handle_datagram(epoch() + millis(ssrc.into()), &wire(&flood));
        while session.poll_packet().is_some() {}
    }
    let stats = session.stats();
    assert!(stats.inbound.len() < 1_024);
    assert!(stats.drops.streams_evicted > 3_900);
    assert!(stats.drops.events > 0, "events are bounded too");
    let declared = Packet {
        ssrc: Ssrc::new(7),
        ..packet(VP8, 1, 0, b"genuine")
    };
    session.handle_datagram(epoch() + millis(7_000), &wire(&declared));
    assert_eq!(packets(&mut session)[0].packet.payload, "genuine");
}

#[test]
fn an_ssrc_that_the_remote_side_uses_too_is_given_up_with_goodbye() {
    let mut session = session();
    session.add_receiver(epoch(), video_receiver());
    let config = SenderConfig::new(Ssrc::new(500), MediaKind::Audio, vec![opus()]);
    let sender = session.add_sender(epoch(), config);
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"v")));
    let changed = events(&mut session)
        .into_iter()
        .find_map(|event| match event {
            Event::SsrcChanged {
                sender: of,
                old,
                new,
            } if of == sender => Some((old, new)),
            _ => None,
        });
    let (old, new) = changed.unwrap();
    assert_eq!(old, Ssrc::new(500));
    let gone = rtcp(&mut session, epoch(), |packet| match packet {
        rtcp::Packet::Goodbye(goodbye) => goodbye.sources().next(),
        _ => None,
    });
    assert_eq!(gone, [old]);
    session
        .send(epoch(), sender, packet(OPUS, 0, 0, b"a"))
        .unwrap();
    let sent = drain(&mut session, epoch());
    let view = rtp::PacketView::parse(&sent[0].1).unwrap();
    assert_eq!(view.ssrc(), new);
}

#[test]
fn removing_a_section_forgets_its_packets_and_streams() {
    let mut session = session();
    let video = session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 1, 0, b"v")));
    session.remove_receiver(epoch(), video);
    assert!(packets(&mut session).is_empty());
    assert!(events(&mut session).is_empty());
    assert!(session.stats().inbound.is_empty());
    session.add_receiver(epoch(), video_receiver());
    session.handle_datagram(epoch(), &wire(&packet(VP8, 2, 0, b"v")));
    assert_eq!(packets(&mut session).len(), 1);
}
