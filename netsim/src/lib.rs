#![doc = include_str!("../README.md")]
#![allow(
    clippy::panic,
    reason = "a test network reports a defect by failing the test that runs on it"
)]

mod clock;
mod driver;
mod internet;
pub mod laws;
mod machine;
mod network;
mod pair;
mod pcap;
mod profile;
mod world;

pub use clock::{at, epoch, since_epoch};
pub use internet::Internet;
pub use machine::{Machine, Outgoing};
pub use network::{
    Drops, Filtering, Hairpin, LinkConfig, LinkId, Loss, Mapping, NatConfig, Network, NodeId,
    Outage, Packet, Pooling, PortAssignment, Verdict,
};
pub use pair::{ADDRESS_A, ADDRESS_B, Pair, Side};
pub use profile::{Nap, Profile, Weather};
pub use world::{HostId, World};
