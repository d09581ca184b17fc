//! VP9 (RFC 9628). A frame is a picture: the frames of all its spatial layers one after another, or a superframe, as the
//! decoder takes them.

mod descriptor;
mod format;
mod header;
mod packetizer;
mod structure;
#[cfg(test)]
mod tests;

pub use descriptor::{Descriptor, LayerIndices, PictureId};
pub use format::Vp9;
pub(super) use format::describe;
pub use packetizer::{LayerFrame, Picture, Vp9Packetizer};
pub use structure::{PictureOfGroup, ScalabilityStructure};
