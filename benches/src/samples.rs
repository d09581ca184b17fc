//! What is measured with.

pub use crate::media::rtp_packet;

use stun::{Class, IntegrityKey, MessageBuilder, Method, TransactionId};

/// The length of that packet's header.
pub const RTP_HEADER: usize = 32;

/// The password of [`binding_request`].
pub const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// A connectivity check as an ICE agent sends it: 100 bytes with integrity and fingerprint.
pub fn binding_request(key: &IntegrityKey) -> Vec<u8> {
    let mut message = Vec::new();
    let id = TransactionId::new(*b"abcdefghijkl");
    let mut builder = MessageBuilder::new(&mut message, Class::Request, Method::BINDING, id);
    builder
        .username("someufrag:other")
        .priority(1_845_501_695)
        .ice_controlling(7)
        .use_candidate();
    builder
        .integrity(key)
        .fingerprint()
        .finish()
        .expect("it fits");
    message
}

/// An offer of Chromium with audio, video and data.
pub const CHROMIUM_OFFER: &str = include_str!("../../testdata/sdp/offers/chromium-av-data.sdp");

/// An SCTP packet of 1,191 bytes with one DATA chunk and a valid checksum.
pub fn sctp_packet() -> Vec<u8> {
    let mut packet = vec![0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0];
    let length: u16 = 1_191 - 12;
    packet.extend([0, 3]);
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 51]);
    packet.resize(1_191, 0x5a);
    let sum = crate::raw::crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}
