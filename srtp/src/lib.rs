#![doc = include_str!("../README.md")]

mod cipher;
mod config;
pub mod conformance;
mod error;
mod event;
mod header;
mod index;
mod key;
mod profile;
pub mod provider;
mod receiver;
mod sender;
mod session_keys;
mod stats;
mod streams;
#[cfg(test)]
mod tests;
mod window;

pub use config::{Config, Cryptex, ExtensionIds, RtcpProtection};
pub use error::{KeyError, ProtectError, RolloverError, UnprotectError};
pub use event::{Event, Usage};
pub use key::{KeyingMaterial, MAX_MKI, MasterKey};
pub use profile::Profile;
pub use provider::Provider;
pub use receiver::{
    IDLE_PACKETS, MAX_KEYS, MAX_STREAMS, ROLLOVER_TRIAL_INTERVAL, Receiver, SRTCP_WINDOW,
    SRTP_WINDOW,
};
pub use sender::{KEY_MARGIN, Sender};
pub use stats::Stats;
