//! What data may take of the path beside media.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use netsim::Pair;
use peer::{DataChannelInit, Event};
use support::{negotiate, peers};

/// P-37: what data may send is limited from before the association stands, for all channels together, and can be changed and lifted.
#[test]
fn data_keeps_to_the_rate_that_is_left_for_it() {
    let (mut a, mut b) = peers(1);
    let now = netsim::epoch();
    a.pc.set_data_rate_limit(now, Some(800_000));
    let channels = ["one", "two"].map(|label| {
        let init = DataChannelInit::default();
        a.pc.create_data_channel(now, label, init).unwrap()
    });
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    let open = |pair: &Pair<support::Peer>| {
        let mut channels = channels.iter();
        channels.all(|id| pair.a().has(&Event::DataChannelOpened(*id)))
    };
    assert!(pair.run_until(Duration::from_secs(10), open));
    let mut took = |limit: Option<Option<u64>>| {
        let before = pair.b().messages.len();
        let start = pair.now();
        if let Some(limit) = limit {
            pair.a_mut().pc.set_data_rate_limit(start, limit);
        }
        for id in channels {
            let mut channel = pair.a_mut().pc.data_channel(id).unwrap();
            channel.send_binary(start, &[7; 100_000]).unwrap();
        }
        let both = |pair: &Pair<support::Peer>| pair.b().messages.len() == before + 2;
        assert!(pair.run_until(Duration::from_secs(20), both));
        (pair.now() - start).as_secs_f64()
    };
    // 200,000 bytes at 100,000 bytes a second, of which a few packets leave at once.
    let limited = took(None);
    assert!((1.8..2.3).contains(&limited), "{limited}");
    let slower = took(Some(Some(400_000)));
    assert!((3.6..4.5).contains(&slower), "{slower}");
    let free = took(Some(None));
    assert!(free < 1.0, "{free}");
}
