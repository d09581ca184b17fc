use bytes::Bytes;

use crate::chunk::DataChunk;
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::Ssn;

/// What the pieces of one message have in common.
///
/// Below this line nothing knows how the piece was written: I-DATA (RFC 8260) becomes the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId {
    pub(crate) stream: StreamId,
    pub(crate) ordering: Ordering,
    /// The message's place in its stream; says nothing for unordered ones.
    pub(crate) ssn: Ssn,
}

/// A piece of a message, its bytes borrowed from the packet or kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<P> {
    pub(crate) id: MessageId,
    pub(crate) ppid: Ppid,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) payload: P,
}

impl<'a> Fragment<&'a [u8]> {
    pub(crate) fn of(chunk: &DataChunk<'a>) -> Self {
        Self {
            id: MessageId {
                stream: chunk.stream,
                ordering: chunk.ordering,
                ssn: chunk.ssn,
            },
            ppid: chunk.ppid,
            beginning: chunk.beginning,
            ending: chunk.ending,
            payload: chunk.payload,
        }
    }

    pub(crate) fn keep(self) -> Fragment<Bytes> {
        Fragment {
            id: self.id,
            ppid: self.ppid,
            beginning: self.beginning,
            ending: self.ending,
            payload: Bytes::copy_from_slice(self.payload),
        }
    }
}

impl Fragment<Bytes> {
    pub(crate) fn borrow(&self) -> Fragment<&[u8]> {
        Fragment {
            id: self.id,
            ppid: self.ppid,
            beginning: self.beginning,
            ending: self.ending,
            payload: &self.payload,
        }
    }
}

/// A message put together.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) id: MessageId,
    pub(crate) ppid: Ppid,
    pub(crate) data: Bytes,
}
