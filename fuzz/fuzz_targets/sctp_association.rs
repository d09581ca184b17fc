//! Two associations that talk, while the input drops, delays, repeats and damages their packets and gives commands.
#![no_main]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sctp::packet::Packet;
use sctp::{Association, Config, Ppid, SendOptions, StreamId};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::now();
    let mut pair = [1, 2].map(|seed| Association::new(Config::default(), [seed; 32]).unwrap());
    let mut wires = [VecDeque::<Vec<u8>>::new(), VecDeque::new()];
    let mut input = bytes.iter().copied();
    while let (Some(command), Some(argument)) = (input.next(), input.next()) {
        let side = usize::from(command & 1);
        let stream = StreamId::new(u16::from(argument % 8));
        let association = &mut pair[side];
        match command >> 1 {
            0 => association.connect(now, None),
            1 => {
                let data = vec![argument; usize::from(argument) * 16];
                let options = match argument & 1 {
                    0 => SendOptions::ordered(),
                    _ => SendOptions::unordered(),
                };
                let _ = association.send(now, stream, Ppid::new(53), &data, options);
            }
            2 => drop(association.recv(now, stream)),
            3 => drop(association.reset_streams(now, &[stream])),
            4 if argument == 0 => association.shutdown(now),
            4 if argument == 1 => association.abort(now),
            5 => now += Duration::from_millis(u64::from(argument) * 8),
            6 => association.handle_timeout(now),
            7 => while association.poll_event().is_some() {},
            8..16 => {
                let mut buf = Vec::new();
                if association.poll_transmit(now, &mut buf).is_some() {
                    wires[side].push_back(buf);
                }
            }
            16..32 => {
                if let Some(packet) = wires[side].pop_front() {
                    pair[1 - side].handle_datagram(now, &packet);
                }
            }
            32 => drop(wires[side].pop_front()),
            33 => wires[side].rotate_left(usize::from(!wires[side].is_empty())),
            34 => {
                if let Some(packet) = wires[side].front().cloned() {
                    wires[side].push_back(packet);
                }
            }
            _ => {
                // Past the checksum: a wire that the layer below did not protect.
                if let Some(wire) = wires[side].front_mut()
                    && let Ok(packet) = Packet::decode(wire)
                    && !packet.chunks.is_empty()
                {
                    let mut chunks = packet.chunks.to_vec();
                    let place = usize::from(argument) % chunks.len();
                    chunks[place] ^= command;
                    let damaged = Packet {
                        chunks: &chunks,
                        ..packet
                    };
                    let mut bytes = Vec::new();
                    damaged.encode(&mut bytes);
                    *wire = bytes;
                }
            }
        }
    }
});
