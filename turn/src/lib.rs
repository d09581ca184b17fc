#![doc = include_str!("../README.md")]

mod channel_data;
mod client;
mod config;
mod data_connection;
mod error;
mod event;
pub mod server;
mod stats;

pub use channel_data::{ChannelData, ChannelNumber, measure_frame};
pub use client::{Client, Mark, State};
pub use config::{Allocation, Config, Families, Refresh};
pub use data_connection::{ConnectionId, DataConnection, DataState};
pub use error::{
    AllocateError, BindError, ChannelDataError, ConfigError, ConnectError, MigrateError, OpenError,
    PermissionError, SealError, SendError, SetCredentialsError,
};
pub use event::{Cause, CloseReason, Event, Initiator, Refusal, SocketCause};
pub use server::Server;
pub use stats::{Drops, Stats};
