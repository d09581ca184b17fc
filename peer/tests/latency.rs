//! How many round trips a call takes to be set up, by technique and lost datagram.
//!
//! Two whole peers on a path of 40 ms, both descriptions exchanged at time zero. A offers and opens a channel. What is
//! counted: until A may send its first byte on the channel, and until both sides may send SRTP. One round trip is
//! one; a lost datagram is named by its number among all that either side sent, 0 is none. `BLESS=1` writes the table
//! anew.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use avocet_peer as peer;
use netsim::{Pair, Verdict};
use peer::{ConnectionState, DataChannelInit, Direction, Event, TransceiverInit};
use rtp::MediaKind;
use support::{Peer, config_a, config_b, negotiate, with_addresses};

const ROUND_TRIP: Duration = Duration::from_millis(40);
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../testdata/golden/setup_latency.csv"
);

/// Datagrams that are lost, one at a time.
const LOST: std::ops::RangeInclusive<u64> = 0..=12;

/// Name, versions, DTLS in STUN, INIT in the descriptions. All together are called WARP.
const TECHNIQUES: [(&str, dtls::Versions, bool, bool); 5] = [
    ("plain", dtls::Versions::DTLS_1_2, false, false),
    ("1.3", dtls::Versions::ALL, false, false),
    ("1.2+sped", dtls::Versions::DTLS_1_2, true, false),
    ("1.3+sped", dtls::Versions::ALL, true, false),
    ("warp", dtls::Versions::ALL, true, true),
];

/// Round trips until A's channel is open, and until both sides may send SRTP.
fn set_up(versions: dtls::Versions, sped: [bool; 2], snap: bool, lost: u64) -> (f64, f64) {
    let (mut a, mut b) = (config_a(7), config_b(7));
    (a.dtls_jitter, b.dtls_jitter) = (false, false);
    (a.dtls_versions, a.sped) = (versions, sped[0]);
    (b.dtls_versions, b.sped) = (versions, sped[1]);
    (a.snap, b.snap) = (snap, snap);
    let (mut a, mut b) = with_addresses(a, b);
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    for peer in [&mut a, &mut b] {
        peer.pc
            .add_transceiver(
                MediaKind::Audio,
                Direction::SendRecv,
                TransceiverInit::default(),
            )
            .unwrap();
    }
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    let count = Arc::new(AtomicU64::new(0));
    pair.network().intercept(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == lost {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    let may_send = |peer: &Peer| {
        peer.pc.stats(netsim::epoch()).srtp.is_some() && peer.pc.selected_path().is_some()
    };
    let patience = Duration::from_secs(30);
    let (mut data, mut srtp) = (None, None);
    let done = pair.run_until(patience, |pair| {
        let at = pair.time();
        if may_send(pair.a()) && may_send(pair.b()) {
            srtp.get_or_insert(at);
        }
        if pair.a().has(&Event::DataChannelOpened(channel)) {
            data.get_or_insert(at);
        }
        data.is_some() && srtp.is_some()
    });
    assert!(done, "{versions:?} {sped:?}, {lost} lost");
    // Whatever is left of the set-up does not undo it.
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.a().pc.connection_state(), ConnectionState::Connected);
    assert_eq!(pair.b().pc.connection_state(), ConnectionState::Connected);
    let round_trips = |at: Option<Duration>| at.unwrap().as_secs_f64() / ROUND_TRIP.as_secs_f64();
    (round_trips(data), round_trips(srtp))
}

#[test]
fn set_up_takes_as_many_round_trips_as_the_table_says() {
    let mut table = "technique,lost_datagram,rtts_to_first_data,rtts_to_first_srtp\n".to_owned();
    for (name, versions, sped, snap) in TECHNIQUES {
        for lost in LOST {
            let (data, srtp) = set_up(versions, [sped; 2], snap, lost);
            writeln!(table, "{name},{lost},{data:.2},{srtp:.2}").unwrap();
            if lost == 0 && matches!(name, "1.3+sped" | "warp") {
                assert!(srtp <= 2.0, "{srtp} round trips to the first SRTP packet");
            }
            if lost == 0 && name == "warp" {
                assert!(data <= 2.0, "{data} round trips to the first data");
            }
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(GOLDEN, &table).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    assert_eq!(table, golden, "run with BLESS=1 when this is intended");
}

#[test]
fn a_peer_without_it_costs_nothing() {
    let plain = set_up(dtls::Versions::ALL, [false, false], false, 0);
    for sped in [[true, false], [false, true]] {
        assert_eq!(
            set_up(dtls::Versions::ALL, sped, false, 0),
            plain,
            "{sped:?}"
        );
    }
}
