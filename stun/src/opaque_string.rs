//! The OpaqueString profile of PRECIS: how user names and passwords that are not ASCII are prepared, so that what was
//! typed in different ways is the same (RFC 8265 §4.2, RFC 8489 §9.2.2).

use unicode_normalization::UnicodeNormalization;

/// Prepares a text by OpaqueString: spaces that are not ASCII become U+0020, then NFC. `None` for the empty text, and
/// for what the FreeformClass of RFC 8264 §9 does not allow: controls, old Hangul Jamo, code points that are ignored by
/// default, private ones and noncharacters.
///
/// Not looked at: whether a code point is assigned, which differs by the version of Unicode on either side, and the
/// contexts that RFC 5892 appendix A wants for ten code points.
pub fn opaque_string(text: &str) -> Option<String> {
    if text.is_ascii() {
        let is_printable = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        return (is_printable && !text.is_empty()).then(|| text.to_owned());
    }
    let spaced = text.chars().map(|c| if is_space(c) { ' ' } else { c });
    let prepared: String = spaced.nfc().collect();
    let is_allowed = prepared.chars().all(|c| !is_disallowed(c));
    is_allowed.then_some(prepared)
}

/// Category Zs beside U+0020.
const fn is_space(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

fn is_disallowed(c: char) -> bool {
    c.is_control() || is_old_jamo(c) || is_ignorable(c) || is_private(c)
}

/// OldHangulJamo (RFC 8264 §9.9).
const fn is_old_jamo(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}'
    )
}

/// PrecisIgnorableProperties (RFC 8264 §9.13), without the joiners, which are a matter of context.
const fn is_ignorable(c: char) -> bool {
    let is_noncharacter = (c as u32) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    is_noncharacter
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

const fn is_private(c: char) -> bool {
    matches!(
        c,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8265 §4.3, tables 4 and 5: the examples of legal and illegal passwords.
    #[test]
    fn s_19_the_examples_of_rfc_8265_are_prepared_or_refused() {
        for (given, prepared) in [
            (
                "correct horse battery staple",
                "correct horse battery staple",
            ),
            (
                "Correct Horse Battery Staple",
                "Correct Horse Battery Staple",
            ),
            ("\u{3c0}\u{df}\u{e5}", "\u{3c0}\u{df}\u{e5}"),
            ("Jack of \u{2666}s", "Jack of \u{2666}s"),
            ("foo\u{1680}bar", "foo bar"),
        ] {
            assert_eq!(opaque_string(given).as_deref(), Some(prepared));
        }
        for illegal in ["", "my cat is a \tby"] {
            assert_eq!(opaque_string(illegal), None);
        }
    }

    #[test]
    fn s_19_what_was_typed_in_two_ways_is_the_same() {
        let composed = opaque_string("Gr\u{fc}\u{df}e");
        assert_eq!(opaque_string("Gru\u{308}\u{df}e"), composed);
        // No case and no compatibility is mapped, as SASLprep did.
        assert_ne!(opaque_string("gr\u{fc}\u{df}e"), composed);
        assert_eq!(opaque_string("\u{2168}"), Some("\u{2168}".to_owned()));
    }

    #[test]
    fn s_19_what_nobody_sees_or_agrees_on_is_refused() {
        for hidden in [
            "a\u{ad}",
            "a\u{200b}",
            "a\u{feff}",
            "a\u{e000}",
            "a\u{fffe}",
            "a\u{1100}",
            "a\u{202e}",
            "a\u{85}",
            "a\u{e0001}",
        ] {
            assert_eq!(opaque_string(hidden), None, "{hidden:?}");
        }
    }
}
