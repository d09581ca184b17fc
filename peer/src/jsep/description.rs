//! Descriptions and the state of their exchange (RFC 9429 §3.2, W3C WebRTC §4.6).

use std::fmt;

/// What a description is for (W3C `RTCSdpType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SdpType {
    /// Starts an exchange.
    Offer,
    /// Answers for now; a later answer ends the exchange.
    Pranswer,
    /// Ends an exchange.
    Answer,
    /// Cancels an exchange: back to the last stable state. It has no text.
    Rollback,
}

impl SdpType {
    /// The name that signalling messages carry: "offer", "pranswer", "answer" or "rollback".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Pranswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A description and what it is for (W3C `RTCSessionDescriptionInit`).
#[derive(Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// What it is for.
    pub kind: SdpType,
    /// The text, lines ended by CRLF.
    pub sdp: String,
}

impl SessionDescription {
    /// An offer.
    pub fn offer(sdp: impl Into<String>) -> Self {
        Self {
            kind: SdpType::Offer,
            sdp: sdp.into(),
        }
    }

    /// An answer.
    pub fn answer(sdp: impl Into<String>) -> Self {
        Self {
            kind: SdpType::Answer,
            sdp: sdp.into(),
        }
    }

    /// A rollback.
    pub const fn rollback() -> Self {
        Self {
            kind: SdpType::Rollback,
            sdp: String::new(),
        }
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text holds the ICE password.
        f.debug_struct("SessionDescription")
            .field("kind", &self.kind)
            .field("bytes", &self.sdp.len())
            .finish()
    }
}

/// Where an exchange stands (W3C `RTCSignalingState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignalingState {
    /// No exchange is under way.
    #[default]
    Stable,
    /// Our offer waits for its answer.
    HaveLocalOffer,
    /// The peer's offer waits for our answer.
    HaveRemoteOffer,
    /// We answered the peer's offer provisionally.
    HaveLocalPranswer,
    /// The peer answered our offer provisionally.
    HaveRemotePranswer,
    /// The connection is closed.
    Closed,
}

impl fmt::Display for SignalingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stable => "stable",
            Self::HaveLocalOffer => "have-local-offer",
            Self::HaveRemoteOffer => "have-remote-offer",
            Self::HaveLocalPranswer => "have-local-pranswer",
            Self::HaveRemotePranswer => "have-remote-pranswer",
            Self::Closed => "closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_does_not_print_its_password() {
        let text = format!("{:?}", SessionDescription::offer("a=ice-pwd:secret"));
        assert!(!text.contains("secret"));
    }
}
