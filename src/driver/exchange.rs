//! Between a sans-IO connection and the mailbox of its handles.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use peer::{ChannelId, CodecParameters, Event, PeerConnection, SendError, TransceiverId};
use rtp::PayloadType;

use crate::ReceivedPacket;

use super::mailbox::{Mailbox, Notice, Outgoing, State};

/// Hands what the application wrote to the connection.
pub(crate) fn outbound(peer: &mut PeerConnection, mailbox: &Mailbox, now: Instant) {
    if !mailbox.take_mark() {
        return;
    }
    let mut state = mailbox.lock();
    for (id, track) in &mut state.tracks {
        for packet in track.outbound.drain(..) {
            let sent = match packet {
                Outgoing::Packet(packet) => peer.send_rtp(now, *id, packet).is_ok(),
                Outgoing::Forward(packet) => forward(peer, *id, &mut track.route, &packet, now),
            };
            if !sent {
                track.outbound_dropped += 1;
            }
        }
    }
    let ids: Vec<ChannelId> = state.channels.keys().copied().collect();
    for id in ids {
        write_channel(peer, &mut state, id, now);
        read_channel(peer, &mut state, id, now);
    }
}

/// Hands what arrived to the application's queues.
pub(crate) fn inbound(peer: &mut PeerConnection, mailbox: &Mailbox) {
    let mut state: Option<MutexGuard<'_, State>> = None;
    while let Some((id, packet)) = peer.poll_packet() {
        let track = state.get_or_insert_with(|| mailbox.lock()).track(id);
        if let Some(codec) = codec_of(peer, id, &mut track.codecs, packet.packet.payload_type) {
            track.push_inbound(ReceivedPacket { packet, codec });
        }
    }
}

/// Forwards under the payload type that this connection knows the codec by; false when it does not take it.
fn forward(
    peer: &mut PeerConnection,
    id: TransceiverId,
    route: &mut Option<(Arc<CodecParameters>, PayloadType)>,
    received: &ReceivedPacket,
    now: Instant,
) -> bool {
    let known = route
        .as_ref()
        .filter(|(codec, _)| Arc::ptr_eq(codec, &received.codec));
    let Some(payload_type) = known.map_or_else(
        || peer.payload_type_for(id, &received.codec),
        |(_, known)| Some(*known),
    ) else {
        return false;
    };
    let sent = peer
        .forward(now, id, &received.packet, payload_type)
        .is_ok();
    // A refusal may mean that a new negotiation changed the number: look it up again next time.
    *route = sent.then(|| (Arc::clone(&received.codec), payload_type));
    sent
}

fn codec_of(
    peer: &PeerConnection,
    id: TransceiverId,
    cache: &mut Vec<Arc<CodecParameters>>,
    payload_type: PayloadType,
) -> Option<Arc<CodecParameters>> {
    let find = |cache: &[Arc<CodecParameters>]| {
        cache
            .iter()
            .find(|codec| codec.payload_type == payload_type)
            .cloned()
    };
    find(cache).or_else(|| {
        *cache = peer
            .transceiver(id)?
            .receive_codecs()
            .iter()
            .cloned()
            .map(Arc::new)
            .collect();
        find(cache)
    })
}

/// Sorts an event of the connection into the mailbox.
pub(crate) fn on_event(event: Event, peer: &mut PeerConnection, mailbox: &Mailbox, now: Instant) {
    let mut state = mailbox.lock();
    match event {
        Event::DataChannelReadable(id) => {
            state.channel(id).readable = true;
            read_channel(peer, &mut state, id, now);
        }
        Event::DataChannelWritable(id) => write_channel(peer, &mut state, id, now),
        Event::DataChannelOpened(id) => {
            state.channel(id).limit = peer.data_channel(id).map(|view| view.max_message_size());
            write_channel(peer, &mut state, id, now);
            state.push_event(Notice::Event(Event::DataChannelOpened(id)));
        }
        Event::DataChannelClosed(id, reason) => {
            read_channel(peer, &mut state, id, now);
            state.channel(id).close();
            state.push_event(Notice::Event(Event::DataChannelClosed(id, reason)));
        }
        Event::Closed(reason) => {
            state.push_event(Notice::Event(Event::Closed(reason)));
            state.close();
        }
        Event::DataChannelAdded(id) => {
            let label = peer
                .data_channel(id)
                .map(|channel| channel.label().to_owned());
            state.push_event(Notice::DataChannel {
                id,
                label: label.unwrap_or_default(),
            });
        }
        event => state.push_event(Notice::Event(event)),
    }
}

fn write_channel(peer: &mut PeerConnection, state: &mut State, id: ChannelId, now: Instant) {
    let channel = state.channel(id);
    while let Some(message) = channel.outbound.front() {
        let Some(mut view) = peer.data_channel(id) else {
            return channel.close();
        };
        match view.send(now, message) {
            Ok(()) => channel.pop_outbound(),
            // Reliable data waits: `DataChannelOpened` or `DataChannelWritable` brings us back.
            Err(SendError::Full | SendError::Connecting) => return,
            // Too large for a limit that was not known when it was written: the channel ends, it does not skip.
            Err(_) => {
                view.close(now);
                return channel.close();
            }
        }
    }
    if channel.closing {
        channel.closing = false;
        if let Some(mut view) = peer.data_channel(id) {
            view.close(now);
        }
    }
}

fn read_channel(peer: &mut PeerConnection, state: &mut State, id: ChannelId, now: Instant) {
    let channel = state.channel(id);
    while channel.readable && channel.wants() {
        match peer.data_channel(id).and_then(|mut view| view.recv(now)) {
            Some(message) => channel.push_inbound(message),
            None => channel.readable = false,
        }
    }
}
