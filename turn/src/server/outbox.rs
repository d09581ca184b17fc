use std::collections::VecDeque;

use super::Transmit;

/// Messages that wait to be polled, in one buffer that is used again and again.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    entries: VecDeque<(Transmit, usize)>,
    /// Where the first message begins.
    first: usize,
}

/// What one batch of a socket can call forth.
const MAX_ENTRIES: usize = 256;
const MAX_BYTES: usize = 512 * 1024;

impl Outbox {
    /// Lets a message be appended; false when there is no room, or nothing was appended.
    pub(super) fn push(&mut self, transmit: Transmit, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.entries.len() >= MAX_ENTRIES || self.bytes.len() >= MAX_BYTES {
            return false;
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() <= start {
            return false;
        }
        self.entries.push_back((transmit, self.bytes.len()));
        true
    }

    pub(super) fn pop(&mut self, buf: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, end) = self.entries.pop_front()?;
        buf.extend_from_slice(self.bytes.get(self.first..end).unwrap_or_default());
        self.first = end;
        if self.entries.is_empty() {
            self.bytes.clear();
            self.first = 0;
        }
        Some(transmit)
    }
}
