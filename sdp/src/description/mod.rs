// Positions are added here, bounded by the limits; numbers of strangers are not.
#![warn(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod edit;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub(crate) use self::scan::LineView;
use self::scan::{Line, Scanned, scan};
use crate::attribute::Attribute;
use crate::section::MediaLine;
use crate::{MediaSection, ParseError, SessionSection};

/// A session description (RFC 8866): its text, kept as it came, and where its lines and sections start.
///
/// Reading and printing give back the same bytes, whatever was in them. The typed views
/// ([`session`](Self::session), [`media`](Self::media)) read from the text when asked. `Debug` shows
/// sizes only, because the text holds the ICE password.
#[derive(Clone)]
pub struct SessionDescription {
    text: String,
    lines: Vec<Line>,
    /// The line of each m-line.
    sections: Vec<u16>,
    /// The session-level lines that media sections inherit: of single values the first, so that a look-up
    /// from a media section costs no more than a bounded number of lines.
    inherited: Vec<u16>,
}

impl SessionDescription {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text without a copy.
    pub fn into_string(self) -> String {
        self.text
    }

    /// The session level.
    pub const fn session(&self) -> SessionSection<'_> {
        SessionSection::new(self)
    }

    /// The number of media sections.
    pub const fn media_count(&self) -> usize {
        self.sections.len()
    }

    /// The media section at `index`, counted from 0.
    pub fn media(&self, index: usize) -> Option<MediaSection<'_>> {
        (index < self.sections.len()).then(|| MediaSection::new(self, index))
    }

    /// All media sections in order.
    pub fn media_sections(&self) -> impl ExactSizeIterator<Item = MediaSection<'_>> {
        (0..self.sections.len()).map(|index| MediaSection::new(self, index))
    }

    /// The first media section with this `a=mid`. One pass over the sections: for many, make a map.
    pub fn media_by_mid(&self, mid: &str) -> Option<MediaSection<'_>> {
        self.media_sections().find(|media| media.mid() == Some(mid))
    }

    /// The attributes of a level, `None` being the session's.
    pub(crate) fn attributes_of(
        &self,
        section: Option<usize>,
    ) -> impl Iterator<Item = Attribute<'_>> {
        self.lines_of(section).filter_map(|line| line.attribute())
    }

    /// The lines of a level, a media section starting with its m-line.
    pub(crate) fn lines_of(&self, section: Option<usize>) -> impl Iterator<Item = LineView<'_>> {
        let (start, end) = self.line_range(section);
        let lines = self.lines.get(start..end).unwrap_or_default();
        lines.iter().map(|line| line.view(&self.text))
    }

    /// The session-level attributes that media sections may inherit.
    pub(crate) fn inherited(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.inherited
            .iter()
            .filter_map(|&index| self.lines.get(usize::from(index)))
            .filter_map(|line| line.view(&self.text).attribute())
    }

    pub(crate) fn media_line(&self, index: usize) -> MediaLine<'_> {
        let line = self.sections.get(index).copied().unwrap_or_default();
        self.lines
            .get(usize::from(line))
            .and_then(|line| MediaLine::parse(line.view(&self.text).value()))
            // The parser refused everything else.
            .unwrap_or(MediaLine::REJECTED)
    }

    fn line_range(&self, section: Option<usize>) -> (usize, usize) {
        let start_of = |index: usize| {
            let start = self.sections.get(index);
            start.map_or(self.lines.len(), |&line| usize::from(line))
        };
        match section {
            None => (0, start_of(0)),
            Some(index) => (start_of(index), start_of(index.saturating_add(1))),
        }
    }

    fn new(text: String, scanned: Scanned) -> Self {
        Self {
            text,
            lines: scanned.lines,
            sections: scanned.sections,
            inherited: scanned.inherited,
        }
    }
}

/// Reads a description: LF and CRLF, a missing last line ending, trailing spaces and blank lines at the end
/// are all taken, unknown lines and attributes are kept.
impl FromStr for SessionDescription {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // The copy comes after the checks: refused input costs no memory.
        let scanned = scan(text)?;
        Ok(Self::new(text.to_owned(), scanned))
    }
}

/// As [`FromStr`], without the copy.
impl TryFrom<String> for SessionDescription {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        let scanned = scan(&text)?;
        Ok(Self::new(text, scanned))
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription")
            .field("bytes", &self.text.len())
            .field("lines", &self.lines.len())
            .field("media_sections", &self.sections.len())
            .finish()
    }
}

/// Two descriptions are the same when their text is.
impl PartialEq for SessionDescription {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SessionDescription {}
