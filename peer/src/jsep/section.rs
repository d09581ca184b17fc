//! What the m-lines of descriptions mean, read once and free of text.

use rtp::MediaKind;
use sdp::{Direction, Setup};

use super::codecs::CodecParameters;
use super::transceiver::{Extension, LocalSource, RemoteSource, TransceiverId};
use crate::error::SectionFault;

/// What an m-line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Media(MediaKind),
    Application,
    /// A medium that we do not know; it is answered with port 0.
    Unknown,
}

/// The words of an m-line that a rejection repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) media: String,
    pub(crate) protocol: String,
    pub(crate) formats: String,
}

/// An m-line of a remote description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteSection {
    pub(crate) mid: String,
    /// Whether the description has the tag, or we made it up because it has none.
    pub(crate) has_mid: bool,
    pub(crate) kind: SectionKind,
    pub(crate) line: Line,
    /// Port 0 without `a=bundle-only`.
    pub(crate) rejected: bool,
    /// Why it cannot be served whatever else it says.
    pub(crate) fault: Option<SectionFault>,
    /// As the peer sees it.
    pub(crate) direction: Direction,
    pub(crate) codecs: Vec<CodecParameters>,
    pub(crate) extensions: Vec<Extension>,
    /// `a=rtcp-rsize` (RFC 5506).
    pub(crate) reduced_size: bool,
    /// Whether the peer takes packets with encrypted headers (RFC 9335 §4).
    pub(crate) cryptex: bool,
    pub(crate) source: RemoteSource,
    pub(crate) sctp: Option<SctpParameters>,
}

/// What an application m-line says of the association (RFC 8841).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SctpParameters {
    pub(crate) port: u16,
    /// The largest message that the peer takes; `usize::MAX` is no limit.
    pub(crate) max_message_size: usize,
    /// The peer's INIT (SNAP). One that cannot be read is none.
    pub(crate) init: Option<Vec<u8>>,
}

/// The words of `a=ice-options` for DTLS in checks: that of the draft, and what Chromium says beside it.
pub(crate) const SPED_OPTIONS: [&str; 2] = ["sped", "googspedv1"];

/// The word of `a=ice-options` for numbered nominations (draft-thatcher-ice-renomination).
pub(crate) const RENOMINATION_OPTION: &str = "renomination";

/// What a remote description says of the one transport.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RemoteTransport {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) lite: bool,
    pub(crate) fingerprints: Vec<dtls::Fingerprint>,
    pub(crate) setup: Option<Setup>,
    pub(crate) candidates: Vec<String>,
    pub(crate) end_of_candidates: bool,
    /// The checks of the peer may carry the handshake.
    pub(crate) sped: bool,
    /// The peer numbers its nominations.
    pub(crate) renomination: bool,
}

impl std::fmt::Debug for RemoteTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteTransport")
            .field("ufrag", &self.ufrag)
            .field("lite", &self.lite)
            .field("setup", &self.setup)
            .field("candidates", &self.candidates.len())
            .finish_non_exhaustive()
    }
}

/// A description of ours before it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalDescription {
    pub(crate) setup: Setup,
    /// Whether it has a BUNDLE group: always, but in an answer to an offer without one.
    pub(crate) bundled: bool,
    pub(crate) sections: Vec<LocalSection>,
}

impl LocalDescription {
    /// Whether encrypted headers are taken in all media m-lines: those of one BUNDLE group agree (RFC 9335 §4).
    pub(super) fn is_cryptex(&self) -> bool {
        let mut media = self
            .sections
            .iter()
            .filter_map(|section| match &section.body {
                LocalBody::Media(media) => Some(media),
                LocalBody::Rejected | LocalBody::Application => None,
            })
            .peekable();
        media.peek().is_some() && media.all(|media| media.cryptex)
    }
}

/// An m-line of a description of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalSection {
    pub(crate) mid: String,
    pub(crate) has_mid: bool,
    pub(crate) line: Line,
    pub(crate) body: LocalBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalBody {
    Rejected,
    Media(Box<LocalMedia>),
    Application,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalMedia {
    pub(crate) transceiver: TransceiverId,
    pub(crate) kind: MediaKind,
    pub(crate) direction: Direction,
    /// What we receive, as the text says it.
    pub(crate) receive: Vec<CodecParameters>,
    /// What we will send: known in an answer.
    pub(crate) send: Vec<CodecParameters>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) reduced_size: bool,
    pub(crate) cryptex: bool,
    pub(crate) source: LocalSource,
}

impl LocalSection {
    pub(crate) const fn is_rejected(&self) -> bool {
        matches!(self.body, LocalBody::Rejected)
    }

    pub(crate) fn kind(&self) -> SectionKind {
        match (&self.body, self.line.media.as_str()) {
            (LocalBody::Media(media), _) => SectionKind::Media(media.kind),
            (LocalBody::Application, _) | (_, "application") => SectionKind::Application,
            (_, "audio") => SectionKind::Media(MediaKind::Audio),
            (_, "video") => SectionKind::Media(MediaKind::Video),
            _ => SectionKind::Unknown,
        }
    }
}
