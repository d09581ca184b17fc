use std::fmt;

use thiserror::Error;

/// Why a text is not a session description, and where. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("line {line}: {kind}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// There is no text at all.
    #[error("the description is empty")]
    Empty,
    /// The text starts with something else than `v=0` (RFC 8866 §5.1).
    #[error("a description starts with v=0")]
    Version,
    /// The second line is not an `o=` line with its six fields (RFC 8866 §5.2).
    #[error("the second line must be o= with six fields")]
    Origin,
    /// The third line is not an `s=` line (RFC 8866 §5.3).
    #[error("the third line must be s=")]
    SessionName,
    /// The line is not one letter followed by `=` (RFC 8866 §5).
    #[error("a line is one letter, an equals sign and a value")]
    LineType,
    /// The line holds a NUL or a carriage return (RFC 8866 §9, `byte-string`).
    #[error("forbidden control character")]
    ControlCharacter,
    /// The name of an attribute is empty or holds a space.
    #[error("malformed attribute name")]
    AttributeName,
    /// The `m=` line is not `media port[/count] proto fmt …` (RFC 8866 §5.14).
    #[error("malformed m= line")]
    MediaLine,
    /// More than [`MAX_DESCRIPTION_BYTES`](crate::limits::MAX_DESCRIPTION_BYTES).
    #[error("the description is too long")]
    DescriptionTooLong,
    /// More than [`MAX_LINE_BYTES`](crate::limits::MAX_LINE_BYTES).
    #[error("the line is too long")]
    LineTooLong,
    /// More than [`MAX_TOKEN_BYTES`](crate::limits::MAX_TOKEN_BYTES).
    #[error("a token is too long")]
    TokenTooLong,
    /// More than [`MAX_LINES`](crate::limits::MAX_LINES).
    #[error("too many lines")]
    TooManyLines,
    /// More than [`MAX_MEDIA_SECTIONS`](crate::limits::MAX_MEDIA_SECTIONS).
    #[error("too many media sections")]
    TooManyMediaSections,
    /// More than [`MAX_FORMATS`](crate::limits::MAX_FORMATS).
    #[error("too many formats")]
    TooManyFormats,
    /// More than [`MAX_EXTENSIONS`](crate::limits::MAX_EXTENSIONS).
    #[error("too many header extensions")]
    TooManyExtensions,
    /// More than [`MAX_RIDS`](crate::limits::MAX_RIDS).
    #[error("too many restriction identifiers")]
    TooManyRids,
    /// More than [`MAX_SOURCES`](crate::limits::MAX_SOURCES).
    #[error("too many synchronization sources")]
    TooManySources,
    /// More than [`MAX_CANDIDATES`](crate::limits::MAX_CANDIDATES).
    #[error("too many candidates")]
    TooManyCandidates,
    /// More than [`MAX_FINGERPRINTS`](crate::limits::MAX_FINGERPRINTS).
    #[error("too many fingerprints")]
    TooManyFingerprints,
    /// More than [`MAX_GROUPS`](crate::limits::MAX_GROUPS).
    #[error("too many groups")]
    TooManyGroups,
}

/// Why a description, though well formed, cannot be used, and which attribute of which section says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{} {kind}", Place(*section, attribute))]
pub struct SemanticError {
    /// The media section, counted from 0, or `None` for the session level.
    pub section: Option<usize>,
    /// The name of the attribute (`"m"` for the m-line itself).
    pub attribute: &'static str,
    /// What is wrong with it.
    pub kind: SemanticErrorKind,
}

impl SemanticError {
    pub(crate) const fn new(
        section: Option<usize>,
        attribute: &'static str,
        kind: SemanticErrorKind,
    ) -> Self {
        Self {
            section,
            attribute,
            kind,
        }
    }
}

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SemanticErrorKind {
    /// It is needed and not there.
    #[error("is missing")]
    Missing,
    /// It does not follow its grammar.
    #[error("is malformed")]
    Malformed,
    /// It appears twice where its value must be unique.
    #[error("is not unique")]
    Duplicate,
    /// It names a media section that does not exist.
    #[error("names an unknown media section")]
    UnknownMid,
    /// It is well formed but offers nothing that is secure enough.
    #[error("is too weak")]
    TooWeak,
    /// It is well formed but not allowed here.
    #[error("is not allowed here")]
    NotAllowed,
    /// It differs from what the other description said; for `"m"` at session level, the number of media
    /// sections does.
    #[error("does not match that of the other description")]
    Mismatch,
}

/// Why a description could not be built. Only the caller's values can cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value holds a line break or a NUL, which would let it write lines of its own.
    #[error("{field} holds a line break or a control character")]
    LineBreak {
        /// The attribute or line that the value was meant for.
        field: &'static str,
    },
    /// A value must be one word and is empty, holds a space or is longer than
    /// [`MAX_TOKEN_BYTES`](crate::limits::MAX_TOKEN_BYTES).
    #[error("{field} is not a token")]
    NotAToken {
        /// The attribute or line that the value was meant for.
        field: &'static str,
    },
    /// An attribute was given that belongs to the other level.
    #[error("{field} belongs to the other level")]
    WrongLevel {
        /// The attribute or line.
        field: &'static str,
    },
    /// The description would be refused by every parser with our limits.
    #[error("the description would be refused: {0}")]
    Refused(#[source] ParseError),
}

/// Why a description could not be edited; it is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no media section of this index.
    #[error("no such media section")]
    NoSuchSection,
    /// The name is not a token, or the value holds a line break or a control character.
    #[error("the attribute holds a line break or a control character")]
    LineBreak,
    /// The result would pass a limit.
    #[error("the description would be refused: {0}")]
    Refused(#[source] ParseError),
}

/// A section and an attribute in words.
struct Place<'a>(Option<usize>, &'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(index) => write!(f, "media section {index}: ")?,
            None => f.write_str("session: ")?,
        }
        match self.1 {
            "m" => f.write_str("the m= line"),
            name => write!(f, "a={name}"),
        }
    }
}
