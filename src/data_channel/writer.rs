use std::future::poll_fn;

use bytes::Bytes;

use super::DataChannel;
use crate::driver::Written;
use crate::error::SendError;

/// Writes one message bit by bit ([`DataChannel::begin`]).
///
/// A writer that is dropped before [`Self::finish`] cannot take back what the other side has already: the channel closes.
#[derive(Debug)]
#[must_use = "the message ends with `finish`"]
pub struct MessageWriter<'a> {
    channel: &'a DataChannel,
    finished: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) const fn new(channel: &'a DataChannel) -> Self {
        Self {
            channel,
            finished: false,
        }
    }

    /// Adds bytes to the message, waiting for room first.
    ///
    /// # Errors
    ///
    /// The channel is closed. It closes when the message grows larger than the other side takes, or a text is not UTF-8.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<(), SendError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Ok(());
        }
        poll_fn(|cx| self.channel.poll_room(cx)).await?;
        self.channel.push(Written::Bytes(bytes))
    }

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub async fn finish(mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.channel.poll_room(cx)).await?;
        self.finished = true;
        self.channel.push(Written::Finish)
    }
}

impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.channel.close();
        }
    }
}
