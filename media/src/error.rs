use std::io;

use thiserror::Error;

/// Why octets are not what their container says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DemuxError {
    /// The file does not begin as files of this kind do.
    #[error("the file is of another kind")]
    Signature,
    /// The file ends inside an element.
    #[error("the file ends inside an element")]
    Truncated,
    /// An element is longer than [`MAX_ELEMENT_BYTES`](crate::MAX_ELEMENT_BYTES).
    #[error("an element of the file is too long")]
    TooLarge,
    /// A checksum is wrong.
    #[error("a checksum is wrong")]
    Checksum,
    /// A field has a value that the container forbids.
    #[error("a field has a forbidden value")]
    Value,
    /// What the container holds is of a codec that is not read here.
    #[error("the codec is not known")]
    Codec,
}

/// Why a frame cannot go into a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MuxError {
    /// The frame is not of the codec of the file, or the container does not hold that codec.
    #[error("the frame is of another codec than the file")]
    Codec,
    /// The frame begins before the one before it.
    #[error("the frame begins before the one before it")]
    Order,
    /// The frame is longer than the container can say.
    #[error("the frame is too long for the container")]
    TooLarge,
    /// The octets of the frame are not what its codec says.
    #[error("the frame is not of its codec's form")]
    Malformed,
}

/// Why reading a file ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The source failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is damaged, or of another kind.
    #[error(transparent)]
    Demux(#[from] DemuxError),
}

/// Why something was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The frame cannot go into this file; nothing was written of it.
    #[error(transparent)]
    Mux(#[from] MuxError),
}
