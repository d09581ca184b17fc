use crate::attribute::{Attribute, Direction};
use crate::limits::{
    MAX_CANDIDATES, MAX_DESCRIPTION_BYTES, MAX_EXTENSIONS, MAX_FINGERPRINTS, MAX_GROUPS,
    MAX_LINE_BYTES, MAX_LINES, MAX_MEDIA_SECTIONS, MAX_RIDS, MAX_SOURCES, MAX_TOKEN_BYTES,
};
use crate::section::{MediaLine, Origin};
use crate::text::{decimal, first_word, is_one_line, words};
use crate::{ParseError, ParseErrorKind};

/// Where a line stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    start: u32,
    /// Bytes without the line ending.
    length: u16,
    /// Bytes of the name of an attribute; 0 for other lines.
    name_length: u16,
}

impl Line {
    /// The first byte of the line, and the first after it.
    pub(super) fn bounds(self) -> (usize, usize) {
        let start = self.start as usize;
        (start, start + usize::from(self.length))
    }

    pub(super) fn view(self, text: &str) -> LineView<'_> {
        #[cfg(test)]
        super::tests::count_a_look();
        let (start, end) = self.bounds();
        LineView {
            text: text.get(start..end).unwrap_or_default(),
            name_length: usize::from(self.name_length),
        }
    }
}

/// A line without its line ending.
#[derive(Clone, Copy)]
pub(crate) struct LineView<'a> {
    text: &'a str,
    name_length: usize,
}

impl<'a> LineView<'a> {
    /// The letter before the equals sign.
    pub(crate) fn letter(self) -> char {
        self.text.chars().next().unwrap_or_default()
    }

    /// What follows the equals sign, without trailing spaces.
    pub(crate) fn value(self) -> &'a str {
        let value = self.text.get(2..).unwrap_or_default();
        value.trim_end_matches(' ')
    }

    /// The attribute, if this is one.
    pub(crate) fn attribute(self) -> Option<Attribute<'a>> {
        if self.name_length == 0 {
            return None;
        }
        let name_end = 2 + self.name_length;
        let name = self.text.get(2..name_end)?;
        let value = self
            .text
            .get(name_end..)
            .and_then(|rest| rest.strip_prefix(':'));
        Some(Attribute {
            name,
            value: value.map(|value| value.trim_matches(' ')),
        })
    }
}

/// What one pass over a text finds.
pub(super) struct Scanned {
    pub(super) lines: Vec<Line>,
    pub(super) sections: Vec<u16>,
    pub(super) inherited: Vec<u16>,
}

/// Checks the form of a text and finds its lines. Every byte is looked at a fixed number of times.
pub(super) fn scan(text: &str) -> Result<Scanned, ParseError> {
    if text.len() > MAX_DESCRIPTION_BYTES {
        let head = text.as_bytes().get(..MAX_DESCRIPTION_BYTES);
        let breaks = head
            .unwrap_or_default()
            .iter()
            .filter(|&&byte| byte == b'\n');
        return Err(ParseError {
            line: breaks.count() + 1,
            kind: ParseErrorKind::DescriptionTooLong,
        });
    }
    let mut scanner = Scanner::new(text);
    let mut rest = text.trim_end_matches(['\r', '\n']);
    if rest.is_empty() {
        return Err(scanner.error(ParseErrorKind::Empty));
    }
    let mut start = 0;
    loop {
        let (line, next) = match rest.split_once('\n') {
            Some((line, next)) => (line.strip_suffix('\r').unwrap_or(line), Some(next)),
            None => (rest, None),
        };
        scanner
            .line(start, line)
            .map_err(|kind| scanner.error(kind))?;
        let Some(next) = next else { break };
        start += rest.len() - next.len();
        rest = next;
    }
    scanner.finish()
}

struct Scanner {
    scanned: Scanned,
    /// Numbers of the current level, for the limits.
    counts: Counts,
    /// Which single-valued attributes the session level has given, by their place in [`INHERITED`].
    inherited: [bool; INHERITED.len()],
    direction_inherited: bool,
}

#[derive(Default)]
struct Counts {
    extensions: usize,
    rids: usize,
    candidates: usize,
    fingerprints: usize,
    groups: usize,
    /// The sources of the current section, at most [`MAX_SOURCES`].
    sources: Vec<u32>,
}

impl Scanner {
    fn new(text: &str) -> Self {
        Self {
            scanned: Scanned {
                // Lines of browsers are 35 bytes on average; the vector may still grow.
                lines: Vec::with_capacity((text.len() / 32).min(MAX_LINES)),
                sections: Vec::new(),
                inherited: Vec::new(),
            },
            counts: Counts::default(),
            inherited: [false; INHERITED.len()],
            direction_inherited: false,
        }
    }

    /// An error about the line that would come next.
    fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError {
            line: self.scanned.lines.len() + 1,
            kind,
        }
    }

    fn line(&mut self, start: usize, text: &str) -> Result<(), ParseErrorKind> {
        if self.scanned.lines.len() >= MAX_LINES {
            return Err(ParseErrorKind::TooManyLines);
        }
        if text.len() > MAX_LINE_BYTES {
            return Err(ParseErrorKind::LineTooLong);
        }
        if !is_one_line(text) {
            return Err(ParseErrorKind::ControlCharacter);
        }
        let index = self.scanned.lines.len();
        let mut line = Line {
            start: narrow(start)?,
            length: narrow(text.len())?,
            name_length: 0,
        };
        let value = text.get(2..).unwrap_or_default();
        match (index, text.as_bytes()) {
            (0, _) if text.trim_end_matches(' ') == "v=0" => {}
            (0, _) => return Err(ParseErrorKind::Version),
            (1, [b'o', b'=', ..]) => origin(value)?,
            (1, _) => return Err(ParseErrorKind::Origin),
            (2, [b's', b'=', ..]) => {}
            (2, _) => return Err(ParseErrorKind::SessionName),
            (_, [b'a', b'=', ..]) => line.name_length = self.attribute(index, value)?,
            (_, [b'm', b'=', ..]) => self.media(index, value)?,
            (_, [letter, b'=', ..]) if letter.is_ascii_alphabetic() => {}
            _ => return Err(ParseErrorKind::LineType),
        }
        self.scanned.lines.push(line);
        Ok(())
    }

    fn media(&mut self, index: usize, value: &str) -> Result<(), ParseErrorKind> {
        MediaLine::check(value)?;
        if self.scanned.sections.len() >= MAX_MEDIA_SECTIONS {
            return Err(ParseErrorKind::TooManyMediaSections);
        }
        self.scanned.sections.push(narrow(index)?);
        self.counts = Counts::default();
        Ok(())
    }

    /// Counts what is limited, notes what is inherited, and gives the length of the name.
    fn attribute(&mut self, index: usize, text: &str) -> Result<u16, ParseErrorKind> {
        let text = text.trim_end_matches(' ');
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        if name.len() > MAX_TOKEN_BYTES {
            return Err(ParseErrorKind::TokenTooLong);
        }
        if name.is_empty() || name.bytes().any(|byte| byte <= b' ') {
            return Err(ParseErrorKind::AttributeName);
        }
        self.counts.add(name, value)?;
        if self.scanned.sections.is_empty() && self.is_inherited(name) {
            self.scanned.inherited.push(narrow(index)?);
        }
        narrow(name.len())
    }

    fn is_inherited(&mut self, name: &str) -> bool {
        // Bounded by their own limits.
        if matches!(name, "extmap" | "fingerprint") {
            return true;
        }
        let seen = if Direction::parse(name).is_some() {
            Some(&mut self.direction_inherited)
        } else {
            let place = INHERITED.iter().position(|known| *known == name);
            place.and_then(|place| self.inherited.get_mut(place))
        };
        seen.is_some_and(|seen| !std::mem::replace(seen, true))
    }

    fn finish(mut self) -> Result<Scanned, ParseError> {
        match self.scanned.lines.len() {
            1 => Err(self.error(ParseErrorKind::Origin)),
            2 => Err(self.error(ParseErrorKind::SessionName)),
            _ => {
                self.scanned.lines.shrink_to_fit();
                self.scanned.sections.shrink_to_fit();
                Ok(self.scanned)
            }
        }
    }
}

impl Counts {
    fn add(&mut self, name: &str, value: &str) -> Result<(), ParseErrorKind> {
        let (count, limit, kind) = match name {
            "candidate" => (
                &mut self.candidates,
                MAX_CANDIDATES,
                ParseErrorKind::TooManyCandidates,
            ),
            "extmap" => (
                &mut self.extensions,
                MAX_EXTENSIONS,
                ParseErrorKind::TooManyExtensions,
            ),
            "fingerprint" => (
                &mut self.fingerprints,
                MAX_FINGERPRINTS,
                ParseErrorKind::TooManyFingerprints,
            ),
            "rid" => (&mut self.rids, MAX_RIDS, ParseErrorKind::TooManyRids),
            "group" => (&mut self.groups, MAX_GROUPS, ParseErrorKind::TooManyGroups),
            "ssrc" => return self.add_source(value),
            _ => return Ok(()),
        };
        *count += 1;
        if *count > limit { Err(kind) } else { Ok(()) }
    }

    fn add_source(&mut self, value: &str) -> Result<(), ParseErrorKind> {
        let Some(ssrc) = decimal::<u32>(first_word(value).0) else {
            return Ok(());
        };
        // The lines of a source follow each other, so the scan from the end is short.
        if self.sources.iter().rev().any(|known| *known == ssrc) {
            return Ok(());
        }
        if self.sources.len() >= MAX_SOURCES {
            return Err(ParseErrorKind::TooManySources);
        }
        self.sources.push(ssrc);
        Ok(())
    }
}

fn origin(text: &str) -> Result<(), ParseErrorKind> {
    if words(text).any(|word| word.len() > MAX_TOKEN_BYTES) {
        return Err(ParseErrorKind::TokenTooLong);
    }
    Origin::parse(text.trim_end_matches(' '))
        .map(|_| ())
        .ok_or(ParseErrorKind::Origin)
}

/// The limits make every place and length fit its field.
fn narrow<T: TryFrom<usize>>(number: usize) -> Result<T, ParseErrorKind> {
    T::try_from(number).map_err(|_| ParseErrorKind::DescriptionTooLong)
}

/// Session-level attributes of one value that hold for media sections which do not have their own. Directions
/// are one more; `extmap` and `fingerprint` are lists.
const INHERITED: [&str; 8] = [
    "ice-ufrag",
    "ice-pwd",
    "ice-options",
    "setup",
    "tls-id",
    "end-of-candidates",
    "extmap-allow-mixed",
    "cryptex",
];
