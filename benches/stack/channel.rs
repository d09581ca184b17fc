//! Bulk data on a channel, from `send` on one peer to `recv` on the other, both in one thread: against sealing,
//! opening, checksumming twice and copying twice (into the packet and out of it) the same bytes. Large messages are also given with
//! `send_bytes`. Time is simulated.
#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::time::Instant;

use avocet_benches::pair::{Content, Pair, certificates};
use avocet_benches::raw::{Primitives, crc32c};
use avocet_benches::{compare, criterion};
use bytes::Bytes;
use peer::SendError;

/// What a packet holds of a message that does not fit into one.
const PIECE: usize = 1_136;
/// The header of a DTLS record.
const HEADER: usize = 13;

fn main() {
    let mut criterion = criterion();
    let certificates = certificates();
    let mut pair = Pair::connected(Instant::now(), Content::Data, &certificates, 1);
    let mut packet = Packet::new();
    for (size, messages, given) in [
        (65_536, 64, false),
        (65_536, 64, true),
        (100, 10_000, false),
    ] {
        let message = Bytes::from(vec![0x5a; size]);
        // Slow start is over and the buffers have their size.
        for _ in 0..4 {
            transfer(&mut pair, &message, messages, given);
        }
        let way = if given { "given messages" } else { "messages" };
        let name = format!("{messages} {way} of {size} bytes over a channel");
        let ours = compare(
            &mut criterion,
            &name,
            || transfer(&mut pair, &message, messages, given),
            || {
                let packets = (messages * size).div_ceil(PIECE);
                (0..packets).map(|_| packet.pass()).sum::<usize>()
            },
        );
        if let Some(ours) = ours {
            let rate = messages as f64 / ours * 1e9;
            let megabytes = rate * size as f64 / 1e6;
            println!("{name}: {megabytes:.0} MB/s, {rate:.0} messages/s of CPU time");
        }
    }
    criterion.final_summary();
}

/// Sends so many messages, borrowed or given, and returns when all are read.
fn transfer(pair: &mut Pair, message: &Bytes, messages: usize, given: bool) -> usize {
    let (mut sent, mut read) = (0, 0);
    while read < messages {
        let now = pair.now;
        let id = pair.offerer.channel.expect("it is open");
        let mut channel = pair
            .offerer
            .connection
            .data_channel(id)
            .expect("it is open");
        while sent < messages {
            let result = if given {
                channel.send_bytes(now, message.clone())
            } else {
                channel.send_binary(now, message)
            };
            match result {
                Ok(()) => sent += 1,
                Err(SendError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let moved = pair.exchange();
        if std::mem::take(&mut pair.answerer.readable) {
            let id = pair.answerer.channel.expect("it is open");
            let mut channel = pair.answerer.connection.data_channel(id).expect("open");
            while let Some(arrived) = channel.recv(now) {
                assert_eq!(arrived.len(), message.len());
                read += 1;
            }
        }
        if moved == 0 {
            pair.skip();
        }
    }
    read
}

/// The least that one packet can cost.
#[derive(Debug)]
struct Packet {
    raw: Primitives,
    text: Vec<u8>,
    buf: Vec<u8>,
    message: Vec<u8>,
}

impl Packet {
    fn new() -> Self {
        Self {
            raw: Primitives::default(),
            text: vec![0x5a; PIECE],
            buf: Vec::new(),
            message: Vec::new(),
        }
    }

    fn pass(&mut self) -> usize {
        let buf = &mut self.buf;
        buf.clear();
        buf.resize(HEADER, 0);
        buf.extend_from_slice(&self.text);
        let sum = crc32c(&buf[HEADER..]);
        self.raw.gcm_seal(buf, HEADER);
        self.raw.gcm_open(buf, HEADER);
        assert_eq!(crc32c(&buf[HEADER..HEADER + PIECE]), sum);
        self.message.clear();
        self.message.extend_from_slice(&buf[HEADER..HEADER + PIECE]);
        self.message.len()
    }
}
