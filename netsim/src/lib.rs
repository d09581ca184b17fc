#![doc = include_str!("../README.md")]
#![allow(
    clippy::panic,
    reason = "a test network reports a defect by failing the test that runs on it"
)]

mod clock;
mod driver;
pub mod laws;
mod machine;
mod network;
mod pair;
mod pcap;
mod profile;
mod world;

pub use clock::{at, epoch, since_epoch};
pub use machine::{Machine, Outgoing};
pub use network::{Drops, LinkConfig, LinkId, Loss, Network, NodeId, Outage, Packet, Verdict};
pub use pair::{ADDRESS_A, ADDRESS_B, Pair, Side};
pub use profile::{Nap, Profile, Weather};
pub use world::{HostId, World};
