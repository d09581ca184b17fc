use std::time::Instant;

use net::StreamId;

use super::allocation::later;
use super::slab::Key;
use super::{ConnectionId, Event, Server};

/// What a deadline is for. An allocation has one for all that it holds: the first thing that expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Something of the allocation expires.
    Allocation(Key),
    /// A reserved port was not asked for.
    Reservation([u8; 8]),
    /// A stream has no allocation, and no time to get one.
    Stream(StreamId),
    /// A connection was not made, or nobody wanted it.
    Connection(ConnectionId),
}

impl Server {
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            match timer {
                Timer::Allocation(key) => self.look_at(now, key),
                Timer::Reservation(token) => self.end_reservation(now, token),
                Timer::Stream(id) => self.on_stream_idle(now, id),
                Timer::Connection(id) => self.on_connection_timeout(now, id),
            }
        }
    }

    /// Forgets what has expired of an allocation, or all of it, and sees when to come again.
    fn look_at(&mut self, now: Instant, key: Key) {
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        allocation.armed = None;
        if allocation.expires_at <= now {
            self.stats.expired += 1;
            self.delete(now, key);
            return;
        }
        allocation.forget_expired(now);
        self.arm(key);
    }

    /// Sees to it that an allocation is looked at when the first thing of it expires. A deadline that is too early does no
    /// harm, so one that moved back is left where it was.
    pub(super) fn arm(&mut self, key: Key) {
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        let next = allocation.next_expiry();
        match allocation.armed {
            Some(armed) if armed <= next => return,
            Some(armed) => {
                self.timers.remove(&(armed, Timer::Allocation(key)));
            }
            None => {}
        }
        allocation.armed = Some(next);
        self.timers.insert((next, Timer::Allocation(key)));
    }

    fn on_stream_idle(&mut self, now: Instant, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.armed = None;
        if stream.is_joined() || self.by_path.contains_key(&stream.path) {
            return;
        }
        if stream.idle_until > now {
            stream.armed = Some(stream.idle_until);
            self.timers.insert((stream.idle_until, Timer::Stream(id)));
            return;
        }
        let path = stream.path;
        self.streams.remove(&id);
        self.stats.drops.streams += 1;
        self.events.push_back(Event::CloseStream { path });
    }

    /// Gives a stream some time to get an allocation.
    pub(super) fn give_time(&mut self, now: Instant, id: StreamId) {
        let until = later(now, self.config.limits.stream_idle);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.idle_until = until;
            if stream.armed.is_none() {
                stream.armed = Some(until);
                self.timers.insert((until, Timer::Stream(id)));
            }
        }
    }
}
