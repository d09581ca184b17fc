//! What real programs say is read without loss and without complaint.

mod common;

use std::collections::HashSet;

use avocet_sdp::{Direction, Feedback, MediaKind, SessionDescription, Setup};

#[test]
fn every_capture_is_printed_as_it_was_read() {
    for (name, text) in common::corpus() {
        let description: SessionDescription = text.parse().expect(&name);
        assert_eq!(description.to_string(), text, "{name}");
        let again: SessionDescription = description.to_string().parse().expect(&name);
        assert_eq!(again, description, "{name}");
    }
}

#[test]
fn every_capture_passes_the_checks() {
    for (name, text) in common::corpus() {
        let description: SessionDescription = text.parse().expect(&name);
        assert_eq!(description.validate(), Ok(()), "{name}");
        assert_eq!(
            description.validate_update_of(&description),
            Ok(()),
            "{name}"
        );
    }
}

#[test]
fn every_prefix_of_a_capture_is_read_or_refused() {
    let text = common::capture("offers/chromium-av-data.sdp");
    for end in 0..text.len() {
        if let Ok(description) = text[..end].parse::<SessionDescription>() {
            assert_eq!(description.as_str(), &text[..end]);
            let _ = description.validate();
        }
    }
}

#[test]
fn no_known_attribute_of_a_capture_is_lost_in_the_views() {
    for (name, text) in common::corpus() {
        let description: SessionDescription = text.parse().expect(&name);
        let sections = description.media_sections();
        let count = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
        let sum = |of: &dyn Fn(&avocet_sdp::MediaSection<'_>) -> usize| -> usize {
            description.media_sections().map(|media| of(&media)).sum()
        };
        assert_eq!(sections.len(), count("m="), "{name}");
        // Every rtpmap in the captures is usable, and none relies on a static payload type.
        assert_eq!(sum(&|m| m.codecs().len()), count("a=rtpmap:"), "{name}");
        assert_eq!(
            sum(&|m| m.candidates().count()),
            count("a=candidate:"),
            "{name}"
        );
        assert_eq!(
            sum(&|m| m.extensions().unwrap().len()),
            count("a=extmap:"),
            "{name}"
        );
        assert_eq!(sum(&|m| m.rids().len()), count("a=rid:"), "{name}");
        assert_eq!(
            sum(&|m| m.source_groups().count()),
            count("a=ssrc-group:"),
            "{name}"
        );
        let parameters = sum(&|m| m.codecs().iter().filter(|c| c.fmtp.is_some()).count());
        assert_eq!(parameters, count("a=fmtp:"), "{name}");
        let feedback = sum(&|m| m.codecs().iter().map(|c| c.feedback.len()).sum());
        // Pion says some twice; Firefox keeps those of codecs that it removed.
        let said = description.media_sections().map(|media| {
            let lines = media.attributes().filter(|found| {
                let format = found.value.and_then(|value| value.split(' ').next());
                found.name == "rtcp-fb" && media.formats().any(|known| Some(known) == format)
            });
            lines.collect::<HashSet<_>>().len()
        });
        assert_eq!(feedback, said.sum::<usize>(), "{name}");
        let sources: usize = sum(&|m| m.sources().iter().filter(|s| s.cname.is_some()).count());
        let named = text
            .lines()
            .filter(|l| l.starts_with("a=ssrc:") && l.contains(" cname:"));
        assert_eq!(sources, named.count(), "{name}");
    }
}

#[test]
fn an_offer_of_firefox_inherits_from_its_session_level() {
    let text = common::capture("corpus/firefox153esr_oa_offer_trickle.sdp");
    let description: SessionDescription = text.parse().unwrap();
    let session = description.session();
    assert!(session.origin().username.starts_with("mozilla"));
    assert_eq!(session.ice_options().collect::<Vec<_>>(), ["trickle"]);
    assert_eq!(
        session.bundle_groups().next().unwrap().mids,
        ["0", "1", "2"]
    );
    for media in description.media_sections() {
        assert!(
            media.fingerprints().unwrap()[0]
                .value
                .starts_with("21:82:0B")
        );
        assert_eq!(media.setup(), Ok(Some(Setup::ActPass)));
        assert_eq!(media.ice_options().collect::<Vec<_>>(), ["trickle"]);
        assert_eq!(media.ice_credentials().unwrap().unwrap().ufrag, "52148066");
    }
    let audio = description.media(0).unwrap();
    assert_eq!(audio.kind(), MediaKind::Audio);
    assert_eq!(audio.direction(), Direction::SendRecv);
    let msid = audio.msids()[0];
    assert_eq!(msid.stream, None);
    assert_eq!(msid.track, Some("{0dc65f2f-6a11-49cf-873d-18039e5ef10a}"));
    let codecs = audio.codecs();
    let names: Vec<_> = codecs.iter().map(|c| (c.payload_type, c.name)).collect();
    assert_eq!(
        names,
        [
            (109, "opus"),
            (9, "G722"),
            (0, "PCMU"),
            (8, "PCMA"),
            (101, "telephone-event")
        ]
    );
    assert_eq!(codecs[0].parameter("useinbandfec"), Some("1"));
    assert_eq!(codecs[0].feedback, [Feedback::TransportCc]);
    assert_eq!(codecs[0].channels, Some(2));
    let video = description.media(1).unwrap();
    let codecs = video.codecs();
    let rtx = codecs.iter().find(|codec| codec.is("RTX")).unwrap();
    assert_eq!(rtx.associated_payload_type(), Some(120));
    assert_eq!(
        description.media_by_mid("2").unwrap().kind(),
        MediaKind::Application
    );
}

#[test]
fn a_simulcast_offer_of_chromium_names_three_streams() {
    let text = common::capture("corpus/chromium156_simulcast_offer.sdp");
    let description: SessionDescription = text.parse().unwrap();
    let media = description.media(0).unwrap();
    let rids: Vec<_> = media.rids().iter().map(|rid| rid.id).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!(media.simulcast().unwrap().unwrap().send.len(), 3);
    assert_eq!(media.sources(), []);
}

#[test]
fn an_answer_of_gstreamer_names_its_streams_with_its_sources() {
    let text = common::capture("offers/gstreamer-answer.sdp");
    let description: SessionDescription = text.parse().unwrap();
    let msid = description.media(0).unwrap().msids()[0];
    assert_eq!(msid.stream, Some("user4203607269@host-4d325b5a"));
}

#[test]
fn answers_fit_their_offers_and_no_others() {
    let read = |name: &str| -> SessionDescription { common::capture(name).parse().unwrap() };
    let offer = read("corpus/chromium156_oa_offer_trickle.sdp");
    let answer = read("corpus/chromium156_oa_answer.sdp");
    assert_eq!(answer.validate_answer_to(&offer), Ok(()));
    let two = read("corpus/chromium156_audio_video_sendrecv_offer.sdp");
    assert!(answer.validate_answer_to(&two).is_err());
    // An offer is no answer: it leaves the DTLS role open.
    assert_eq!(
        offer.validate_answer_to(&offer).unwrap_err().attribute,
        "setup"
    );
}
