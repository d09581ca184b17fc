//! The tokio driver: sockets, timers and the task that serves the connections of one shard.

mod challenges;
mod channel_box;
mod exchange;
mod interfaces;
mod mailbox;
mod names;
mod outbox;
mod relay_dtls;
mod relays;
mod report;
mod setup;
mod shard;
mod slab;
mod socket;
mod streams;
mod timers;

pub(crate) use challenges::Challenges;
pub(crate) use channel_box::{ChannelBox, Written};
pub(crate) use interfaces::candidates;
pub(crate) use mailbox::{Mailbox, Notice, Outgoing};
pub(crate) use names::{Request, Responder, responder};
pub(crate) use setup::{Addresses, Command, Counters, KeyReply, Setup};
pub(crate) use shard::Shard;
pub(crate) use slab::Key;
#[cfg(feature = "turn-server")]
pub(crate) use socket::ReceiveBatch;
pub(crate) use socket::Socket;
