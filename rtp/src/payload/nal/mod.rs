//! What H.264 and H.265 share: Annex B streams and parameter sets.

mod annex_b;
mod sets;

pub use annex_b::units;
pub(super) use annex_b::{START_CODE, push_unit, unescaped};
pub(super) use sets::ParameterSets;
