use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::DataChannel;
use crate::driver::Written;
use crate::error::SendError;

/// A data channel as a stream of bytes ([`DataChannel::detach`]).
///
/// What is written leaves in binary messages of whatever size suits the channel, and what is read is the bytes of all messages
/// one after the other, whatever their kind: where messages begin and end is lost. On a channel that is unordered or may lose messages
/// this makes no sense.
///
/// Reading ends (`Ok(0)`) once the channel is closed and everything was read. Shutting down waits until everything is with the
/// association, then closes the channel, both ways: data channels have no half that goes on (RFC 8831 §6.7), so whoever expects an
/// answer reads it first.
///
/// What wants the traits of `futures-io` gets them from `tokio_util::compat`:
///
/// ```
/// use futures_util::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio_util::compat::TokioAsyncReadCompatExt;
///
/// async fn echo(channel: avocet::DataChannel) -> std::io::Result<()> {
///     let mut stream = channel.detach().compat();
///     let mut bytes = [0; 4096];
///     loop {
///         let length = stream.read(&mut bytes).await?;
///         if length == 0 {
///             return stream.close().await;
///         }
///         stream.write_all(&bytes[..length]).await?;
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ByteStream {
    channel: DataChannel,
    /// What a reader with a small buffer left of a piece.
    rest: Bytes,
}

/// Bytes in one message, where the other side takes as much.
const LARGEST_PART: usize = 64 << 10;

impl ByteStream {
    pub(super) const fn new(channel: DataChannel) -> Self {
        Self {
            channel,
            rest: Bytes::new(),
        }
    }

    /// The channel below.
    pub const fn channel(&self) -> &DataChannel {
        &self.channel
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.channel.poll_piece(cx)) {
                // An empty message is no end.
                Some(piece) => self.rest = piece.data,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.channel.poll_room(cx)).map_err(broken)?;
        let part = bytes.get(..LARGEST_PART).unwrap_or(bytes);
        let part_of_stream = Written::Stream(Bytes::copy_from_slice(part));
        self.channel.push(part_of_stream).map_err(broken)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel.poll_flushed(cx).map_err(broken)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.channel.poll_flushed(cx)).map_err(broken)?;
        self.channel.close();
        Poll::Ready(Ok(()))
    }
}

fn broken(error: SendError) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error)
}
