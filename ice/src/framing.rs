//! Datagrams over a stream (RFC 4571 §2), as TCP candidates have them (RFC 6544 §3): a 16-bit length before each.
//!
//! ```
//! use avocet_ice::framing::{Reader, frame};
//!
//! let mut stream = Vec::new();
//! frame(&mut stream, b"one");
//! frame(&mut stream, b"two");
//! let mut reader = Reader::default();
//! let mut datagrams = Vec::new();
//! reader.read(&mut stream, |datagram| datagrams.push(datagram.to_vec()));
//! assert_eq!(datagrams, [b"one", b"two"]);
//! ```

/// The longest datagram.
pub const MAX_DATAGRAM: usize = 65_535;

const HEADER: usize = 2;

/// Appends one datagram with its length before it; `false`, and nothing, when it is longer than 65,535 bytes.
pub fn frame(buf: &mut Vec<u8>, datagram: &[u8]) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else {
        return false;
    };
    buf.extend_from_slice(&length.to_be_bytes());
    buf.extend_from_slice(datagram);
    true
}

/// Cuts what a stream delivers into datagrams.
///
/// A datagram that lies whole in what was just received is handed on where it stands; only one that is cut by the end
/// of a read is copied, so at most one (65,537 bytes with its length) is ever kept. Empty ones are skipped.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a frame, its length included.
    partial: Vec<u8>,
}

impl Reader {
    /// Takes the next bytes of the stream and delivers every datagram that is complete with them.
    pub fn read(&mut self, mut bytes: &mut [u8], mut deliver: impl FnMut(&mut [u8])) {
        while !bytes.is_empty() {
            if self.partial.is_empty()
                && let Some(length) = length_of(bytes)
                && HEADER + length <= bytes.len()
            {
                let (frame, rest) = bytes.split_at_mut(HEADER + length);
                if let Some(datagram) = frame.get_mut(HEADER..).filter(|it| !it.is_empty()) {
                    deliver(datagram);
                }
                bytes = rest;
                continue;
            }
            bytes = self.complete(bytes, &mut deliver);
        }
    }

    /// How many bytes wait for the rest of their datagram.
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// Moves bytes into the partial frame, up to the end of its length or its own end, and returns what is left.
    fn complete<'b>(
        &mut self,
        bytes: &'b mut [u8],
        deliver: &mut impl FnMut(&mut [u8]),
    ) -> &'b mut [u8] {
        let goal = length_of(&self.partial).map_or(HEADER, |length| HEADER + length);
        let missing = goal.saturating_sub(self.partial.len()).min(bytes.len());
        let (now, rest) = bytes.split_at_mut(missing);
        self.partial.extend_from_slice(now);
        if let Some(length) = length_of(&self.partial)
            && self.partial.len() == HEADER + length
        {
            let mut frame = std::mem::take(&mut self.partial);
            if let Some(datagram) = frame.get_mut(HEADER..).filter(|it| !it.is_empty()) {
                deliver(datagram);
            }
        }
        rest
    }
}

fn length_of(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>()?;
    Some(usize::from(u16::from_be_bytes(*header)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// I-11 of the catalogue: length 0, length 65,535, and bytes that trickle in.
    #[test]
    fn frames_of_length_0_and_65535_pass_and_nothing_more_than_one_frame_is_kept() {
        let mut stream = vec![0, 0, 0, 0];
        frame(&mut stream, &[7; MAX_DATAGRAM]);
        frame(&mut stream, b"end");
        let mut reader = Reader::default();
        let mut lengths = Vec::new();
        for byte in &mut stream {
            reader.read(std::slice::from_mut(byte), |datagram| {
                lengths.push(datagram.len());
            });
            assert!(reader.buffered() <= HEADER + MAX_DATAGRAM);
        }
        assert_eq!(lengths, [MAX_DATAGRAM, 3]);
        assert_eq!(reader.buffered(), 0);
    }

    #[test]
    fn a_datagram_that_is_too_long_is_not_written() {
        let mut buf = vec![1];
        assert!(!frame(&mut buf, &[0; MAX_DATAGRAM + 1]));
        assert_eq!(buf, [1]);
    }

    proptest! {
        /// I-29: however a stream is cut, the same datagrams come out.
        #[test]
        fn however_a_stream_is_cut_the_same_datagrams_come_out(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8),
            cuts in prop::collection::vec(1..200_usize, 1..40),
        ) {
            let mut stream = Vec::new();
            datagrams.iter().for_each(|datagram| assert!(frame(&mut stream, datagram)));
            let mut reader = Reader::default();
            let mut seen = Vec::new();
            let mut rest = stream.as_mut_slice();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let at = (*cuts.next().unwrap()).min(rest.len());
                let (piece, later) = rest.split_at_mut(at);
                reader.read(piece, |datagram| seen.push(datagram.to_vec()));
                rest = later;
            }
            prop_assert_eq!(seen, datagrams);
            prop_assert_eq!(reader.buffered(), 0);
        }
    }
}
