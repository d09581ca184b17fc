#![doc = include_str!("../README.md")]

mod association;
pub mod chunk;
mod config;
mod cookie;
mod error;
mod event;
mod message;
pub mod packet;
mod receive;
mod send;
mod serial;
mod sparse;
mod stats;
mod timer;

pub use association::Association;
pub use config::{Config, CongestionAlgorithm};
pub use error::{CloseCause, CloseReason, ConfigError, Initiator, ResetError, SendError};
pub use event::{Direction, Event};
pub use message::{Message, Ordering, Ppid, SendOptions, StreamId};
pub use serial::{Ssn, Tsn};
pub use stats::{Dropped, Stats};
