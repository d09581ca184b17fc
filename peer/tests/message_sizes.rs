//! What `a=max-message-size` of the other side allows (RFC 8841 §6).
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use netsim::Pair;
use peer::{ChannelId, DataChannelInit, Event, SendError, SessionDescription};
use support::{Peer, peers};

/// A call whose offerer reads this in the place of the answer's line, and its channel.
fn call(line: &str) -> (Pair<Peer>, ChannelId) {
    let (mut a, mut b) = peers(1);
    let now = netsim::epoch();
    let init = DataChannelInit::default();
    let channel = a.pc.create_data_channel(now, "data", init).unwrap();
    let offer = a.pc.create_offer(now).unwrap();
    a.pc.set_local_description(now, offer.clone()).unwrap();
    b.pc.set_remote_description(now, offer).unwrap();
    let answer = b.pc.create_answer(now).unwrap();
    b.pc.set_local_description(now, answer.clone()).unwrap();
    let announced = "a=max-message-size:262144\r\n";
    assert!(answer.sdp.contains(announced));
    let answer = SessionDescription::answer(answer.sdp.replace(announced, line));
    a.pc.set_remote_description(now, answer).unwrap();
    let mut pair = Pair::new(a, b);
    let open = Event::DataChannelOpened(channel);
    assert!(pair.run_until(Duration::from_secs(60), |pair| pair.a().has(&open)));
    (pair, channel)
}

/// C-8: absent means 65,536, 0 no limit, and what is larger than it may be is refused to whoever sends it.
#[test]
fn the_size_of_a_message_is_limited_by_what_the_other_side_said() {
    for (line, most) in [
        ("", Some(65_536)),
        ("a=max-message-size:1000\r\n", Some(1_000)),
        ("a=max-message-size:0\r\n", None),
    ] {
        let (mut pair, channel) = call(line);
        let now = pair.now();
        let mut send = |size: usize| {
            let mut channel = pair.a_mut().pc.data_channel(channel).unwrap();
            channel.send_binary(now, &vec![7; size])
        };
        assert_eq!(send(most.unwrap_or(1_000_000)), Ok(()), "{line:?}");
        if let Some(most) = most {
            assert_eq!(send(most + 1), Err(SendError::TooLarge), "{line:?}");
        }
    }
}
