//! H.266 (RFC 9328). A frame is an access unit as an Annex B stream; what is yielded has start codes of four octets.

mod format;
mod packetizer;
mod sps;
#[cfg(test)]
mod tests;
mod unit;

pub use super::nal::Extras;
pub use format::H266;
pub(super) use format::describe;
pub use packetizer::H266Packetizer;
