//! SCTP: the checksum of a full packet is verified and its chunks are found, against CRC32c and one copy. And whole messages,
//! from `send` to `recv`, both ends in one thread, with the checksum and without: against CRC32c twice and two copies (into the packet
//! and out of it). Time is simulated.
#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::hint::black_box;
use std::time::Instant;

use avocet_benches::associations::Associations;
use avocet_benches::raw::crc32c;
use avocet_benches::samples::sctp_packet;
use avocet_benches::{compare, criterion};
use sctp::packet::Packet;

/// What a packet holds of a message that does not fit into one.
const PIECE: usize = 1_156;

fn main() {
    let mut criterion = criterion();
    let packet = sctp_packet();
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "sctp verify CRC32c 1191",
        || {
            Packet::decode(&packet)
                .expect("a good checksum")
                .chunks()
                .count()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            crc32c(&copy)
        },
    );
    for checksum in [true, false] {
        for (size, messages) in [(65_536, 64), (100, 10_000)] {
            let mut pair = Associations::connected(Instant::now(), checksum);
            let message = vec![0x5a; size];
            // Slow start is over and the buffers have their size.
            for _ in 0..4 {
                pair.transfer(&message, messages);
            }
            let with = if checksum { "CRC32c" } else { "no checksum" };
            let name = format!("sctp {messages} messages of {size} bytes, {with}");
            let mut raw = Raw::default();
            let ours = compare(
                &mut criterion,
                &name,
                || pair.transfer(&message, messages),
                || raw.pass(&message, messages, checksum),
            );
            if let Some(ours) = ours {
                println!("{name}: {:.3} us each", ours / messages as f64 / 1e3);
            }
        }
    }
    criterion.final_summary();
}

/// The least that the same bytes can cost, in packets that are as full.
#[derive(Debug, Default)]
struct Raw {
    text: Vec<u8>,
    packet: Vec<u8>,
    message: Vec<u8>,
}

impl Raw {
    fn pass(&mut self, message: &[u8], messages: usize, checksum: bool) -> usize {
        self.text.resize(PIECE, message[0]);
        let packets = (messages * message.len()).div_ceil(PIECE);
        for _ in 0..packets {
            self.packet.clear();
            self.packet.extend_from_slice(&self.text);
            if checksum {
                let sum = crc32c(&self.packet);
                assert_eq!(crc32c(black_box(&self.packet)), sum);
            }
            self.message.clear();
            self.message.extend_from_slice(&self.packet);
            black_box(&self.message);
        }
        packets
    }
}
