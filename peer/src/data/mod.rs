//! Data channels: their establishment protocol, their states, and the streams they live on.

mod channel;
mod channels;
mod closing;
pub mod dcep;
mod incoming;
mod streaming;
#[cfg(test)]
mod tests;
mod view;

pub use channel::{
    ChannelId, ChannelState, DataChannelInit, Message, MessageKind, MessagePiece, Priority,
};
pub use view::DataChannel;

pub(crate) use channels::{Channels, Outlet};
