use std::collections::VecDeque;
use std::io;

use net::Transmit;

use super::socket::Socket;

/// The most bytes one offloaded send carries (the UDP length field less headers).
const BATCH_BYTES: usize = 64_000;

/// Whether a connection has more to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was polled until it had nothing.
    Dry,
    /// Its turn ended first.
    More,
}

/// Gathers equal-sized neighbours on one path into one send, and holds what a blocked socket could not take: one
/// batch, and the datagram that was polled before the block showed.
///
/// While a socket is blocked nobody is polled: send times stay true, and nothing piles up here.
#[derive(Debug)]
pub(crate) struct Outbox {
    buffer: Vec<u8>,
    blocked: Vec<VecDeque<Batch>>,
    /// Datagrams the kernel refused for good (no route, too large).
    pub(crate) refused: u64,
    /// What it refused since this was taken last.
    failures: Vec<Failure>,
}

/// A send that the kernel refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    /// The path.
    pub(crate) path: net::Path,
    /// The size of the datagram.
    pub(crate) bytes: usize,
    /// It was larger than the path carries, as far as the kernel knows.
    pub(crate) is_too_large: bool,
}

/// Failures that wait to be taken; more say nothing new.
const MAX_FAILURES: usize = 64;

/// EMSGSIZE, which the standard library has no kind for.
const TOO_LARGE: i32 = if cfg!(windows) {
    10_040
} else if cfg!(any(
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
)) {
    40
} else {
    90
};

/// A send that the socket could not take yet.
#[derive(Debug)]
struct Batch {
    transmit: Transmit,
    segment: usize,
    bytes: Vec<u8>,
}

impl Outbox {
    pub(crate) fn new(sockets: usize) -> Self {
        let blocked = (0..sockets).map(|_| VecDeque::new()).collect();
        Self {
            buffer: Vec::with_capacity(BATCH_BYTES),
            blocked,
            refused: 0,
            failures: Vec::new(),
        }
    }

    /// What the kernel refused since the last call.
    pub(crate) fn take_failures(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.failures)
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.iter().any(|held| !held.is_empty())
    }

    /// Waits until one of the blocked sockets may take its batch.
    pub(crate) async fn writable(&self, sockets: &[Socket]) {
        for (socket, held) in sockets.iter().zip(&self.blocked) {
            if !held.is_empty() {
                // An error here shows itself again in the send.
                let _ = socket.writable().await;
                return;
            }
        }
    }

    /// Tries the blocked batches again.
    pub(crate) fn retry(&mut self, sockets: &[Socket]) {
        for index in 0..self.blocked.len() {
            for batch in std::mem::take(&mut self.blocked[index]) {
                self.send(sockets, index, &batch.transmit, batch.segment, &batch.bytes);
            }
        }
    }

    /// Polls `next` (which appends one datagram) until it is dry, a socket blocks or `limit` datagrams have left.
    pub(crate) fn drain(
        &mut self,
        sockets: &[Socket],
        limit: usize,
        mut next: impl FnMut(&mut Vec<u8>) -> Option<Transmit>,
    ) -> Progress {
        if self.is_blocked() {
            return Progress::More;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut batch: Option<(Transmit, usize, usize)> = None;
        let mut progress = Progress::More;
        for _ in 0..limit {
            let start = buffer.len();
            let Some(transmit) = next(&mut buffer) else {
                progress = Progress::Dry;
                break;
            };
            let len = buffer.len() - start;
            match &mut batch {
                Some((first, segment, count)) if fits(first, *segment, &transmit, len) => {
                    *count += 1;
                    let full = start + len + *segment > BATCH_BYTES
                        || *count >= self.max_segments(sockets, first)
                        || len < *segment;
                    if full {
                        self.dispatch(sockets, first, *segment, &buffer);
                        buffer.clear();
                        batch = None;
                    }
                }
                Some((first, segment, _)) => {
                    self.dispatch(sockets, first, *segment, &buffer[..start]);
                    buffer.drain(..start);
                    batch = Some((transmit, len, 1));
                }
                None => batch = Some((transmit, len, 1)),
            }
            if self.is_blocked() {
                break;
            }
        }
        if let Some((transmit, segment, _)) = batch {
            self.dispatch(sockets, &transmit, segment, &buffer);
        }
        self.buffer = buffer;
        progress
    }

    fn max_segments(&self, sockets: &[Socket], transmit: &Transmit) -> usize {
        socket_for(sockets, transmit).map_or(1, |index| sockets[index].max_segments())
    }

    fn dispatch(&mut self, sockets: &[Socket], transmit: &Transmit, segment: usize, bytes: &[u8]) {
        match socket_for(sockets, transmit) {
            Some(index) => self.send(sockets, index, transmit, segment, bytes),
            None => self.refused += 1,
        }
    }

    fn send(
        &mut self,
        sockets: &[Socket],
        index: usize,
        transmit: &Transmit,
        segment: usize,
        bytes: &[u8],
    ) {
        let segments = (bytes.len() > segment).then_some(segment);
        if self.blocked[index].is_empty() {
            match sockets[index].try_send(transmit, bytes, segments) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    log::debug!("send: {error}");
                    self.refused += 1;
                    if self.failures.len() < MAX_FAILURES {
                        self.failures.push(Failure {
                            path: transmit.path,
                            bytes: segment.min(bytes.len()),
                            is_too_large: error.raw_os_error() == Some(TOO_LARGE),
                        });
                    }
                    return;
                }
            }
        }
        let bytes = bytes.to_vec();
        self.blocked[index].push_back(Batch {
            transmit: *transmit,
            segment,
            bytes,
        });
    }
}

fn socket_for(sockets: &[Socket], transmit: &Transmit) -> Option<usize> {
    sockets
        .iter()
        .position(|socket| socket.serves(transmit.path.local))
}

/// Whether a datagram may join a batch: same path, marks and size (the last may be shorter).
fn fits(first: &Transmit, segment: usize, next: &Transmit, len: usize) -> bool {
    first == next && !next.probe && len <= segment
}
