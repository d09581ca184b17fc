#![doc = include_str!("../README.md")]
#![warn(clippy::indexing_slicing)]

pub mod annex_b;
mod demuxer;
mod error;
mod input;
pub mod ivf;
mod muxer;
pub mod obu;
pub mod ogg;
pub mod rtpdump;
#[cfg(test)]
mod testing;
mod timed_frame;
pub mod wav;

pub use demuxer::{Demuxer, Reader};
pub use error::{DemuxError, MuxError, ReadError, WriteError};
pub use input::MAX_ELEMENT_BYTES;
pub use muxer::{Muxer, Writer};
pub use timed_frame::{TimedFrame, clock_rate};
