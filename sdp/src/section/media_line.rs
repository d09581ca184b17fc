use std::fmt;

use crate::ParseErrorKind;
use crate::limits::{MAX_FORMATS, MAX_TOKEN_BYTES};
use crate::text::{decimal, first_word, words};

/// What a media section carries: the first word of its m-line (RFC 8866 §5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind<'a> {
    /// `audio`.
    Audio,
    /// `video`.
    Video,
    /// `application`: data channels, when the protocol is SCTP.
    Application,
    /// Anything else; JSEP answers it with port 0 (RFC 9429 §5.3.1).
    Other(&'a str),
}

impl<'a> MediaKind<'a> {
    /// Reads the word.
    pub fn parse(word: &'a str) -> Self {
        match word {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "application" => Self::Application,
            other => Self::Other(other),
        }
    }

    /// The word.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for MediaKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it is carried: the `proto` field of the m-line.
///
/// An answer repeats the offer's spelling, so every spelling is a variant of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol<'a> {
    /// `UDP/TLS/RTP/SAVPF` (RFC 5764 §8), what JSEP offers for media.
    UdpTlsRtpSavpf,
    /// `UDP/TLS/RTP/SAVP`.
    UdpTlsRtpSavp,
    /// `TCP/DTLS/RTP/SAVPF` (RFC 7850).
    TcpDtlsRtpSavpf,
    /// `TCP/DTLS/RTP/SAVP`.
    TcpDtlsRtpSavp,
    /// `TCP/TLS/RTP/SAVPF`, as some write the former.
    TcpTlsRtpSavpf,
    /// `RTP/SAVPF`, with a fingerprint the same as `UDP/TLS/RTP/SAVPF` (RFC 9429 §5.1.2).
    RtpSavpf,
    /// `RTP/SAVP`, likewise.
    RtpSavp,
    /// `RTP/AVPF`, likewise.
    RtpAvpf,
    /// `RTP/AVP`, likewise.
    RtpAvp,
    /// `UDP/DTLS/SCTP` (RFC 8841 §4), what JSEP offers for data.
    UdpDtlsSctp,
    /// `TCP/DTLS/SCTP`.
    TcpDtlsSctp,
    /// `DTLS/SCTP`, of drafts before RFC 8841: the format is the SCTP port.
    DtlsSctp,
    /// Anything else.
    Other(&'a str),
}

impl<'a> Protocol<'a> {
    /// Reads the word.
    pub fn parse(word: &'a str) -> Self {
        PROTOCOLS
            .iter()
            .find(|(name, _)| *name == word)
            .map_or(Self::Other(word), |&(_, protocol)| protocol)
    }

    /// The word.
    pub fn as_str(self) -> &'a str {
        if let Self::Other(word) = self {
            return word;
        }
        PROTOCOLS
            .iter()
            .find(|&&(_, protocol)| protocol == self)
            .map_or("", |&(name, _)| name)
    }

    /// Whether it carries RTP in a way that JSEP takes for DTLS-SRTP.
    pub const fn is_rtp(self) -> bool {
        !self.is_sctp() && !matches!(self, Self::Other(_))
    }

    /// Whether it carries SCTP over DTLS.
    pub const fn is_sctp(self) -> bool {
        matches!(self, Self::UdpDtlsSctp | Self::TcpDtlsSctp | Self::DtlsSctp)
    }
}

impl fmt::Display for Protocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The fields of an m-line, read in one place for the parser and the views.
#[derive(Clone, Copy)]
pub(crate) struct MediaLine<'a> {
    pub(crate) kind: MediaKind<'a>,
    pub(crate) port: u16,
    pub(crate) port_count: u8,
    pub(crate) protocol: Protocol<'a>,
    formats: &'a str,
}

impl MediaLine<'static> {
    /// A line that offers nothing.
    pub(crate) const REJECTED: Self = Self {
        kind: MediaKind::Other("-"),
        port: 0,
        port_count: 1,
        protocol: Protocol::Other("-"),
        formats: "",
    };
}

impl<'a> MediaLine<'a> {
    /// Reads the text after `m=`, without checking the formats.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (kind, rest) = first_word(text);
        let (port, rest) = first_word(rest);
        let (protocol, formats) = first_word(rest);
        let (port, port_count) = match port.split_once('/') {
            Some((port, count)) => (port, decimal(count).filter(|&count| count != 0)?),
            None => (port, 1),
        };
        let line = Self {
            kind: MediaKind::parse(kind),
            port: decimal(port)?,
            port_count,
            protocol: Protocol::parse(protocol),
            formats,
        };
        (!kind.is_empty() && !formats.is_empty()).then_some(line)
    }

    pub(crate) fn formats(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        words(self.formats)
    }

    /// The limits of the fields.
    pub(crate) fn check(text: &'a str) -> Result<Self, ParseErrorKind> {
        let line = Self::parse(text).ok_or(ParseErrorKind::MediaLine)?;
        if words(text).any(|word| word.len() > MAX_TOKEN_BYTES) {
            return Err(ParseErrorKind::TokenTooLong);
        }
        if line.formats().count() > MAX_FORMATS {
            return Err(ParseErrorKind::TooManyFormats);
        }
        Ok(line)
    }
}

const PROTOCOLS: [(&str, Protocol<'static>); 12] = [
    ("UDP/TLS/RTP/SAVPF", Protocol::UdpTlsRtpSavpf),
    ("UDP/TLS/RTP/SAVP", Protocol::UdpTlsRtpSavp),
    ("TCP/DTLS/RTP/SAVPF", Protocol::TcpDtlsRtpSavpf),
    ("TCP/DTLS/RTP/SAVP", Protocol::TcpDtlsRtpSavp),
    ("TCP/TLS/RTP/SAVPF", Protocol::TcpTlsRtpSavpf),
    ("RTP/SAVPF", Protocol::RtpSavpf),
    ("RTP/SAVP", Protocol::RtpSavp),
    ("RTP/AVPF", Protocol::RtpAvpf),
    ("RTP/AVP", Protocol::RtpAvp),
    ("UDP/DTLS/SCTP", Protocol::UdpDtlsSctp),
    ("TCP/DTLS/SCTP", Protocol::TcpDtlsSctp),
    ("DTLS/SCTP", Protocol::DtlsSctp),
];
