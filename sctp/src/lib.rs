#![doc = include_str!("../README.md")]

mod association;
mod config;
mod error;
mod event;
mod message;
mod stats;

pub use association::Association;
pub use config::Config;
pub use error::{CloseCause, CloseReason, ConfigError, Initiator, ResetError, SendError};
pub use event::{Direction, Event};
pub use message::{Message, Ordering, Ppid, SendOptions, StreamId};
pub use stats::Stats;
