#![doc = include_str!("../README.md")]

mod datagram;
mod path;

pub use datagram::{Datagram, Dscp, Ecn, Transmit};
pub use path::{Path, StreamId, Transport};
