#![doc = include_str!("../README.md")]

mod association;
pub mod chunk;
mod config;
mod cookie;
mod error;
mod event;
mod grow;
mod message;
pub mod packet;
mod receive;
mod send;
mod serial;
mod sparse;
mod stats;
mod timer;

pub use association::Association;
pub use config::{Config, CongestionAlgorithm, Scheduler};
pub use error::{
    CloseCause, CloseReason, ConfigError, HandoverError, Initiator, ProbeError, RemoteInitError,
    ResetError, SendError,
};
pub use event::{Direction, Event, RefusalReason};
pub use message::{
    Message, MessagePiece, Ordering, PieceEnd, Ppid, Reliability, SendOptions, StreamId,
};
pub use receive::ReceiveLimit;
pub use serial::{Mid, Ssn, Tsn};
pub use stats::{Dropped, Stats, StreamStats};
