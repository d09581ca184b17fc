use std::fmt;

use crate::text::saturating_decimal;

/// A `b=` line: a limit on the bandwidth (RFC 8866 §5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bandwidth<'a> {
    /// `AS`, `TIAS` (RFC 3890), `CT`, `RS`, `RR` (RFC 3556) or something else.
    pub kind: &'a str,
    /// The number as written: kilobits per second for `AS` and `CT`, bits per second for the others.
    /// Numbers beyond `u64` are its largest value.
    pub value: u64,
}

impl<'a> Bandwidth<'a> {
    /// Reads the text after `b=`; `None` if it is malformed.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (kind, value) = text.trim_end_matches(' ').split_once(':')?;
        Some(Self {
            kind,
            value: saturating_decimal(value)?,
        })
    }

    /// The limit in bits per second, saturating.
    pub fn bits_per_second(&self) -> u64 {
        match self.kind {
            "AS" | "CT" => self.value.saturating_mul(1000),
            _ => self.value,
        }
    }
}

impl fmt::Display for Bandwidth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}
