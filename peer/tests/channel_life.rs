//! Data channels of two connections from the first message to the last, where packets get lost.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::time::Duration;

use avocet_peer as peer;
use netsim::{LinkConfig, Loss, Pair};
use peer::{ChannelId, ChannelState, DataChannelInit, Event, Message, Stats};
use support::{Peer, negotiate, peers};

const ROUND_TRIP: Duration = Duration::from_millis(40);

/// Two connections with an open channel, over a path that loses one packet in twenty.
fn lossy_pair(seed: u8) -> (Pair<Peer>, ChannelId) {
    let (mut a, mut b) = peers(seed);
    let now = netsim::epoch();
    let init = DataChannelInit::default();
    let id = a.pc.create_data_channel(now, "one", init).unwrap();
    negotiate(now, &mut a.pc, &mut b.pc);
    let mut link = LinkConfig::delayed(ROUND_TRIP / 2);
    link.loss = Loss::Random(0.05);
    let mut pair = Pair::over(link, seed.into(), a, b);
    let open = |pair: &Pair<Peer>| {
        pair.a().has(&Event::DataChannelOpened(id)) && !pair.b().channels.is_empty()
    };
    assert!(pair.run_until(Duration::from_secs(20), open));
    (pair, id)
}

fn stats(pair: &Pair<Peer>) -> [Stats; 2] {
    [pair.a(), pair.b()].map(|peer| peer.pc.stats(pair.now()))
}

/// Sends 100 messages of 10,000 bytes that say their number.
fn send_a_megabyte(pair: &mut Pair<Peer>, id: ChannelId) {
    let now = pair.now();
    let mut channel = pair.a_mut().pc.data_channel(id).unwrap();
    for number in 0..100 {
        channel.send_binary(now, &[number; 10_000]).unwrap();
    }
}

fn both_closed(pair: &Pair<Peer>, id: ChannelId) -> bool {
    let theirs = pair.b().channels[0];
    pair.a().closed(id).is_some() && pair.b().closed(theirs).is_some()
}

fn assert_a_megabyte(peer: &Peer) {
    let sent = (0..100_u8).map(|number| Message::from(vec![number; 10_000]));
    assert!(
        peer.messages
            .iter()
            .map(|(_, message)| message)
            .eq(&sent.collect::<Vec<_>>())
    );
}

/// C-16: what the application wants to see right after a transfer, at both ends, of the association and of the channel.
#[test]
fn statistics_are_right_after_a_transfer_with_losses() {
    let (mut pair, id) = lossy_pair(1);
    send_a_megabyte(&mut pair, id);
    let [before, _] = stats(&pair);
    assert!(before.data_channels[0].buffered_amount > 900_000);
    assert!(
        pair.run_until(Duration::from_secs(60), |pair| pair.b().messages.len()
            == 100)
    );
    assert_a_megabyte(pair.b());
    let [ours, theirs] = stats(&pair);
    let (sent, received) = (&ours.data_channels[0], &theirs.data_channels[0]);
    assert_eq!((sent.messages_sent, sent.bytes_sent), (100, 1_000_000));
    assert_eq!(
        (received.messages_received, received.bytes_received),
        (100, 1_000_000)
    );
    assert_eq!((sent.messages_received, received.messages_sent), (0, 0));
    assert_eq!((sent.buffered_amount, received.unread_bytes), (0, 0));
    assert!(sent.retransmitted_chunks > 10 && received.retransmitted_chunks == 0);
    assert_eq!(
        (sent.state, received.state),
        (ChannelState::Open, ChannelState::Open)
    );
    let (from, to) = (ours.sctp.unwrap(), theirs.sctp.unwrap());
    assert!(from.retransmitted_chunks >= sent.retransmitted_chunks);
    assert!(from.retransmitted_bytes > 10_000 && from.payload_bytes_sent > 1_000_000 + 10_000);
    // Beside the messages there are OPEN and ACK.
    assert_eq!((from.messages_sent, to.messages_received), (101, 101));
    assert_eq!(to.messages_sent, 1);
    assert!(to.bytes_received >= 1_000_000 && to.unread_bytes == 0);
    let round_trip = from.round_trip.unwrap();
    assert!(
        (ROUND_TRIP..ROUND_TRIP * 4).contains(&round_trip),
        "{round_trip:?}"
    );
    assert!(from.congestion_window_bytes >= 4 * 1_100 && from.remote_window_bytes > 200_000);
    for (stats, opened, closed) in [(&ours, 1, 0), (&theirs, 1, 0)] {
        let channels = &stats.peer_connection;
        assert_eq!(
            (channels.data_channels_opened, channels.data_channels_closed),
            (opened, closed)
        );
    }
    let now = pair.now();
    pair.a_mut().pc.data_channel(id).unwrap().close(now);
    assert!(pair.run_until(Duration::from_secs(20), |pair| both_closed(pair, id)));
    for stats in stats(&pair) {
        assert_eq!(stats.peer_connection.data_channels_closed, 1);
        assert!(stats.data_channels.is_empty());
    }
}

#[test]
fn what_was_sent_arrives_before_the_channel_closes() {
    for seed in 0..3 {
        let (mut pair, id) = lossy_pair(seed);
        send_a_megabyte(&mut pair, id);
        let now = pair.now();
        pair.a_mut().pc.data_channel(id).unwrap().close(now);
        assert!(pair.run_until(Duration::from_secs(60), |pair| both_closed(pair, id)));
        assert_a_megabyte(pair.b());
    }
}

/// What is left after [`close_timeout`](peer::Config::close_timeout) is lost, so it has to be long enough for what may wait.
#[test]
fn what_was_sent_arrives_before_the_connection_closes() {
    for seed in 0..3 {
        let (mut pair, id) = lossy_pair(seed);
        send_a_megabyte(&mut pair, id);
        let now = pair.now();
        pair.a_mut().pc.close(now);
        let over = |peer: &Peer| {
            peer.events
                .iter()
                .any(|event| matches!(event, Event::Closed(_)))
        };
        assert!(
            pair.run_until(Duration::from_secs(60), |pair| over(pair.a())
                && over(pair.b()))
        );
        assert_a_megabyte(pair.b());
    }
}
