//! STUN over a stream (RFC 8489 §6.2.2): messages one after the other, each with its own length.

use thiserror::Error;

use crate::HEADER_LENGTH;

/// The longest frame: a header of four bytes and as much as 16 bits can count, or a whole STUN message.
pub const MAX_FRAME_LENGTH: usize = 65_535 + HEADER_LENGTH;

/// How long the frame is that begins with these four bytes, header and padding included; `None` when no frame
/// begins so.
pub type MeasureFrame = fn([u8; 4]) -> Option<usize>;

/// The length of the STUN message that begins with these bytes, counted in `usize`: 20 and the 16-bit length
/// cannot wrap around.
pub fn measure_message([t0, _, l0, l1]: [u8; 4]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    (t0 & 0xc0 == 0 && length.is_multiple_of(4)).then(|| length.saturating_add(HEADER_LENGTH))
}

/// Cuts what a stream delivers into frames.
///
/// A frame that lies whole in what was just received is handed on where it stands; only one that is cut by the end
/// of a read is copied, so that at most one frame ([`MAX_FRAME_LENGTH`] bytes) is ever kept.
#[derive(Debug)]
pub struct FrameReader {
    measure: MeasureFrame,
    /// The beginning of a frame.
    partial: Vec<u8>,
    broken: bool,
}

impl FrameReader {
    /// A reader for a stream of frames that `measure` knows, such as [`measure_message`].
    pub const fn new(measure: MeasureFrame) -> Self {
        Self {
            measure,
            partial: Vec::new(),
            broken: false,
        }
    }

    /// Takes the next bytes of the stream and delivers every frame that is complete with them.
    ///
    /// A frame that cannot be one ends it all: there is no way to find the beginning of the next one, so the stream
    /// must be closed.
    pub fn read(
        &mut self,
        mut bytes: &mut [u8],
        mut deliver: impl FnMut(&mut [u8]),
    ) -> Result<(), FrameError> {
        while !self.broken && !bytes.is_empty() {
            if self.partial.is_empty()
                && let Some(header) = bytes.first_chunk::<4>()
            {
                let length = self.measured(*header)?;
                if length <= bytes.len() {
                    let (frame, rest) = bytes.split_at_mut(length);
                    deliver(frame);
                    bytes = rest;
                    continue;
                }
            }
            bytes = self.complete(bytes, &mut deliver)?;
        }
        if self.broken { Err(FrameError) } else { Ok(()) }
    }

    /// How many bytes wait for the rest of their frame.
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// Moves bytes into the partial frame, up to its header or its end, and returns what is left.
    fn complete<'b>(
        &mut self,
        bytes: &'b mut [u8],
        deliver: &mut impl FnMut(&mut [u8]),
    ) -> Result<&'b mut [u8], FrameError> {
        let goal = match self.partial.first_chunk::<4>() {
            Some(header) => self.measured(*header)?,
            None => 4,
        };
        let missing = goal.saturating_sub(self.partial.len()).min(bytes.len());
        let (now, rest) = bytes.split_at_mut(missing);
        self.partial.extend_from_slice(now);
        // A header alone may be the whole frame: ChannelData of length zero.
        if let Some(header) = self.partial.first_chunk::<4>()
            && self.measured(*header)? <= self.partial.len()
        {
            deliver(&mut self.partial);
            self.partial = Vec::new();
        }
        Ok(rest)
    }

    fn measured(&mut self, header: [u8; 4]) -> Result<usize, FrameError> {
        let length =
            (self.measure)(header).filter(|length| (4..=MAX_FRAME_LENGTH).contains(length));
        self.broken |= length.is_none();
        length.ok_or(FrameError)
    }
}

/// No frame begins where one must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no frame begins where one must")]
pub struct FrameError;
