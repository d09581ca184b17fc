//! The small grammar that all lines share (RFC 8866 §9).

use std::str::FromStr;

use crate::limits::MAX_TOKEN_BYTES;

/// Digits only: `str::parse` alone would take a sign.
pub(crate) fn decimal<T: FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Digits only; a number beyond `u64` is its largest value.
pub(crate) fn saturating_decimal(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// The words of a line; runs of spaces count as one.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The first word and the rest after it, both without surrounding spaces.
pub(crate) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_matches(' ');
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    (first, rest.trim_start_matches(' '))
}

/// A word that may stand for itself in a line: not empty, no space, no control character, bounded.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_TOKEN_BYTES
        && !text
            .bytes()
            .any(|byte| byte.is_ascii_control() || byte == b' ')
}

/// No byte of `text` ends a line or is a NUL.
pub(crate) fn is_one_line(text: &str) -> bool {
    // A fold and not `any`: without an early exit the compiler checks 16 bytes at a time.
    !text.bytes().fold(false, |found, byte| {
        found | (byte == 0) | (byte == b'\r') | (byte == b'\n')
    })
}
