//! SCTP: the checksum of a full packet is verified and its chunks are found, against CRC32c and one copy. And whole messages,
//! from `send` to `recv`, both ends in one thread, with the checksum and without: against CRC32c twice and the three copies that the
//! faces ask for (`send` borrows, a packet is built in the caller's buffer, a packet is borrowed); messages of 64 KiB also
//! given with `send_bytes`, against two copies. Time is simulated.
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
use bytes::Bytes;
use criterion::Criterion;
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
        given(&mut criterion, checksum);
    }
    criterion.final_summary();
}

/// Messages that are given away.
fn given(criterion: &mut Criterion, checksum: bool) {
    let message = Bytes::from(vec![0x5a; 65_536]);
    let mut pair = Associations::connected(Instant::now(), checksum);
    for _ in 0..4 {
        pair.transfer_given(&message, MESSAGES);
    }
    let with = if checksum { "CRC32c" } else { "no checksum" };
    let name = format!("sctp {MESSAGES} given messages of 65536 bytes, {with}");
    let mut raw = Raw::default();
    let ours = compare(
        criterion,
        &name,
        || pair.transfer_given(&message, MESSAGES),
        || {
            (0..MESSAGES)
                .map(|_| raw.carry(&message, checksum, message.len()))
                .sum::<usize>()
        },
    );
    if let Some(ours) = ours {
        println!("{name}: {:.3} us each", ours / MESSAGES as f64 / 1e3);
    }
}

const MESSAGES: usize = 64;
/// What `send` takes at least before it says that it is full.
const SEND_MEMORY: usize = 2 << 20;

/// The least that the same bytes can cost, in packets that are as full.
#[derive(Debug, Default)]
struct Raw {
    memory: Vec<u8>,
    packet: Vec<u8>,
    message: Vec<u8>,
}

impl Raw {
    fn pass(&mut self, message: &[u8], messages: usize, checksum: bool) -> usize {
        let mut packets = 0;
        let mut sent = 0;
        while sent < messages {
            self.memory.clear();
            while sent < messages && self.memory.len() + message.len() <= SEND_MEMORY {
                self.memory.extend_from_slice(message);
                sent += 1;
            }
            let memory = std::mem::take(&mut self.memory);
            packets += self.carry(&memory, checksum, message.len());
            self.memory = memory;
        }
        packets
    }

    /// Puts bytes into packets and takes them out again, into messages of so many.
    fn carry(&mut self, bytes: &[u8], checksum: bool, length: usize) -> usize {
        let mut packets = 0;
        for piece in bytes.chunks(PIECE) {
            self.packet.clear();
            self.packet.extend_from_slice(piece);
            if checksum {
                let sum = crc32c(&self.packet);
                assert_eq!(crc32c(black_box(&self.packet)), sum);
            }
            if self.message.len() >= length {
                self.message.clear();
            }
            self.message.extend_from_slice(&self.packet);
            black_box(&self.message);
            packets += 1;
        }
        packets
    }
}
