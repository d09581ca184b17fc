//! Any bytes as an SCTP packet, and as chunks behind a right checksum: what is read is written back the same.
#![no_main]

use sctp::chunk::{Chunk, Chunks};
use sctp::packet::Packet;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Packet::decode(bytes);
    let mut whole = Vec::new();
    let packet = Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: 1,
        chunks: bytes,
    };
    packet.encode(&mut whole);
    assert_eq!(Packet::decode(&whole), Ok(packet));
    for chunk in packet.chunks().flatten().flat_map(Chunk::decode) {
        let mut once = Vec::new();
        chunk.encode(&mut once);
        let again = Chunks::new(&once).flatten().flat_map(Chunk::decode);
        assert!(again.eq([chunk]));
    }
});
