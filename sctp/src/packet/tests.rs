use serde_json::Value;

use super::*;
use crate::chunk::{Chunk, ChunkType};

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn captures() -> Vec<(String, bool, Vec<u8>)> {
    let file = include_str!("../../../testdata/sctp/packets.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let packets = file["packets"].as_array().unwrap().iter();
    packets
        .map(|packet| {
            (
                packet["name"].as_str().unwrap().to_owned(),
                packet["crc32c_ok"].as_bool().unwrap(),
                from_hex(packet["hex"].as_str().unwrap()),
            )
        })
        .collect()
}

#[test]
fn checksums_match_the_vectors() {
    let file = include_str!("../../../testdata/sctp/crc32c.json");
    let file: Value = serde_json::from_str(file).unwrap();
    for vector in file["vectors"].as_array().unwrap() {
        let data = from_hex(vector["data"].as_str().unwrap());
        let wire = from_hex(vector["crc_bytes_on_wire"].as_str().unwrap());
        assert_eq!(crc32c(&data).to_le_bytes()[..], wire);
    }
}

#[test]
fn a_sum_does_not_depend_on_the_address() {
    let bytes = (0..1_700u32)
        .map(|at| (at * at / 7) as u8)
        .collect::<Vec<_>>();
    for start in 0..64 {
        for length in (0..1_600).step_by(37).chain(1_500..1_600) {
            let bytes = &bytes[start..start + length];
            let mut sum = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
            bytes.chunks(100).for_each(|part| sum.update(part));
            assert_eq!(u64::from(crc32c(bytes)), sum.finalize(), "{start} {length}");
        }
    }
}

#[test]
fn a_sum_is_right_however_often_its_length_or_its_header_came_before() {
    let mut checksum = Checksum::default();
    let lengths = [40, 40, 40, 40, 1_160, 1_160, 1_160, 40, 1_160];
    for tag in [7, 8, 7] {
        for (round, length) in lengths.into_iter().enumerate() {
            let chunks = (0..length).map(|at| (at + round) as u8).collect::<Vec<_>>();
            let mut packet = Vec::new();
            let start = PacketStart::append(&mut packet, (5_000, 5_001), tag);
            packet.extend_from_slice(&chunks);
            start.finish(&mut packet);
            let read = Packet::decode_with(&packet, false, &mut checksum);
            assert_eq!(read.map(|packet| packet.chunks), Ok(chunks.as_slice()));
            let read = Packet::decode_with(&packet, false, &mut Checksum::default());
            assert_eq!(read.map(|packet| packet.chunks), Ok(chunks.as_slice()));
        }
        let mut damaged = Vec::new();
        let start = PacketStart::append(&mut damaged, (5_000, 5_001), tag);
        damaged.extend_from_slice(&[3; 1_160]);
        start.finish(&mut damaged);
        damaged[20] ^= 1;
        let read = Packet::decode_with(&damaged, false, &mut checksum);
        assert_eq!(read, Err(DecodeError::Checksum));
    }
}

#[test]
fn packets_of_real_peers_are_read_and_written_byte_for_byte() {
    let mut types = Vec::new();
    for (name, whole, bytes) in captures() {
        let Ok(packet) = Packet::decode(&bytes) else {
            assert!(!whole, "{name}");
            continue;
        };
        assert!(whole, "{name}");
        let mut written = Vec::from(b"prefix".as_slice());
        let ports = (packet.source_port, packet.destination_port);
        let start = PacketStart::append(&mut written, ports, packet.verification_tag);
        for raw in packet.chunks() {
            let raw = raw.unwrap();
            types.push(raw.kind.0);
            Chunk::decode(raw).unwrap().encode(&mut written);
        }
        start.finish(&mut written);
        assert_eq!(written[6..], bytes, "{name}");
        let mut whole = Vec::new();
        packet.encode(&mut whole);
        assert_eq!(whole, bytes, "{name}");
    }
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, [0, 1, 2, 3, 4, 5, 10, 11]);
}

#[test]
fn every_truncation_of_a_packet_is_an_error() {
    for (_, whole, bytes) in captures() {
        if !whole {
            continue;
        }
        for length in 0..bytes.len() {
            assert!(Packet::decode(&bytes[..length]).is_err());
        }
    }
}

#[test]
fn every_flipped_bit_of_a_packet_is_found() {
    let (_, _, mut bytes) = captures().swap_remove(0);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Packet::decode(&bytes), Err(DecodeError::Checksum));
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn an_abandoned_packet_leaves_nothing() {
    let mut buf = vec![1, 2, 3];
    let start = PacketStart::append(&mut buf, (1, 2), 3);
    assert!(start.is_empty(&buf));
    start.abandon(&mut buf);
    assert_eq!(buf, [1, 2, 3]);
}

#[test]
fn impossible_chunk_lengths_end_the_packet() {
    for chunks in [
        &[0, 3, 0, 0, 0, 0, 0, 0][..],
        &[0, 3, 0, 3],
        &[0, 3, 0, 5],
        &[0, 3, 3, 0xe8, 0, 0],
        &[0, 3],
    ] {
        let mut found = Chunks::new(chunks);
        assert!(matches!(found.next(), Some(Err(_))));
        assert_eq!(found.next(), None);
    }
    // Padding is whatever it is (RFC 9260 §3.2).
    let mut padded = Chunks::new(&[11, 0, 0, 5, 9, 0xff, 0xff, 0xff, 11, 0, 0, 4]);
    assert_eq!(padded.next().unwrap().unwrap().value, &[9][..]);
    assert!(padded.next().unwrap().unwrap().value.is_empty());
    let mut unpadded = Chunks::new(&[11, 0, 0, 5, 9]);
    let last = unpadded.next().unwrap().unwrap();
    assert_eq!((last.kind, last.value), (ChunkType::COOKIE_ACK, &[9][..]));
    assert_eq!(unpadded.next(), None);
}
