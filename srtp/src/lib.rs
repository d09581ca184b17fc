#![doc = include_str!("../README.md")]

mod cipher;
mod error;
mod index;
mod key;
mod profile;
mod receiver;
mod sender;
mod stats;
mod streams;
#[cfg(test)]
mod tests;
mod window;

pub use error::{KeyError, ProtectError, UnprotectError};
pub use key::{KeyingMaterial, MasterKey};
pub use profile::Profile;
pub use receiver::{IDLE_PACKETS, MAX_STREAMS, Receiver, SRTCP_WINDOW, SRTP_WINDOW};
pub use sender::Sender;
pub use stats::Stats;
