//! Between a sans-IO connection and the mailbox of its handles.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use peer::{ChannelId, CodecParameters, Event, PeerConnection, SendError, TransceiverId};
use rtp::PayloadType;

use crate::ReceivedPacket;

use super::channel_box::{Arrived, ChannelBox, Reading, Written};
use super::mailbox::{Mailbox, Notice, Outgoing, State};
use crate::data_channel::ChannelInfo;

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
    for id in std::mem::take(&mut state.touched) {
        let Some(channel) = state.channels.get_mut(&id) else {
            continue;
        };
        channel.touched = false;
        write_channel(peer, channel, id, now);
        read_channel(peer, channel, id, now);
        watch_buffers(peer, channel, id);
        if channel.is_gone() {
            state.channels.remove(&id);
        }
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
            let channel = state.channel(id);
            channel.readable = true;
            read_channel(peer, channel, id, now);
        }
        Event::DataChannelWritable(id) | Event::DataChannelBufferedAmountLow(id) => {
            let channel = state.channel(id);
            write_channel(peer, channel, id, now);
            watch_buffers(peer, channel, id);
        }
        Event::DataChannelOpened(id) => {
            let limit = peer.data_channel(id).map(|view| view.max_message_size());
            let channel = state.channel(id);
            channel.open(limit.unwrap_or_default());
            write_channel(peer, channel, id, now);
            watch_buffers(peer, channel, id);
            state.push_event(Notice::Event(Event::DataChannelOpened(id)));
        }
        Event::DataChannelClosing(id) => {
            state.channel(id).end_writing();
            state.push_event(Notice::Event(event));
        }
        Event::DataChannelClosed(id, reason) => {
            let channel = state.channel(id);
            read_channel(peer, channel, id, now);
            channel.close_reason = Some(reason);
            channel.close();
            if channel.is_gone() {
                state.channels.remove(&id);
            }
            state.push_event(Notice::Event(Event::DataChannelClosed(id, reason)));
        }
        Event::Closed(reason) => {
            drain_channels(peer, &mut state, now);
            state.push_event(Notice::Event(Event::Closed(reason)));
            state.close();
        }
        Event::GatheringComplete => state.note_gathered(),
        Event::DataChannelAdded(id) => {
            if let Some(view) = peer.data_channel(id) {
                let info = Arc::new(ChannelInfo::of(&view));
                state.push_event(Notice::DataChannel { id, info });
            } else {
                // It came and went with one batch of datagrams.
                state.release(id);
            }
        }
        event => state.push_event(Notice::Event(event)),
    }
}

fn write_channel(peer: &mut PeerConnection, channel: &mut ChannelBox, id: ChannelId, now: Instant) {
    while let Some(written) = channel.outbound.front() {
        let Some(mut view) = peer.data_channel(id) else {
            return channel.close();
        };
        let sent = match written {
            Written::Message(message) => view.send(now, message).map(|()| None),
            Written::Begin(kind) => view.begin_message(now, *kind).map(|()| None),
            Written::Bytes(bytes) => view.write(now, bytes).map(Some),
            Written::Finish => view.finish_message(now).map(|()| None),
            Written::Stream(bytes) => {
                let part = bytes.slice(..bytes.len().min(view.max_message_size().max(1)));
                let length = part.len();
                view.send_bytes(now, part).map(|()| Some(length))
            }
        };
        match sent {
            Ok(None) => channel.pop_outbound(),
            Ok(Some(taken)) => channel.advance_outbound(taken),
            // Reliable data waits: `DataChannelOpened` or `DataChannelWritable` brings us back.
            Err(SendError::Full | SendError::Connecting) => return,
            Err(SendError::LargerThanBuffer) if channel.divide_outbound() => {}
            // What arrived is still to be read.
            Err(SendError::Closed) => return channel.end_writing(),
            // Too large for a limit that was not known when it was written: the channel ends, it does not skip.
            Err(_) => {
                view.close(now);
                return channel.close();
            }
        }
    }
    if channel.may_close()
        && let Some(mut view) = peer.data_channel(id)
    {
        view.close(now);
    }
}

fn read_channel(peer: &mut PeerConnection, channel: &mut ChannelBox, id: ChannelId, now: Instant) {
    while channel.readable && (channel.released || channel.wants()) {
        fetch(peer, channel, id, now);
    }
}

/// Fetches one message, or the piece of one.
fn fetch(peer: &mut PeerConnection, channel: &mut ChannelBox, id: ChannelId, now: Instant) {
    let arrived = peer.data_channel(id).and_then(|mut view| {
        if channel.released || channel.reading == Some(Reading::Pieces) {
            view.recv_piece(now).map(Arrived::Piece)
        } else {
            view.recv(now).map(Arrived::Message)
        }
    });
    match arrived {
        // Nobody reads any more, and what nobody reads must not hold up the other channels, nor what both sides have still to send.
        Some(_) if channel.released => {}
        Some(arrived) => channel.push_inbound(arrived),
        None => channel.note_empty(),
    }
}

/// Asks to be told when the buffers drain, where somebody waits for that, and tells when they have.
fn watch_buffers(peer: &mut PeerConnection, channel: &mut ChannelBox, id: ChannelId) {
    if channel.low_threshold().is_none() {
        return;
    }
    if let Some(mut view) = peer.data_channel(id) {
        channel.note_buffered(view.buffered_amount());
        if let Some(threshold) = channel.low_threshold() {
            view.set_buffered_amount_low_threshold(threshold);
        }
    }
}

/// The connection ends, and what it holds of messages that arrived goes to those who read.
fn drain_channels(peer: &mut PeerConnection, state: &mut State, now: Instant) {
    for (id, channel) in &mut state.channels {
        channel.reading.get_or_insert(Reading::Whole);
        while channel.readable {
            fetch(peer, channel, *id, now);
        }
    }
}
