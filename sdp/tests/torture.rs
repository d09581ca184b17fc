//! Every case of `torture.json` has the result it requires. A failure names the id and the case.
//!
//! Some requirements are met above this crate (ICE judges candidates, the peer connection answers with
//! port 0); for them the test holds that the description reaches it intact.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code; the setting for tests misses helper functions"
)]

mod common;

use avocet_sdp::{
    MediaKind, ParseErrorKind as Parse, Protocol, SemanticErrorKind as Semantic, SessionDescription,
};

enum Required {
    /// The parser refuses it, at this line.
    Unparsable(usize, Parse),
    /// The parser refuses it as too long, before it looks at lines.
    TooLong,
    /// It parses, and the check names this section and attribute.
    Invalid(Option<usize>, &'static str, Semantic),
    /// It passes the check, and the views show this.
    Accepted(fn(&SessionDescription)),
}

use Required::{Accepted, Invalid, TooLong, Unparsable};

#[test]
fn every_torture_case_has_the_required_result() {
    let file: serde_json::Value =
        serde_json::from_str(&common::capture("torture.json")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 76);
    for case in cases {
        let (id, name) = (case["id"].as_str().unwrap(), case["name"].as_str().unwrap());
        let text = expand(name, case["sdp"].as_str().unwrap());
        let case = format!("{id} {name}");
        let parsed = text.parse::<SessionDescription>();
        match (required(name), parsed) {
            (Unparsable(line, kind), Err(error)) => {
                assert_eq!((error.line, error.kind), (line, kind), "{case}");
            }
            (TooLong, Err(error)) => assert_eq!(error.kind, Parse::DescriptionTooLong, "{case}"),
            (Unparsable(..) | TooLong, Ok(_)) => panic!("{case}: parsed"),
            (_, Err(error)) => panic!("{case}: {error}"),
            (Invalid(section, attribute, kind), Ok(description)) => {
                let error = description.validate().expect_err(&case);
                let found = (error.section, error.attribute, error.kind);
                assert_eq!(found, (section, attribute, kind), "{case}");
                assert_eq!(description.to_string(), text, "{case}");
            }
            (Accepted(check), Ok(description)) => {
                println!("{case}");
                assert_eq!(description.validate(), Ok(()), "{case}");
                assert_eq!(description.to_string(), text, "{case}");
                check(&description);
            }
        }
    }
}

fn expand(name: &str, text: &str) -> String {
    match name {
        "line of 1 MiB" => text.replace("<repeat x1024>", &"a".repeat(1 << 20)),
        "2000 m-lines" => {
            let head = text.replace("<repeat audio section with mid 0..1999>", "");
            (0..2000).fold(head, |text, mid| {
                text + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:" + &mid.to_string() + "\r\n"
            })
        }
        "candidate 10 000 candidates" => {
            let (head, _) = text.split_once("a=candidate:<").unwrap();
            (0..10_000).fold(head.to_owned(), |text, port| {
                text + &format!("a=candidate:1 1 udp 1 192.0.2.1 {port} typ host\r\n")
            })
        }
        _ => text.to_owned(),
    }
}

fn required(name: &str) -> Required {
    match name {
        "control data channel offer" => Accepted(|sdp| {
            let media = sdp.media(0).unwrap();
            assert_eq!(media.kind(), MediaKind::Application);
            assert_eq!(media.protocol(), Protocol::UdpDtlsSctp);
            assert_eq!(media.sctp_port(), Ok(Some(5000)));
            assert_eq!(media.max_message_size(), Ok(Some(262_144)));
        }),
        "control audio offer" => Accepted(|sdp| {
            let codecs = sdp.media(0).unwrap().codecs();
            assert_eq!((codecs[0].payload_type, codecs[0].name), (111, "opus"));
        }),
        "CR only line endings" => Unparsable(1, Parse::ControlCharacter),
        "UTF-8 BOM first" | "v=1" => Unparsable(1, Parse::Version),
        "empty string" => Unparsable(1, Parse::Empty),
        "NUL inside a line" => Unparsable(12, Parse::ControlCharacter),
        "line of 1 MiB" | "candidate 10 000 candidates" => TooLong,
        "o= with 5 fields" | "order changed: s= before o=" => Unparsable(2, Parse::Origin),
        "o= session version above u64" => Accepted(|sdp| {
            let origin = sdp.session().origin();
            assert_eq!(origin.session_version.len(), 39);
            assert_eq!(origin.version_number(), None);
        }),
        "line without \"=\"" => Unparsable(15, Parse::LineType),
        "space around \"=\"" => Unparsable(12, Parse::LineType),
        "m= port -1" | "m= port 9/4294967295" => Unparsable(6, Parse::MediaLine),
        "2000 m-lines" => Unparsable(5 + 256 * 2 + 1, Parse::TooManyMediaSections),
        _ if name.starts_with("candidate ") => Accepted(|sdp| {
            assert_eq!(sdp.media(0).unwrap().candidates().count(), 1);
        }),
        "fingerprint of hash name only (Asterisk 16)"
        | "fingerprint of 31 bytes"
        | "fingerprint of 33 bytes" => Invalid(Some(0), "fingerprint", Semantic::Malformed),
        "sha-1 fingerprint only" => Invalid(Some(0), "fingerprint", Semantic::TooWeak),
        "a=setup:holdconn" => Invalid(Some(0), "setup", Semantic::Malformed),
        "ice-ufrag of 3 characters"
        | "ice-ufrag of 257 characters"
        | "illegal characters in ufrag" => Invalid(Some(0), "ice-ufrag", Semantic::Malformed),
        "ice-pwd missing" => Invalid(Some(0), "ice-pwd", Semantic::Missing),
        "same extmap id twice" => Invalid(Some(0), "extmap", Semantic::Duplicate),
        "BUNDLE names a mid that does not exist" => Invalid(None, "group", Semantic::UnknownMid),
        "rtcp-mux absent" => Invalid(Some(0), "rtcp-mux", Semantic::Missing),
        _ => accepted(name),
    }
}

fn accepted(name: &str) -> Required {
    Accepted(match name {
        "no final line ending" => |sdp| assert!(!sdp.to_string().ends_with('\n')),
        "unknown media type \"m=chat\"" => {
            |sdp| assert_eq!(sdp.media(0).unwrap().kind(), MediaKind::Other("chat"))
        }
        "payload type 128"
        | "payload type 72 (RTCP range)"
        | "rtpmap clock rate 0"
        | "rtpmap channels 0 and 999999"
        | "fmtp apt loop 111->111" => |sdp| assert_eq!(sdp.media(0).unwrap().codecs(), []),
        "rtpmap for a PT not on the m-line" => |sdp| {
            let codecs = sdp.media(0).unwrap().codecs();
            assert!(codecs.iter().all(|codec| codec.payload_type == 111));
        },
        "fmtp without a value" => |sdp| {
            assert_eq!(sdp.media(0).unwrap().codecs()[0].fmtp, None);
        },
        "fmtp red 111/111/.../ 200 levels" => |sdp| {
            let codecs = sdp.media(0).unwrap().codecs();
            assert_eq!(codecs[0].parameters().count(), 1);
        },
        "extmap id 0" | "extmap id 15 without two-byte support" => {
            |sdp| assert_eq!(sdp.media(0).unwrap().extensions(), Ok(Vec::new()))
        }
        "renegotiation changes the id of a URI" => |sdp| {
            let before = sdp.to_string().replace("a=extmap:2 ", "a=extmap:1 ");
            let error = sdp
                .validate_update_of(&before.parse().unwrap())
                .unwrap_err();
            assert_eq!(
                (error.attribute, error.kind),
                ("extmap", Semantic::Mismatch)
            );
            assert_eq!(sdp.validate_update_of(sdp), Ok(()));
        },
        "upper case hash name" => |sdp| {
            assert!(sdp.media(0).unwrap().fingerprints().unwrap()[0].is_strong());
        },
        "sha-1 and sha-256 both present, certificate matches only sha-1" => |sdp| {
            let media = sdp.media(0).unwrap();
            assert_eq!(media.fingerprints().unwrap().len(), 2);
            let deciding = media.deciding_fingerprints().unwrap();
            assert_eq!((deciding.len(), deciding[0].hash), (1, "sha-256"));
        },
        "different fingerprints in two bundled m-sections" => |sdp| {
            assert_eq!(sdp.transport_owners(), Ok(vec![0, 0]));
            let own = |index| sdp.media(index).unwrap().deciding_fingerprints().unwrap();
            assert!(own(0)[0].value.starts_with("00") && own(1)[0].value.starts_with("FF"));
        },
        "a=crypto (SDES) present beside DTLS" => |sdp| {
            assert!(sdp.media(0).unwrap().has("crypto"));
        },
        "RTP/SAVPF (no UDP/TLS) with fingerprint" => |sdp| {
            let protocol = sdp.media(0).unwrap().protocol();
            assert!(protocol.is_rtp() && protocol.as_str() == "RTP/SAVPF");
        },
        "group:LS beside BUNDLE (OBS 30)" => |sdp| {
            assert_eq!(sdp.session().groups().count(), 2);
            assert_eq!(sdp.session().bundle_groups().count(), 1);
        },
        "BUNDLE names the same mid twice" => |sdp| {
            assert_eq!(sdp.session().bundle_groups().next().unwrap().mids, ["0"]);
        },
        "no mid at all (legacy)" => |sdp| assert_eq!(sdp.media(0).unwrap().mid(), None),
        "answer with fewer m-lines than the offer" => |sdp| {
            let section = sdp.to_string().replace("BUNDLE 0", "BUNDLE 0 1")
                + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n";
            let error = sdp.validate_answer_to(&section.parse().unwrap());
            assert_eq!(error.unwrap_err().kind, Semantic::Mismatch);
        },
        "rid list with a name missing from a=rid" => |sdp| {
            let simulcast = sdp.media(0).unwrap().simulcast().unwrap().unwrap();
            assert_eq!(simulcast.to_string(), "send q");
        },
        "rid of 256 characters / illegal characters" => {
            |sdp| assert_eq!(sdp.media(0).unwrap().rids(), [])
        }
        "ssrc 0 and ssrc 4294967296" => |sdp| {
            let sources = sdp.media(0).unwrap().sources();
            assert_eq!((sources.len(), sources[0].cname), (1, Some("y")));
        },
        "ssrc-group FID with 1 and with 3 ssrcs" => {
            |sdp| assert_eq!(sdp.media(0).unwrap().source_groups().count(), 0)
        }
        "max-message-size 0" => |sdp| {
            assert_eq!(sdp.media(0).unwrap().max_message_size(), Ok(Some(0)));
        },
        "max-message-size 18446744073709551616" => |sdp| {
            assert_eq!(sdp.media(0).unwrap().max_message_size(), Ok(Some(u64::MAX)));
        },
        "legacy DTLS/SCTP 5000 with a=sctpmap" => |sdp| {
            let media = sdp.media(0).unwrap();
            assert!(media.protocol().is_sctp());
            assert_eq!(media.sctp_port(), Ok(Some(5000)));
        },
        "answer: port 0 for the BUNDLE tag section" => |sdp| {
            assert!(sdp.media(0).unwrap().is_rejected());
            assert_eq!(sdp.transport_owners(), Ok(vec![0, 1]));
        },
        "a=rtcp with port 99999" => |sdp| assert_eq!(sdp.media(0).unwrap().rtcp_port(), None),
        "b=AS:18446744073709551615" => |sdp| {
            let bandwidth = sdp.media(0).unwrap().bandwidths().next().unwrap();
            assert_eq!(bandwidth.bits_per_second(), u64::MAX);
        },
        "conflicting directions sendrecv and inactive" => |sdp| {
            assert_eq!(sdp.media(0).unwrap().direction().as_str(), "sendrecv");
        },
        _ => panic!("{name}: no result is required"),
    })
}
