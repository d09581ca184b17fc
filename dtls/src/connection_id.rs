use std::fmt;

use crate::wire::{RecordHeader, UnifiedHeader};

/// A connection id (RFC 9146, RFC 9147 §9): by it a record finds its connection, wherever it comes from.
///
/// At most [`ConnectionId::MAX_LENGTH`] bytes. The empty one says that none is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    bytes: [u8; Self::MAX_LENGTH],
    length: u8,
}

impl ConnectionId {
    /// The longest one, in bytes, as in QUIC. The RFCs allow 255; a longer one of the other side is not used.
    pub const MAX_LENGTH: usize = 20;

    /// The empty one.
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; Self::MAX_LENGTH],
        length: 0,
    };

    /// From bytes; `None` if they are too many.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self::EMPTY;
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        id.length = u8::try_from(bytes.len()).ok()?;
        Some(id)
    }

    /// The one in front of a datagram, for those who have to find its connection; `length` is that of the ids of all
    /// connections that it may belong to ([`Config::connection_id`](crate::Config::connection_id)). `None` if there
    /// is none. Nobody vouches for it.
    pub fn of_datagram(datagram: &[u8], length: usize) -> Option<Self> {
        let at = match *datagram.first()? {
            RecordHeader::WITH_ID => RecordHeader::LENGTH - 2,
            first if UnifiedHeader::carries_id(first) => 1,
            _ => return None,
        };
        Self::new(datagram.get(at..at.checked_add(length)?)?)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.as_bytes().iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_in_front_of_records_that_have_one() {
        let found = |datagram: &[u8]| ConnectionId::of_datagram(datagram, 2);
        let twelve = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 7, 8, 0, 1, 1];
        let id = ConnectionId::new(&[7, 8]).unwrap();
        assert_eq!(found(&twelve), Some(id));
        assert_eq!(found(&twelve[..12]), None);
        assert_eq!(found(&[0b0011_1111, 7, 8, 0]), Some(id));
        assert_eq!(found(&[0b0010_1111, 7, 8, 0]), None);
        assert_eq!(found(&[22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 7, 8]), None);
        assert_eq!(found(&[]), None);
        assert_eq!(format!("{id:?}"), "0708");
    }

    #[test]
    fn has_a_longest_one() {
        assert!(ConnectionId::new(&[1; 20]).is_some());
        assert!(ConnectionId::new(&[1; 21]).is_none());
        assert!(ConnectionId::new(&[]).is_some_and(|id| id.is_empty()));
    }
}
