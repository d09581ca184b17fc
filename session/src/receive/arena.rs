use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// The first chunk is this long and each later one twice as long as the one before, up to the largest: a kept payload
/// pins its chunk.
const MIN_CHUNK: usize = 1024;
const MAX_CHUNK: usize = 16 * 1024;

/// How many full chunks wait to be used again: at 16 KiB the payloads of about a second at 8 Mbit/s.
const MAX_RETIRED: usize = 64;

/// Where received payloads are copied to, so that receive buffers are never retained.
///
/// Payloads are cut from chunks in the order of arrival and live and die in about that order, so the oldest full
/// chunk is usually free again when a new one is needed: in the steady state nothing is allocated. One arena serves all
/// streams of a session, so that many streams do not mean many chunks.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    current: Option<BytesMut>,
    retired: VecDeque<BytesMut>,
    chunk_bytes: usize,
}

impl Arena {
    /// Copies a payload.
    pub(crate) fn copy(&mut self, payload: &[u8]) -> Bytes {
        if payload.is_empty() || payload.len() > MAX_CHUNK {
            return Bytes::copy_from_slice(payload);
        }
        let mut chunk = match self.current.take() {
            Some(chunk) if chunk.capacity() >= payload.len() => chunk,
            full => self.next_chunk(full, payload.len()),
        };
        chunk.extend_from_slice(payload);
        let copied = chunk.split().freeze();
        self.current = Some(chunk);
        copied
    }

    /// Gives the memory back that no payload uses. What is still referred to lives on.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    fn next_chunk(&mut self, full: Option<BytesMut>, at_least: usize) -> BytesMut {
        self.retired.extend(full);
        if let Some(mut oldest) = self.retired.pop_front() {
            // Succeeds only if every payload cut from the chunk is gone and it is long enough.
            if oldest.try_reclaim(at_least) {
                return oldest;
            }
            if self.retired.len() < MAX_RETIRED {
                self.retired.push_front(oldest);
            }
        }
        self.chunk_bytes = (self.chunk_bytes * 2).clamp(MIN_CHUNK, MAX_CHUNK);
        BytesMut::with_capacity(self.chunk_bytes.max(at_least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_out_as_they_went_in() {
        let mut arena = Arena::default();
        let kept: Vec<Bytes> = (0..200_u8)
            .map(|n| arena.copy(&vec![n; usize::from(n) * 8]))
            .collect();
        for (n, bytes) in kept.iter().enumerate() {
            assert!(bytes.iter().all(|&b| usize::from(b) == n));
            assert_eq!(bytes.len(), n * 8);
        }
    }

    #[test]
    fn a_kept_payload_pins_a_bounded_chunk() {
        let mut arena = Arena::default();
        for len in [1, 100, 1_200, 60_000].repeat(20) {
            let _kept = arena.copy(&vec![0; len]);
            let pinned = arena.current.as_ref().map_or(0, BytesMut::capacity);
            assert!(pinned <= MAX_CHUNK, "{len}");
        }
    }

    #[test]
    fn chunks_are_used_again_once_their_payloads_are_gone() {
        let mut arena = Arena::default();
        let mut history = VecDeque::new();
        let mut chunks = std::collections::BTreeSet::new();
        for _ in 0..4_000 {
            let payload = arena.copy(&[7; 1_000]);
            chunks.insert(payload.as_ptr() as usize / MAX_CHUNK);
            history.push_back(payload);
            if history.len() > 100 {
                history.pop_front();
            }
        }
        // 100 payloads live in 7 chunks; without reuse there would be 250.
        assert!(chunks.len() < 40, "{}", chunks.len());
        assert!(arena.retired.len() <= 16, "{}", arena.retired.len());
    }

    #[test]
    fn payloads_kept_for_ever_do_not_make_the_arena_grow() {
        let mut arena = Arena::default();
        let kept: Vec<Bytes> = (0..10_000).map(|_| arena.copy(&[1; 1_000])).collect();
        assert!(arena.retired.len() <= MAX_RETIRED + 1);
        drop(kept);
    }
}
