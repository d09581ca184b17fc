mod byte_stream;
mod halves;
mod writer;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use futures_sink::Sink;
use peer::{
    ChannelCloseReason, ChannelId, ChannelState, DataChannelStats, Message, MessageKind,
    MessagePiece, Priority, Reliability,
};

pub use self::byte_stream::ByteStream;
pub use self::halves::{ReceiveHalf, SendHalf};
pub use self::writer::MessageWriter;
use crate::connection::Link;
use crate::driver::{ChannelBox, Written};
use crate::error::{Closed, SendError};

/// A data channel (W3C `RTCDataChannel`): messages both ways, a [`Stream`] and a [`Sink`].
///
/// Reliable data is never dropped: an application that does not read closes the receive window, and a full send
/// buffer makes [`Self::send`] wait. Messages too large to hold are written with [`Self::begin`] and read with
/// [`Self::recv_piece`]; [`Self::detach`] makes a byte stream of the channel.
///
/// Every future may be dropped at any await point: no message is lost or sent twice by it. The handle does not keep the
/// connection alive; dropping it closes the channel, after what was written, and what arrived is then nobody's.
#[derive(Debug)]
pub struct DataChannel {
    link: Link,
    id: ChannelId,
    info: Arc<ChannelInfo>,
}

/// What does not change while a channel lives.
#[derive(Debug)]
pub(crate) struct ChannelInfo {
    label: String,
    protocol: String,
    ordered: bool,
    reliability: Reliability,
    priority: Priority,
    negotiated: bool,
}

impl ChannelInfo {
    pub(crate) fn of(view: &peer::DataChannel<'_>) -> Self {
        Self {
            label: view.label().to_owned(),
            protocol: view.protocol().to_owned(),
            ordered: view.ordered(),
            reliability: view.reliability(),
            priority: view.priority(),
            negotiated: view.negotiated(),
        }
    }
}

impl Default for ChannelInfo {
    fn default() -> Self {
        Self {
            label: String::new(),
            protocol: String::new(),
            ordered: true,
            reliability: Reliability::Reliable,
            priority: Priority::Low,
            negotiated: false,
        }
    }
}

impl DataChannel {
    pub(crate) const fn new(link: Link, id: ChannelId, info: Arc<ChannelInfo>) -> Self {
        Self { link, id, info }
    }

    /// Names the channel within its connection.
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// What the side that opened it called it.
    pub fn label(&self) -> &str {
        &self.info.label
    }

    /// The subprotocol, or empty.
    pub fn protocol(&self) -> &str {
        &self.info.protocol
    }

    /// Whether messages arrive in the order of sending.
    pub fn ordered(&self) -> bool {
        self.info.ordered
    }

    /// How long each side tries to deliver a message.
    pub fn reliability(&self) -> Reliability {
        self.info.reliability
    }

    /// Its share where several channels have something to send.
    pub fn priority(&self) -> Priority {
        self.info.priority
    }

    /// Whether both applications agreed on the stream beforehand.
    pub fn negotiated(&self) -> bool {
        self.info.negotiated
    }

    /// The SCTP stream, once it has one (W3C `id`).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn stream_id(&self) -> Result<Option<u16>, Closed> {
        self.ask(|view, _| view.stream_id())
            .await
            .map(Option::flatten)
    }

    /// Where it stands (W3C `readyState`).
    pub fn state(&self) -> ChannelState {
        self.with(|channel| channel.state())
    }

    /// The largest message that the other side takes, in bytes, once the channel is open (W3C `maxMessageSize`).
    pub fn max_message_size(&self) -> Option<usize> {
        self.with(|channel| channel.limit)
    }

    /// What the channel counted by now; `None` once it is closed and read empty.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn stats(&self) -> Result<Option<DataChannelStats>, Closed> {
        self.ask(|view, now| view.stats(now))
            .await
            .map(Option::flatten)
    }

    /// Limits what may wait unread on this channel, in bytes ([`peer::DataChannel::set_receive_limit`]).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn set_receive_limit(&self, bytes: Option<usize>) -> Result<(), Closed> {
        let set = move |view: &mut peer::DataChannel<'_>, _| view.set_receive_limit(bytes);
        self.ask(set).await.map(drop)
    }

    /// Waits until the channel is open.
    ///
    /// # Errors
    ///
    /// It closed before.
    pub async fn opened(&self) -> Result<(), SendError> {
        poll_fn(|cx| self.with(|channel| channel.poll_open(cx))).await
    }

    /// Why the channel closed, once it has.
    pub fn close_reason(&self) -> Option<ChannelCloseReason> {
        self.with(|channel| channel.close_reason)
    }

    /// The next message; `None` once the channel is closed and every message was taken.
    pub async fn recv(&mut self) -> Option<Message> {
        self.next_message().await
    }

    /// The next piece of a message, without waiting for the whole, where the connection takes messages larger than it holds
    /// ([`peer::Config::announced_max_message_size`]); else the next message as one piece. `None` once the channel is closed and
    /// everything was taken.
    ///
    /// A message whose beginning was read like this is read to its end like this: [`Self::recv`] skips the rest.
    pub async fn recv_piece(&mut self) -> Option<MessagePiece> {
        self.next_piece().await
    }

    async fn next_message(&self) -> Option<Message> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    async fn next_piece(&self) -> Option<MessagePiece> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<Message>> {
        let (message, fetch) = self.with(|channel| channel.poll_message(cx));
        if fetch {
            self.touch();
        }
        message
    }

    fn poll_piece(&self, cx: &Context<'_>) -> Poll<Option<MessagePiece>> {
        let (piece, fetch) = self.with(|channel| channel.poll_piece(cx));
        if fetch {
            self.touch();
        }
        piece
    }

    /// Sends a message, waiting for room first. It is on its way when this returns, not yet received.
    ///
    /// # Errors
    ///
    /// The channel is closed, or the other side takes no message of this size. What is written before the channel is
    /// open waits; if it then proves too large, the channel closes.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        self.push(Written::Message(message.into()))
    }

    /// Begins a message that is written bit by bit, so that a huge one is never held as a whole.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn begin(&mut self, kind: MessageKind) -> Result<MessageWriter<'_>, SendError> {
        self.begin_message(kind).await
    }

    async fn begin_message(&self, kind: MessageKind) -> Result<MessageWriter<'_>, SendError> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        self.push(Written::Begin(kind))?;
        Ok(MessageWriter::new(self))
    }

    /// Waits until everything that was written is with the association.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn flush(&self) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_flushed(cx)).await
    }

    /// Closes the channel, both ways, once what was written is sent (W3C `close`). What the other side sent and was not read is gone.
    pub fn close(&self) {
        self.with(ChannelBox::close_when_written);
        self.touch();
    }

    /// Divides the channel into a half that writes and one that reads, for tasks of their own: a large message can be written while
    /// others are read.
    pub fn into_split(self) -> (SendHalf, ReceiveHalf) {
        halves::split(self)
    }

    /// Makes a stream of bytes of the channel, for whatever speaks [`tokio::io::AsyncRead`] and [`tokio::io::AsyncWrite`].
    pub fn detach(self) -> ByteStream {
        ByteStream::new(self)
    }

    /// Bytes of messages that were written and not sent yet (W3C `bufferedAmount`).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn buffered_amount(&self) -> Result<usize, Closed> {
        let (id, mailbox) = (self.id, Arc::clone(&self.link.mailbox));
        let count = move |peer: &mut peer::PeerConnection, _| {
            let below = peer
                .data_channel(id)
                .map_or(0, |view| view.buffered_amount());
            below + mailbox.lock().channel(id).outbound_payload()
        };
        self.link.call(count).await
    }

    /// Waits until no more than `bytes` are buffered (W3C `bufferedamountlow`).
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn buffered_amount_low(&self, bytes: usize) -> Result<(), SendError> {
        loop {
            let mut asked = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut asked, true) {
                    return Poll::Ready(Ok(()));
                }
                self.with(|channel| channel.watch_low(cx, bytes))?;
                self.touch();
                Poll::Pending
            })
            .await?;
            let buffered = self.buffered_amount().await;
            if buffered.map_err(|Closed| SendError::Closed)? <= bytes {
                return Ok(());
            }
        }
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        self.with(|channel| channel.poll_room(cx))
    }

    fn poll_flushed(&self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        self.with(|channel| channel.poll_flushed(cx))
    }

    fn push(&self, written: Written) -> Result<(), SendError> {
        self.with(|channel| channel.push_outbound(written))?;
        self.touch();
        Ok(())
    }

    /// Asks the channel below something; `None` when it is gone.
    async fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut peer::DataChannel<'_>, Instant) -> R + Send + 'static,
    ) -> Result<Option<R>, Closed> {
        let id = self.id;
        let ask = move |peer: &mut peer::PeerConnection, now| {
            let mut view = peer.data_channel(id)?;
            Some(f(&mut view, now))
        };
        self.link.call(ask).await
    }

    fn with<R>(&self, f: impl FnOnce(&mut ChannelBox) -> R) -> R {
        f(self.link.mailbox.lock().channel(self.id))
    }

    /// Asks the shard to look at the channel.
    fn touch(&self) {
        self.link.mailbox.lock().touch(self.id);
        self.link.wake();
    }
}

impl Drop for DataChannel {
    fn drop(&mut self) {
        self.link.mailbox.lock().release(self.id);
        self.link.wake();
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
        self.push(Written::Message(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_flushed(cx))?;
        self.close();
        Poll::Ready(Ok(()))
    }
}
