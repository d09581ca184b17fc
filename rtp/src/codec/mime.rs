use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use thiserror::Error;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl MediaKind {
    /// `audio` or `video`, as in SDP and MIME types.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The media type of a payload format, such as `video/VP8` (RFC 4855 §3). Compared without regard to case.
#[derive(Clone, Debug)]
pub struct MimeType {
    kind: MediaKind,
    name: Cow<'static, str>,
}

impl MimeType {
    /// `audio/opus` (RFC 7587).
    pub const OPUS: Self = Self::known(MediaKind::Audio, "opus");
    /// `audio/PCMU` (RFC 3551 §4.5.14).
    pub const PCMU: Self = Self::known(MediaKind::Audio, "PCMU");
    /// `audio/PCMA` (RFC 3551 §4.5.14).
    pub const PCMA: Self = Self::known(MediaKind::Audio, "PCMA");
    /// `audio/G722` (RFC 3551 §4.5.2), whose clock rate is 8,000 by an old mistake.
    pub const G722: Self = Self::known(MediaKind::Audio, "G722");
    /// `audio/L16` (RFC 3551 §4.5.11).
    pub const L16: Self = Self::known(MediaKind::Audio, "L16");
    /// `audio/CN`, comfort noise (RFC 3389).
    pub const CN: Self = Self::known(MediaKind::Audio, "CN");
    /// `audio/red`, redundant audio (RFC 2198).
    pub const RED: Self = Self::known(MediaKind::Audio, "red");
    /// `audio/telephone-event` (RFC 4733).
    pub const TELEPHONE_EVENT: Self = Self::known(MediaKind::Audio, "telephone-event");
    /// `video/VP8` (RFC 7741).
    pub const VP8: Self = Self::known(MediaKind::Video, "VP8");
    /// `video/VP9` (RFC 9628).
    pub const VP9: Self = Self::known(MediaKind::Video, "VP9");
    /// `video/AV1` (AV1 RTP payload format).
    pub const AV1: Self = Self::known(MediaKind::Video, "AV1");
    /// `video/H264` (RFC 6184).
    pub const H264: Self = Self::known(MediaKind::Video, "H264");
    /// `video/H265` (RFC 7798).
    pub const H265: Self = Self::known(MediaKind::Video, "H265");
    /// `video/H266` (RFC 9328).
    pub const H266: Self = Self::known(MediaKind::Video, "H266");
    /// `video/rtx` (RFC 4588).
    pub const VIDEO_RTX: Self = Self::known(MediaKind::Video, "rtx");

    const KNOWN: [Self; 15] = [
        Self::OPUS,
        Self::PCMU,
        Self::PCMA,
        Self::G722,
        Self::L16,
        Self::CN,
        Self::RED,
        Self::TELEPHONE_EVENT,
        Self::VP8,
        Self::VP9,
        Self::AV1,
        Self::H264,
        Self::H265,
        Self::H266,
        Self::VIDEO_RTX,
    ];

    const fn known(kind: MediaKind, name: &'static str) -> Self {
        Self {
            kind,
            name: Cow::Borrowed(name),
        }
    }

    /// A media type from its two parts. A well-known one takes its usual spelling and costs no allocation.
    pub fn new(kind: MediaKind, name: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|known| known.kind == kind && known.name.eq_ignore_ascii_case(name))
            .unwrap_or_else(|| Self {
                kind,
                name: Cow::Owned(name.to_owned()),
            })
    }

    /// What the format carries.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The encoding name, as in `a=rtpmap`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl PartialEq for MimeType {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for MimeType {}

impl Hash for MimeType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        for octet in self.name.bytes() {
            octet.to_ascii_lowercase().hash(state);
        }
    }
}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// The text is not `audio/` or `video/` and a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an audio or video media type")]
pub struct ParseMimeTypeError;

impl FromStr for MimeType {
    type Err = ParseMimeTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once('/').ok_or(ParseMimeTypeError)?;
        let kind = [MediaKind::Audio, MediaKind::Video]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(kind))
            .ok_or(ParseMimeTypeError)?;
        if name.is_empty() {
            return Err(ParseMimeTypeError);
        }
        Ok(Self::new(kind, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mime_types_compare_without_case() {
        assert_eq!("video/vp8".parse(), Ok(MimeType::VP8));
        assert_eq!(
            "VIDEO/vp8".parse::<MimeType>().map(|mime| mime.to_string()),
            Ok("video/VP8".into())
        );
        assert_ne!(MimeType::new(MediaKind::Audio, "VP8"), MimeType::VP8);
        assert_eq!("text/html".parse::<MimeType>(), Err(ParseMimeTypeError));
        assert_eq!("video/".parse::<MimeType>(), Err(ParseMimeTypeError));
        assert_eq!("video".parse::<MimeType>(), Err(ParseMimeTypeError));
    }
}
