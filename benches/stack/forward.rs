//! Forwarding: ten packets of one publisher to 100 subscribers, rewritten, remembered for retransmission and
//! sealed, against sealing and copying a thousand packets. First sessions and SRTP alone, then whole peer
//! connections, the publisher's sealing and consent of all included. Time is simulated.
#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]

use std::time::Instant;

use avocet_benches::conference::Conference;
use avocet_benches::forwarder::Forwarder;
use avocet_benches::raw::Primitives;
use avocet_benches::samples::{RTP_HEADER, rtp_packet};
use avocet_benches::{compare, criterion};

const PACKETS: usize = 10;
const SUBSCRIBERS: usize = 100;

fn main() {
    let mut criterion = criterion();
    let mut forwarder = Forwarder::new(Instant::now(), SUBSCRIBERS);
    let packet = rtp_packet();
    let raw = Primitives::default();
    let mut copy = Vec::with_capacity(2_048);
    let mut seal = || {
        for _ in 0..PACKETS * SUBSCRIBERS {
            copy.clear();
            copy.extend_from_slice(&packet);
            raw.gcm_seal(&mut copy, RTP_HEADER);
        }
        copy.len()
    };
    compare(
        &mut criterion,
        "forward 10 packets to 100 subscribers",
        || {
            forwarder.receive(PACKETS);
            let datagrams = forwarder.forward();
            assert!(datagrams >= PACKETS * SUBSCRIBERS);
            datagrams
        },
        &mut seal,
    );
    let mut conference = Conference::new(Instant::now(), SUBSCRIBERS, packet.len());
    compare(
        &mut criterion,
        "forward 10 packets to 100 subscribers through peers",
        || {
            conference.receive(PACKETS);
            let datagrams = conference.forward();
            assert!(datagrams >= PACKETS * SUBSCRIBERS);
            conference.listen();
            datagrams
        },
        &mut seal,
    );
    criterion.final_summary();
}
