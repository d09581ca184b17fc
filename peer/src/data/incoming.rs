//! What arrives for data channels.

use std::time::Instant;

use bytes::Bytes;
use sctp::{Association, Direction, Ppid, SendOptions, StreamId};

use super::channel::{
    Channel, ChannelId, ChannelState, Message, PPID_BINARY, PPID_BINARY_EMPTY, PPID_BINARY_PARTIAL,
    PPID_DCEP, PPID_STRING, PPID_STRING_EMPTY, PPID_STRING_PARTIAL,
};
use super::channels::{Channels, Outlet};
use super::dcep;
use crate::event::Event;

/// Bytes that may wait outside the association's window over all channels, because they had to be taken out to
/// see what they are.
const MAX_HELD_BYTES: usize = 1 << 20;

/// Streams that may have data before their OPEN (C-4), and bytes for each.
const MAX_EARLY_STREAMS: usize = 16;
const MAX_EARLY_BYTES: usize = 64 * 1024;

impl Channels {
    /// A stream had nothing to read and now has.
    pub(crate) fn on_readable(
        &mut self,
        now: Instant,
        stream: u16,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        loop {
            let Some(&id) = self.streams.get(&stream) else {
                match association.recv(now, StreamId::new(stream)) {
                    Some(message) => self.on_stray(now, stream, message, association, outlet),
                    None => return,
                }
                continue;
            };
            let Some(channel) = self.channels.get_mut(&id) else {
                return;
            };
            if channel.state == ChannelState::Closing && channel.reset_requested {
                // The application closed it: what still comes is nobody's.
                match association.recv(now, StreamId::new(stream)) {
                    Some(_) => self.dropped += 1,
                    None => return,
                }
                continue;
            }
            // The first message of a channel may be the ACK, which is not for the application.
            let look = !channel.readable && !channel.negotiated && self.held_bytes < MAX_HELD_BYTES;
            if look && !channel.acknowledged {
                let Some(message) = association.recv(now, StreamId::new(stream)) else {
                    return;
                };
                channel.acknowledged = true;
                if message.ppid == PPID_DCEP {
                    if dcep::Message::decode(&message.data) != Ok(dcep::Message::Ack) {
                        self.dropped += 1;
                    }
                    continue;
                }
                self.held_bytes += message.data.len();
                channel.held.push_back(message);
            }
            self.report_readable(id, stream, now, association, outlet);
            return;
        }
    }

    /// Says that messages wait, unless a single message that waits in the association turns out not to exist.
    fn report_readable(
        &mut self,
        id: ChannelId,
        stream: u16,
        now: Instant,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        if channel.readable {
            return;
        }
        if channel.held.is_empty() && self.held_bytes < MAX_HELD_BYTES {
            let Some(message) = association.recv(now, StreamId::new(stream)) else {
                return;
            };
            self.held_bytes += message.data.len();
            channel.held.push_back(message);
        }
        channel.readable = true;
        outlet.push(Event::DataChannelReadable(id));
    }

    /// A message on a stream without a channel: an OPEN, or data that overtook it.
    fn on_stray(
        &mut self,
        now: Instant,
        stream: u16,
        message: sctp::Message,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        if message.ppid != PPID_DCEP {
            self.keep_early(stream, message);
            return;
        }
        match dcep::Message::decode(&message.data) {
            Ok(dcep::Message::Open(open)) if self.may_open(stream, outlet) => {
                self.open(now, stream, open, association, outlet);
            }
            // An ACK for what is closed by now, or a type that a later protocol may define.
            Ok(dcep::Message::Ack) | Err(dcep::DecodeError::MessageType) => self.dropped += 1,
            Ok(dcep::Message::Open(_)) | Err(_) => {
                self.refused += 1;
                self.drop_early(stream);
                // RFC 8832 §6: an OPEN that cannot be taken ends its stream. Without RE-CONFIG it stays as it is.
                let _ = association.reset_streams(now, &[StreamId::new(stream)]);
            }
        }
    }

    /// Whether the peer may open this stream: it has the other parity, and there is room.
    fn may_open(&self, stream: u16, outlet: &impl Outlet) -> bool {
        let theirs = match self.role() {
            Some(dtls::Role::Client) => !stream.is_multiple_of(2),
            Some(dtls::Role::Server) => stream.is_multiple_of(2),
            None => false,
        };
        theirs && stream != u16::MAX && self.channels.len() < self.limit && !outlet.is_full()
    }

    fn open(
        &mut self,
        now: Instant,
        stream: u16,
        open: dcep::Open,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let mut ack = Vec::new();
        dcep::Message::Ack.encode(&mut ack);
        let options = SendOptions::ordered();
        // A full buffer may swallow the ACK: our first data stands for it (RFC 8832 §6).
        let _ = association.send(now, StreamId::new(stream), PPID_DCEP, &ack, options);
        let mut channel = Channel::new(open.label, open.protocol, open.ordered);
        channel.stream = Some(stream);
        channel.open_unsent = false;
        channel.acknowledged = true;
        channel.state = ChannelState::Open;
        channel.held = self.early.remove(&stream).unwrap_or_default().into();
        self.opened += 1;
        let id = self.insert(channel);
        outlet.push(Event::DataChannelAdded(id));
        outlet.push(Event::DataChannelOpened(id));
        let waits = self
            .channels
            .get(&id)
            .is_some_and(|channel| !channel.held.is_empty());
        if waits {
            self.report_readable(id, stream, now, association, outlet);
        }
    }

    fn keep_early(&mut self, stream: u16, message: sctp::Message) {
        let streams = self.early.len();
        let kept = self.early.get(&stream);
        let bytes: usize = kept.map_or(0, |kept| kept.iter().map(|m| m.data.len()).sum());
        let room = (kept.is_some() || streams < MAX_EARLY_STREAMS)
            && bytes + message.data.len() <= MAX_EARLY_BYTES
            && kept.map_or(0, Vec::len) < MAX_EARLY_MESSAGES;
        if room {
            self.held_bytes += message.data.len();
            self.early.entry(stream).or_default().push(message);
        } else {
            self.dropped += 1;
        }
    }

    fn drop_early(&mut self, stream: u16) {
        let early = self.early.remove(&stream).unwrap_or_default();
        let bytes: usize = early.iter().map(|message| message.data.len()).sum();
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
        self.dropped += early.len() as u64;
    }

    /// Streams began anew (RFC 8831 §6.7).
    pub(crate) fn on_reset(
        &mut self,
        now: Instant,
        direction: Direction,
        streams: &[StreamId],
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let named: Vec<u16> = if streams.is_empty() {
            self.streams.keys().copied().collect()
        } else {
            streams.iter().map(|stream| stream.get()).collect()
        };
        for stream in named {
            if direction == Direction::Incoming {
                self.drop_early(stream);
            }
            let Some(&id) = self.streams.get(&stream) else {
                continue;
            };
            let Some(channel) = self.channels.get_mut(&id) else {
                continue;
            };
            match direction {
                Direction::Incoming => channel.peer_reset = true,
                Direction::Outgoing => channel.reset_done = true,
            }
            self.advance_close(now, id, association, outlet);
        }
    }

    /// The association takes nothing more from a stream, because the peer keeps to no limit: the channel closes.
    pub(crate) fn on_refused(
        &mut self,
        now: Instant,
        stream: u16,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        self.drop_early(stream);
        if let Some(&id) = self.streams.get(&stream) {
            self.close(now, id, Some(association), outlet);
        } else {
            // What cannot be reset yet, or not at all, stays refused.
            let _ = association.reset_streams(now, &[StreamId::new(stream)]);
        }
    }

    /// The peer would not begin these streams anew: the channels end here all the same.
    pub(crate) fn on_reset_refused(&mut self, streams: &[StreamId], outlet: &mut impl Outlet) {
        for stream in streams {
            if let Some(&id) = self.streams.get(&stream.get()) {
                self.remove(id, outlet);
            }
        }
    }

    /// Goes on with a close: our side follows the peer's once all was read, and both together end the channel.
    pub(super) fn advance_close(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let Some(stream) = channel.stream else {
            return;
        };
        if channel.peer_reset {
            channel.state = ChannelState::Closing;
            if !channel.readable && !channel.reset_requested {
                channel.reset_requested = true;
                let asked = association.reset_streams(now, &[StreamId::new(stream)]);
                channel.reset_done |= asked.is_err();
            }
        }
        if channel.peer_reset && channel.reset_done {
            self.remove(id, outlet);
        }
    }

    /// The next message of a channel for the application.
    pub(super) fn recv(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) -> Option<Message> {
        let association = association?;
        loop {
            let channel = self.channels.get_mut(&id)?;
            let stream = channel.stream?;
            let next = match channel.held.pop_front() {
                Some(message) => {
                    self.held_bytes = self.held_bytes.saturating_sub(message.data.len());
                    Some(message)
                }
                None => association.recv(now, StreamId::new(stream)),
            };
            let Some(message) = next else {
                channel.readable = false;
                if channel.state == ChannelState::Closed {
                    self.channels.remove(&id);
                } else {
                    self.advance_close(now, id, association, outlet);
                }
                return None;
            };
            match self.deliver(id, &message) {
                Delivery::Message(message) => return Some(message),
                Delivery::Nothing => self.dropped += 1,
                Delivery::Violation => {
                    self.dropped += 1;
                    self.close(now, id, Some(&mut *association), outlet);
                    return None;
                }
            }
        }
    }

    fn deliver(&mut self, id: ChannelId, message: &sctp::Message) -> Delivery {
        let max = self.max_receive;
        let Some(channel) = self.channels.get_mut(&id) else {
            return Delivery::Nothing;
        };
        channel.acknowledged = true;
        if channel.partial.len() + message.data.len() > max {
            return Delivery::Violation; // C-8
        }
        let delivery = match message.ppid {
            PPID_DCEP => {
                // C-5: an OPEN on an open stream is a mistake of the peer, an ACK harmless.
                return match dcep::Message::decode(&message.data) {
                    Ok(dcep::Message::Open(_)) => Delivery::Violation,
                    _ => Delivery::Nothing,
                };
            }
            PPID_BINARY_PARTIAL | PPID_STRING_PARTIAL => {
                channel.partial.extend_from_slice(&message.data);
                return Delivery::Nothing;
            }
            PPID_STRING_EMPTY => Delivery::Message(Message::Text(String::new())),
            PPID_BINARY_EMPTY => Delivery::Message(Message::Binary(Bytes::new())),
            ppid @ (PPID_STRING | PPID_BINARY) => whole(channel, ppid, &message.data),
            _ => return Delivery::Nothing, // C-7
        };
        if let Delivery::Message(message) = &delivery {
            channel.messages_received += 1;
            channel.bytes_received += message.len() as u64;
        }
        delivery
    }
}

/// What a message of the association is for the application.
enum Delivery {
    Message(Message),
    Nothing,
    /// The channel closes.
    Violation,
}

fn whole(channel: &mut Channel, ppid: Ppid, data: &Bytes) -> Delivery {
    let data = if channel.partial.is_empty() {
        data.clone()
    } else {
        let mut joined = std::mem::take(&mut channel.partial);
        joined.extend_from_slice(data);
        Bytes::from(joined)
    };
    if ppid == PPID_BINARY {
        return Delivery::Message(Message::Binary(data));
    }
    // C-14
    String::from_utf8(data.into()).map_or(Delivery::Violation, |text| {
        Delivery::Message(Message::Text(text))
    })
}

/// Messages of one byte cost more than their byte.
const MAX_EARLY_MESSAGES: usize = 256;
