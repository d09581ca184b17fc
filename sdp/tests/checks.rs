//! What the checks ask, and what they leave alone.

mod common;

use avocet_sdp::{SemanticErrorKind as Kind, SessionDescription, Setup};

const TRANSPORT: &str = "a=ice-ufrag:abcd\na=ice-pwd:0123456789abcdefghijklmn\na=setup:actpass\n\
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\n";
const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=rtcp-mux\n";

fn read(session: &str, media: &str) -> SessionDescription {
    common::minimal(session, media)
        .parse()
        .expect("well formed")
}

/// The section, attribute and kind of the first error.
fn fault(description: &SessionDescription) -> Option<(Option<usize>, &'static str, Kind)> {
    let error = description.validate().err()?;
    Some((error.section, error.attribute, error.kind))
}

#[test]
fn a_bundled_section_may_leave_the_transport_to_the_tagged_one() {
    let first = format!("{AUDIO}a=mid:a\n{TRANSPORT}");
    let second = format!("{AUDIO}a=mid:b\n");
    let bundled = read("a=group:BUNDLE a b\n", &(first.clone() + &second));
    assert_eq!(bundled.validate(), Ok(()));
    let alone = read("", &(first + &second));
    assert_eq!(fault(&alone), Some((Some(1), "ice-ufrag", Kind::Missing)));
}

#[test]
fn the_tagged_section_is_the_first_of_the_group_that_is_not_rejected() {
    let rejected = "m=audio 0 UDP/TLS/RTP/SAVPF 0\na=mid:a\n";
    let second = format!("{AUDIO}a=mid:b\n");
    let third = format!("{AUDIO}a=mid:c\n{TRANSPORT}");
    let text = format!("{rejected}{second}{third}");
    let description = read("a=group:BUNDLE a c b\n", &text);
    assert_eq!(description.transport_owners(), Ok(vec![0, 2, 2]));
    assert_eq!(description.validate(), Ok(()));
}

#[test]
fn what_the_session_level_says_holds_for_silent_sections() {
    let description = read(TRANSPORT, AUDIO);
    assert_eq!(description.validate(), Ok(()));
    let media = description.media(0).expect("one");
    assert_eq!(media.setup(), Ok(Some(Setup::ActPass)));
    let own = read(
        TRANSPORT,
        &format!("{AUDIO}a=setup:passive\na=ice-ufrag:efgh\n"),
    );
    let media = own.media(0).expect("one");
    assert_eq!(media.setup(), Ok(Some(Setup::Passive)));
    let credentials = media.ice_credentials().expect("good").expect("given");
    assert_eq!(credentials.ufrag, "efgh");
}

#[test]
fn extensions_of_the_session_level_are_replaced_as_a_whole() {
    let session = "a=extmap:1 urn:a\na=extmap:2 urn:b\na=inactive\n";
    let media = format!("{AUDIO}m=audio 9 RTP/AVP 0\na=extmap:1 urn:c\na=sendonly\n");
    let description = read(session, &media);
    let uris = |index: usize| {
        let media = description.media(index).expect("there");
        let found = media.extensions().expect("unique");
        found.iter().map(|e| e.uri.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(uris(0), ["urn:a", "urn:b"]);
    assert_eq!(uris(1), ["urn:c"]);
    let direction = |index: usize| {
        description
            .media(index)
            .expect("there")
            .direction()
            .as_str()
    };
    assert_eq!((direction(0), direction(1)), ("inactive", "sendonly"));
}

#[test]
fn one_extension_identifier_means_one_thing_in_a_bundle() {
    let section =
        |mid: &str, uri: &str| format!("{AUDIO}a=mid:{mid}\na=extmap:1 {uri}\n{TRANSPORT}");
    let group = "a=group:BUNDLE a b\n";
    let same = section("a", "urn:x") + &section("b", "urn:x");
    let other = section("a", "urn:x") + &section("b", "urn:y");
    assert_eq!(read(group, &same).validate(), Ok(()));
    assert_eq!(
        fault(&read(group, &other)),
        Some((Some(1), "extmap", Kind::Duplicate))
    );
    assert_eq!(read("", &other).validate(), Ok(()));
}

#[test]
fn mids_and_groups_must_fit() {
    let section = |mid: &str| format!("{AUDIO}a=mid:{mid}\n{TRANSPORT}");
    let two = |first: &str, second: &str| section(first) + &section(second);
    for (session, media, wanted) in [
        ("", two("a", "a"), (Some(1), "mid", Kind::Duplicate)),
        ("", section(""), (Some(0), "mid", Kind::Malformed)),
        ("", section("a b"), (Some(0), "mid", Kind::Malformed)),
        (
            "",
            section(&"a".repeat(256)),
            (Some(0), "mid", Kind::Malformed),
        ),
        ("a=group\n", section("a"), (None, "group", Kind::Malformed)),
        (
            "a=group:BUNDLE a\na=group:BUNDLE a b\n",
            two("a", "b"),
            (None, "group", Kind::Duplicate),
        ),
    ] {
        assert_eq!(fault(&read(session, &media)), Some(wanted));
    }
    assert_eq!(read("a=group:LS x y\n", &section("a")).validate(), Ok(()));
}

#[test]
fn sections_that_nobody_will_use_are_not_checked() {
    for media in [
        "m=audio 0 UDP/TLS/RTP/SAVPF 0\na=setup:holdconn\n",
        "m=chat 9 UDP/TLS/RTP/SAVPF 0\n",
        "m=audio 9 UDP/RAW 0\n",
        "m=application 9 UDP/BFCP *\n",
    ] {
        assert_eq!(read("", media).validate(), Ok(()), "{media}");
    }
}

#[test]
fn updates_keep_sections_and_identifiers() {
    let section = |extensions: &str| format!("{AUDIO}a=mid:a\n{TRANSPORT}{extensions}");
    let before = read("", &section("a=extmap:1 urn:a\na=extmap:2 urn:b\n"));
    for (extensions, good) in [
        ("a=extmap:2 urn:b\na=extmap:3 urn:c\n", true),
        ("a=extmap:1 urn:b\n", false),
        ("a=extmap:3 urn:a\n", false),
        ("a=extmap:1 urn:c\n", false),
    ] {
        let after = read("", &section(extensions));
        assert_eq!(
            after.validate_update_of(&before).is_ok(),
            good,
            "{extensions}"
        );
    }
    assert!(read("", "").validate_update_of(&before).is_err());
}
