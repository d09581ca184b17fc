//! Every limit holds at its edge.

mod common;

use avocet_sdp::{ParseErrorKind, SessionDescription, limits};
use common::minimal;

const MEDIA: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 0\n";

fn kind_of(text: &str) -> Option<(usize, ParseErrorKind)> {
    let error = text.parse::<SessionDescription>().err()?;
    Some((error.line, error.kind))
}

/// `allowed` lines pass and one more is refused at its own line.
fn assert_edge(before: &str, allowed: usize, line: impl Fn(usize) -> String, kind: ParseErrorKind) {
    let text = |count: usize| (0..count).fold(before.to_owned(), |text, i| text + &line(i));
    assert_eq!(kind_of(&text(allowed)), None, "{kind:?}");
    let lines = before.lines().count() + allowed * line(0).lines().count();
    assert_eq!(kind_of(&text(allowed + 1)), Some((lines + 1, kind)));
}

#[test]
fn repeated_attributes_are_limited_per_section() {
    // A second section starts with clean counts.
    let filled = (0..limits::MAX_CANDIDATES).fold(minimal("", MEDIA), |t, _| t + "a=candidate:x\n");
    for before in [minimal("", MEDIA), filled + MEDIA] {
        assert_edge(
            &before,
            limits::MAX_CANDIDATES,
            |_| "a=candidate:x\n".into(),
            ParseErrorKind::TooManyCandidates,
        );
        assert_edge(
            &before,
            limits::MAX_EXTENSIONS,
            |i| format!("a=extmap:{i} urn:x\n"),
            ParseErrorKind::TooManyExtensions,
        );
        assert_edge(
            &before,
            limits::MAX_RIDS,
            |i| format!("a=rid:{i} send\n"),
            ParseErrorKind::TooManyRids,
        );
        assert_edge(
            &before,
            limits::MAX_SOURCES,
            |i| format!("a=ssrc:{i} cname:x\n"),
            ParseErrorKind::TooManySources,
        );
        assert_edge(
            &before,
            limits::MAX_FINGERPRINTS,
            |_| "a=fingerprint:x\n".into(),
            ParseErrorKind::TooManyFingerprints,
        );
    }
    assert_edge(
        &minimal("", ""),
        limits::MAX_GROUPS,
        |_| "a=group:LS\n".into(),
        ParseErrorKind::TooManyGroups,
    );
}

#[test]
fn lines_of_one_source_count_once() {
    let lines = (0..limits::MAX_SOURCES * 4).map(|i| format!("a=ssrc:{} x:{i}\n", i / 4));
    let text = minimal("", MEDIA) + &lines.collect::<String>();
    assert_eq!(kind_of(&text), None);
}

#[test]
fn sections_formats_and_lines_are_limited() {
    assert_edge(
        &minimal("", ""),
        limits::MAX_MEDIA_SECTIONS,
        |_| MEDIA.into(),
        ParseErrorKind::TooManyMediaSections,
    );
    assert_edge(
        &minimal("", ""),
        limits::MAX_LINES - 4,
        |_| "a=x\n".into(),
        ParseErrorKind::TooManyLines,
    );
    let formats = |count| minimal("", "m=audio 9 RTP/AVP") + &" 0".repeat(count) + "\n";
    assert_eq!(kind_of(&formats(limits::MAX_FORMATS)), None);
    let refused = kind_of(&formats(limits::MAX_FORMATS + 1));
    assert_eq!(refused, Some((5, ParseErrorKind::TooManyFormats)));
}

#[test]
fn lengths_are_limited() {
    let line = |bytes: usize| minimal("", "a=x:") + &"x".repeat(bytes - 4) + "\r\n";
    assert_eq!(kind_of(&line(limits::MAX_LINE_BYTES)), None);
    let refused = kind_of(&line(limits::MAX_LINE_BYTES + 1));
    assert_eq!(refused, Some((5, ParseErrorKind::LineTooLong)));
    for (before, after) in [
        ("a=", ":x\n"),
        ("m=", " 9 RTP/AVP 0\n"),
        ("m=audio 9 ", " 0\n"),
        ("m=audio 9 RTP/AVP ", "\n"),
    ] {
        let text = |bytes: usize| minimal("", before) + &"x".repeat(bytes) + after;
        assert_eq!(kind_of(&text(limits::MAX_TOKEN_BYTES)), None, "{before}");
        let refused = kind_of(&text(limits::MAX_TOKEN_BYTES + 1));
        assert_eq!(refused, Some((5, ParseErrorKind::TokenTooLong)), "{before}");
    }
    let origin = |bytes: usize| format!("v=0\no={} 1 2 IN IP4 ::\ns=\n", "x".repeat(bytes));
    assert_eq!(kind_of(&origin(limits::MAX_TOKEN_BYTES)), None);
    let refused = kind_of(&origin(limits::MAX_TOKEN_BYTES + 1));
    assert_eq!(refused, Some((2, ParseErrorKind::TokenTooLong)));

    let mut text = minimal("", "");
    while text.len() + 8000 < limits::MAX_DESCRIPTION_BYTES {
        text += &format!("a=x:{}\n", "x".repeat(7000));
    }
    let rest = limits::MAX_DESCRIPTION_BYTES - text.len() - 5;
    text += &format!("a=x:{}\n", "x".repeat(rest));
    assert_eq!(text.len(), limits::MAX_DESCRIPTION_BYTES);
    assert_eq!(kind_of(&text), None);
    let lines = text.lines().count();
    let refused = kind_of(&(text + "a=x\n"));
    assert_eq!(
        refused,
        Some((lines + 1, ParseErrorKind::DescriptionTooLong))
    );
}

#[test]
fn small_deviations_of_real_senders_are_taken() {
    for text in [
        "v=0\no=- 1 2 IN IP4 ::\ns=",
        "v=0 \r\no=- 1 2 IN IP4 :: \r\ns= \r\n",
        "v=0\no=- 1 2 IN IP4 ::\r\ns=-\nq=unknown line\n\r\n\n",
    ] {
        let description: SessionDescription = text.parse().unwrap();
        assert_eq!(description.as_str(), text);
    }
    let text = minimal(
        "",
        "m=audio 9/2  RTP/AVP  0 \na=mid:0 \na=rtcp-mux \na=sendonly  \n",
    );
    let description: SessionDescription = text.parse().unwrap();
    let media = description.media(0).unwrap();
    assert_eq!((media.port(), media.port_count()), (9, 2));
    assert_eq!(media.mid(), Some("0"));
    assert!(media.rtcp_mux() && !media.direction().receives());
    assert_eq!(media.codecs()[0].name, "PCMU");
}

#[test]
fn malformed_lines_are_refused_where_they_stand() {
    for (line, kind) in [
        ("", ParseErrorKind::LineType),
        ("a", ParseErrorKind::LineType),
        ("==", ParseErrorKind::LineType),
        ("ä=", ParseErrorKind::LineType),
        (" a=x", ParseErrorKind::LineType),
        ("a=", ParseErrorKind::AttributeName),
        ("a=:x", ParseErrorKind::AttributeName),
        ("a= x", ParseErrorKind::AttributeName),
        ("a=x y:z", ParseErrorKind::AttributeName),
        ("a=x\ry", ParseErrorKind::ControlCharacter),
        ("m=", ParseErrorKind::MediaLine),
        ("m=audio 9 RTP/AVP", ParseErrorKind::MediaLine),
        ("m=audio +9 RTP/AVP 0", ParseErrorKind::MediaLine),
        ("m=audio 65536 RTP/AVP 0", ParseErrorKind::MediaLine),
        ("m=audio 9/0 RTP/AVP 0", ParseErrorKind::MediaLine),
        ("m=audio 9/ RTP/AVP 0", ParseErrorKind::MediaLine),
    ] {
        let text = minimal("", line) + "\na=end\n";
        assert_eq!(kind_of(&text), Some((5, kind)), "{line:?}");
    }
    let error = minimal("", "a=").parse::<SessionDescription>().unwrap_err();
    assert_eq!(error.to_string(), "line 5: malformed attribute name");
}

#[test]
fn x_15_a_mebibyte_is_refused_before_any_work() {
    let text = minimal("", "") + &"m=audio 9 RTP/AVP 0\na=mid:0\n".repeat(40_000);
    assert!(text.len() > 1 << 20);
    let (line, kind) = kind_of(&text).unwrap();
    assert_eq!(kind, ParseErrorKind::DescriptionTooLong);
    assert!(line < limits::MAX_DESCRIPTION_BYTES / 10);
}

#[test]
fn feedback_for_all_payload_types_is_capped() {
    let formats: String = (0..64).map(|format| format!(" {format}")).collect();
    let mut media = format!("m=video 9 UDP/TLS/RTP/SAVPF{formats}\n");
    for format in 0..64 {
        media += &format!("a=rtpmap:{format} VP8/90000\na=rtcp-fb:{format} own\n");
    }
    media += "a=rtcp-fb:* own\na=rtcp-fb:* nack\na=rtcp-fb:* nack\n";
    let few: SessionDescription = minimal("", &media).parse().unwrap();
    let codecs = few.media(0).unwrap().codecs();
    assert_eq!(codecs.len(), 64);
    assert!(codecs.iter().all(|codec| codec.feedback.len() == 2));
    for kind in 0..100 {
        media += &format!("a=rtcp-fb:* x{kind}\n");
    }
    let many: SessionDescription = minimal("", &media).parse().unwrap();
    for codec in many.media(0).unwrap().codecs() {
        assert_eq!(codec.feedback.len(), limits::MAX_FEEDBACK);
    }
}
