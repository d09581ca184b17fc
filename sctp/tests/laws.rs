//! The contract of every machine, at four stages of an association's life.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::time::Duration;

use avocet_sctp::{Ppid, SendOptions, StreamId};
use common::{Peer, Peers, both_established, connect_both, pair};
use netsim::laws::{Battery, Resists, Stage};

fn say(peer: &mut Peer, now: std::time::Instant, stream: u16, data: &[u8]) {
    // The battery may have ended the association.
    let _ = peer.association.send(
        now,
        StreamId::new(stream),
        Ppid::new(53),
        data,
        SendOptions::ordered(),
    );
}

fn pair_at(stage: Stage, seed: u64) -> Peers {
    let mut pair = pair(seed);
    connect_both(&mut pair);
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(3),
        Stage::Established | Stage::Closing => {
            assert!(pair.run_until(Duration::from_secs(1), both_established));
        }
    }
    if stage == Stage::Closing {
        let now = pair.now();
        say(pair.a_mut(), now, 1, &[1; 5000]);
        pair.a_mut().association.shutdown(now);
    }
    pair
}

#[test]
fn an_association_obeys_the_laws() {
    Battery::new("sctp::Association", pair_at)
        .traffic(|pair, round| {
            let now = pair.now();
            say(pair.a_mut(), now, 1, &[round as u8; 3000]);
            say(pair.a_mut(), now, 2, b"short");
            say(pair.b_mut(), now, 1, &[round as u8; 20]);
        })
        .resists(Resists::RandomBytes)
        .heap_limit_bytes(2 << 20)
        .check();
}
