//! The dependency descriptor (RTP Payload Format For AV1 1.0, Appendix A): which frames a frame needs, and for whom.
//!
//! It works for every video codec. A [`DependencyStructure`] holds the templates of a stream and travels with its key
//! frames; every packet then names a template and says where it differs. A [`DependencyReader`] keeps the structures of
//! one stream; [`DependencyDescriptor::encode`] writes a descriptor, and finds the template that fits best.

mod descriptor;
mod frame;
mod reader;
mod structure;
#[cfg(test)]
mod tests;
mod writer;

pub use descriptor::DependencyDescriptor;
pub use frame::{DecodeTargetIndication, FrameDependencies};
pub use reader::{DependencyError, DependencyReader};
pub use structure::{Chains, DependencyStructure};
pub use writer::DependencyWriteError;

/// The most decode targets of a structure.
pub const MAX_DECODE_TARGETS: usize = 32;
/// The most templates of a structure: their ids have six bits.
pub const MAX_TEMPLATES: usize = 64;
/// The most frames that a frame may refer to; a descriptor with more is malformed for us. The codecs of today have up to
/// 16.
pub const MAX_REFERENCES: usize = 16;
/// The highest spatial layer.
pub const MAX_SPATIAL_LAYER: u8 = 3;
/// The highest temporal layer.
pub const MAX_TEMPORAL_LAYER: u8 = 7;
