//! SCTP implementations behind one face, and a simulated link between two of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test package: it may stop at the first surprise, and its names say what things are"
)]

mod dcsctp_peer;
mod link;
mod ours;
mod proto_peer;
pub mod scenario;
pub mod trouble;

use std::time::Instant;

pub use dcsctp_peer::Dcsctp;
pub use link::{Pair, Weather};
pub use ours::Ours;
pub use proto_peer::Proto;

/// A message, sent or received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    pub stream: u16,
    pub ppid: u32,
    pub data: Vec<u8>,
}

impl Message {
    pub fn new(stream: u16, data: impl Into<Vec<u8>>) -> Self {
        Self {
            stream,
            ppid: 53,
            data: data.into(),
        }
    }
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub unordered: bool,
    /// Retransmissions at most.
    pub retransmits: Option<u16>,
    /// Milliseconds at most.
    pub lifetime: Option<u32>,
}

/// What both sides negotiate beyond the base protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    pub interleaving: bool,
    pub zero_checksum: bool,
}

/// What happened to an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Connected,
    Restarted,
    /// The peer began these streams anew.
    IncomingReset(Vec<u16>),
    /// The peer performed our reset of these.
    OutgoingReset(Vec<u16>),
    /// A probe of our packet size was answered, or not in time.
    Probed(bool),
    /// An orderly end.
    ShutDown,
    /// Any other end.
    Aborted(String),
}

/// One end of an association.
pub trait Peer {
    fn connect(&mut self, now: Instant);
    fn handle_datagram(&mut self, now: Instant, packet: &[u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    /// Appends one packet.
    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool;
    fn poll_fact(&mut self) -> Option<Fact>;
    /// False when there is no room.
    fn send(&mut self, now: Instant, message: &Message, wish: Wish) -> bool;
    fn recv(&mut self, now: Instant) -> Option<Message>;
    fn reset(&mut self, now: Instant, stream: u16);
    fn shutdown(&mut self, now: Instant);
    fn abort(&mut self, now: Instant);
}
