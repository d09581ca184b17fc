//! H.265 (RFC 7798). A frame is an access unit as an Annex B stream; what is yielded has start codes of four octets.

mod format;
mod packetizer;
mod sps;
#[cfg(test)]
mod tests;
mod unit;

pub use super::nal::Extras;
pub use format::H265;
pub(super) use format::describe;
pub use packetizer::H265Packetizer;
