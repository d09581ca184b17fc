use std::time::Instant;

use super::Association;
use crate::message::{Message, MessagePiece, StreamId};
use crate::receive::ReceiveLimit;

impl Association {
    /// The next message of a stream. What is not read closes the window that the peer sees.
    ///
    /// A stream with partial delivery is read with [`recv_piece`](Self::recv_piece); of one whose next message has begun to come out in
    /// pieces this gives nothing.
    pub fn recv(&mut self, now: Instant, stream: StreamId) -> Option<Message> {
        let message = self.receiver.recv(stream)?;
        self.receiver
            .tune_window(now, message.data.len(), self.sender.round_trip());
        Some(message)
    }

    /// The next piece of a stream with partial delivery, or the next whole message of any stream as a single piece.
    pub fn recv_piece(&mut self, now: Instant, stream: StreamId) -> Option<MessagePiece> {
        let piece = self.receiver.recv_piece(stream)?;
        self.receiver
            .tune_window(now, piece.data.len(), self.sender.round_trip());
        Some(piece)
    }

    /// Lets ordered messages of a stream be read before they are complete, as soon as `bytes` of them are there, so that
    /// a huge one need never be held as a whole and [`Config::max_message_size`](crate::Config::max_message_size) does
    /// not bind it. `None`, the default, gives whole messages only.
    ///
    /// Unordered messages are always given whole.
    pub fn set_partial_delivery(&mut self, stream: StreamId, bytes: Option<usize>) {
        self.receiver.streams_mut().set_piece_bytes(stream, bytes);
    }

    /// Limits what may wait unread on one stream, so that a reader who is late does not close the window for the other streams:
    /// SCTP has no window for a stream alone, so beyond the limit something has to go. `None`, the default, leaves it to the window.
    pub fn set_receive_limit(&mut self, stream: StreamId, limit: Option<ReceiveLimit>) {
        self.receiver.streams_mut().set_limit(stream, limit);
    }

    /// Takes nothing more from an incoming stream until the peer resets it, and drops what is unread: what arrives is acknowledged and
    /// forgotten.
    pub fn refuse_stream(&mut self, now: Instant, stream: StreamId) {
        self.receiver.refuse_stream(stream);
        self.settle(now);
    }

    /// A stream that has a message to read.
    pub fn next_readable(&self) -> Option<StreamId> {
        self.receiver.next_readable()
    }
}
