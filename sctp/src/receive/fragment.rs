use bytes::Bytes;

use crate::chunk::{DataChunk, IDataChunk, Place};
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::Mid;

/// What the pieces of one message have in common.
///
/// Below this line nothing knows how the piece was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId {
    pub(crate) stream: StreamId,
    pub(crate) ordering: Ordering,
    /// The message's number as it stood on the wire: an SSN of 16 bits where DATA is used. Says nothing for unordered DATA.
    pub(crate) number: Mid,
}

/// A piece of a message, its bytes borrowed from the packet or kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<P> {
    pub(crate) id: MessageId,
    pub(crate) ppid: Ppid,
    /// The piece's number in its message; 0 where DATA is used.
    pub(crate) fsn: u32,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) payload: P,
}

impl<'a> Fragment<&'a [u8]> {
    pub(crate) fn of_data(chunk: &DataChunk<'a>) -> Self {
        Self {
            id: MessageId {
                stream: chunk.stream,
                ordering: chunk.ordering,
                number: Mid::new(u32::from(chunk.ssn.get())),
            },
            ppid: chunk.ppid,
            fsn: 0,
            beginning: chunk.beginning,
            ending: chunk.ending,
            payload: chunk.payload,
        }
    }

    pub(crate) fn of_i_data(chunk: &IDataChunk<'a>) -> Self {
        let (beginning, ppid) = match chunk.place {
            Place::Beginning(ppid) => (true, ppid),
            Place::Later(_) => (false, Ppid::default()),
        };
        Self {
            id: MessageId {
                stream: chunk.stream,
                ordering: chunk.ordering,
                number: chunk.mid,
            },
            ppid,
            fsn: chunk.place.fsn(),
            beginning,
            ending: chunk.ending,
            payload: chunk.payload,
        }
    }

    pub(crate) fn keep(&self) -> Fragment<Bytes> {
        Fragment {
            id: self.id,
            ppid: self.ppid,
            fsn: self.fsn,
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
            fsn: self.fsn,
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
