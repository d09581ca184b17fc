//! Calls that have a data channel, and what tests ask of them.

use std::time::Duration;

use avocet_peer as peer;
use netsim::{Pair, Side};
use peer::{ChannelId, ConnectionState, DataChannelInit, Event};

use super::{Peer, config_a, config_b, negotiate, peers, with_addresses};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A creates a channel, and either side offers.
pub(crate) fn data_call(seed: u8, a_offers: bool) -> (Pair<Peer>, ChannelId) {
    data_call_of(peers(seed), a_offers)
}

/// The same, A offering, with a handshake that travels in datagrams of its own.
pub(crate) fn uncarried_data_call(seed: u8) -> (Pair<Peer>, ChannelId) {
    let (mut a, b) = (config_a(seed), config_b(seed));
    a.sped = false;
    data_call_of(with_addresses(a, b), true)
}

fn data_call_of((mut a, mut b): (Peer, Peer), a_offers: bool) -> (Pair<Peer>, ChannelId) {
    let now = netsim::epoch();
    let channel =
        a.pc.create_data_channel(now, "chat", DataChannelInit::default())
            .unwrap();
    b.echoes = true;
    if a_offers {
        negotiate(now, &mut a.pc, &mut b.pc);
    } else {
        // B has to offer an m-line for data: it opens a channel of its own.
        b.pc.create_data_channel(now, "other", DataChannelInit::default())
            .unwrap();
        negotiate(now, &mut b.pc, &mut a.pc);
    }
    (Pair::new(a, b), channel)
}

pub(crate) fn send(pair: &mut Pair<Peer>, side: Side, channel: ChannelId, text: &str) {
    let now = pair.now();
    let peer = match side {
        Side::A => pair.a_mut(),
        Side::B => pair.b_mut(),
    };
    peer.pc
        .data_channel(channel)
        .unwrap()
        .send_text(now, text)
        .unwrap();
}

pub(crate) fn is_open(peer: &Peer, channel: ChannelId) -> bool {
    peer.has(&Event::DataChannelOpened(channel))
}

pub(crate) fn state(peer: &Peer) -> ConnectionState {
    peer.pc.connection_state()
}

pub(crate) fn connected(pair: &Pair<Peer>) -> bool {
    state(pair.a()) == ConnectionState::Connected && state(pair.b()) == ConnectionState::Connected
}
