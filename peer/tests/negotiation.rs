//! Offer and answer between two connections, without a network.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_peer as peer;
use peer::{
    Codecs, DataChannelInit, Direction, Event, PeerConnection, SdpType, SectionFault,
    SessionDescription, SetDescriptionError, SignalingState, TransceiverError, TransceiverInit,
};
use rtp::MediaKind;
use support::{Peer, config_a, config_b, negotiate, negotiate_with};

fn pair() -> (PeerConnection, PeerConnection) {
    (Peer::new(config_a(1)).pc, Peer::new(config_b(1)).pc)
}

fn with_video() -> (PeerConnection, PeerConnection) {
    let (mut a, b) = pair();
    a.add_transceiver(
        MediaKind::Video,
        Direction::SendRecv,
        TransceiverInit::default(),
    )
    .unwrap();
    (a, b)
}

fn events(pc: &mut PeerConnection) -> Vec<Event> {
    std::iter::from_fn(|| pc.poll_event()).collect()
}

fn parsed(description: &SessionDescription) -> sdp::SessionDescription {
    description.sdp.parse().unwrap()
}

#[test]
fn an_offer_of_ours_is_a_good_description_and_offers_what_is_implemented() {
    let now = netsim::epoch();
    let (mut a, _) = with_video();
    a.add_transceiver(
        MediaKind::Audio,
        Direction::RecvOnly,
        TransceiverInit::default(),
    )
    .unwrap();
    a.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    let offer = parsed(&a.create_offer(now).unwrap());
    offer.validate().unwrap();
    let kinds: Vec<_> = offer
        .media_sections()
        .map(|media| media.kind().to_string())
        .collect();
    assert_eq!(kinds, ["video", "audio", "application"]);
    let video = offer.media(0).unwrap();
    assert_eq!(video.setup().unwrap(), Some(sdp::Setup::ActPass));
    assert_eq!(video.sources().len(), 2);
    let extensions = video.extensions().unwrap();
    assert_eq!(extensions.len(), 1);
    let audio = offer.media(1).unwrap();
    assert!(audio.sources().is_empty());
    assert_eq!(audio.direction(), Direction::RecvOnly);
    let shared = audio
        .extensions()
        .unwrap()
        .iter()
        .any(|e| e.uri == extensions[0].uri && e.id == extensions[0].id);
    assert!(shared);
}

#[test]
fn nothing_to_offer_is_an_error() {
    let (mut a, _) = pair();
    let error = a.create_offer(netsim::epoch());
    assert_eq!(error, Err(peer::CreateDescriptionError::Nothing));
}

#[test]
fn only_what_was_created_can_be_set_but_candidates_may_come_and_go() {
    let now = netsim::epoch();
    let (mut a, _) = with_video();
    a.add_local_address(now, netsim::ADDRESS_A).unwrap();
    let offer = a.create_offer(now).unwrap();
    assert!(offer.sdp.contains("a=candidate:"));
    let munged = SessionDescription::offer(offer.sdp.replace("VP8", "VP7"));
    assert_eq!(
        a.set_local_description(now, munged),
        Err(SetDescriptionError::Modified)
    );
    let offer = a.create_offer(now).unwrap();
    let bare: String = offer
        .sdp
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("a=candidate"))
        .collect();
    a.set_local_description(now, SessionDescription::offer(bare))
        .unwrap();
    // What the text did not tell, an event does.
    assert!(
        events(&mut a)
            .iter()
            .any(|event| matches!(event, Event::IceCandidate(_)))
    );
    assert!(a.local_description().unwrap().sdp.contains("a=candidate:"));
}

#[test]
fn an_empty_description_stands_for_the_one_to_be_created() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    a.set_local_description(now, SessionDescription::offer(""))
        .unwrap();
    b.set_remote_description(now, a.local_description().unwrap())
        .unwrap();
    b.set_local_description(now, SessionDescription::answer(""))
        .unwrap();
    a.set_remote_description(now, b.local_description().unwrap())
        .unwrap();
    assert_eq!(a.signaling_state(), SignalingState::Stable);
    assert_eq!(b.signaling_state(), SignalingState::Stable);
}

#[test]
fn descriptions_are_refused_in_the_wrong_state_and_the_state_stays() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    let answer = SessionDescription::answer("v=0\r\n");
    assert!(matches!(
        a.set_remote_description(now, answer.clone()),
        Err(SetDescriptionError::InvalidState {
            kind: SdpType::Answer,
            state: SignalingState::Stable
        })
    ));
    assert!(a.set_local_description(now, answer).is_err());
    assert!(a.create_answer(now).is_err());
    assert!(a.rollback(now).is_err());
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    assert!(b.create_offer(now).is_err());
    assert_eq!(b.signaling_state(), SignalingState::HaveRemoteOffer);
}

#[test]
fn glare_rolls_back_the_offer_of_the_polite_side_and_keeps_its_track() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    let mine = b.add_track(MediaKind::Video, &["mine"]).unwrap();
    let ours = b.create_offer(now).unwrap();
    b.set_local_description(now, ours).unwrap();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    let answer = b.create_answer(now).unwrap();
    b.set_local_description(now, answer.clone()).unwrap();
    a.set_remote_description(now, answer).unwrap();
    // The track took the m-line of the offer that won.
    assert_eq!(
        b.transceiver(mine).unwrap().current_direction(),
        Some(Direction::SendRecv)
    );
    assert_eq!(b.transceivers().count(), 1);
}

#[test]
fn glare_gives_up_the_numbers_of_the_offer_that_lost() {
    let now = netsim::epoch();
    let (_, mut b) = pair();
    b.add_track(MediaKind::Video, &[]).unwrap();
    let ours = b.create_offer(now).unwrap();
    assert!(
        ours.sdp
            .contains("a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid")
    );
    b.set_local_description(now, ours).unwrap();
    // Here the extension has another id.
    let offer =
        include_str!("../../testdata/sdp/corpus/chromium156_audio_video_sendrecv_offer.sdp");
    assert!(!offer.contains("a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid"));
    b.set_remote_description(now, SessionDescription::offer(offer))
        .unwrap();
    b.create_answer(now).unwrap();
}

#[test]
fn a_rollback_takes_back_what_the_offer_brought_and_says_so() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    assert_eq!(b.transceivers().count(), 1);
    b.rollback(now).unwrap();
    a.set_local_description(now, SessionDescription::rollback())
        .unwrap();
    assert_eq!(b.transceivers().count(), 0);
    assert_eq!(a.transceivers().next().unwrap().mid(), None);
    let said = events(&mut b);
    assert!(
        said.iter()
            .any(|event| matches!(event, Event::TrackAdded { .. }))
    );
    assert!(
        said.iter()
            .any(|event| matches!(event, Event::TrackRemoved { .. }))
    );
    assert_eq!(b.signaling_state(), SignalingState::Stable);
    negotiate(now, &mut a, &mut b);
    assert!(
        a.transceivers()
            .next()
            .unwrap()
            .current_direction()
            .is_some()
    );
}

#[test]
fn a_provisional_answer_is_followed_by_the_last_one() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    let early = SessionDescription {
        kind: SdpType::Pranswer,
        sdp: b.create_answer(now).unwrap().sdp,
    };
    b.set_local_description(now, early.clone()).unwrap();
    a.set_remote_description(now, early).unwrap();
    assert_eq!(a.signaling_state(), SignalingState::HaveRemotePranswer);
    assert_eq!(b.signaling_state(), SignalingState::HaveLocalPranswer);
    let answer = b.create_answer(now).unwrap();
    b.set_local_description(now, answer.clone()).unwrap();
    a.set_remote_description(now, answer).unwrap();
    assert_eq!(a.signaling_state(), SignalingState::Stable);
}

#[test]
fn payload_types_may_differ_by_direction() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    let answer = b.create_answer(now).unwrap();
    b.set_local_description(now, answer.clone()).unwrap();
    // A peer that numbers VP8 its own way (RFC 3264 §6.1).
    let renumbered = answer
        .sdp
        .replace(" 96 ", " 120 ")
        .replace(":96 ", ":120 ")
        .replace("apt=96", "apt=120");
    a.set_remote_description(now, SessionDescription::answer(renumbered))
        .unwrap();
    let video = a.transceivers().next().unwrap();
    assert_eq!(video.send_codecs()[0].payload_type.get(), 120);
    assert_eq!(video.receive_codecs()[0].payload_type.get(), 96);
}

#[test]
fn bad_answers_are_refused_and_a_good_one_still_fits() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    a.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    let offer = a.create_offer(now).unwrap();
    a.set_local_description(now, offer.clone()).unwrap();
    b.set_remote_description(now, offer).unwrap();
    let good = b.create_answer(now).unwrap().sdp;
    let cut = good.find("m=application").unwrap();
    let cases = [
        (
            good[..cut].replace("BUNDLE 0 1", "BUNDLE 0"),
            "the answer has 1 m-lines, the offer 2",
        ),
        (
            good.replace("a=setup:active", "a=setup:actpass"),
            "bad setup role",
        ),
        (
            good.replace("a=mid:0", "a=mid:x")
                .replace("BUNDLE 0", "BUNDLE x"),
            "the identification tag changed",
        ),
        (good.replace("m=video", "m=audio"), "the medium changed"),
        (
            good.replace("VP8", "VP7")
                .replace("H264", "H265")
                .replace("VP9", "X")
                .replace("AV1", "Y"),
            "no codec in common",
        ),
        (good.replace("a=rtcp-mux\r\n", ""), "no rtcp-mux"),
        (
            good.replace("a=group:BUNDLE 0 1\r\n", ""),
            "not in the BUNDLE group",
        ),
    ];
    for (text, reason) in cases {
        let error = a
            .set_remote_description(now, SessionDescription::answer(text))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error:?} does not say {reason:?}");
        assert_eq!(a.signaling_state(), SignalingState::HaveLocalOffer);
    }
    a.set_remote_description(now, SessionDescription::answer(good))
        .unwrap();
}

#[test]
fn the_order_of_m_lines_never_changes_and_their_meaning_neither() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    a.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    negotiate(now, &mut a, &mut b);
    let offer = a.create_offer(now).unwrap().sdp;
    let refused = |b: &mut PeerConnection, text: String| {
        let error = b
            .set_remote_description(now, SessionDescription::offer(text))
            .unwrap_err();
        assert_eq!(b.signaling_state(), SignalingState::Stable);
        error
    };
    let cut = offer.find("m=application").unwrap();
    let fewer = offer[..cut].replace("BUNDLE 0 1", "BUNDLE 0");
    assert!(matches!(
        refused(&mut b, fewer),
        SetDescriptionError::Session(_)
    ));
    let renamed = offer
        .replace("a=mid:0", "a=mid:9")
        .replace("BUNDLE 0", "BUNDLE 9");
    assert!(matches!(
        refused(&mut b, renamed),
        SetDescriptionError::Section {
            index: 0,
            fault: SectionFault::MidChanged,
            ..
        }
    ));
    let renumbered = offer.replace("extmap:1 ", "extmap:7 ");
    assert!(matches!(
        refused(&mut b, renumbered),
        SetDescriptionError::Section {
            fault: SectionFault::ExtensionId,
            ..
        }
    ));
    let swapped = offer
        .replace("rtpmap:96 VP8", "rtpmap:96 VP9")
        .replace("rtpmap:98 VP9", "rtpmap:98 VP8");
    assert!(matches!(
        refused(&mut b, swapped),
        SetDescriptionError::Section {
            fault: SectionFault::PayloadTypeChanged,
            ..
        }
    ));
    b.set_remote_description(now, SessionDescription::offer(offer))
        .unwrap();
}

#[test]
fn a_direction_changes_and_comes_back() {
    let now = netsim::epoch();
    let (mut a, mut b) = with_video();
    negotiate_with(now, &mut a, &mut b, |b| {
        b.add_track(MediaKind::Video, &[]).unwrap();
    });
    let id = a.transceivers().next().unwrap().id();
    assert_eq!(
        a.transceiver(id).unwrap().current_direction(),
        Some(Direction::SendRecv)
    );
    events(&mut a);
    a.set_direction(id, Direction::RecvOnly).unwrap();
    a.set_direction(id, Direction::RecvOnly).unwrap();
    let said = events(&mut a);
    assert_eq!(said, [Event::NegotiationNeeded]);
    negotiate(now, &mut a, &mut b);
    assert_eq!(
        a.transceiver(id).unwrap().current_direction(),
        Some(Direction::RecvOnly)
    );
    assert!(
        events(&mut b)
            .iter()
            .any(|event| matches!(event, Event::TrackRemoved { .. }))
    );
    a.set_direction(id, Direction::SendRecv).unwrap();
    events(&mut a);
    negotiate(now, &mut a, &mut b);
    assert_eq!(
        a.transceiver(id).unwrap().current_direction(),
        Some(Direction::SendRecv)
    );
    assert!(!events(&mut a).contains(&Event::NegotiationNeeded));
}

#[test]
fn a_codec_preference_is_kept_by_either_side() {
    let now = netsim::epoch();
    let (mut a, mut b) = pair();
    let init = TransceiverInit {
        codecs: vec!["vp9".to_owned()],
        ..TransceiverInit::default()
    };
    a.add_transceiver(MediaKind::Video, Direction::SendOnly, init)
        .unwrap();
    negotiate(now, &mut a, &mut b);
    let names = |pc: &PeerConnection| {
        let video = pc.transceivers().next().unwrap();
        video
            .send_codecs()
            .iter()
            .map(|codec| codec.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&a), ["VP9"]);
    assert_eq!(names(&b), ["VP9"]);
    let init = TransceiverInit {
        codecs: vec!["H266".to_owned()],
        ..TransceiverInit::default()
    };
    let error = a.add_transceiver(MediaKind::Video, Direction::SendOnly, init);
    assert_eq!(error, Err(TransceiverError::Codecs));
}

/// RFC 6184 §8.2.2: without level asymmetry both sides keep to the lower level.
#[test]
fn an_answer_lowers_the_level_of_h264_unless_both_allow_asymmetry() {
    let now = netsim::epoch();
    for (asymmetric, expected) in [(false, "42e00d"), (true, "42e01f")] {
        let mut config = config_a(1);
        let flag = if asymmetric {
            "level-asymmetry-allowed=1;"
        } else {
            ""
        };
        let fmtp = format!("{flag}packetization-mode=1;profile-level-id=42c00d");
        config.codecs.video = vec![peer::CodecParameters::video(102, 103, "H264", &fmtp)];
        let mut a = PeerConnection::new(config, now).unwrap();
        let mut b = PeerConnection::new(config_b(2), now).unwrap();
        a.add_track(MediaKind::Video, &[]).unwrap();
        negotiate(now, &mut a, &mut b);
        let answer = b.local_description().unwrap().sdp;
        let id = format!("profile-level-id={expected}");
        assert!(answer.contains(&id), "{answer}");
    }
}

#[test]
fn header_extensions_of_the_application_are_negotiated_with_one_id_for_all_sections() {
    use rtp::ExtensionUri;
    let now = netsim::epoch();
    let video = |uri| (MediaKind::Video, uri);
    let (mut a, mut b) = (config_a(1), config_b(2));
    a.extensions = vec![
        video(ExtensionUri::DEPENDENCY_DESCRIPTOR),
        video(ExtensionUri::VIDEO_ORIENTATION),
        (MediaKind::Audio, ExtensionUri::ABS_CAPTURE_TIME),
    ];
    b.extensions = vec![
        video(ExtensionUri::PLAYOUT_DELAY),
        video(ExtensionUri::DEPENDENCY_DESCRIPTOR),
    ];
    let mut a = PeerConnection::new(a, now).unwrap();
    let mut b = PeerConnection::new(b, now).unwrap();
    a.add_track(MediaKind::Video, &[]).unwrap();
    a.add_track(MediaKind::Video, &[]).unwrap();
    a.add_track(MediaKind::Audio, &[]).unwrap();
    negotiate(now, &mut a, &mut b);
    let id = |pc: &PeerConnection, at, uri: ExtensionUri| {
        let transceiver = pc.transceivers().nth(at).unwrap();
        transceiver.extension(uri.as_str())
    };
    let both = ExtensionUri::DEPENDENCY_DESCRIPTOR;
    let first = id(&a, 0, both.clone());
    assert!(first.is_some());
    for place in 0..2 {
        assert_eq!(id(&a, place, both.clone()), first);
        assert_eq!(id(&b, place, both.clone()), first);
        assert_eq!(id(&a, place, ExtensionUri::VIDEO_ORIENTATION), None);
        assert_eq!(id(&b, place, ExtensionUri::PLAYOUT_DELAY), None);
    }
    assert_eq!(id(&a, 2, ExtensionUri::ABS_CAPTURE_TIME), None);
    let mut bad = config_a(3);
    bad.extensions = vec![video(ExtensionUri::new("urn:x\r\na=evil"))];
    let refused = PeerConnection::new(bad, now).map(|_| ());
    assert_eq!(refused, Err(peer::ConfigError::Extension));
}

#[test]
fn a_connection_for_data_alone_needs_no_codec_and_refuses_media() {
    let now = netsim::epoch();
    let mut config = config_b(3);
    config.codecs = Codecs::none();
    let mut b = Peer::new(config).pc;
    let (mut a, _) = with_video();
    let offer = a.create_offer(now).unwrap();
    let error = b.set_remote_description(now, offer).unwrap_err();
    assert!(matches!(
        error,
        SetDescriptionError::NothingToServe {
            fault: SectionFault::NoCommonCodec,
            ..
        }
    ));
    b.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    assert!(b.create_offer(now).is_ok());
}

#[test]
fn candidates_before_the_description_are_kept_up_to_a_bound() {
    let now = netsim::epoch();
    let (mut a, _) = pair();
    let candidate = "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host";
    for _ in 0..peer::MAX_EARLY_CANDIDATES {
        a.add_ice_candidate(now, candidate).unwrap();
    }
    assert_eq!(
        a.add_ice_candidate(now, candidate),
        Err(peer::AddCandidateError::TooMany)
    );
    assert_eq!(
        a.add_ice_candidate(now, "candidate:rubbish"),
        Err(peer::AddCandidateError::TooMany)
    );
    let (mut b, _) = pair();
    assert_eq!(
        b.add_ice_candidate(now, "candidate:rubbish"),
        Err(peer::AddCandidateError::Syntax)
    );
    b.add_ice_candidate(now, "").unwrap();
}

#[test]
fn an_announced_address_stands_in_for_the_real_one() {
    let now = netsim::epoch();
    let mut config = config_a(4);
    config.announced_addresses = vec![[203, 0, 113, 9].into()];
    let mut a = Peer::new(config).pc;
    a.create_data_channel(now, "chat", DataChannelInit::default())
        .unwrap();
    a.add_local_address(now, netsim::ADDRESS_A).unwrap();
    let offer = a.create_offer(now).unwrap().sdp;
    assert!(offer.contains("203.0.113.9 5001 typ host"), "{offer}");
    assert!(!offer.contains("10.0.0.1"), "{offer}");
}

#[test]
fn stream_ids_that_would_write_lines_of_their_own_are_refused() {
    let (mut a, _) = pair();
    for bad in ["", "-", "a b", "a\r\na=x", &"x".repeat(65)] {
        assert_eq!(
            a.add_track(MediaKind::Audio, &[bad]),
            Err(TransceiverError::StreamId),
            "{bad:?}"
        );
    }
}

#[test]
fn a_hundred_m_lines_are_offered_and_answered() {
    let now = netsim::epoch();
    let (mut a, mut b) = pair();
    for _ in 0..peer::MAX_SECTIONS {
        a.add_track(MediaKind::Audio, &[]).unwrap();
    }
    assert_eq!(
        a.add_track(MediaKind::Audio, &[]),
        Err(TransceiverError::TooMany)
    );
    negotiate(now, &mut a, &mut b);
    assert_eq!(b.transceivers().count(), peer::MAX_SECTIONS);
}

#[test]
fn debug_texts_hold_no_secret() {
    let now = netsim::epoch();
    let config = config_a(7);
    let printed = format!("{config:?}");
    assert!(!printed.contains("7, 7, 7"), "{printed}");
    let (mut a, mut b) = with_video();
    negotiate(now, &mut a, &mut b);
    let local = a.local_description().unwrap();
    let text = parsed(&local);
    let pwd = text
        .media(0)
        .unwrap()
        .ice_credentials()
        .unwrap()
        .unwrap()
        .pwd
        .to_owned();
    for printed in [
        format!("{a:?}"),
        format!("{local:?}"),
        format!("{:?}", a.stats(now)),
        format!("{:?}", events(&mut a)),
    ] {
        assert!(!printed.contains(&pwd), "{printed}");
    }
}
