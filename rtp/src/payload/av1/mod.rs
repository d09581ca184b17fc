//! AV1 (RTP Payload Format For AV1, version 1.0). A frame is a temporal unit in the low-overhead format of the AV1
//! bitstream (§5.2), every OBU with its size, without the temporal delimiter that a file has in front.

mod aggregation;
mod format;
mod frame_header;
mod obu;
mod packetizer;
mod sequence;
#[cfg(test)]
mod tests;

pub use format::Av1;
pub(super) use format::describe;
pub use obu::Obu;
pub use packetizer::Av1Packetizer;
