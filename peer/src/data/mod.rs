//! Data channels: their establishment protocol, their states, and the streams they live on.

mod channel;
mod channels;
pub mod dcep;
mod incoming;
#[cfg(test)]
mod tests;
mod view;

pub use channel::{ChannelId, ChannelState, DataChannelInit, Message};
pub use view::DataChannel;

pub(crate) use channels::{Channels, Outlet};
