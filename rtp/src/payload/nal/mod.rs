//! What H.264 and H.265 share: Annex B streams and parameter sets.

mod annex_b;
mod sets;

pub(super) use annex_b::{START_CODE, push_unit, unescaped, units};
pub(super) use sets::ParameterSets;
