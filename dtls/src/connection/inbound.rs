use std::collections::VecDeque;

/// Where application data of a datagram goes.
pub(super) enum Sink<'a> {
    /// Into the queue.
    Queue,
    /// To the caller, in place.
    Deliver(&'a mut dyn FnMut(&[u8])),
}

/// Application data that waits to be pulled.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    records: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Inbound {
    const MAX_RECORDS: usize = 256;
    const MAX_BYTES: usize = 256 * 1024;
    /// Before the other side is verified a quarter of it.
    const UNVERIFIED: usize = 4;

    /// Keeps a copy if there is room.
    pub(super) fn push(&mut self, verified: bool, bytes: &[u8]) -> bool {
        let part = if verified { 1 } else { Self::UNVERIFIED };
        let fits = self.records.len() < Self::MAX_RECORDS / part
            && self.bytes + bytes.len() <= Self::MAX_BYTES / part;
        if fits {
            self.records.push_back(bytes.to_vec());
            self.bytes += bytes.len();
        }
        fits
    }

    pub(super) fn pop(&mut self, buf: &mut Vec<u8>) -> Option<usize> {
        let record = self.records.pop_front()?;
        self.bytes -= record.len();
        buf.extend_from_slice(&record);
        if self.records.is_empty() {
            self.records = VecDeque::new();
        }
        Some(record.len())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Datagrams that came before the connection was started.
#[derive(Debug, Default)]
pub(super) struct Early(Vec<Vec<u8>>);

impl Early {
    const MAX_DATAGRAMS: usize = 4;
    const MAX_BYTES: usize = 8 * 1024;

    /// Keeps a copy if there is room.
    pub(super) fn push(&mut self, datagram: &[u8]) -> bool {
        let held: usize = self.0.iter().map(Vec::len).sum();
        let fits = self.0.len() < Self::MAX_DATAGRAMS && held + datagram.len() <= Self::MAX_BYTES;
        if fits {
            self.0.push(datagram.to_vec());
        }
        fits
    }

    pub(super) fn into_datagrams(self) -> Vec<Vec<u8>> {
        self.0
    }
}
