//! Which stream a packet belongs to.

mod bundle;
mod rtcp;
#[cfg(test)]
mod tests;

pub use bundle::{Binding, Demuxer, MAX_BINDINGS, Route, SectionId};
pub use rtcp::is_rtcp;
