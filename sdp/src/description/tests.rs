//! Work is counted in lines looked at, not in time: the count is the same on every machine.

use std::cell::Cell;

use super::SessionDescription;
use crate::limits::{MAX_LINES, MAX_MEDIA_SECTIONS};

thread_local! {
    static LOOKS: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn count_a_look() {
    LOOKS.set(LOOKS.get() + 1);
}

/// The lines that the checks and every list of every section look at, and the lines there are.
fn work(text: &str) -> (usize, usize) {
    let description: SessionDescription = text.parse().unwrap();
    LOOKS.set(0);
    assert_eq!(description.validate(), Ok(()));
    assert_eq!(description.validate_update_of(&description), Ok(()));
    for media in description.media_sections() {
        assert_eq!(media.codecs().len(), 2);
        assert_eq!(media.sources().len(), 2);
        assert_eq!(media.candidates().count(), 1);
        assert!(media.extmap_allow_mixed() && !media.cryptex());
        assert!(media.direction().sends());
        let _ = (media.msids(), media.rids(), media.tls_id());
    }
    (LOOKS.get(), text.lines().count())
}

fn text(session: &str, sections: usize) -> String {
    let mids: Vec<_> = (0..sections).map(|mid| mid.to_string()).collect();
    let mut text = "v=0\no=- 1 2 IN IP4 ::\ns=-\nt=0 0\n".to_owned();
    text += &format!("a=group:BUNDLE {}\n{session}", mids.join(" "));
    text += "a=ice-ufrag:abcd\na=ice-pwd:0123456789abcdefghijklmn\na=setup:actpass\n";
    text += &format!("a=fingerprint:sha-256 00{}\n", ":00".repeat(31));
    text += "a=extmap-allow-mixed\na=sendonly\n";
    for mid in mids {
        text += &format!("m=audio 9 UDP/TLS/RTP/SAVPF 0 8\na=mid:{mid}\na=rtcp-mux\n");
        text += "a=rtcp-fb:* nack\na=extmap:1 urn:x\na=ssrc:1 cname:x\na=ssrc:2 cname:x\n";
        text += "a=candidate:x\na=rid:a send\na=simulcast:send a\n";
    }
    text
}

/// Catalogue X-15: mids, BUNDLE, sources and candidates of twice as many sections cost twice as much.
#[test]
fn x_15_work_grows_with_the_number_of_sections() {
    let (half, _) = work(&text("", MAX_MEDIA_SECTIONS / 2));
    let (full, lines) = work(&text("", MAX_MEDIA_SECTIONS));
    assert!(full * 10 < half * 25, "{half} looks, then {full}");
    assert!(full < lines * 100, "{full} looks at {lines} lines");
}

/// Catalogue X-15: a long session level is not read again for every section that inherits from it.
#[test]
fn x_15_a_long_session_level_costs_nothing_per_section() {
    let room = MAX_LINES - text("", MAX_MEDIA_SECTIONS).lines().count();
    let long = "a=sendrecv\n".repeat(room / 2) + &"a=ice-options:x\n".repeat(room / 2);
    let (short, _) = work(&text("", MAX_MEDIA_SECTIONS));
    let (long, lines) = work(&text(&long, MAX_MEDIA_SECTIONS));
    // A few reads of the session level itself.
    assert!(long < short + 8 * lines, "{short} looks, then {long}");
}

#[test]
fn debug_shows_no_secret() {
    let description: SessionDescription = text("", 1).parse().unwrap();
    let media = description.media(0).unwrap();
    let shown = format!("{description:?} {media:?} {:?}", media.ice_credentials());
    assert!(shown.contains("abcd") && !shown.contains("0123456789abcdef"));
}
