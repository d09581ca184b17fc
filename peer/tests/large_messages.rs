//! Messages larger than the windows and buffers that carry them.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use bytes::Bytes;
use netsim::Pair;
use peer::{ChannelId, DataChannelInit, Event, Message, SendError};
use support::{Peer, config_a, config_b, negotiate, with_addresses};

/// 10 MB, more than the default windows and buffers of 8 MiB.
const SIZE: usize = 10 << 20;

/// A call whose sides both read messages of this size whole, and a channel of A.
fn call(largest: usize) -> (Pair<Peer>, ChannelId) {
    let (mut ours, mut theirs) = (config_a(3), config_b(3));
    for config in [&mut ours, &mut theirs] {
        config.max_message_size = largest;
    }
    let (mut a, mut b) = with_addresses(ours, theirs);
    let now = netsim::epoch();
    let init = DataChannelInit::default();
    let channel = a.pc.create_data_channel(now, "huge", init).unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut pair = Pair::new(a, b);
    let open = Event::DataChannelOpened(channel);
    assert!(pair.run_until(Duration::from_secs(60), |pair| pair.a().has(&open)));
    (pair, channel)
}

fn pattern(size: usize, seed: usize) -> Bytes {
    (0..size)
        .map(|at| (at * 31 + (at >> 16) + seed) as u8)
        .collect()
}

/// Writes a message of A bit by bit, and runs until all of it was taken.
fn write(pair: &mut Pair<Peer>, id: ChannelId, data: &[u8]) {
    let mut written = 0;
    let mut begun = false;
    while written < data.len() {
        let now = pair.now();
        let mut channel = pair.a_mut().pc.data_channel(id).unwrap();
        if !begun {
            channel
                .begin_message(now, peer::MessageKind::Binary)
                .unwrap();
            begun = true;
        }
        match channel.write(now, &data[written..]) {
            Ok(taken) => written += taken,
            Err(SendError::Full) => {
                pair.run_for(Duration::from_millis(5));
            }
            refused => assert_eq!(refused, Ok(0)),
        }
    }
    let now = pair.now();
    let a = pair.a_mut();
    a.pc.data_channel(id).unwrap().finish_message(now).unwrap();
}

#[test]
fn one_message_larger_than_any_window_is_read_whole() {
    let (mut pair, channel) = call(SIZE);
    let sent = pattern(SIZE, 1);
    // It is more than the send buffer becomes, too.
    let now = pair.now();
    let mut view = pair.a_mut().pc.data_channel(channel).unwrap();
    let refused = view.send_binary(now, &sent);
    assert_eq!(refused, Err(SendError::LargerThanBuffer));
    write(&mut pair, channel, &sent);
    assert!(pair.run_until(Duration::from_secs(60), |pair| {
        !pair.b().messages.is_empty()
    }));
    assert!(pair.b().messages[0].1 == Message::Binary(sent));
}
