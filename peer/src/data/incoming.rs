//! What arrives for data channels.

use std::time::Instant;

use bytes::Bytes;
use sctp::{Association, PieceEnd, StreamId};

use super::channel::{
    Channel, ChannelId, ChannelState, Message, MessageKind, MessagePiece, PPID_BINARY,
    PPID_BINARY_EMPTY, PPID_BINARY_PARTIAL, PPID_DCEP, PPID_STRING, PPID_STRING_EMPTY,
    PPID_STRING_PARTIAL,
};
use super::channels::{Channels, MAX_TEXT_BYTES, Outlet, send_ack, set_up};
use super::dcep;
use super::streaming::so_far;
use crate::event::{ChannelCloseCause, Event};

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
                match association.recv_piece(now, StreamId::new(stream)) {
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
                match association.recv_piece(now, StreamId::new(stream)) {
                    Some(_) => self.dropped += 1,
                    None => return,
                }
                continue;
            }
            // The first message of a channel may be the ACK, which is not for the application.
            let look = !channel.readable && !channel.negotiated && self.held_bytes < MAX_HELD_BYTES;
            if look && !channel.acknowledged {
                let Some(message) = association.recv_piece(now, StreamId::new(stream)) else {
                    return;
                };
                channel.acknowledged = true;
                if message.ppid == PPID_DCEP {
                    match dcep::Message::decode(&message.data) {
                        Ok(dcep::Message::Ack) => {}
                        Ok(dcep::Message::Open(_)) => {
                            let cause = ChannelCloseCause::UnexpectedOpen;
                            self.close(now, id, cause, Some(&mut *association), outlet);
                        }
                        Err(_) => self.dropped += 1,
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
            let Some(message) = association.recv_piece(now, StreamId::new(stream)) else {
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
        message: sctp::MessagePiece,
        association: &mut Association,
        outlet: &mut impl Outlet,
    ) {
        if message.ppid != PPID_DCEP {
            self.keep_early(stream, message);
            return;
        }
        match dcep::Message::decode(&message.data) {
            Ok(dcep::Message::Open(open))
                if self.may_open(stream, outlet)
                    && open.label.len() + open.protocol.len() <= MAX_TEXT_BYTES =>
            {
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
        let mut channel = Channel::new(open.label, open.protocol);
        channel.ordered = open.ordered;
        channel.reliability = open.reliability;
        channel.priority = open.priority;
        channel.streaming = self.default_streaming();
        channel.ack_unsent = !send_ack(now, association, stream);
        channel.stream = Some(stream);
        channel.open_unsent = false;
        channel.acknowledged = true;
        channel.state = ChannelState::Open;
        channel.was_open = true;
        channel.held = self.early.remove(&stream).unwrap_or_default().into();
        set_up(association, stream, &channel);
        if channel.ack_unsent {
            self.wait();
        }
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

    fn keep_early(&mut self, stream: u16, message: sctp::MessagePiece) {
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

    pub(super) fn drop_early(&mut self, stream: u16) {
        let early = self.early.remove(&stream).unwrap_or_default();
        let bytes: usize = early.iter().map(|message| message.data.len()).sum();
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
        self.dropped += early.len() as u64;
    }

    /// The next message of a channel for the application.
    pub(super) fn recv(
        &mut self,
        now: Instant,
        id: ChannelId,
        mut association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) -> Option<Message> {
        loop {
            let piece = self.next_piece(now, id, association.as_deref_mut(), outlet)?;
            let max = self.max_receive;
            let channel = self.channels.get_mut(&id)?;
            let cause = match join(channel, piece, max) {
                Ok(Some(message)) => {
                    channel.messages_received += 1;
                    channel.bytes_received += message.len() as u64;
                    return Some(message);
                }
                Ok(None) => continue,
                Err(cause) => cause,
            };
            self.dropped += 1;
            self.close(now, id, cause, association, outlet);
            return None;
        }
    }

    /// The next piece of a message, for an application that does not wait for the whole.
    pub(super) fn recv_piece(
        &mut self,
        now: Instant,
        id: ChannelId,
        mut association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) -> Option<MessagePiece> {
        let channel = self.channels.get_mut(&id)?;
        if !channel.partial.is_empty() {
            // It was read whole until now.
            let bytes = std::mem::take(&mut channel.partial);
            channel.reading.given = true;
            return Some(so_far(bytes, channel.reading.kind));
        }
        let piece = self.next_piece(now, id, association.as_deref_mut(), outlet)?;
        let channel = self.channels.get_mut(&id)?;
        let cause = if channel.reading.bytes > self.max_streamed {
            ChannelCloseCause::MessageTooLarge
        } else if !channel.reading.accept(&piece) {
            ChannelCloseCause::InvalidText
        } else {
            channel.messages_received += u64::from(piece.end == PieceEnd::Complete);
            channel.bytes_received += piece.data.len() as u64;
            return Some(piece);
        };
        self.dropped += 1;
        self.close(now, id, cause, association, outlet);
        None
    }

    /// The next piece that is for the application.
    fn next_piece(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) -> Option<MessagePiece> {
        let association = association?;
        loop {
            let channel = self.channels.get_mut(&id)?;
            let stream = channel.stream?;
            let next = match channel.held.pop_front() {
                Some(piece) => {
                    self.held_bytes = self.held_bytes.saturating_sub(piece.data.len());
                    Some(piece)
                }
                None => association.recv_piece(now, StreamId::new(stream)),
            };
            let Some(piece) = next else {
                channel.readable = false;
                if channel.state == ChannelState::Closed {
                    self.channels.remove(&id);
                } else {
                    self.advance_close(now, id, association, outlet);
                }
                return None;
            };
            channel.acknowledged = true;
            match interpret(channel, piece) {
                Interpreted::Piece(piece) => return Some(piece),
                Interpreted::Nothing => self.dropped += 1,
                Interpreted::Violation => {
                    self.dropped += 1;
                    let cause = ChannelCloseCause::UnexpectedOpen;
                    self.close(now, id, cause, Some(association), outlet);
                    return None;
                }
            }
        }
    }
}

/// What a piece of the association is for the application.
enum Interpreted {
    Piece(MessagePiece),
    Nothing,
    /// The channel closes.
    Violation,
}

fn interpret(channel: &mut Channel, piece: sctp::MessagePiece) -> Interpreted {
    let reading = &mut channel.reading;
    let (kind, data, end) = match piece.ppid {
        PPID_DCEP => {
            // C-5: an OPEN on an open stream is a mistake of the peer, an ACK harmless.
            return match dcep::Message::decode(&piece.data) {
                Ok(dcep::Message::Open(_)) => Interpreted::Violation,
                _ => Interpreted::Nothing,
            };
        }
        PPID_STRING => (MessageKind::Text, piece.data, piece.end),
        PPID_BINARY => (MessageKind::Binary, piece.data, piece.end),
        PPID_STRING_EMPTY => (MessageKind::Text, Bytes::new(), piece.end),
        PPID_BINARY_EMPTY => (MessageKind::Binary, Bytes::new(), piece.end),
        PPID_STRING_PARTIAL => (MessageKind::Text, piece.data, goes_on(piece.end)),
        PPID_BINARY_PARTIAL => (MessageKind::Binary, piece.data, goes_on(piece.end)),
        _ => return Interpreted::Nothing, // C-7
    };
    let beginning = !reading.inside;
    if beginning {
        reading.kind = kind;
        reading.bytes = 0;
    }
    reading.bytes = reading.bytes.saturating_add(data.len());
    reading.inside = end == PieceEnd::More;
    Interpreted::Piece(MessagePiece {
        kind: reading.kind,
        beginning,
        end,
        data,
    })
}

/// RFC 8831 §6.6: what PPIDs 52 and 54 carry is a part of a message, however complete it is for SCTP.
fn goes_on(end: PieceEnd) -> PieceEnd {
    match end {
        PieceEnd::Complete => PieceEnd::More,
        other => other,
    }
}

/// Adds a piece to what is there of a message; the message once it is whole.
fn join(
    channel: &mut Channel,
    piece: MessagePiece,
    max: usize,
) -> Result<Option<Message>, ChannelCloseCause> {
    if channel.reading.given {
        // The rest of a message whose beginning was read as a piece.
        channel.reading.given = piece.end == PieceEnd::More;
        return Ok(None);
    }
    if channel.partial.len() + piece.data.len() > max {
        return Err(ChannelCloseCause::MessageTooLarge); // C-8
    }
    let data = match piece.end {
        PieceEnd::Complete if channel.partial.is_empty() => piece.data,
        PieceEnd::Complete => {
            let mut joined = std::mem::take(&mut channel.partial);
            joined.extend_from_slice(&piece.data);
            Bytes::from(joined)
        }
        PieceEnd::More => {
            channel.partial.extend_from_slice(&piece.data);
            return Ok(None);
        }
        PieceEnd::Abandoned => {
            channel.partial = Vec::new();
            return Ok(None);
        }
    };
    match piece.kind {
        MessageKind::Binary => Ok(Some(Message::Binary(data))),
        // C-14
        MessageKind::Text => String::from_utf8(data.into())
            .map(|text| Some(Message::Text(text)))
            .map_err(|_| ChannelCloseCause::InvalidText),
    }
}

/// Messages of one byte cost more than their byte.
const MAX_EARLY_MESSAGES: usize = 256;
