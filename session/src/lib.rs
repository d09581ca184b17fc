#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod error;
mod event;
mod id;
mod packet;
mod receive;
mod report;
mod send;
mod session;
mod stats;
mod table;
mod timer;
mod window;

pub use clock::ClockAnchor;
pub use config::{
    Announce, Config, KeyframeFeedback, Numbering, PayloadMapping, ReceiverConfig, RtcpMode,
    SenderConfig,
};
pub use error::{ConfigError, SendError};
pub use event::{Event, Kind};
pub use id::{ReceiverId, SenderId, StreamKey};
pub use packet::ReceivedPacket;
pub use session::Session;
pub use stats::{Drops, InboundStats, OutboundStats, Stats};
