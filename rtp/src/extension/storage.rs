/// Octets that usually need no allocation: a few short extensions stay inside the packet.
///
/// 46 octets hold MID, transport sequence number, send time, audio level, orientation and a small dependency
/// descriptor together (38 with their two-octet headers), and make the whole type 48 octets.
#[derive(Clone)]
pub(super) enum Storage {
    Inline { len: u8, octets: [u8; INLINE] },
    Heap(Vec<u8>),
}

const INLINE: usize = 46;

impl Storage {
    pub(super) const fn new() -> Self {
        Self::Inline {
            len: 0,
            octets: [0; INLINE],
        }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline { len, octets } => octets.get(..usize::from(*len)).unwrap_or_default(),
            Self::Heap(octets) => octets,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Self::Inline { len, octets } => octets.get_mut(..usize::from(*len)).unwrap_or_default(),
            Self::Heap(octets) => octets,
        }
    }

    /// Appends a head and what belongs to it.
    #[inline]
    pub(super) fn push(&mut self, head: &[u8], tail: &[u8]) {
        if let Self::Inline { len, octets } = self {
            let start = usize::from(*len);
            let end = start + head.len() + tail.len();
            if let Some((place, rest)) = octets
                .get_mut(start..end)
                .and_then(|place| place.split_at_mut_checked(head.len()))
            {
                place.copy_from_slice(head);
                rest.copy_from_slice(tail);
                *len = u8::try_from(end).unwrap_or(*len);
                return;
            }
            let mut heap = Vec::with_capacity(end.max(2 * INLINE));
            heap.extend_from_slice(octets.get(..start).unwrap_or_default());
            *self = Self::Heap(heap);
        }
        if let Self::Heap(octets) = self {
            octets.extend_from_slice(head);
            octets.extend_from_slice(tail);
        }
    }

    /// Takes out the octets from `start` to `end`; a range that is not inside changes nothing.
    pub(super) fn remove(&mut self, start: usize, end: usize) {
        let octets = self.as_mut_slice();
        if start > end || end > octets.len() {
            return;
        }
        let kept = octets.len() - (end - start);
        octets.copy_within(end.., start);
        match self {
            Self::Inline { len, .. } => *len = u8::try_from(kept).unwrap_or(0),
            Self::Heap(octets) => octets.truncate(kept),
        }
    }
}
