use std::fmt;

use super::Direction;
use crate::text::{decimal, first_word, is_token};

/// An RTP header extension: `a=extmap:id[/direction] uri [attributes]` (RFC 8285 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extension<'a> {
    /// The local identifier, 1–14, or 1–255 where two-byte headers are allowed.
    pub id: u8,
    /// Which way it is sent; `None` when not said, which means as the media.
    pub direction: Option<Direction>,
    /// What the extension is.
    pub uri: &'a str,
    /// What follows the URI, as it stands.
    pub attributes: Option<&'a str>,
}

impl<'a> Extension<'a> {
    /// An extension without direction and attributes.
    pub const fn new(id: u8, uri: &'a str) -> Self {
        Self {
            id,
            direction: None,
            uri,
            attributes: None,
        }
    }

    /// Reads the value of the attribute; `None` if it is malformed or the identifier is not 1–255
    /// (RFC 8285 reserves 0, and 4096–4351 never stand in a final description).
    pub fn parse(value: &'a str) -> Option<Self> {
        let (id, rest) = first_word(value);
        let (id, direction) = match id.split_once('/') {
            Some((id, direction)) => (id, Some(Direction::parse(direction)?)),
            None => (id, None),
        };
        let id = decimal::<u8>(id).filter(|&id| id != 0)?;
        let (uri, attributes) = first_word(rest);
        is_token(uri).then_some(Self {
            id,
            direction,
            uri,
            attributes: Some(attributes).filter(|text| !text.is_empty()),
        })
    }

    /// Whether the identifier fits the one-byte header form (RFC 8285 §4.2: 15 is reserved).
    pub const fn fits_one_byte_header(&self) -> bool {
        self.id < 15
    }
}

impl fmt::Display for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        write!(f, " {}", self.uri)?;
        match self.attributes {
            Some(attributes) => write!(f, " {attributes}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_capture_of_firefox_153() {
        let text = "2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level";
        let extension = Extension::parse(text).unwrap();
        assert_eq!(extension.id, 2);
        assert_eq!(extension.direction, Some(Direction::RecvOnly));
        assert_eq!(extension.uri, "urn:ietf:params:rtp-hdrext:csrc-audio-level");
        assert_eq!(extension.to_string(), text);
    }

    #[test]
    fn identifiers_outside_of_1_to_255_are_malformed() {
        for id in ["0", "256", "-1", "+1", "", "1/", "1/both"] {
            assert_eq!(Extension::parse(&format!("{id} urn:x")), None, "{id}");
        }
        assert_eq!(Extension::parse("1"), None);
        assert!(Extension::parse("255 urn:x a b").unwrap().attributes == Some("a b"));
    }
}
