use std::time::Instant;

use super::arena::{Keep, LARGEST};
use super::limit::Limit;
use super::{MESSAGE_OVERHEAD, Sender};
use crate::error::SendError;
use crate::message::{Ppid, Reliability, SendOptions, StreamId};

/// What the application gives.
impl Sender {
    /// Queues a message, borrowed or given.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        options: SendOptions,
        data: impl Keep,
    ) -> Result<(), SendError> {
        let length = data.as_ref().len();
        if length == 0 {
            return Err(SendError::Empty);
        }
        let cost = length.saturating_add(MESSAGE_OVERHEAD);
        let limit = self.capacity_bytes.min(LARGEST);
        if length > limit {
            return Err(SendError::TooLarge { limit });
        }
        self.streams.check(stream)?;
        self.make_room(stream, cost, options.reliability)?;
        self.held_bytes += cost;
        let limit = self.limit(now, options);
        let data = data.keep(&mut self.arena);
        self.streams
            .push(now, (stream, options.ordering), ppid, limit, data);
        Ok(())
    }

    /// Queues a message that is still to be written.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        options: SendOptions,
    ) -> Result<(), SendError> {
        self.streams.check(stream)?;
        self.make_room(stream, MESSAGE_OVERHEAD, options.reliability)?;
        self.held_bytes += MESSAGE_OVERHEAD;
        let limit = self.limit(now, options);
        self.streams
            .begin(now, (stream, options.ordering), ppid, limit);
        Ok(())
    }

    /// Adds to the message that is being written what there is room for.
    pub(crate) fn write(&mut self, stream: StreamId, data: &[u8]) -> Result<usize, SendError> {
        if !self.streams.is_writing(stream) {
            return Err(SendError::NotBegun);
        }
        if data.is_empty() {
            return Ok(0);
        }
        let room = self.room_bytes().saturating_sub(self.held_bytes);
        // An empty buffer takes a packet, whatever the overhead.
        let room = if self.streams.is_empty() && self.outstanding.is_empty() {
            room.max(self.max_payload + 1)
        } else {
            room
        };
        if room == 0 {
            self.refuse(stream, 1);
            return Err(SendError::Full);
        }
        let (taken, _) = data.split_at(room.min(data.len()));
        self.held_bytes += taken.len();
        self.streams.write(stream, taken);
        Ok(taken.len())
    }

    pub(crate) fn finish(&mut self, stream: StreamId) -> Result<(), SendError> {
        let finished = self.streams.finish(stream, &mut self.arena);
        if finished == Err(SendError::Empty) {
            self.held_bytes = self.held_bytes.saturating_sub(MESSAGE_OVERHEAD);
        }
        finished
    }

    /// Gives up the message that is being written.
    pub(crate) fn abandon_written(
        &mut self,
        now: Instant,
        stream: StreamId,
    ) -> Result<(), SendError> {
        if !self.streams.is_writing(stream) {
            return Err(SendError::NotBegun);
        }
        if self.streams.is_written_begun(stream) && !self.partial {
            return Err(SendError::Unfinished);
        }
        if let Some(given) = self.streams.take_written(stream) {
            self.take_given(now, given);
        }
        Ok(())
    }

    fn limit(&mut self, now: Instant, options: SendOptions) -> Limit {
        let limit = Limit::new(now, options.reliability);
        self.has_lifetimes |= matches!(limit, Limit::Until(_));
        limit
    }

    fn refuse(&mut self, stream: StreamId, cost: usize) {
        self.refused = Some(self.refused.map_or(cost, |refused| refused.min(cost)));
        self.streams.refuse(stream);
    }

    /// Makes sure that a message of this cost fits.
    fn make_room(
        &mut self,
        stream: StreamId,
        cost: usize,
        reliability: Reliability,
    ) -> Result<(), SendError> {
        // A message of any permitted size fits into an empty buffer, whatever the overhead.
        let room = self.room_bytes();
        let wanted = self.held_bytes.saturating_add(cost);
        if self.held_bytes == 0 || wanted <= room {
            return Ok(());
        }
        let (messages, bytes) = match reliability {
            Reliability::Priority(priority) => {
                self.streams
                    .make_room(priority, wanted - room, MESSAGE_OVERHEAD)
            }
            _ => (0, 0),
        };
        if messages > 0 {
            self.abandoned_messages += messages as u64;
            self.held_bytes = self
                .held_bytes
                .saturating_sub(bytes + messages * MESSAGE_OVERHEAD);
            self.reclaim();
            return Ok(());
        }
        self.refuse(stream, cost);
        Err(SendError::Full)
    }
}
