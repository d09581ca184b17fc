//! A borrowed view of one channel.

use std::time::Instant;

use sctp::{Association, Ordering, SendOptions, StreamId};

use super::channel::{
    ChannelId, ChannelState, Message, PPID_BINARY, PPID_BINARY_EMPTY, PPID_STRING,
    PPID_STRING_EMPTY,
};
use super::channels::{Channels, Outlet};
use crate::connection::PeerConnection;
use crate::error::SendError;

/// One data channel of a connection (W3C `RTCDataChannel`).
#[derive(Debug)]
pub struct DataChannel<'a> {
    connection: &'a mut PeerConnection,
    id: ChannelId,
}

impl<'a> DataChannel<'a> {
    pub(crate) const fn new(connection: &'a mut PeerConnection, id: ChannelId) -> Self {
        Self { connection, id }
    }

    /// Its name in this connection.
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// The label that both sides see.
    pub fn label(&self) -> &str {
        self.channel().map_or("", |channel| &channel.label)
    }

    /// The subprotocol, or empty.
    pub fn protocol(&self) -> &str {
        self.channel().map_or("", |channel| &channel.protocol)
    }

    /// The SCTP stream, once it has one (W3C `id`).
    pub fn stream_id(&self) -> Option<u16> {
        self.channel()?.stream
    }

    /// Whether messages arrive in the order of sending.
    pub fn ordered(&self) -> bool {
        self.channel().is_some_and(|channel| channel.ordered)
    }

    /// Whether both applications agreed on the stream beforehand.
    pub fn negotiated(&self) -> bool {
        self.channel().is_some_and(|channel| channel.negotiated)
    }

    /// Where it stands.
    pub fn state(&self) -> ChannelState {
        self.channel()
            .map_or(ChannelState::Closed, |channel| channel.state)
    }

    /// Payload bytes that were taken and not yet handed to the network (W3C `bufferedAmount`).
    pub fn buffered_amount(&self) -> usize {
        let (channels, association) = self.connection.data();
        channels.buffered_amount(self.id, association)
    }

    /// Asks for [`DataChannelWritable`](crate::Event::DataChannelWritable) when the buffered amount falls from above
    /// `bytes` to it or below (W3C `bufferedAmountLowThreshold`). Default 0.
    pub fn set_buffered_amount_low_threshold(&mut self, bytes: usize) {
        let (channels, association, _) = self.connection.data_mut();
        channels.set_low_threshold(self.id, bytes, association);
    }

    /// The largest message that the peer takes, in bytes (RFC 8841 §6).
    pub fn max_message_size(&self) -> usize {
        self.connection.data().0.max_send
    }

    /// Sends a message.
    pub fn send(&mut self, now: Instant, message: &Message) -> Result<(), SendError> {
        match message {
            Message::Text(text) => self.send_text(now, text),
            Message::Binary(bytes) => self.send_binary(now, bytes),
        }
    }

    /// Sends text.
    pub fn send_text(&mut self, now: Instant, text: &str) -> Result<(), SendError> {
        self.send_payload(now, text.as_bytes(), Kind::Text)
    }

    /// Sends bytes.
    pub fn send_binary(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SendError> {
        self.send_payload(now, bytes, Kind::Binary)
    }

    /// The next message that arrived. What is not read pushes back on the peer.
    pub fn recv(&mut self, now: Instant) -> Option<Message> {
        let (channels, association, outlet) = self.connection.data_mut();
        let message = channels.recv(now, self.id, association, outlet);
        self.connection.settle_data(now);
        message
    }

    /// Sends what was taken, then closes (W3C `close`). What arrived and was not read is gone.
    pub fn close(&mut self, now: Instant) {
        let (channels, association, outlet) = self.connection.data_mut();
        channels.close(now, self.id, association, outlet);
        self.connection.settle(now);
    }

    fn send_payload(&mut self, now: Instant, data: &[u8], kind: Kind) -> Result<(), SendError> {
        let (channels, association, _) = self.connection.data_mut();
        channels.send(now, self.id, association, (data, kind))?;
        self.connection.settle_data(now);
        Ok(())
    }

    fn channel(&self) -> Option<&super::channel::Channel> {
        self.connection
            .data()
            .0
            .channels
            .get(&self.id)
            .map(Box::as_ref)
    }
}

/// Text or bytes.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Channels {
    pub(crate) fn contains(&self, id: ChannelId) -> bool {
        self.channels.contains_key(&id)
    }

    fn send(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        (data, kind): (&[u8], Kind),
    ) -> Result<(), SendError> {
        let max = self.max_send;
        let channel = self.channels.get_mut(&id).ok_or(SendError::Closed)?;
        match channel.state {
            ChannelState::Connecting => return Err(SendError::Connecting),
            ChannelState::Open => {}
            ChannelState::Closing | ChannelState::Closed => return Err(SendError::Closed),
        }
        let (Some(association), Some(stream)) = (association, channel.stream) else {
            return Err(SendError::Closed);
        };
        if data.len() > max {
            return Err(SendError::TooLarge);
        }
        // RFC 8831 §6.6: SCTP has no empty messages, so one zero byte stands for nothing.
        let (ppid, payload) = match (kind, data.is_empty()) {
            (Kind::Text, false) => (PPID_STRING, data),
            (Kind::Binary, false) => (PPID_BINARY, data),
            (Kind::Text, true) => (PPID_STRING_EMPTY, &[0][..]),
            (Kind::Binary, true) => (PPID_BINARY_EMPTY, &[0][..]),
        };
        let options = match channel.ordering() {
            Ordering::Ordered => SendOptions::ordered(),
            Ordering::Unordered => SendOptions::unordered(),
        };
        match association.send(now, StreamId::new(stream), ppid, payload, options) {
            Ok(()) => {
                channel.messages_sent += 1;
                channel.bytes_sent += data.len() as u64;
                Ok(())
            }
            Err(sctp::SendError::Full) => {
                channel.blocked = true;
                Err(SendError::Full)
            }
            Err(sctp::SendError::TooLarge { .. }) => Err(SendError::TooLarge),
            Err(_) => Err(SendError::Closed),
        }
    }

    pub(super) fn close(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        outlet: &mut impl Outlet,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let (Some(association), Some(stream), true) = (association, channel.stream, self.connected)
        else {
            self.remove(id, outlet);
            return;
        };
        if channel.state == ChannelState::Closed {
            self.remove(id, outlet);
            return;
        }
        if channel.reset_requested {
            return;
        }
        channel.state = ChannelState::Closing;
        channel.reset_requested = true;
        let held: usize = channel
            .held
            .drain(..)
            .map(|message| message.data.len())
            .sum();
        self.held_bytes = self.held_bytes.saturating_sub(held);
        channel.readable = false;
        let asked = association.reset_streams(now, &[StreamId::new(stream)]);
        if asked.is_err() {
            // Without RE-CONFIG nothing can tell the peer; the stream stays taken on its side.
            self.retired.insert(stream);
            self.remove(id, outlet);
            return;
        }
        self.on_readable(now, stream, association, outlet);
        self.advance_close(now, id, association, outlet);
    }

    fn buffered_amount(&self, id: ChannelId, association: Option<&Association>) -> usize {
        let stream = self.channels.get(&id).and_then(|channel| channel.stream);
        match (stream, association) {
            (Some(stream), Some(association)) => association.buffered_bytes(StreamId::new(stream)),
            _ => 0,
        }
    }

    fn set_low_threshold(
        &mut self,
        id: ChannelId,
        bytes: usize,
        association: Option<&mut Association>,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.low_threshold = bytes;
        if let (Some(stream), Some(association)) = (channel.stream, association) {
            association.set_buffered_amount_low_threshold(StreamId::new(stream), bytes);
        }
    }
}
