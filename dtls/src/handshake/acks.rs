use std::time::{Duration, Instant};

use crate::record::{Exhausted, RecordLayer};
use crate::wire::{Ack, ContentType, DTLS_1_2, RecordNumber};

/// The records of the other side's flight that arrived, and when we say so (RFC 9147 §7.1).
#[derive(Debug, Default)]
pub(crate) struct Acks {
    numbers: Vec<RecordNumber>,
    /// The latest one has not been told of.
    is_fresh: bool,
    due: Option<Instant>,
    pending: bool,
}

impl Acks {
    /// A record with a part of the flight arrived. The latest ones are kept.
    pub(crate) fn note(&mut self, number: RecordNumber) {
        self.is_fresh = true;
        if self.numbers.contains(&number) {
            return;
        }
        if self.numbers.len() >= Ack::MAX {
            self.numbers.remove(0);
        }
        self.numbers.push(number);
    }

    /// Says so when the rest has not come after some time.
    pub(crate) fn arm(&mut self, now: Instant, after: Duration) {
        if self.is_fresh && self.due.is_none() {
            self.due = now.checked_add(after);
        }
    }

    /// Says so at once.
    pub(crate) fn send(&mut self) {
        self.pending = !self.numbers.is_empty();
        self.is_fresh = false;
        self.due = None;
    }

    /// That time is another one from now on.
    pub(crate) fn rescale(&mut self, before: Duration, after: Duration) {
        let armed = self.due.and_then(|due| due.checked_sub(before));
        self.due = armed.and_then(|armed| armed.checked_add(after));
    }

    /// Nothing more has to be said about that flight.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.send();
        }
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Appends the record, in the clear when there are no keys to protect it: as many of the latest numbers as fit into
    /// `mtu` bytes.
    pub(crate) fn write(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        buf: &mut Vec<u8>,
    ) -> Result<Option<()>, Exhausted> {
        if !std::mem::take(&mut self.pending) {
            return Ok(None);
        }
        let epoch = records.write_epoch();
        let room = mtu.saturating_sub(records.overhead(epoch));
        let skipped = self.numbers.len().saturating_sub(Ack::fitting(room));
        let mut numbers = self.numbers[skipped..].to_vec();
        numbers.sort_unstable();
        let ack = Ack { numbers };
        records.write(epoch, ContentType::Ack, DTLS_1_2, buf, |buf| {
            ack.encode(buf);
        })?;
        Ok(Some(()))
    }
}
