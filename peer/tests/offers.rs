//! Offers that real peers made, answered.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod support;

use std::fs;
use std::path::Path;

use avocet_peer as peer;
use peer::{Event, PeerConnection, SectionFault, SessionDescription};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sdp::{Direction, MediaKind};
use support::{Peer, answer_to, config_b};

fn recorded(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/sdp");
    let mut texts: Vec<_> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sdp"))
        .filter(|path| path.to_string_lossy().contains("offer") || folder == "offers")
        .filter(|path| !path.to_string_lossy().contains("answer"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    texts.sort();
    assert!(texts.len() > 10);
    texts
}

fn connection() -> PeerConnection {
    Peer::new(config_b(1)).pc
}

#[test]
fn every_recorded_offer_is_answered() {
    for (name, offer) in recorded("corpus").into_iter().chain(recorded("offers")) {
        let mut pc = connection();
        let text = answer_to(&mut pc, &offer).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_answer(&name, &offer, &text);
    }
}

/// What every answer must be, whoever offered.
fn check_answer(name: &str, offer: &str, text: &str) {
    let offered: sdp::SessionDescription = offer.parse().unwrap();
    let answer: sdp::SessionDescription = text.parse().unwrap();
    answer
        .validate()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    answer
        .validate_answer_to(&offered)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    for (theirs, ours) in offered.media_sections().zip(answer.media_sections()) {
        // ffmpeg offers H.264 Baseline, not Constrained Baseline, which the default codecs do not have.
        let baseline = name == "ffmpeg9-whip-offer.sdp" && theirs.kind() == MediaKind::Video;
        if ours.is_rejected() && baseline {
            continue;
        }
        if ours.is_rejected() {
            assert!(
                theirs.is_rejected(),
                "{name}: m-line {} is rejected",
                ours.index()
            );
            continue;
        }
        // Nothing is renumbered, and nothing is answered that was not offered.
        for codec in ours.codecs() {
            let same = theirs
                .codecs()
                .iter()
                .any(|c| c.payload_type == codec.payload_type && c.is(codec.name));
            assert!(same, "{name}: {} {}", codec.payload_type, codec.name);
            for feedback in &codec.feedback {
                let text = feedback.to_string();
                assert!(
                    ["nack", "nack pli", "ccm fir"].contains(&text.as_str()),
                    "{name}: {text}"
                );
            }
        }
        for extension in ours.extensions().unwrap() {
            let offered = theirs.extensions().unwrap();
            let same = offered
                .iter()
                .any(|e| e.id == extension.id && e.uri == extension.uri);
            assert!(same, "{name}: extension {}", extension.uri);
        }
        assert!(
            ours.rids().is_empty() && ours.simulcast().unwrap().is_none(),
            "{name}"
        );
        if ours.kind() == MediaKind::Application {
            assert_eq!(ours.max_message_size().unwrap(), Some(262_144), "{name}");
        } else {
            assert!(ours.rtcp_mux() && !ours.codecs().is_empty(), "{name}");
            let expected = match theirs.direction() {
                Direction::SendRecv | Direction::SendOnly => Direction::RecvOnly,
                _ => Direction::Inactive,
            };
            assert_eq!(ours.direction(), expected, "{name}");
        }
    }
}

#[test]
fn an_answer_to_chromium_takes_its_numbers() {
    let offer = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../testdata/sdp/corpus/chromium156_audio_video_sendrecv_offer.sdp"),
    )
    .unwrap();
    let mut pc = connection();
    let answer: sdp::SessionDescription = answer_to(&mut pc, &offer).unwrap().parse().unwrap();
    let formats = |index: usize| {
        let codecs = answer.media(index).unwrap().codecs();
        codecs
            .iter()
            .map(|codec| format!("{} {}", codec.payload_type, codec.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(formats(0), ["111 opus", "0 PCMU", "8 PCMA"]);
    assert_eq!(
        formats(1),
        [
            "96 VP8", "97 rtx", "108 H264", "109 rtx", "98 VP9", "99 rtx", "45 AV1", "46 rtx"
        ]
    );
}

#[test]
fn an_answer_announces_the_streams_that_it_sends() {
    let offer = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../testdata/sdp/corpus/firefox153esr_audio_video_sendrecv_offer.sdp"),
    )
    .unwrap();
    let now = netsim::epoch();
    let mut pc = connection();
    let id = pc.add_track(rtp::MediaKind::Video, &["ours"]).unwrap();
    pc.set_remote_description(now, SessionDescription::offer(offer))
        .unwrap();
    assert!(pc.transceiver(id).unwrap().mid().is_some());
    let answer: sdp::SessionDescription = pc.create_answer(now).unwrap().sdp.parse().unwrap();
    let video = answer
        .media_sections()
        .find(|media| media.kind() == MediaKind::Video)
        .unwrap();
    assert_eq!(video.direction(), Direction::SendRecv);
    assert_eq!(video.sources().len(), 2);
    let group = video.source_groups().next().unwrap();
    assert_eq!(group.semantics, "FID");
    assert_eq!(group.ssrcs[0], pc.transceiver(id).unwrap().ssrc());
    assert_eq!(video.msids()[0].stream, Some("ours"));
}

#[test]
fn a_medium_without_a_common_codec_is_rejected_beside_others_and_fatal_alone() {
    let audio = section(
        "audio",
        "0",
        "UDP/TLS/RTP/SAVPF",
        "111",
        "a=rtpmap:111 opus/48000/2\r\n",
    );
    let video = section(
        "video",
        "1",
        "UDP/TLS/RTP/SAVPF",
        "96",
        "a=rtpmap:96 H265/90000\r\n",
    );
    let mut pc = connection();
    let answer: sdp::SessionDescription = answer_to(&mut pc, &offer("0 1", &[&audio, &video]))
        .unwrap()
        .parse()
        .unwrap();
    assert!(!answer.media(0).unwrap().is_rejected());
    assert!(answer.media(1).unwrap().is_rejected());
    let mut events = std::iter::from_fn(|| pc.poll_event());
    assert!(events.any(|event| event
        == Event::SectionRejected {
            index: 1,
            mid: "1".to_owned(),
            fault: SectionFault::NoCommonCodec,
        }));

    let error = answer_to(&mut connection(), &offer("1", &[&video])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing in the offer can be served; m-line 0 (mid \"1\"): no codec in common"
    );
}

#[test]
fn bad_offers_are_refused_with_the_m_line_and_the_reason_and_change_nothing() {
    let opus = "a=rtpmap:111 opus/48000/2\r\n";
    let audio = section("audio", "0", "UDP/TLS/RTP/SAVPF", "111", opus);
    let data = section(
        "application",
        "1",
        "UDP/DTLS/SCTP",
        "webrtc-datachannel",
        "a=sctp-port:5000\r\n",
    );
    let good = offer("0 1", &[&audio, &data]);
    let without = |line: &str| {
        let text: String = good
            .split_inclusive('\n')
            .filter(|l| !l.starts_with(line))
            .collect();
        assert_ne!(text, good);
        text
    };
    let cases = [
        (without("a=fingerprint"), "no fingerprint"),
        (without("a=ice-"), "no ICE credentials"),
        (without("a=ice-pwd"), "bad ICE credentials"),
        (without("a=rtcp-mux"), "m-line 0 (mid \"0\"): no rtcp-mux"),
        (
            without("a=group"),
            "m-line 1 (mid \"1\"): not in the BUNDLE group",
        ),
        (
            without("a=sctp-port"),
            "m-line 1 (mid \"1\"): bad SCTP port",
        ),
        (good.replace("BUNDLE 0 1", "BUNDLE 0 7"), "BUNDLE"),
        (good.replace("a=mid:1", "a=mid:0"), "bad identification tag"),
        (good.replace("actpass", "holdconn"), "bad setup role"),
        (good.replace("sha-256", "sha-1"), "fingerprint"),
        (good.replace("v=0", "v=1"), "line 1"),
        (
            offer("0", &[&section("audio", "0", "RTP/XYZ", "0", "")]),
            "unknown transport protocol",
        ),
        (
            offer("0", &[&section("chat", "0", "UDP/TLS/RTP/SAVPF", "0", "")]),
            "unknown medium",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n".to_owned(),
            "no m-line",
        ),
        (String::new(), "empty"),
    ];
    let mut pc = connection();
    for (text, reason) in cases {
        let error = answer_to(&mut pc, &text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error:?} does not say {reason:?}");
        assert_eq!(pc.signaling_state(), peer::SignalingState::Stable);
        assert_eq!(pc.transceivers().count(), 0);
    }
    // The same connection still serves a good offer.
    answer_to(&mut pc, &good).unwrap();
}

#[test]
fn the_torture_cases_are_taken_or_refused_but_never_a_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/sdp/torture.json");
    let cases: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root).unwrap()).unwrap();
    let mut answered = 0;
    for case in cases["cases"].as_array().unwrap() {
        let text = case.get("sdp").or_else(|| case.get("text"));
        let Some(text) = text.and_then(serde_json::Value::as_str) else {
            continue;
        };
        let mut pc = connection();
        let result = answer_to(&mut pc, text);
        answered += usize::from(result.is_ok());
        let expected = case["expect"].as_str().unwrap_or_default();
        if case["name"]
            .as_str()
            .unwrap_or_default()
            .starts_with("control")
        {
            assert!(result.is_ok(), "{}: {result:?}", case["name"]);
        }
        if expected == "reject" && case["id"] != "X-13" {
            assert!(
                result.is_err(),
                "{} {} was answered",
                case["id"],
                case["name"]
            );
        }
    }
    assert!(answered > 10, "{answered}");
}

#[test]
fn damaged_offers_are_answered_or_refused_without_a_trace() {
    let mut random = StdRng::seed_from_u64(1);
    let mut answered = 0;
    let mut refused = 0;
    for (name, offer) in recorded("corpus").into_iter().chain(recorded("offers")) {
        for _ in 0..60 {
            let mut lines: Vec<&str> = offer.split_inclusive('\n').collect();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..lines.len());
                let other = random.random_range(0..lines.len());
                match random.random_range(0..4) {
                    0 => drop(lines.remove(at)),
                    1 => lines.insert(at, lines[other]),
                    2 => lines.swap(at, other),
                    _ => lines[at] = &lines[at][random.random_range(0..lines[at].len())..],
                }
            }
            let text = lines.concat();
            let mut pc = connection();
            match answer_to(&mut pc, &text) {
                Ok(answer) => {
                    answered += 1;
                    let answer: sdp::SessionDescription = answer.parse().unwrap();
                    answer
                        .validate()
                        .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
                    if let Ok(again) = pc.create_offer(netsim::epoch()) {
                        let again: sdp::SessionDescription = again.sdp.parse().unwrap();
                        again
                            .validate()
                            .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
                    }
                }
                Err(_) => {
                    refused += 1;
                    assert_eq!(pc.signaling_state(), peer::SignalingState::Stable);
                    assert_eq!(pc.transceivers().count(), 0);
                    answer_to(&mut pc, &offer).unwrap();
                }
            }
        }
    }
    assert!(answered > 300 && refused > 100, "{answered} {refused}");
}

fn section(media: &str, mid: &str, protocol: &str, formats: &str, extra: &str) -> String {
    format!(
        "m={media} 9 {protocol} {formats}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\n\
         a=rtcp-mux\r\na=sendrecv\r\n{extra}",
        ["AB"; 32].join(":")
    )
}

fn offer(bundle: &str, sections: &[&str]) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {bundle}\r\n{}",
        sections.concat()
    )
}
