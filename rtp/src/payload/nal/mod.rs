//! What H.264, H.265 and H.266 share: Annex B streams, parameter sets, and how NAL units go into packets and come out of them.

mod annex_b;
mod format;
mod packetizer;
mod sets;
mod size;
mod syntax;

pub use annex_b::units;
pub(super) use annex_b::{START_CODE, push_unit, unescaped};
pub(super) use format::{NalUnits, describe};
pub use packetizer::Extras;
pub(super) use packetizer::{Layout, Packing, packetize};
pub(super) use sets::ParameterSets;
pub(super) use size::take_size;
pub(super) use syntax::{Aggregate, Parsed, Piece, Syntax, take_order};
