//! A sender and a receiver that share an m-line (W3C `RTCRtpTransceiver`).

use rtp::MediaKind;
use sdp::Direction;

use super::codecs::CodecParameters;

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
    /// The peer's stream, from its description on; the application knows of it.
    pub(crate) remote: Option<RemoteSource>,
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
    /// What our last description said, and whether it was an offer.
    pub(crate) described: Direction,
    pub(crate) offered_by_us: bool,
    /// What the peer's last description allows, seen from here.
    pub(crate) remote_allows: Direction,
    /// The stream ids that our last description named.
    pub(crate) streams: Vec<String>,
    /// With the payload types and parameters that the peer wants to receive.
    pub(crate) send: Vec<CodecParameters>,
    /// With the payload types and parameters that we told the peer.
    pub(crate) receive: Vec<CodecParameters>,
    pub(crate) extensions: Vec<Extension>,
    /// Both sides take RTCP packets that stand alone (RFC 5506).
    pub(crate) reduced_size: bool,
    /// Both sides take packets with encrypted headers (RFC 9335 §4).
    pub(crate) cryptex: bool,
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
        self.negotiated
            .as_ref()
            .map(|negotiated| negotiated.direction)
    }

    /// Whether it was stopped, by either side. A stopped transceiver never moves again.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The codecs that may be sent, with their payload types, the peer's favourite first.
    pub fn send_codecs(&self) -> &[CodecParameters] {
        self.negotiated
            .as_ref()
            .map_or(&[], |negotiated| &negotiated.send)
    }

    /// The codecs that arrive, with their payload types.
    pub fn receive_codecs(&self) -> &[CodecParameters] {
        self.negotiated
            .as_ref()
            .map_or(&[], |negotiated| &negotiated.receive)
    }

    /// The synchronization source of what we send.
    pub const fn ssrc(&self) -> u32 {
        self.source.ssrc
    }

    /// The ids of the peer's media streams that its track belongs to.
    pub fn remote_streams(&self) -> &[String] {
        self.remote.as_ref().map_or(&[], |remote| &remote.streams)
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

impl Transceiver {
    /// Whether the next offer has to say something new about it (W3C WebRTC §4.7.3, step 5.2).
    pub(crate) fn needs_negotiation(&self) -> bool {
        if self.stopped {
            return false;
        }
        let Some(negotiated) = &self.negotiated else {
            return true;
        };
        let described = if negotiated.offered_by_us {
            self.direction
        } else {
            self.direction.intersection(negotiated.remote_allows)
        };
        self.stopping
            || negotiated.described != described
            || (described.sends() && negotiated.streams != self.source.streams)
    }

    /// The end of its m-line.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        self.stopped = true;
        self.direction = Direction::Inactive;
        self.negotiated = None;
        self.remote = None;
    }
}
