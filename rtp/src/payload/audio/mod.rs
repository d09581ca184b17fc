//! Sound: Opus (RFC 7587), G.711, G.722 and L16 (RFC 3551 §4.5), comfort noise (RFC 3389).
//!
//! Every packet is a frame of its own, in the octets of the wire (L16: big-endian, channels interleaved), so nothing is
//! ever put together and a frame shares the memory of its packet.

mod depacketizer;
mod format;
mod opus;
mod packetizer;
#[cfg(test)]
mod tests;

pub use depacketizer::AudioDepacketizer;
pub use format::AudioFormat;
pub use opus::{OPUS_MAX_DURATION, opus_duration};
pub use packetizer::AudioPacketizer;
