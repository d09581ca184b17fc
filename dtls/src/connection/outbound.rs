//! Records of the application, built in its own buffer, and the keys that they wear out.

use std::time::Instant;

use super::end::Alert;
use super::{Connection, Phase};
use crate::record::Protection;
use crate::wire::{ContentType, RecordHeader};
use crate::{AlertDescription, Cause, ConnectionId, Initiator, SealError};

/// Where a record begins that [`Connection::begin`] reserved and [`Connection::seal`] completes.
#[derive(Debug)]
pub struct Mark {
    pub(super) start: usize,
}
impl Connection {
    /// Reserves the head of a record at the end of `buf`: append the payload, then [`seal`](Self::seal) it.
    /// `None` unless connected.
    pub fn begin(&mut self, buf: &mut Vec<u8>) -> Option<Mark> {
        self.verified()?;
        let start = buf.len();
        self.records.reserve(buf)?;
        Some(Mark { start })
    }

    /// Completes the record that begins at `mark`: all that stands behind its head becomes its payload.
    /// What stands before it is not touched. On an error the record is gone from the buffer.
    pub fn seal(&mut self, now: Instant, buf: &mut Vec<u8>, mark: Mark) -> Result<(), SealError> {
        let start = mark.start;
        self.check_seal(buf.len(), start)
            .and_then(|()| {
                self.records
                    .seal(ContentType::ApplicationData, buf, start)
                    .map_err(|_| SealError::NotConnected)
            })
            .inspect(|()| self.stats.records_sealed += 1)
            .inspect_err(|_| buf.truncate(start))?;
        if let Phase::Established(established) = &mut self.phase
            && let Some(post) = &mut established.post
        {
            post.on_sealed(now, &self.records, &mut self.stats);
        }
        self.check_exhausted();
        Ok(())
    }

    /// Takes the record that begins at `mark` out of the buffer again.
    pub fn abandon(&mut self, buf: &mut Vec<u8>, mark: Mark) {
        buf.truncate(mark.start);
    }

    /// The most bytes that a record adds to its payload.
    pub fn max_overhead(&self) -> usize {
        if self.records.has_keys() {
            self.records.overhead(self.records.write_epoch())
        } else {
            // Of the other side's id the length is not known yet.
            let id = self
                .config
                .connection_id
                .map_or(0, |_| 1 + ConnectionId::MAX_LENGTH);
            Protection::MAX_OVERHEAD + id
        }
    }

    /// Wants new keys in both directions (KeyUpdate, RFC 8446 §4.6.3). They come by themselves after 2^23 records;
    /// whoever wants them earlier asks here. Without effect unless DTLS 1.3 was agreed on, and while an update is under
    /// way.
    pub fn update_keys(&mut self, now: Instant) {
        self.update(now, true);
    }

    /// The same for what we send alone.
    pub fn update_own_keys(&mut self, now: Instant) {
        self.update(now, false);
    }

    fn update(&mut self, now: Instant, requested: bool) {
        if let Phase::Established(established) = &mut self.phase
            && established.verified
            && let Some(post) = &mut established.post
        {
            post.update(now, requested, &self.records, &mut self.stats);
        }
        self.check_exhausted();
    }

    fn check_seal(&mut self, length: usize, start: usize) -> Result<(), SealError> {
        self.verified().ok_or(SealError::NotConnected)?;
        if self.records.is_exhausted() {
            self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            self.end(Initiator::Local, Cause::Exhausted);
            return Err(SealError::NotConnected);
        }
        let head = self.records.reserved().ok_or(SealError::NotConnected)?;
        let payload = start
            .checked_add(head)
            .and_then(|body| length.checked_sub(body))
            .ok_or(SealError::Mark)?;
        if payload > RecordHeader::MAX_PLAINTEXT {
            return Err(SealError::TooLarge);
        }
        Ok(())
    }

    /// Ends the connection when its keys ought to be updated and no number is left for that.
    pub(super) fn check_exhausted(&mut self) {
        if let Phase::Established(established) = &self.phase
            && established
                .post
                .as_ref()
                .is_some_and(|post| post.is_exhausted())
        {
            self.say(Alert::WARNING, AlertDescription::CLOSE_NOTIFY);
            self.end(Initiator::Local, Cause::Exhausted);
        }
    }
}
