use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use peer::{ChannelCloseReason, ChannelState, Message, MessageKind, MessagePiece, PieceEnd};

use super::mailbox::{remember, remember_writer, wake};
use crate::SendError;

/// Messages read ahead of the application per data channel; more stay in the association, whose window closes.
pub(crate) const READ_AHEAD_BYTES: usize = 64 << 10;
/// Messages waiting for the association per data channel; a sender then waits.
pub(crate) const WRITE_AHEAD_BYTES: usize = 64 << 10;

/// The queues of one data channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelBox {
    inbound: VecDeque<Arrived>,
    inbound_bytes: usize,
    /// How the application reads, once it does: nothing is fetched before that.
    pub(crate) reading: Option<Reading>,
    pub(crate) outbound: VecDeque<Written>,
    outbound_bytes: usize,
    reader: Option<Waker>,
    writers: Vec<Waker>,
    /// The application closed its handle: what is written leaves first.
    closing: bool,
    /// The application has no handle any more.
    pub(crate) released: bool,
    /// Messages were written that never left.
    lost: bool,
    /// The largest message that the other side takes, once the channel is open.
    pub(crate) limit: Option<usize>,
    /// The association holds more for this channel.
    pub(crate) readable: bool,
    /// No message can be written any more.
    ended: bool,
    /// No message will follow.
    pub(crate) closed: bool,
    pub(crate) close_reason: Option<ChannelCloseReason>,
    /// It is in the list of what the shard has to look at.
    pub(crate) touched: bool,
    /// Who waits for the buffers to drain, and down to which amount.
    low: Vec<(usize, Waker)>,
}

/// How the application reads a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Message by message.
    Whole,
    /// As the bytes come.
    Pieces,
}

/// What waits for the application.
#[derive(Debug)]
pub(crate) enum Arrived {
    Message(Message),
    Piece(MessagePiece),
}

/// What waits for the association.
#[derive(Debug)]
pub(crate) enum Written {
    Message(Message),
    /// A message begins whose bytes follow.
    Begin(MessageKind),
    Bytes(Bytes),
    Finish,
    /// Bytes that leave in messages of whatever size.
    Stream(Bytes),
}

impl ChannelBox {
    /// Room for another message from the association, and somebody who reads.
    pub(crate) const fn wants(&self) -> bool {
        self.reading.is_some() && self.inbound_bytes < READ_AHEAD_BYTES
    }

    pub(crate) fn push_inbound(&mut self, arrived: Arrived) {
        self.inbound_bytes += arrived.charge();
        self.inbound.push_back(arrived);
        wake(&mut self.reader);
    }

    /// The association holds nothing more for now, or for ever.
    pub(crate) fn note_empty(&mut self) {
        self.readable = false;
        if self.closed {
            wake(&mut self.reader);
        }
    }

    /// Takes a message; the second value says that the shard should fetch more.
    pub(crate) fn poll_message(&mut self, cx: &Context<'_>) -> (Poll<Option<Message>>, bool) {
        loop {
            let (arrived, fetch) = self.poll_inbound(cx, Reading::Whole);
            return match arrived {
                Poll::Ready(Some(Arrived::Message(message))) => (Poll::Ready(Some(message)), fetch),
                // A piece that was fetched for a reader of pieces. One that is not a whole message cannot become one.
                Poll::Ready(Some(Arrived::Piece(piece))) => {
                    if let Some(message) = whole(piece) {
                        return (Poll::Ready(Some(message)), fetch);
                    }
                    continue;
                }
                Poll::Ready(None) => (Poll::Ready(None), fetch),
                Poll::Pending => (Poll::Pending, fetch),
            };
        }
    }

    /// Takes a piece of a message; the second value says that the shard should fetch more.
    pub(crate) fn poll_piece(&mut self, cx: &Context<'_>) -> (Poll<Option<MessagePiece>>, bool) {
        let (arrived, fetch) = self.poll_inbound(cx, Reading::Pieces);
        let piece = arrived.map(|arrived| {
            arrived.map(|arrived| match arrived {
                Arrived::Piece(piece) => piece,
                Arrived::Message(message) => piece_of(message),
            })
        });
        (piece, fetch)
    }

    fn poll_inbound(
        &mut self,
        cx: &Context<'_>,
        reading: Reading,
    ) -> (Poll<Option<Arrived>>, bool) {
        let wanted = self.wants();
        self.reading = Some(reading);
        if let Some(arrived) = self.inbound.pop_front() {
            self.inbound_bytes -= arrived.charge();
            let fetch = self.readable && !wanted && self.wants();
            return (Poll::Ready(Some(arrived)), fetch);
        }
        if self.closed && !self.readable {
            return (Poll::Ready(None), false);
        }
        remember(&mut self.reader, cx);
        (Poll::Pending, self.readable && !wanted)
    }

    /// Waits for room for another message to send.
    pub(crate) fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        if self.is_over() {
            return Poll::Ready(Err(SendError::Closed));
        }
        if self.outbound_bytes < WRITE_AHEAD_BYTES {
            return Poll::Ready(Ok(()));
        }
        remember_writer(&mut self.writers, cx);
        Poll::Pending
    }

    /// Waits until the channel is open.
    pub(crate) fn poll_open(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        if self.closed {
            return Poll::Ready(Err(SendError::Closed));
        }
        if self.limit.is_some() {
            return Poll::Ready(Ok(()));
        }
        remember_writer(&mut self.writers, cx);
        Poll::Pending
    }

    /// Waits until the association has everything that was written.
    pub(crate) fn poll_flushed(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        if self.outbound.is_empty() {
            return Poll::Ready(if self.lost {
                Err(SendError::Closed)
            } else {
                Ok(())
            });
        }
        remember_writer(&mut self.writers, cx);
        Poll::Pending
    }

    /// Asks to be woken once no more than so much may be buffered; an error when that is of no use any more.
    pub(crate) fn watch_low(&mut self, cx: &Context<'_>, bytes: usize) -> Result<(), SendError> {
        if self.closed || self.ended {
            return Err(SendError::Closed);
        }
        self.low.retain(|(_, waker)| !waker.will_wake(cx.waker()));
        self.low.push((bytes, cx.waker().clone()));
        Ok(())
    }

    /// The largest amount that somebody waits for, if anybody does.
    pub(crate) fn low_threshold(&self) -> Option<usize> {
        self.low.iter().map(|(threshold, _)| *threshold).max()
    }

    /// So much is buffered in the association.
    pub(crate) fn note_buffered(&mut self, below: usize) {
        let buffered = below + self.outbound_payload();
        for (_, waker) in self.low.extract_if(.., |(bytes, _)| *bytes >= buffered) {
            waker.wake();
        }
    }

    /// The payload that waits for the association.
    pub(crate) fn outbound_payload(&self) -> usize {
        self.outbound.iter().map(Written::payload).sum()
    }

    pub(crate) fn push_outbound(&mut self, written: Written) -> Result<(), SendError> {
        if self.is_over() {
            return Err(SendError::Closed);
        }
        let limit = self.limit.filter(|limit| written.payload() > *limit);
        if let (Some(limit), false) = (limit, matches!(written, Written::Stream(_))) {
            return Err(SendError::TooLarge { limit });
        }
        self.outbound_bytes += written.charge();
        self.outbound.push_back(written);
        Ok(())
    }

    /// The association took the first waiting message.
    pub(crate) fn pop_outbound(&mut self) {
        if let Some(written) = self.outbound.pop_front() {
            self.outbound_bytes -= written.charge();
            self.wake_writers();
        }
    }

    /// The first waiting message is more than the association ever holds: its bytes go as there is room. False when it is no
    /// message that could be divided.
    pub(crate) fn divide_outbound(&mut self) -> bool {
        let Some(first) = self.outbound.pop_front() else {
            return false;
        };
        let charge = first.charge();
        let Written::Message(message) = first else {
            self.outbound.push_front(first);
            return false;
        };
        self.outbound_bytes -= charge;
        let piece = piece_of(message);
        for part in [
            Written::Finish,
            Written::Bytes(piece.data),
            Written::Begin(piece.kind),
        ] {
            self.outbound_bytes += part.charge();
            self.outbound.push_front(part);
        }
        true
    }

    /// The association took so much of the first waiting bytes.
    pub(crate) fn advance_outbound(&mut self, taken: usize) {
        if let Some(Written::Bytes(bytes) | Written::Stream(bytes)) = self.outbound.front_mut() {
            let taken = taken.min(bytes.len());
            drop(bytes.split_to(taken));
            self.outbound_bytes -= taken;
            if bytes.is_empty() {
                self.pop_outbound();
            } else {
                self.wake_writers();
            }
        }
    }

    fn wake_writers(&mut self) {
        if self.outbound_bytes < WRITE_AHEAD_BYTES || self.outbound.is_empty() {
            self.writers.drain(..).for_each(Waker::wake);
        }
    }

    /// The channel opened.
    pub(crate) fn open(&mut self, limit: usize) {
        self.limit = Some(limit);
        self.writers.drain(..).for_each(Waker::wake);
    }

    /// Nothing more can be sent; what arrived can still be read.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        wake(&mut self.reader);
        self.end_writing();
    }

    /// Nothing more can be sent, and what waited for it is lost.
    pub(crate) fn end_writing(&mut self) {
        self.lost |= !self.outbound.is_empty();
        self.outbound.clear();
        self.outbound_bytes = 0;
        self.stop_writing();
    }

    /// Takes nothing more to send; what waits for the association still goes there.
    pub(crate) fn stop_writing(&mut self) {
        self.ended = true;
        self.writers.drain(..).for_each(Waker::wake);
        self.low.drain(..).for_each(|(_, waker)| waker.wake());
    }

    /// The application closes the channel: what is written leaves first.
    pub(crate) fn close_when_written(&mut self) {
        self.closing = true;
        self.writers.drain(..).for_each(Waker::wake);
    }

    /// Whether everything is written that the application wrote before it closed the channel.
    pub(crate) fn may_close(&self) -> bool {
        self.closing && !self.closed && self.outbound.is_empty()
    }

    /// W3C `readyState`.
    pub(crate) const fn state(&self) -> ChannelState {
        if self.closed {
            ChannelState::Closed
        } else if self.is_over() {
            ChannelState::Closing
        } else if self.limit.is_some() {
            ChannelState::Open
        } else {
            ChannelState::Connecting
        }
    }

    /// Nobody has a handle, and nothing more can come.
    pub(crate) const fn is_gone(&self) -> bool {
        self.released && self.closed && !self.readable
    }

    /// Something waits for the association that can still take it.
    pub(crate) fn has_outbound(&self) -> bool {
        self.limit.is_some() && !self.outbound.is_empty()
    }

    /// The application has no handle any more: what is written leaves first, and what arrived is nobody's.
    pub(crate) fn release(&mut self) {
        self.released = true;
        self.closing = true;
        self.inbound.clear();
        self.inbound_bytes = 0;
    }

    const fn is_over(&self) -> bool {
        self.closed || self.closing || self.ended
    }
}

impl Arrived {
    /// Every message costs something, also an empty one.
    fn charge(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Message(message) => message.len(),
                Self::Piece(piece) => piece.data.len(),
            }
    }
}

impl Written {
    fn payload(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            Self::Bytes(bytes) | Self::Stream(bytes) => bytes.len(),
            Self::Begin(_) | Self::Finish => 0,
        }
    }

    fn charge(&self) -> usize {
        OVERHEAD + self.payload()
    }
}

fn whole(piece: MessagePiece) -> Option<Message> {
    if !piece.beginning || piece.end != PieceEnd::Complete {
        return None;
    }
    match piece.kind {
        MessageKind::Binary => Some(Message::Binary(piece.data)),
        MessageKind::Text => String::from_utf8(piece.data.into()).ok().map(Message::Text),
    }
}

fn piece_of(message: Message) -> MessagePiece {
    let (kind, data) = match message {
        Message::Text(text) => (MessageKind::Text, Bytes::from(text)),
        Message::Binary(bytes) => (MessageKind::Binary, bytes),
    };
    MessagePiece {
        kind,
        beginning: true,
        end: PieceEnd::Complete,
        data,
    }
}

/// What a message is charged beside its bytes.
const OVERHEAD: usize = 64;
