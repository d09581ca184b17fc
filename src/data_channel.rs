use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use peer::{ChannelId, Message};

use crate::connection::Link;
use crate::error::{Closed, SendError};

/// A data channel (W3C `RTCDataChannel`): messages both ways, a [`Stream`] and a [`Sink`].
///
/// Reliable data is never dropped: an application that does not read closes the receive window, and a full send
/// buffer makes [`Self::send`] wait. The handle does not keep the connection alive, and dropping it does not close
/// the channel.
#[derive(Debug)]
pub struct DataChannel {
    link: Link,
    id: ChannelId,
    label: String,
}

impl DataChannel {
    pub(crate) const fn new(link: Link, id: ChannelId, label: String) -> Self {
        Self { link, id, label }
    }

    /// Names the channel within its connection.
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// What the side that opened it called it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The next message; `None` once the channel is closed and every message was taken.
    pub async fn recv(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<Message>> {
        let (message, fetch) = self.link.mailbox.lock().channel(self.id).poll_inbound(cx);
        if fetch {
            self.link.wake();
        }
        message
    }

    /// Sends a message, waiting for room first. It is on its way when this returns, not yet received.
    ///
    /// # Errors
    ///
    /// The channel is closed, or the other side takes no message of this size. What is written before the channel is
    /// open waits; if it then proves too large, the channel closes.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        self.push(message.into())
    }

    /// Waits until everything that was written is with the association.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn flush(&self) -> Result<(), SendError> {
        poll_fn(|cx| self.link.mailbox.lock().channel(self.id).poll_flushed(cx)).await
    }

    /// Closes the channel once what was written is sent (W3C `close`).
    pub fn close(&self) {
        self.link.mailbox.lock().channel(self.id).closing = true;
        self.link.wake();
    }

    /// Bytes of messages that were written and not sent yet.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn buffered_amount(&self) -> Result<usize, Closed> {
        let id = self.id;
        let waiting = self.link.mailbox.lock().channel(id).outbound_payload();
        let below = self.link.call(move |peer, _| {
            peer.data_channel(id)
                .map_or(0, |channel| channel.buffered_amount())
        });
        Ok(waiting + below.await?)
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        self.link.mailbox.lock().channel(self.id).poll_room(cx)
    }

    fn push(&self, message: Message) -> Result<(), SendError> {
        self.link
            .mailbox
            .lock()
            .channel(self.id)
            .push_outbound(message)?;
        self.link.wake();
        Ok(())
    }
}

impl Stream for DataChannel {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.poll_recv(cx)
    }
}

impl Sink<Message> for DataChannel {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.push(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.link.mailbox.lock().channel(self.id).poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.link.mailbox.lock().channel(self.id).poll_flushed(cx))?;
        self.close();
        Poll::Ready(Ok(()))
    }
}
