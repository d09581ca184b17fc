//! VP8 (RFC 7741). A frame is one VP8 frame as the decoder takes it (RFC 6386 §9.1).

mod descriptor;
mod format;
mod packetizer;
#[cfg(test)]
mod tests;

pub use descriptor::{Descriptor, PictureId, TemporalLayer};
pub use format::Vp8;
pub(super) use format::describe;
pub use packetizer::Vp8Packetizer;
