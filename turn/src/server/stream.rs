//! Clients on streams (TCP, TLS): frames in order, and no patience with those who only hold a connection.

use std::time::Instant;

use net::{Ecn, Path, StreamId, Transport};
use stun::FrameReader;

use super::{ConnectionId, Event, Relayed, Server};
use crate::measure_frame;

/// A stream of a client.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) path: Path,
    reader: FrameReader,
    /// Until when it may have no allocation.
    pub(super) idle_until: Instant,
    pub(super) armed: Option<Instant>,
    /// It carries the bytes of a peer, and nothing of ours any more (RFC 6062 §5.4).
    pub(super) joined: Option<ConnectionId>,
}

impl Stream {
    pub(super) const fn is_joined(&self) -> bool {
        self.joined.is_some()
    }
}

impl Server {
    /// A client opened a stream. When it is not wanted, [`Event::CloseStream`] follows.
    pub fn on_stream_opened(&mut self, now: Instant, path: Path) {
        let Transport::Stream(id) = path.transport else {
            return;
        };
        if self.streams.len() >= self.config.limits.streams || self.streams.contains_key(&id) {
            self.stats.drops.streams += 1;
            self.events.push_back(Event::CloseStream { path });
            return;
        }
        let stream = Stream {
            path,
            reader: FrameReader::new(measure_frame),
            idle_until: now,
            armed: None,
            joined: None,
        };
        self.streams.insert(id, stream);
        self.give_time(now, id);
    }

    /// A stream has ended, whoever ended it: its allocation ends with it, unless the client may take it elsewhere.
    pub fn on_stream_closed(&mut self, now: Instant, path: Path) {
        let Transport::Stream(id) = path.transport else {
            return;
        };
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        if let Some(armed) = stream.armed {
            self.timers.remove(&(armed, super::Timer::Stream(id)));
        }
        if let Some(connection) = stream.joined {
            self.on_connection_closed(now, connection);
        }
        let Some(key) = self.by_path.get(&stream.path).copied() else {
            return;
        };
        let has_ticket = |it: &super::Allocation| it.rare.ticket.is_some();
        if !self.allocations.get(key).is_some_and(has_ticket) {
            self.stats.released += 1;
            self.delete(now, key);
        }
    }

    pub(super) fn handle_stream(
        &mut self,
        now: Instant,
        id: StreamId,
        bytes: &mut [u8],
        forward: &mut impl FnMut(Relayed<'_>),
    ) {
        let Some(stream) = self.streams.get_mut(&id).filter(|it| !it.is_joined()) else {
            self.stats.drops.no_allocation += 1;
            return;
        };
        let path = stream.path;
        let mut reader = std::mem::replace(&mut stream.reader, FrameReader::new(measure_frame));
        let read = reader.read(bytes, |frame| {
            self.handle_frame(now, (path, Ecn::NotEct), frame, forward);
        });
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.reader = reader;
        }
        if read.is_err() {
            // There is no telling where the next frame begins.
            self.stats.drops.streams += 1;
            self.events.push_back(Event::CloseStream { path });
            self.on_stream_closed(now, path);
        }
    }
}
