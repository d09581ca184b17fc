//! Connecting: two peers from nothing to an open channel, descriptions, ICE, DTLS, SRTP keys and SCTP, against the
//! public-key operations of the handshake. Time is simulated.
#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]

use std::time::Instant;

use avocet_benches::pair::{Content, Pair, certificates};
use avocet_benches::raw::PublicKeys;
use avocet_benches::{compare, criterion};

fn main() {
    let mut criterion = criterion();
    let certificates = certificates();
    let raw = PublicKeys::default();
    let start = Instant::now();
    let mut seed = 0;
    for (name, content) in [
        ("connect a pair, data", Content::Data),
        (
            "connect a pair, audio and video and data",
            Content::Everything,
        ),
    ] {
        compare(
            &mut criterion,
            name,
            || {
                seed += 1;
                Pair::connected(start, content, &certificates, seed)
            },
            || raw.handshake(),
        );
    }
    criterion.final_summary();
}
