use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use peer::{ChannelCloseReason, ChannelId, Message, MessageKind, MessagePiece};

use super::{DataChannel, MessageWriter};
use crate::driver::Written;
use crate::error::{Closed, SendError};

/// The half of a channel that writes ([`DataChannel::into_split`]).
///
/// The channel closes with [`Self::close`], or once both halves are dropped.
#[derive(Debug)]
pub struct SendHalf {
    channel: Arc<DataChannel>,
}

/// The half of a channel that reads ([`DataChannel::into_split`]).
#[derive(Debug)]
pub struct ReceiveHalf {
    channel: Arc<DataChannel>,
}

pub(super) fn split(channel: DataChannel) -> (SendHalf, ReceiveHalf) {
    let channel = Arc::new(channel);
    let sends = SendHalf {
        channel: Arc::clone(&channel),
    };
    (sends, ReceiveHalf { channel })
}

impl SendHalf {
    /// Names the channel within its connection.
    pub fn id(&self) -> ChannelId {
        self.channel.id()
    }

    /// Sends a message ([`DataChannel::send`]).
    ///
    /// # Errors
    ///
    /// The channel is closed, or the other side takes no message of this size.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.channel.send(message).await
    }

    /// Begins a message that is written bit by bit ([`DataChannel::begin`]).
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn begin(&mut self, kind: MessageKind) -> Result<MessageWriter<'_>, SendError> {
        self.channel.begin_message(kind).await
    }

    /// Waits until everything that was written is with the association.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn flush(&self) -> Result<(), SendError> {
        self.channel.flush().await
    }

    /// Bytes of messages that were written and not sent yet ([`DataChannel::buffered_amount`]).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn buffered_amount(&self) -> Result<usize, Closed> {
        self.channel.buffered_amount().await
    }

    /// Waits until no more than `bytes` are buffered ([`DataChannel::buffered_amount_low`]).
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn buffered_amount_low(&self, bytes: usize) -> Result<(), SendError> {
        self.channel.buffered_amount_low(bytes).await
    }

    /// Closes the channel, both ways ([`DataChannel::close`]).
    pub fn close(&self) {
        self.channel.close();
    }
}

impl ReceiveHalf {
    /// Names the channel within its connection.
    pub fn id(&self) -> ChannelId {
        self.channel.id()
    }

    /// The next message ([`DataChannel::recv`]).
    pub async fn recv(&mut self) -> Option<Message> {
        self.channel.next_message().await
    }

    /// The next piece of a message ([`DataChannel::recv_piece`]).
    pub async fn recv_piece(&mut self) -> Option<MessagePiece> {
        self.channel.next_piece().await
    }

    /// Why the channel closed, once it has.
    pub fn close_reason(&self) -> Option<ChannelCloseReason> {
        self.channel.close_reason()
    }
}

impl Stream for ReceiveHalf {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.channel.poll_recv(cx)
    }
}

impl Sink<Message> for SendHalf {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.channel.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.channel.push(Written::Message(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.channel.poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.channel.poll_flushed(cx))?;
        self.channel.close();
        Poll::Ready(Ok(()))
    }
}
