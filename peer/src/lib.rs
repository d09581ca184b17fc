#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod data;
mod demux;
mod error;
mod event;
mod jsep;
mod relay;
mod stats;

pub use config::{AnswerSetup, Config, IceServer, MAX_EARLY_CANDIDATES, MAX_SECTIONS};
pub use connection::{ConnectionState, PeerConnection};
pub use data::dcep::Reliability;
pub use data::{
    ChannelId, ChannelState, DataChannel, DataChannelInit, Message, MessageKind, MessagePiece,
    Priority, dcep,
};
pub use error::{
    AddCandidateError, ConfigError, CreateDataChannelError, CreateDescriptionError,
    RelayCredentialsError, SectionFault, SendError, SendRtpError, SessionFault,
    SetDescriptionError, TransceiverError,
};
pub use event::{
    ChannelCloseCause, ChannelCloseReason, CloseCause, CloseReason, Event, Failure, Initiator,
};
pub use jsep::{
    CodecParameters, Codecs, Direction, SdpType, SessionDescription, SignalingState, Transceiver,
    TransceiverId, TransceiverInit,
};
pub use relay::{RelayFact, RelayId, RelaySocket, RelayStats, RelayTransport};
pub use sctp::{CongestionAlgorithm, PieceEnd};
pub use stats::{DataChannelStats, Dropped, MediaIds, PeerConnectionStats, Stats, TransportStats};
