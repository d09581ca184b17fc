use std::io::{self, Read};

use crate::{DemuxError, ReadError};

/// How much is read from a source at once.
const READ_BYTES: usize = 64 << 10;

/// A streaming parser of one kind of file: octets in, in pieces of any size; items out.
///
/// No I/O, no clock. What was pushed and not polled is held, so poll until `None` after every push; then at most one
/// element ([`MAX_ELEMENT_BYTES`](crate::MAX_ELEMENT_BYTES)) and the piece pushed last are held.
pub trait Demuxer {
    /// What the file holds.
    type Item;

    /// Takes the next octets of the file.
    fn push(&mut self, bytes: &[u8]);

    /// The file has ended: what was held back comes out of [`Self::poll`].
    fn finish(&mut self);

    /// The next item; `None` when more octets are needed, or after the last one.
    ///
    /// # Errors
    ///
    /// The file is damaged here. Every later call says so again.
    fn poll(&mut self) -> Result<Option<Self::Item>, DemuxError>;
}

impl<D: Demuxer + ?Sized> Demuxer for Box<D> {
    type Item = D::Item;

    fn push(&mut self, bytes: &[u8]) {
        (**self).push(bytes);
    }

    fn finish(&mut self) {
        (**self).finish();
    }

    fn poll(&mut self) -> Result<Option<Self::Item>, DemuxError> {
        (**self).poll()
    }
}

/// The items of a file, as an iterator over a [`Read`].
#[derive(Debug)]
pub struct Reader<R, D> {
    source: R,
    demuxer: D,
    buffer: Box<[u8]>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Finishing,
    Over,
}

impl<R: Read, D: Demuxer> Reader<R, D> {
    /// Reads from `source` what `demuxer` understands. The source needs no buffer of its own.
    pub fn new(source: R, demuxer: D) -> Self {
        Self {
            source,
            demuxer,
            buffer: vec![0; READ_BYTES].into(),
            state: State::Reading,
        }
    }

    /// The parser, for what it has learned of the file.
    pub const fn demuxer(&self) -> &D {
        &self.demuxer
    }

    fn step(&mut self) -> Result<Option<D::Item>, ReadError> {
        loop {
            if let Some(item) = self.demuxer.poll()? {
                return Ok(Some(item));
            }
            if self.state != State::Reading {
                return Ok(None);
            }
            match self.source.read(&mut self.buffer) {
                Ok(0) => {
                    self.demuxer.finish();
                    self.state = State::Finishing;
                }
                Ok(len) => self
                    .demuxer
                    .push(self.buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<R: Read, D: Demuxer> Iterator for Reader<R, D> {
    type Item = Result<D::Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Over {
            return None;
        }
        let next = self.step().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.state = State::Over;
        }
        next
    }
}
