use crate::DemuxError;

/// The most octets that one element of a file may have: a frame, a page, a NAL unit. A longer one is refused as soon as
/// its length is known.
pub const MAX_ELEMENT_BYTES: usize = 16 << 20;

/// What was pushed and not consumed yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    data: Vec<u8>,
    start: usize,
    ended: bool,
}

impl Input {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // What is consumed goes when it is the larger part, so that each octet moves once on average.
        if self.start > self.data.len() / 2 {
            self.data.drain(..self.start);
            self.start = 0;
        }
        self.data.extend_from_slice(bytes);
    }

    pub(crate) const fn finish(&mut self) {
        self.ended = true;
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn rest(&self) -> &[u8] {
        self.data.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// Drops octets from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.data.len());
        if self.start == self.data.len() {
            self.data.clear();
            self.start = 0;
            // One large element must not hold its room for ever.
            self.data.shrink_to(1 << 20);
        }
    }

    /// The next `len` octets without consuming them; `None` until they are there.
    ///
    /// # Errors
    ///
    /// More than [`MAX_ELEMENT_BYTES`], or the file ends before.
    pub(crate) fn peek(&self, len: usize) -> Result<Option<&[u8]>, DemuxError> {
        if len > MAX_ELEMENT_BYTES {
            return Err(DemuxError::TooLarge);
        }
        match self.rest().get(..len) {
            Some(bytes) => Ok(Some(bytes)),
            None if self.ended => Err(DemuxError::Truncated),
            None => Ok(None),
        }
    }

    /// As [`Self::peek`], but at the clean end of the file there is nothing instead of an error.
    pub(crate) fn peek_next(&self, len: usize) -> Result<Option<&[u8]>, DemuxError> {
        if self.is_empty() {
            return Ok(None);
        }
        self.peek(len)
    }
}

/// The `N` octets at `at`; zeros where there are none. For headers whose length was checked.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_consumed_leaves_the_memory() {
        let mut input = Input::default();
        for round in 0..10_000_usize {
            input.push(&[round as u8; 1000]);
            assert_eq!(input.peek(900).unwrap().unwrap()[0], round as u8);
            input.consume(1000);
        }
        assert!(input.data.capacity() <= 1 << 20);
        for _ in 0..10_000 {
            input.push(&[7; 1000]);
            input.consume(999);
        }
        assert_eq!(input.rest().len(), 10_000);
    }

    #[test]
    fn a_length_beyond_the_cap_is_refused_before_the_octets_are_there() {
        let input = Input::default();
        assert_eq!(input.peek(MAX_ELEMENT_BYTES + 1), Err(DemuxError::TooLarge));
        assert_eq!(input.peek(MAX_ELEMENT_BYTES), Ok(None));
    }
}
