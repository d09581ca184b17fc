//! What the builder writes is what the views read, and nobody writes lines of their own through it.

#![allow(
    clippy::unwrap_used,
    reason = "test code; the setting for tests misses helper functions"
)]

mod common;

use avocet_sdp::{
    Bandwidth, BuildError, CodecDescription, DescriptionBuilder, Direction, Extension, Feedback,
    Fingerprint, IceCredentials, MediaKind, Msid, Origin, ParseErrorKind, Protocol, Rid, Setup,
    Simulcast, SourceGroup,
};

const CREDENTIALS: IceCredentials<'static> = IceCredentials {
    ufrag: "abcd",
    pwd: "0123456789abcdefghijklmn",
};

fn builder() -> DescriptionBuilder {
    DescriptionBuilder::new(&Origin::new("4611731400430051336", "2"))
}

#[test]
fn an_offer_reads_as_it_was_built() {
    let value = vec!["AB"; 32].join(":");
    let fingerprint = Fingerprint {
        hash: "sha-256",
        value: &value,
    };
    let opus = CodecDescription {
        channels: Some(2),
        fmtp: Some("minptime=10;useinbandfec=1"),
        feedback: vec![Feedback::TransportCc],
        ..CodecDescription::new(111, "opus", 48_000)
    };
    let vp8 = CodecDescription {
        feedback: vec![Feedback::Nack, Feedback::NackPli, Feedback::Other("x y")],
        ..CodecDescription::new(96, "VP8", 90_000)
    };
    let rtx = CodecDescription {
        fmtp: Some("apt=96"),
        ..CodecDescription::new(97, "rtx", 90_000)
    };
    let mid = Extension::new(4, "urn:ietf:params:rtp-hdrext:sdes:mid");
    let msid = Msid {
        stream: None,
        track: Some("track"),
    };
    let pair = SourceGroup {
        semantics: "FID",
        ssrcs: vec![1, 2],
    };
    let simulcast = Simulcast::parse("send a;~b").unwrap();
    let rids = ["a send", "b send max-width=320"].map(|text| Rid::parse(text).unwrap());

    let mut builder = builder();
    builder
        .group("BUNDLE", ["0", "1", "2"])
        .extmap_allow_mixed()
        .ice_options(&["trickle"])
        .msid_semantic();
    builder
        .media(MediaKind::Audio, 9, Protocol::UdpTlsRtpSavpf, [111])
        .ice_credentials(&CREDENTIALS)
        .fingerprint(&fingerprint)
        .setup(Setup::ActPass)
        .mid("0")
        .extension(&mid)
        .direction(Direction::SendRecv)
        .msid(&msid)
        .rtcp_mux()
        .rtcp_rsize()
        .codec(&opus)
        .candidate("candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host")
        .end_of_candidates();
    builder
        .media(MediaKind::Video, 0, Protocol::UdpTlsRtpSavpf, [96, 97])
        .bandwidth(&Bandwidth {
            kind: "TIAS",
            value: 500_000,
        })
        .bundle_only()
        .mid("1")
        .direction(Direction::SendOnly)
        .rtcp_mux()
        .codec(&vp8)
        .codec(&rtx)
        .rid(&rids[0])
        .rid(&rids[1])
        .simulcast(&simulcast)
        .source_group(&pair)
        .source(1, "cname", "name")
        .source(2, "cname", "name");
    builder
        .media(
            MediaKind::Application,
            9,
            Protocol::UdpDtlsSctp,
            ["webrtc-datachannel"],
        )
        .mid("2")
        .sctp_port(5000)
        .max_message_size(262_144)
        .attribute("x-own", Some("1"));
    let built = builder.build().unwrap();

    assert_eq!(built.validate(), Ok(()));
    assert_eq!(built.transport_owners(), Ok(vec![0, 0, 0]));
    let audio = built.media(0).unwrap();
    assert_eq!(audio.ice_credentials(), Ok(Some(CREDENTIALS)));
    assert_eq!(audio.fingerprints(), Ok(vec![fingerprint]));
    assert_eq!(audio.setup(), Ok(Some(Setup::ActPass)));
    assert_eq!(audio.codecs(), [opus]);
    assert_eq!(audio.extensions(), Ok(vec![mid]));
    assert_eq!(audio.msids(), [msid]);
    assert!(audio.end_of_candidates() && audio.rtcp_rsize());
    let candidates: Vec<_> = audio.candidates().collect();
    assert_eq!(candidates, ["1 1 udp 2122260223 192.0.2.1 5000 typ host"]);
    let video = built.media(1).unwrap();
    assert!(video.is_bundle_only() && !video.is_rejected());
    assert_eq!(video.direction(), Direction::SendOnly);
    assert_eq!(video.codecs(), [vp8, rtx]);
    assert_eq!(video.rids(), rids);
    assert_eq!(video.simulcast(), Ok(Some(simulcast)));
    assert_eq!(video.source_groups().collect::<Vec<_>>(), [pair]);
    assert_eq!(video.sources().len(), 2);
    assert_eq!(
        video.bandwidths().next().unwrap().bits_per_second(),
        500_000
    );
    let data = built.media(2).unwrap();
    assert_eq!(data.sctp_port(), Ok(Some(5000)));
    assert_eq!(data.max_message_size(), Ok(Some(262_144)));
    assert_eq!(data.attribute("x-own").unwrap().value, Some("1"));
    let text = built.to_string();
    assert!(
        text.starts_with("v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
    );
    assert!(
        text.lines()
            .all(|line| text.contains(&format!("{line}\r\n")))
    );
}

#[test]
fn a_rejected_section_repeats_the_offer_with_port_0() {
    let offer: avocet_sdp::SessionDescription =
        common::capture("corpus/chromium156_oa_offer_trickle.sdp")
            .parse()
            .unwrap();
    let mut builder = builder();
    for media in offer.media_sections() {
        builder.rejected(&media);
    }
    let answer = builder.build().unwrap();
    assert_eq!(answer.validate_answer_to(&offer), Ok(()));
    assert_eq!(answer.validate(), Ok(()));
    for (media, offered) in answer.media_sections().zip(offer.media_sections()) {
        assert!(media.is_rejected());
        assert!(media.formats().eq(offered.formats()));
        assert_eq!(media.direction(), Direction::Inactive);
    }
}

#[test]
fn a_line_break_in_any_value_is_refused() {
    type Step = fn(&mut DescriptionBuilder, &str);
    let steps: [Step; 20] = [
        |b, evil| {
            b.mid(evil);
        },
        |b, evil| {
            b.candidate(evil);
        },
        |b, evil| {
            b.attribute(evil, None);
        },
        |b, evil| {
            b.attribute("x", Some(evil));
        },
        |b, evil| {
            b.ice_options(&["trickle", evil]);
        },
        |b, evil| {
            b.ice_credentials(&IceCredentials {
                ufrag: evil,
                ..CREDENTIALS
            });
        },
        |b, evil| {
            b.ice_credentials(&IceCredentials {
                pwd: evil,
                ..CREDENTIALS
            });
        },
        |b, evil| {
            b.fingerprint(&Fingerprint {
                hash: evil,
                value: "AB",
            });
        },
        |b, evil| {
            b.fingerprint(&Fingerprint {
                hash: "sha-256",
                value: evil,
            });
        },
        |b, evil| {
            b.extension(&Extension::new(1, evil));
        },
        |b, evil| {
            let attributes = Some(evil);
            b.extension(&Extension {
                attributes,
                ..Extension::new(1, "urn:x")
            });
        },
        |b, evil| {
            b.codec(&CodecDescription::new(96, evil, 90_000));
        },
        |b, evil| {
            let codec = CodecDescription::new(96, "VP8", 90_000);
            b.codec(&CodecDescription {
                fmtp: Some(evil),
                ..codec.clone()
            });
        },
        |b, evil| {
            let codec = CodecDescription::new(96, "VP8", 90_000);
            let feedback = vec![Feedback::Other(evil)];
            b.codec(&CodecDescription { feedback, ..codec });
        },
        |b, evil| {
            b.msid(&Msid {
                stream: Some(evil),
                track: None,
            });
        },
        |b, evil| {
            b.msid(&Msid {
                stream: None,
                track: Some(evil),
            });
        },
        |b, evil| {
            b.source(1, evil, "x");
        },
        |b, evil| {
            b.source(1, "cname", evil);
        },
        |b, evil| {
            b.source_group(&SourceGroup {
                semantics: evil,
                ssrcs: vec![1],
            });
        },
        |b, evil| {
            b.bandwidth(&Bandwidth {
                kind: evil,
                value: 1,
            });
        },
    ];
    for (index, step) in steps.iter().enumerate() {
        for evil in ["x\r\na=evil", "x\na=evil", "x\r", "\0"] {
            let mut builder = builder();
            builder.media(MediaKind::Audio, 9, Protocol::UdpTlsRtpSavpf, [96]);
            step(&mut builder, evil);
            builder.direction(Direction::Inactive);
            let error = builder.build();
            assert!(
                matches!(error, Err(BuildError::LineBreak { .. })),
                "step {index} {evil:?}: {error:?}"
            );
        }
    }
    for evil in ["x\r\na=evil", "x y", ""] {
        let mut mids = builder();
        mids.group("BUNDLE", [evil]);
        assert!(mids.build().is_err());
        let mut formats = builder();
        formats.media(MediaKind::Audio, 9, Protocol::RtpAvp, [evil]);
        assert!(formats.build().is_err());
        let mut kinds = builder();
        kinds.media(MediaKind::Other(evil), 9, Protocol::Other(evil), [0]);
        assert!(kinds.build().is_err());
        let origin = Origin {
            username: evil,
            ..Origin::new("1", "2")
        };
        assert!(DescriptionBuilder::new(&origin).build().is_err());
    }
}

#[test]
fn attributes_of_the_wrong_level_are_refused() {
    let mut early = builder();
    early.mid("0");
    assert_eq!(early.build(), Err(BuildError::WrongLevel { field: "mid" }));
    let mut late = builder();
    late.media(MediaKind::Audio, 9, Protocol::RtpAvp, [0])
        .group("BUNDLE", ["0"]);
    assert_eq!(late.build(), Err(BuildError::WrongLevel { field: "group" }));
}

#[test]
fn limits_hold_for_what_is_built() {
    let mut builder = builder();
    builder.media(MediaKind::Audio, 9, Protocol::RtpAvp, 0..=128);
    let error = builder.build().unwrap_err();
    assert!(matches!(
        error,
        BuildError::Refused(refused) if refused.kind == ParseErrorKind::TooManyFormats
    ));
}
