//! Redundant audio (RFC 2198): each packet repeats what the ones before it carried.

mod block;
mod depacketizer;
mod packetizer;
#[cfg(test)]
mod tests;

pub use block::{Block, MAX_REDUNDANT_BLOCKS, blocks};
pub use depacketizer::RedDepacketizer;
pub use packetizer::RedPacketizer;
