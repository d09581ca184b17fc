//! A borrowed view of one channel.

use std::time::Instant;

use bytes::Bytes;
use sctp::{Association, StreamId};

use super::channel::{
    Channel, ChannelId, ChannelState, Message, MessageKind, MessagePiece, Priority,
};
use super::channels::Channels;
use super::dcep::Reliability;
use crate::connection::PeerConnection;
use crate::error::SendError;
use crate::event::ChannelCloseCause;
use crate::stats::DataChannelStats;

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

    /// How long each side tries to deliver a message (W3C `maxRetransmits`, `maxPacketLifeTime`).
    pub fn reliability(&self) -> Reliability {
        self.channel()
            .map_or(Reliability::Reliable, |channel| channel.reliability)
    }

    /// Its share where several channels have something to send.
    pub fn priority(&self) -> Priority {
        self.channel().map_or(Priority::Low, |channel| {
            Priority::from_weight(channel.priority)
        })
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

    /// Asks for [`DataChannelBufferedAmountLow`](crate::Event::DataChannelBufferedAmountLow) whenever the buffered amount
    /// falls from above `bytes` to it or below (W3C `bufferedAmountLowThreshold`). Default: nothing is said.
    pub fn set_buffered_amount_low_threshold(&mut self, bytes: usize) {
        let (channels, association, _) = self.connection.data_mut();
        channels.set_low_threshold(self.id, bytes, association);
    }

    /// The largest message that the peer takes, in bytes (RFC 8841 §6).
    pub fn max_message_size(&self) -> usize {
        self.connection.data().0.max_send
    }

    /// What the channel counted by now.
    pub fn stats(&self, now: Instant) -> Option<DataChannelStats> {
        let (channels, association) = self.connection.data();
        channels.stats_of(now, self.id, association)
    }

    /// Sends a message, which is taken whole or not at all. One that is larger than the send buffer is written in parts
    /// ([`begin_message`](Self::begin_message)).
    pub fn send(&mut self, now: Instant, message: &Message) -> Result<(), SendError> {
        match message {
            Message::Text(text) => self.send_text(now, text),
            Message::Binary(bytes) => self.send_bytes(now, bytes.clone()),
        }
    }

    /// Sends text.
    pub fn send_text(&mut self, now: Instant, text: &str) -> Result<(), SendError> {
        self.send_payload(now, text.as_bytes(), MessageKind::Text)
    }

    /// Sends bytes.
    pub fn send_binary(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SendError> {
        self.send_payload(now, bytes, MessageKind::Binary)
    }

    /// Sends bytes whose memory may be held until they are acknowledged: large messages are not copied before they go into packets.
    ///
    /// `bytes` should not be a small part of something large, all of which it would hold.
    pub fn send_bytes(&mut self, now: Instant, bytes: Bytes) -> Result<(), SendError> {
        let (channels, association, _) = self.connection.data_mut();
        channels.send_bytes(now, self.id, association, bytes)?;
        self.connection.settle_data(now);
        Ok(())
    }

    /// Begins a message that is written bit by bit with [`write`](Self::write), so that a huge one is never held as a whole, and
    /// ended by [`finish_message`](Self::finish_message). No other message can be sent on the channel meanwhile.
    pub fn begin_message(&mut self, now: Instant, kind: MessageKind) -> Result<(), SendError> {
        let (channels, association, _) = self.connection.data_mut();
        channels.begin_message(now, self.id, association, kind)
    }

    /// Adds bytes to the message that was begun, and says how many were taken. Those of a text may end within a character.
    pub fn write(&mut self, now: Instant, data: &[u8]) -> Result<usize, SendError> {
        let (channels, association, _) = self.connection.data_mut();
        let taken = channels.write(now, self.id, association, data)?;
        self.connection.settle_data(now);
        Ok(taken)
    }

    /// Ends the message that was begun.
    pub fn finish_message(&mut self, now: Instant) -> Result<(), SendError> {
        let (channels, association, _) = self.connection.data_mut();
        channels.finish_message(now, self.id, association)?;
        self.connection.settle_data(now);
        Ok(())
    }

    /// Lets ordered messages be read with [`recv_piece`](Self::recv_piece) before they are complete, as soon as `bytes` of them
    /// are there. Then they may be as large as
    /// [`Config::announced_max_message_size`](crate::Config::announced_max_message_size) says. `None`: whole messages. Default: 16 KiB
    /// where the announced size is larger than that of a whole message, else `None`.
    pub fn set_streaming(&mut self, bytes: Option<usize>) {
        let (channels, association, _) = self.connection.data_mut();
        channels.set_streaming(self.id, bytes, association);
    }

    /// Limits what may wait unread on this channel, in bytes, so that a reader who is late does not hold the other channels up:
    /// SCTP has one window for all. Beyond it a channel that may lose messages loses them, where they are unordered; any other one
    /// closes. `None`, the default: the window of all holds the peer back.
    pub fn set_receive_limit(&mut self, bytes: Option<usize>) {
        let (channels, association, _) = self.connection.data_mut();
        channels.set_receive_limit(self.id, bytes, association);
    }

    /// The next piece of a message that arrived, or the next whole message as one piece.
    pub fn recv_piece(&mut self, now: Instant) -> Option<MessagePiece> {
        let (channels, association, outlet) = self.connection.data_mut();
        let piece = channels.recv_piece(now, self.id, association, outlet);
        self.connection.settle_data(now);
        piece
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
        channels.close(
            now,
            self.id,
            ChannelCloseCause::Requested,
            association,
            outlet,
        );
        self.connection.settle(now);
    }

    fn send_payload(
        &mut self,
        now: Instant,
        data: &[u8],
        kind: MessageKind,
    ) -> Result<(), SendError> {
        let (channels, association, _) = self.connection.data_mut();
        channels.send(now, self.id, association, (data, kind))?;
        self.connection.settle_data(now);
        Ok(())
    }

    fn channel(&self) -> Option<&Channel> {
        self.connection
            .data()
            .0
            .channels
            .get(&self.id)
            .map(Box::as_ref)
    }
}

impl Channels {
    pub(crate) fn contains(&self, id: ChannelId) -> bool {
        self.channels.contains_key(&id)
    }

    fn buffered_amount(&self, id: ChannelId, association: Option<&Association>) -> usize {
        let stream = self.channels.get(&id).and_then(|channel| channel.stream);
        match (stream, association) {
            (Some(stream), Some(association)) => association.buffered_bytes(StreamId::new(stream)),
            _ => 0,
        }
    }

    pub(super) fn set_low_threshold(
        &mut self,
        id: ChannelId,
        bytes: usize,
        association: Option<&mut Association>,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.low_threshold = Some(bytes);
        if let (Some(stream), Some(association)) = (channel.stream, association) {
            association.set_buffered_amount_low_threshold(StreamId::new(stream), bytes);
        }
    }

    pub(super) fn set_receive_limit(
        &mut self,
        id: ChannelId,
        bytes: Option<usize>,
        association: Option<&mut Association>,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.receive_limit = bytes;
        if let (Some(stream), Some(association)) = (channel.stream, association) {
            association.set_receive_limit(StreamId::new(stream), channel.limit());
        }
    }
}
