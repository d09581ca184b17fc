use std::fmt;

use crate::text::{is_token, words};

/// The MediaStream and the track that a media section carries: `a=msid:stream [track]` (RFC 8830 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Msid<'a> {
    /// The id of the stream; `None` is written `-`: a track of no stream.
    pub stream: Option<&'a str>,
    /// The id of the track, where given.
    pub track: Option<&'a str>,
}

impl<'a> Msid<'a> {
    /// Reads the value of the attribute; `None` if it is malformed.
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = words(value);
        let stream = words.next().filter(|word| is_token(word))?;
        let track = words.next().filter(|word| is_token(word));
        Some(Self {
            stream: Some(stream).filter(|&id| id != "-"),
            track,
        })
    }
}

impl fmt::Display for Msid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream.unwrap_or("-"))?;
        match self.track {
            Some(track) => write!(f, " {track}"),
            None => Ok(()),
        }
    }
}
