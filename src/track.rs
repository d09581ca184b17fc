use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use peer::{CodecParameters, TransceiverId};
use rtp::MediaKind;

use crate::connection::Link;
use crate::driver::Outgoing;
use crate::error::Closed;

/// A packet as it arrived, and the codec that its payload type stands for in its connection. Cheap to clone: the
/// payload is shared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedPacket {
    /// The packet.
    pub packet: session::ReceivedPacket,
    /// Its codec.
    pub codec: Arc<CodecParameters>,
}

/// The media that the other side sends on a transceiver: RTP packets, a [`Stream`].
///
/// Packets come in the order of arrival. A reader that falls behind loses the oldest ones.
#[derive(Debug)]
pub struct TrackRemote {
    link: Link,
    transceiver: TransceiverId,
    kind: MediaKind,
    mid: String,
    streams: Vec<String>,
}

impl TrackRemote {
    pub(crate) const fn new(
        link: Link,
        transceiver: TransceiverId,
        kind: MediaKind,
        mid: String,
        streams: Vec<String>,
    ) -> Self {
        Self {
            link,
            transceiver,
            kind,
            mid,
            streams,
        }
    }

    /// The transceiver whose receiving half this is.
    pub const fn transceiver(&self) -> TransceiverId {
        self.transceiver
    }

    /// Audio or video.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The identification tag of its m-line.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// The ids of the media streams that it belongs to.
    pub fn streams(&self) -> &[String] {
        &self.streams
    }

    /// The next packet; `None` once the connection is over.
    pub async fn recv(&mut self) -> Option<ReceivedPacket> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Packets that were dropped because nobody read them in time.
    pub fn packets_dropped(&self) -> u64 {
        self.link
            .mailbox
            .lock()
            .track(self.transceiver)
            .inbound_dropped
    }

    /// Asks the other side for a key frame; requests in quick succession become one.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn request_keyframe(&self) -> Result<(), Closed> {
        let transceiver = self.transceiver;
        self.link
            .call(move |peer, now| peer.request_keyframe(now, transceiver))
            .await
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<ReceivedPacket>> {
        let mut state = self.link.mailbox.lock();
        let closed = state.closed;
        state.track(self.transceiver).poll_inbound(cx, closed)
    }
}

impl Stream for TrackRemote {
    type Item = ReceivedPacket;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ReceivedPacket>> {
        self.poll_recv(cx)
    }
}

/// The media that this side sends on a transceiver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrackLocal {
    link: Link,
    transceiver: TransceiverId,
}

impl TrackLocal {
    pub(crate) const fn new(link: Link, transceiver: TransceiverId) -> Self {
        Self { link, transceiver }
    }

    /// The transceiver whose sending half this is.
    pub const fn transceiver(&self) -> TransceiverId {
        self.transceiver
    }

    /// Sends a packet. Its payload type, marker, timestamp, extensions and payload count; SSRC and sequence number
    /// are the stream's own. Never waits: what the shard cannot take in time is dropped, oldest first, and counted.
    pub fn write(&self, packet: rtp::Packet) {
        self.push(Outgoing::Packet(packet));
    }

    /// Sends a packet that another connection received: payload type, SSRC, sequence number, timestamp and
    /// extension ids are rewritten for this stream, and the payload is shared, not copied. A packet of a codec that
    /// this connection did not negotiate is dropped and counted.
    pub fn forward(&self, packet: &ReceivedPacket) {
        self.push(Outgoing::Forward(Box::new(packet.clone())));
    }

    /// Packets that were dropped on the way to the connection, or that it refused: not sending, unknown payload type.
    pub fn packets_dropped(&self) -> u64 {
        self.link
            .mailbox
            .lock()
            .track(self.transceiver)
            .outbound_dropped
    }

    fn push(&self, packet: Outgoing) {
        self.link
            .mailbox
            .lock()
            .track(self.transceiver)
            .push_outbound(packet);
        self.link.wake();
    }
}
