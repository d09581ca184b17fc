#![doc = include_str!("../README.md")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this package is the driver: the one place that reads the clock, owns sockets and asks the OS for randomness"
)]

pub use {
    congestion, dtls, ice, media, net, peer, rtcp, rtp, sctp, sdp, session, srtp, stun, turn,
};
