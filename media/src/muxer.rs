use std::io::{Seek, SeekFrom, Write};

use crate::{MuxError, WriteError};

/// Lays items out as one kind of file: items in, octets appended to a buffer.
///
/// No I/O, no clock, no randomness: equal items give equal octets.
pub trait Muxer {
    /// What goes into the file.
    type Item;

    /// Appends the item to `out`, behind the header of the file if it is the first.
    ///
    /// # Errors
    ///
    /// The item cannot go into this file; `out` and the muxer are as they were.
    fn write(&mut self, item: &Self::Item, out: &mut Vec<u8>) -> Result<(), MuxError>;

    /// Appends what ends the file (and the header, if nothing was written). Nothing may be written afterwards.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// The header as it would be written with all that is known now: of the length that it had, to be written over the
    /// beginning of the file at the end. Empty for containers whose header never changes.
    fn header(&self) -> Vec<u8> {
        Vec::new()
    }
}

impl<M: Muxer + ?Sized> Muxer for Box<M> {
    type Item = M::Item;

    fn write(&mut self, item: &Self::Item, out: &mut Vec<u8>) -> Result<(), MuxError> {
        (**self).write(item, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        (**self).finish(out);
    }

    fn header(&self) -> Vec<u8> {
        (**self).header()
    }
}

/// Writes items into a [`Write`], each at once: what a program has written before it dies can be read.
#[derive(Debug)]
pub struct Writer<W, M> {
    sink: W,
    muxer: M,
    buffer: Vec<u8>,
}

impl<W: Write, M: Muxer> Writer<W, M> {
    /// Writes into `sink` what `muxer` lays out.
    pub const fn new(sink: W, muxer: M) -> Self {
        Self {
            sink,
            muxer,
            buffer: Vec::new(),
        }
    }

    /// Writes one item.
    ///
    /// # Errors
    ///
    /// It cannot go into this file, or the sink failed.
    pub fn write(&mut self, item: &M::Item) -> Result<(), WriteError> {
        self.muxer.write(item, &mut self.buffer)?;
        self.drain()
    }

    /// Ends the file and gives the sink back. The header stays as it was written first.
    ///
    /// # Errors
    ///
    /// The sink failed.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.end()?;
        Ok(self.sink)
    }

    fn end(&mut self) -> Result<(), WriteError> {
        self.muxer.finish(&mut self.buffer);
        self.drain()?;
        Ok(self.sink.flush()?)
    }

    fn drain(&mut self) -> Result<(), WriteError> {
        let written = self.sink.write_all(&self.buffer);
        self.buffer.clear();
        self.buffer.shrink_to(64 << 10);
        Ok(written?)
    }
}

impl<W: Write + Seek, M: Muxer> Writer<W, M> {
    /// Ends the file, writes its header again with the counts and sizes that are known now, and gives the sink back. The
    /// file must begin where the sink begins.
    ///
    /// # Errors
    ///
    /// The sink failed.
    pub fn finish_with_header(mut self) -> Result<W, WriteError> {
        self.end()?;
        let header = self.muxer.header();
        if !header.is_empty() {
            self.sink.seek(SeekFrom::Start(0))?;
            self.sink.write_all(&header)?;
            self.sink.seek(SeekFrom::End(0))?;
            self.sink.flush()?;
        }
        Ok(self.sink)
    }
}
