use std::time::Instant;

use bytes::Bytes;

use super::Association;
use crate::error::SendError;
use crate::message::{Ppid, SendOptions, StreamId};

impl Association {
    /// Queues a message. Before the association is established it waits; it then leaves with the COOKIE ECHO.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), SendError> {
        self.check_send(stream)?;
        self.sender.push(now, stream, ppid, options, data)?;
        self.counts.messages_sent += 1;
        self.counts.bytes_sent += data.len() as u64;
        Ok(())
    }

    /// The same as [`send`](Self::send), for a message whose memory the association may keep until it is acknowledged: nothing is copied
    /// before it goes into packets, unless the message is so small that this is cheaper.
    ///
    /// `data` should not be a small part of something large, all of which it would hold.
    pub fn send_bytes(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        data: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        self.check_send(stream)?;
        let length = data.len() as u64;
        self.sender.push(now, stream, ppid, options, data)?;
        self.counts.messages_sent += 1;
        self.counts.bytes_sent += length;
        Ok(())
    }

    /// Begins a message that is written bit by bit, so that a huge one need never be held as a whole. One at a time on a
    /// stream; [`write`](Self::write) gives it bytes and [`finish_message`](Self::finish_message) ends it.
    ///
    /// Full packets leave as they come about. Without I-DATA no other stream can send between the first packet of the message and its
    /// last.
    pub fn begin_message(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        options: SendOptions,
    ) -> Result<(), SendError> {
        self.check_send(stream)?;
        self.sender.begin(now, stream, ppid, options)?;
        self.counts.messages_sent += 1;
        Ok(())
    }

    /// Adds bytes to the message that was begun on a stream, as many as the send buffer takes, and says how many. None at all is
    /// [`SendError::Full`], after which [`Event::Writable`](crate::Event::Writable) follows.
    pub fn write(
        &mut self,
        now: Instant,
        stream: StreamId,
        data: &[u8],
    ) -> Result<usize, SendError> {
        // The rest of a message depends on no instant; the face is that of every command.
        let _ = now;
        if !self.state.takes_writes() {
            return Err(SendError::Closed);
        }
        let taken = self.sender.write(stream, data)?;
        self.counts.bytes_sent += taken as u64;
        Ok(taken)
    }

    /// Ends the message that was begun on a stream. One to which nothing was ever written cannot be sent: [`SendError::Empty`],
    /// and it is forgotten.
    pub fn finish_message(&mut self, now: Instant, stream: StreamId) -> Result<(), SendError> {
        let _ = now;
        if !self.state.takes_writes() {
            return Err(SendError::Closed);
        }
        let finished = self.sender.finish(stream);
        if finished == Err(SendError::Empty) {
            self.counts.messages_sent -= 1;
        }
        finished
    }

    /// Gives up the message that was begun on a stream. When some of it was sent and the peer does not know FORWARD-TSN that cannot be:
    /// [`SendError::Unfinished`].
    pub fn abandon_message(&mut self, now: Instant, stream: StreamId) -> Result<(), SendError> {
        self.sender.abandon_written(now, stream)?;
        self.settle(now);
        Ok(())
    }

    /// Sets a stream's weight, by which [`Config::scheduler`](crate::Config::scheduler) chooses. Default 256, "normal" for data channels
    /// (RFC 8831 §6.4: 128, 256, 512, 1024). 0 counts as 1.
    pub fn set_stream_weight(&mut self, stream: StreamId, weight: u16) {
        self.sender.streams_mut().set_weight(stream, weight);
    }

    /// Payload bytes of a stream that were taken by [`send`](Self::send) and not yet put into a packet
    /// (the `bufferedAmount` of a data channel).
    pub fn buffered_bytes(&self, stream: StreamId) -> usize {
        self.sender.streams().buffered_bytes(stream)
    }

    /// Asks for [`Event::BufferedAmountLow`](crate::Event::BufferedAmountLow) when a stream's buffered bytes fall from above `bytes` to it or
    /// below. Default 0.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: StreamId, bytes: usize) {
        self.sender.streams_mut().set_low_threshold(stream, bytes);
    }

    fn check_send(&self, stream: StreamId) -> Result<(), SendError> {
        if !self.state.takes_messages() {
            return Err(SendError::Closed);
        }
        if stream.get() >= self.outbound_streams() {
            return Err(SendError::InvalidStream);
        }
        Ok(())
    }
}
