//! Implementations of SCTP and of data channels, beside each other in the same run: what they cost, and what they hold.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark prints, reads the clock, and may stop at the first surprise"
)]

pub mod contest;
#[cfg(feature = "libdatachannel")]
pub mod libdatachannel;
pub mod loopback;
pub mod rtc;
pub mod sans_io;
pub mod stack;
pub mod str0m;
pub mod webrtc;
