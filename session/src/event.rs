use crate::{ReceiverId, SenderId};
use rtp::Ssrc;

/// What a session reports. Events pass between the crates of this project and are matched exhaustively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first packet of a stream arrived for a receiver.
    StreamStarted {
        /// The media section.
        receiver: ReceiverId,
        /// The stream.
        ssrc: Ssrc,
    },
    /// A stream ended: its source said BYE two seconds ago (RFC 3550 §6.6) or moved to another media section.
    Goodbye {
        /// The media section, which lives on.
        receiver: ReceiverId,
        /// The stream.
        ssrc: Ssrc,
    },
    /// The remote side needs a keyframe: PLI or FIR, at most one event per 300 ms and sender.
    KeyframeRequested {
        /// The stream that needs one.
        sender: SenderId,
        /// How many requests were collected into this event.
        requests: u32,
    },
    /// The remote side uses the SSRC of a sender, so the sender said BYE and took another (RFC 3550 §8.2).
    SsrcChanged {
        /// The sender.
        sender: SenderId,
        /// The SSRC it had, of the media or of the retransmissions.
        old: Ssrc,
        /// The one it has now.
        new: Ssrc,
    },
    /// The session was closed; what is left to say waits in `poll_transmit`.
    Closed,
}

/// What `poll_transmit` appended: it decides how the bytes are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One RTP packet.
    Rtp,
    /// One RTCP packet, usually a compound.
    Rtcp,
}
