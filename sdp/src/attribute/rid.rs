use std::fmt;

use super::Parameters;
use crate::limits::MAX_IDENTIFIER_BYTES;
use crate::text::{decimal, first_word};

/// A restriction identifier: `a=rid:id direction [restrictions]` (RFC 8851 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rid<'a> {
    /// The identifier: letters, digits, `-` and `_`.
    pub id: &'a str,
    /// Who sends the stream.
    pub direction: RidDirection,
    /// `pt=…;max-width=…;…` as it stands, empty when absent.
    pub restrictions: &'a str,
}

impl<'a> Rid<'a> {
    /// Reads the value of the attribute; `None` if it is malformed or the identifier does not fit an RTP
    /// header extension (RFC 8852 §3.1).
    pub fn parse(value: &'a str) -> Option<Self> {
        let (id, rest) = first_word(value);
        let (direction, restrictions) = first_word(rest);
        let direction = match direction {
            "send" => RidDirection::Send,
            "recv" => RidDirection::Recv,
            _ => return None,
        };
        is_rid(id).then_some(Self {
            id,
            direction,
            restrictions,
        })
    }

    /// The restrictions one by one: `pt`, `max-width`, `max-height`, `max-fps`, `max-fs`, `max-br`,
    /// `max-pps`, `max-bpp`, `depend` and unknown ones (RFC 8851 §5).
    pub const fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.restrictions)
    }

    /// The payload types of `pt=`, empty when every payload type of the m-line may be used.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'a> {
        let list = self.parameters().value("pt").unwrap_or_default();
        list.split(',').filter_map(decimal)
    }
}

impl fmt::Display for Rid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.direction.as_str())?;
        if self.restrictions.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.restrictions)
    }
}

/// The direction of a [`Rid`], seen from the writer of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RidDirection {
    /// `send`.
    Send,
    /// `recv`.
    Recv,
}

impl RidDirection {
    /// The word in the attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Recv => "recv",
        }
    }

    /// The same stream as the other side sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Send => Self::Recv,
            Self::Recv => Self::Send,
        }
    }
}

/// RFC 8851 §10 with the length of RFC 8852 §3.1.
pub(super) fn is_rid(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_IDENTIFIER_BYTES
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_are_kept_and_read() {
        let text = "hi send pt=96,97;max-width=1280;max-fps=30;x-unknown=1";
        let rid = Rid::parse(text).unwrap();
        assert_eq!(rid.payload_types().collect::<Vec<_>>(), [96, 97]);
        assert_eq!(rid.parameters().value("max-width"), Some("1280"));
        assert_eq!(rid.to_string(), text);
    }

    #[test]
    fn identifiers_must_fit_a_header_extension() {
        assert!(Rid::parse(&format!("{} recv", "a".repeat(255))).is_some());
        assert!(Rid::parse(&format!("{} recv", "a".repeat(256))).is_none());
        for text in ["", "a", "a both", "a.b send", "ä send"] {
            assert_eq!(Rid::parse(text), None, "{text}");
        }
    }
}
