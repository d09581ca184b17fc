//! A sender and a receiver that share an m-line (W3C `RTCRtpTransceiver`).

use rtp::MediaKind;

use super::codecs::CodecParameters;
use super::description::Direction;

/// Names one transceiver of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransceiverId(u32);

impl TransceiverId {
    pub(crate) const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number, unique within its connection and never used again.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// What a new transceiver shall be (W3C `RTCRtpTransceiverInit`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransceiverInit {
    /// The ids of the media streams that what it sends belongs to; tokens of at most 64 characters (RFC 8830 §2).
    pub streams: Vec<String>,
    /// The names of the codecs to negotiate, best first. Empty: all that are configured, in that order.
    pub codecs: Vec<String>,
}

/// A sender and a receiver that share an m-line.
#[derive(Clone, Debug)]
pub struct Transceiver {
    pub(crate) id: TransceiverId,
    pub(crate) kind: MediaKind,
    pub(crate) direction: Direction,
    pub(crate) stopping: bool,
    pub(crate) stopped: bool,
    /// Made by the application with `add_track`: a remote offer's m-line may take it (RFC 9429 §5.10).
    pub(crate) takes_offers: bool,
    /// Made by a remote offer, so a rollback takes it away unless the application sends on it by now.
    pub(crate) made_by_offer: bool,
    pub(crate) preferences: Vec<String>,
    pub(crate) source: LocalSource,
    pub(crate) mid: Option<String>,
    pub(crate) negotiated: Option<Negotiated>,
}

/// What names our stream in descriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalSource {
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    pub(crate) track: String,
    pub(crate) streams: Vec<String>,
}

/// What the peer's description says about its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RemoteSource {
    pub(crate) ssrcs: Vec<u32>,
    /// Media and retransmission of one stream (RFC 5576 §4.2, `FID`).
    pub(crate) rtx: Vec<(u32, u32)>,
    pub(crate) streams: Vec<String>,
}

/// What an answer settled for one m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    pub(crate) direction: Direction,
    /// With the payload types and parameters that the peer wants to receive.
    pub(crate) send: Vec<CodecParameters>,
    /// With the payload types and parameters that we told the peer.
    pub(crate) receive: Vec<CodecParameters>,
    /// Identifier and URI.
    pub(crate) extensions: Vec<Extension>,
    pub(crate) remote: RemoteSource,
}

/// A header extension of an m-line (RFC 8285 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) id: u8,
    pub(crate) uri: String,
    pub(crate) direction: Direction,
}

impl Transceiver {
    /// Its name.
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// Audio or video.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The identification tag of its m-line, once it has one.
    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }

    /// What the application wants.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// What was negotiated last; `None` before the first answer and after the stop.
    pub fn current_direction(&self) -> Option<Direction> {
        self.negotiated.as_ref().map(|negotiated| negotiated.direction)
    }

    /// Whether it was stopped, by either side. A stopped transceiver never moves again.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The codecs that may be sent, with their payload types, the peer's favourite first.
    pub fn send_codecs(&self) -> &[CodecParameters] {
        self.negotiated.as_ref().map_or(&[], |negotiated| &negotiated.send)
    }

    /// The codecs that arrive, with their payload types.
    pub fn receive_codecs(&self) -> &[CodecParameters] {
        self.negotiated.as_ref().map_or(&[], |negotiated| &negotiated.receive)
    }

    /// The synchronization source of what we send.
    pub const fn ssrc(&self) -> u32 {
        self.source.ssrc
    }

    /// The ids of the peer's media streams that its track belongs to.
    pub fn remote_streams(&self) -> &[String] {
        self.negotiated.as_ref().map_or(&[], |negotiated| &negotiated.remote.streams)
    }

    /// The id of a negotiated header extension.
    pub fn extension(&self, uri: &str) -> Option<u8> {
        let negotiated = self.negotiated.as_ref()?;
        negotiated
            .extensions
            .iter()
            .find(|extension| extension.uri == uri)
            .map(|extension| extension.id)
    }
}
