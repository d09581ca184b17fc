use peer::{
    ChannelCloseReason, ChannelId, CloseReason, ConnectionState, SectionFault, SignalingState,
    TransceiverId,
};

use crate::connection::Link;
use crate::driver::Notice;
use crate::{DataChannel, TrackRemote};

/// What a connection reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to signal: the value of a candidate attribute; the empty string ends them.
    IceCandidate(String),
    /// The state of ICE (W3C `iceConnectionState`).
    IceStateChanged(ice::State),
    /// The state of the connection as a whole (W3C `connectionState`).
    ConnectionStateChanged(ConnectionState),
    /// The state of negotiation (W3C `signalingState`).
    SignalingStateChanged(SignalingState),
    /// A new offer is needed to tell the other side what changed.
    NegotiationNeeded,
    /// An m-line of the offer will be answered with port 0.
    SectionRejected {
        /// Its place, counted from 0.
        index: usize,
        /// Its identification tag.
        mid: String,
        /// Why.
        fault: SectionFault,
    },
    /// The other side sends media.
    Track(TrackRemote),
    /// The other side stopped sending on this transceiver.
    TrackRemoved(TransceiverId),
    /// The other side opened a data channel. Dropping the handle closes it.
    DataChannel(DataChannel),
    /// A data channel can be written to.
    DataChannelOpened(ChannelId),
    /// Nothing more can be sent on a data channel that we did not close: the other side closes it, or broke a rule. What arrived can be
    /// read; then it is gone (W3C `closing`).
    DataChannelClosing(ChannelId),
    /// A data channel is gone, and why.
    DataChannelClosed(ChannelId, ChannelCloseReason),
    /// The receiver of our stream wants a key frame.
    KeyframeRequested(TransceiverId),
    /// The path that carries the traffic from now on.
    PathSelected(net::Path),
    /// The keys of SRTP are good for few more packets, which takes months of media. A new connection has new keys.
    SrtpKeyExpiring,
    /// The connection is over. Nothing follows.
    Closed(CloseReason),
}

impl Event {
    /// Turns a notice into what the application sees; `None` for what is the driver's own business.
    pub(crate) fn new(notice: Notice, link: &Link) -> Option<Self> {
        use peer::Event as From;
        Some(match notice {
            Notice::DataChannel { id, info } => {
                Self::DataChannel(DataChannel::new(link.clone(), id, info))
            }
            Notice::Event(event) => match event {
                From::IceCandidate(candidate) => Self::IceCandidate(candidate),
                From::IceStateChanged(state) => Self::IceStateChanged(state),
                From::ConnectionStateChanged(state) => Self::ConnectionStateChanged(state),
                From::SignalingStateChanged(state) => Self::SignalingStateChanged(state),
                From::NegotiationNeeded => Self::NegotiationNeeded,
                From::SectionRejected { index, mid, fault } => {
                    Self::SectionRejected { index, mid, fault }
                }
                From::TrackAdded {
                    transceiver,
                    kind,
                    mid,
                    streams,
                } => Self::Track(TrackRemote::new(
                    link.clone(),
                    transceiver,
                    kind,
                    mid,
                    streams,
                )),
                From::TrackRemoved { transceiver } => Self::TrackRemoved(transceiver),
                From::DataChannelOpened(id) => Self::DataChannelOpened(id),
                From::DataChannelClosing(id) => Self::DataChannelClosing(id),
                From::DataChannelClosed(id, reason) => Self::DataChannelClosed(id, reason),
                From::KeyframeRequested(transceiver) => Self::KeyframeRequested(transceiver),
                From::PathSelected(path) => Self::PathSelected(path),
                From::SrtpKeyExpiring => Self::SrtpKeyExpiring,
                From::Closed(reason) => Self::Closed(reason),
                From::LocalUfrag(_)
                | From::ResolveName(_)
                | From::OpenStream { .. }
                | From::CloseStream(_)
                | From::GatheringComplete
                | From::OpenRelaySocket(_)
                | From::CloseRelaySocket(_)
                | From::RelayChallenge { .. }
                | From::PathProved(_)
                | From::DataChannelAdded(_)
                | From::DataChannelReadable(_)
                | From::DataChannelWritable(_)
                | From::DataChannelBufferedAmountLow(_) => return None,
            },
        })
    }
}
