use crate::StreamKey;
use rtp::{ExtensionMap, Packet};
use std::sync::Arc;
use std::time::Instant;

/// An RTP packet as it came out of a session, with what a forwarder or a decoder needs to know about it.
#[derive(Clone, Debug)]
pub struct ReceivedPacket {
    /// The packet. Of a retransmission the original: SSRC, sequence number and payload type are restored.
    pub packet: Packet,
    /// When it arrived.
    pub received: Instant,
    /// When it was captured, on the clock of `received`, as far as the sender reports of the remote side tell.
    ///
    /// All streams of one session are put on this clock in the same way, so audio and video with equal times belong
    /// together. `None` until the stream's first sender report.
    pub captured: Option<Instant>,
    /// The run of the stream the packet belongs to.
    pub stream: StreamKey,
    /// The place of the packet in its run: the sequence number without its wraps, and without the places of
    /// padding packets, which are not delivered. A gap is a packet that is missing or still to come.
    pub place: u64,
    /// Whether it was lost and recovered by a retransmission.
    pub retransmitted: bool,
    /// What the ids of its header extensions mean.
    pub extensions: Arc<ExtensionMap>,
}
