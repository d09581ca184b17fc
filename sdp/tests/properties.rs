//! Properties that hold for any text.

mod common;
#[path = "common/views.rs"]
mod views;

use std::sync::LazyLock;

use avocet_sdp::{
    Bandwidth, Extension, Fingerprint, Group, MediaSection, Msid, Origin, Parameters, Rid,
    SessionDescription, Setup, Simulcast, SourceGroup,
};
use proptest::prelude::*;

/// Lines that are nearly right, so that the views are reached.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]=[ -~]{0,20}",
        "a=(mid|setup|fingerprint|ice-ufrag|extmap|rtpmap|fmtp|rtcp-fb|ssrc|rid|simulcast|group)(:[ -~]{0,30})?",
        "m=(audio|video|application) (0|9|65535|9/2) (UDP/TLS/RTP/SAVPF|UDP/DTLS/SCTP|DTLS/SCTP) [0-9]{1,3}( [0-9]{1,3}){0,3}",
        "a=(rtpmap|fmtp|rtcp-fb):([0-9]{1,3}|\\*) (rtx|VP8|nack|apt=)/?[0-9]{0,5}",
        "a=(ssrc|ssrc-group|extmap|sctp-port|max-message-size|rtcp):[0-9]{1,11}( [a-zA-Z0-9:]{0,8}){0,3}",
        "\\PC{0,20}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let ends = prop_oneof![Just("\r\n"), Just("\n")];
    let lines = prop::collection::vec((line(), ends), 0..40);
    lines.prop_map(|lines| {
        let head = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n".to_owned();
        lines
            .into_iter()
            .fold(head, |text, (line, end)| text + &line + end)
    })
}

static CORPUS: LazyLock<Vec<(String, String)>> = LazyLock::new(common::corpus);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_read_is_printed_and_read_again(text in text()) {
        if let Ok(description) = text.parse::<SessionDescription>() {
            prop_assert_eq!(&description.to_string(), &text);
            views::look_at_everything(&description);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = text.parse::<SessionDescription>();
    }

    #[test]
    fn a_damaged_capture_is_read_or_refused(
        file in 0_usize..56,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[ -~\r\n]{0,3}"), 1..6),
    ) {
        let mut text = CORPUS[file].1.clone();
        for (place, put) in cuts {
            let at = place.index(text.len());
            if text.is_char_boundary(at) {
                let end = (at + put.len()).min(text.len());
                if text.is_char_boundary(end) {
                    text.replace_range(at..end, &put);
                }
            }
        }
        if let Ok(description) = text.parse::<SessionDescription>() {
            prop_assert_eq!(description.as_str(), &text);
            views::look_at_everything(&description);
        }
    }

    #[test]
    fn an_appended_attribute_can_be_removed_again(text in text(), value in "[ -~]{0,10}") {
        if let Ok(before) = text.parse::<SessionDescription>() {
            for section in (0..before.media_count()).map(Some).chain([None]) {
                let mut edited = before.clone();
                if edited.append_attribute(section, "x-new", Some(&value)).is_err() {
                    continue;
                }
                prop_assert_eq!(edited.media_count(), before.media_count());
                edited.retain_attributes(section, |found| found.name != "x-new").unwrap();
                // A last line without an ending gets one.
                prop_assert_eq!(edited.as_str().trim_end(), before.as_str().trim_end());
            }
        }
    }

    #[test]
    fn typed_values_print_what_they_read(text in "[ -~]{0,40}") {
        macro_rules! round_trip {
            ($($type:ty),*) => {$(
                if let Some(value) = <$type>::parse(&text) {
                    let printed = value.to_string();
                    prop_assert_eq!(<$type>::parse(&printed), Some(value));
                }
            )*};
        }
        round_trip!(
            Bandwidth<'_>, Extension<'_>, Fingerprint<'_>, Group<'_>, Msid<'_>, Origin<'_>,
            Rid<'_>, Setup, SourceGroup<'_>
        );
        let some = |found: &Simulcast<'_>| !found.send.is_empty() || !found.recv.is_empty();
        if let Some(simulcast) = Simulcast::parse(&text).filter(some) {
            let printed = simulcast.to_string();
            prop_assert_eq!(Simulcast::parse(&printed), Some(simulcast));
        }
        let _ = Parameters::new(&text).count();
    }
}
