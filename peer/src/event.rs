//! What a peer connection reports.

use std::net::{IpAddr, SocketAddr};

use net::Path;
use thiserror::Error;

use crate::{
    ChannelId, ConnectionState, RelayId, RelaySocket, SectionFault, SignalingState, TransceiverId,
};

/// A report of [`PeerConnection::poll_event`](crate::PeerConnection::poll_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A local candidate to signal: the value of a candidate attribute, "candidate:…". The empty string is the
    /// end of candidates. Never before the local description that it belongs to.
    IceCandidate(String),
    /// Every STUN and TURN server has answered, or was given up: descriptions are complete from now on (W3C
    /// `iceGatheringState`), until addresses of this host change.
    GatheringComplete,
    /// The local user fragment that arriving checks carry; a new one comes with each ICE restart. The driver
    /// shows it to its mux.
    LocalUfrag(String),
    /// The state of ICE (W3C `iceConnectionState`).
    IceStateChanged(ice::State),
    /// The state of all transports together (W3C `connectionState`).
    ConnectionStateChanged(ConnectionState),
    /// A path whose integrity was proved: the driver binds it in its mux before it routes the next datagram.
    PathProved(Path),
    /// The path that carries the traffic from now on.
    PathSelected(Path),
    /// A name is to be resolved, that of a server or, when it ends in `.local`, of a candidate by multicast DNS;
    /// [`PeerConnection::on_resolved`](crate::PeerConnection::on_resolved) is told.
    ResolveName(String),
    /// A TCP connection is wanted, for frames of RFC 4571 (see [`ice::framing`]);
    /// [`PeerConnection::on_stream`](crate::PeerConnection::on_stream) is told.
    OpenStream {
        /// The address to open it from; any port will do.
        local: IpAddr,
        /// Where to.
        remote: SocketAddr,
    },
    /// This stream serves nothing any more.
    CloseStream(Path),
    /// A socket of its own is wanted for a TURN server;
    /// [`PeerConnection::on_relay_socket`](crate::PeerConnection::on_relay_socket) is told.
    OpenRelaySocket(RelaySocket),
    /// This socket serves nothing any more; what was sent to it before may still leave.
    CloseRelaySocket(RelayId),
    /// A TURN server let this user in: what it asked for may serve the next connection
    /// ([`IceServer::with_challenge`](crate::IceServer::with_challenge)).
    RelayChallenge {
        /// The host of the server's URI.
        host: String,
        /// The user.
        username: String,
        /// Realm, nonce and algorithm.
        challenge: Box<stun::Challenge>,
    },
    /// The state of negotiation.
    SignalingStateChanged(SignalingState),
    /// Something was changed that a new offer must tell the peer (W3C WebRTC §4.7.3). Comes once, in the stable
    /// state only, and not again until it was negotiated.
    NegotiationNeeded,
    /// An m-line of the remote offer will be answered with port 0.
    SectionRejected {
        /// Its place, counted from 0.
        index: usize,
        /// Its identification tag.
        mid: String,
        /// Why.
        fault: SectionFault,
    },
    /// The peer sends on this transceiver.
    TrackAdded {
        /// Where its packets come out.
        transceiver: TransceiverId,
        /// Audio or video.
        kind: rtp::MediaKind,
        /// The identification tag of its m-line.
        mid: String,
        /// The ids of the media streams that it belongs to.
        streams: Vec<String>,
    },
    /// The peer stopped sending on this transceiver.
    TrackRemoved {
        /// Whose packets end.
        transceiver: TransceiverId,
    },
    /// The peer opened a channel. `DataChannelOpened` follows.
    DataChannelAdded(ChannelId),
    /// Messages can be sent.
    DataChannelOpened(ChannelId),
    /// Messages wait in `recv`. Comes when a message arrives at an empty queue.
    DataChannelReadable(ChannelId),
    /// A send that met a full buffer may be tried again.
    DataChannelWritable(ChannelId),
    /// The buffered amount fell to the threshold that was asked for
    /// ([`DataChannel::set_buffered_amount_low_threshold`](crate::DataChannel::set_buffered_amount_low_threshold)).
    DataChannelBufferedAmountLow(ChannelId),
    /// Nothing more can be sent, although the application did not ask for it: the peer closes the channel, or broke a rule (W3C
    /// `closing`). What arrived can be read, and `DataChannelClosed` follows once it was.
    DataChannelClosing(ChannelId),
    /// The channel is gone, and why; messages that had arrived are still in `recv` until the id is removed.
    DataChannelClosed(ChannelId, ChannelCloseReason),
    /// The receiver of our stream wants a key frame.
    KeyframeRequested(TransceiverId),
    /// The keys of SRTP are good for few more packets (RFC 3711 §9.2), which takes months of media; then nothing more
    /// is sent. A new connection has new keys.
    SrtpKeyExpiring,
    /// The connection is over. Nothing follows.
    Closed(CloseReason),
}

/// Why a data channel closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelCloseReason {
    /// Who closed it.
    pub initiator: Initiator,
    /// Why.
    pub cause: ChannelCloseCause,
}

impl ChannelCloseReason {
    pub(crate) const fn new(initiator: Initiator, cause: ChannelCloseCause) -> Self {
        Self { initiator, cause }
    }
}

/// Why a data channel closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChannelCloseCause {
    /// One side asked for it.
    #[error("one side closed the channel")]
    Requested,
    /// The peer sent a message larger than we take.
    #[error("the peer sent a message larger than we take")]
    MessageTooLarge,
    /// More waited unread than the channel's limit allows.
    #[error("more waited unread than the limit allows")]
    Unread,
    /// The peer sent text that is not UTF-8.
    #[error("the peer sent text that is not UTF-8")]
    InvalidText,
    /// The peer opened a channel on a stream that has one.
    #[error("the peer opened a channel on a stream that has one")]
    UnexpectedOpen,
    /// No stream was left for it, or the peer takes fewer.
    #[error("no stream was left")]
    NoStream,
    /// The peer would not begin the stream anew.
    #[error("the peer would not begin the stream anew")]
    ResetRefused,
    /// The peer lost its state and set the association up anew.
    #[error("the peer set the association up anew")]
    AssociationRestarted,
    /// The association ended.
    #[error("the association ended")]
    AssociationClosed,
    /// The connection was closed.
    #[error("the connection was closed")]
    ConnectionClosed,
    /// DTLS failed.
    #[error("DTLS failed")]
    TransportFailed,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// Who ended it.
    pub initiator: Initiator,
    /// Why.
    pub cause: CloseCause,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Initiator {
    /// This side.
    Local,
    /// The peer.
    Remote,
    /// Neither: the path broke.
    Network,
}

/// Why a connection ended or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// `close` was called.
    Requested,
    /// The peer closed DTLS (close_notify).
    Notified,
}

/// Why the transport failed: what [`PeerConnection::failure`](crate::PeerConnection::failure) says in the
/// failed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No candidate pair worked, or consent expired.
    Ice,
    /// The handshake failed or timed out.
    Dtls,
    /// The peer's certificate is not one of those its description names. No data passed.
    Fingerprint,
    /// DTLS agreed on no SRTP profile although media was negotiated.
    Srtp,
}
