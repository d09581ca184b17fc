#![doc = include_str!("../README.md")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this package is the driver: the one place that reads the clock, owns sockets and asks the OS for randomness"
)]

mod connection;
mod data_channel;
mod driver;
mod endpoint;
mod error;
mod event;
mod track;
mod trust;
#[cfg(feature = "turn-server")]
pub mod turn_server;

pub use connection::{Events, PeerConnection};
pub use data_channel::{ByteStream, DataChannel, MessageWriter, ReceiveHalf, SendHalf};
pub use endpoint::{ConnectError, Endpoint, EndpointConfig, EndpointStats};
pub use error::{BindError, CallError, Closed, NegotiateError, SendError};
pub use event::Event;
pub use track::{ReceivedPacket, TrackLocal, TrackRemote};
pub use trust::{ServerTrust, TrustError};

pub use {
    congestion, dtls, ice, media, net, peer, rtcp, rtp, sctp, sdp, session, srtp, stun, turn,
};
