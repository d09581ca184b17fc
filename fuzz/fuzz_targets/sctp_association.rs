//! Two associations that talk, while the input drops, delays, repeats and damages their packets and gives commands. The first byte
//! chooses what each can: I-DATA, no checksum, schedulers, INIT beforehand, and the controller of congestion.
#![no_main]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sctp::packet::Packet;
use sctp::{
    Association, Config, CongestionAlgorithm, Ppid, ReceiveLimit, Reliability, Scheduler, SendOptions, StreamId,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::now();
    let mut input = bytes.iter().copied();
    let abilities = input.next().unwrap_or_default();
    let mut pair = [0, 1].map(|side| {
        let mut config = Config::default();
        config.interleaving = abilities >> side & 1 == 0;
        config.zero_checksum = abilities >> (2 + side) & 1 == 0;
        config.scheduler = match abilities >> 4 & 3 {
            0 => Scheduler::RoundRobin,
            1 => Scheduler::Priority,
            _ => Scheduler::WeightedFair,
        };
        if abilities >> 7 & 1 == 1 {
            config.congestion = CongestionAlgorithm::Ledbat;
        }
        config.max_message_size = 3_000;
        Association::new(config, [side + 1; 32]).unwrap()
    });
    if abilities >> 6 & 1 == 1 {
        let inits = [pair[0].local_init(), pair[1].local_init()];
        pair[0].connect_with(now, &inits[1], None).unwrap();
        pair[1].connect_with(now, &inits[0], None).unwrap();
    }
    let mut wires = [VecDeque::<Vec<u8>>::new(), VecDeque::new()];
    while let (Some(command), Some(argument)) = (input.next(), input.next()) {
        let side = usize::from(command & 1);
        let stream = StreamId::new(u16::from(argument % 8));
        let association = &mut pair[side];
        match command >> 1 {
            0 => association.connect(now, None),
            1 => {
                let data = vec![argument; usize::from(argument) * 16];
                let options = options(argument >> 3);
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
            36 => {
                let options = options(argument >> 3);
                let _ = association.begin_message(now, stream, Ppid::new(53), options);
            }
            37 => drop(association.write(now, stream, &vec![argument; usize::from(argument) * 32])),
            38 => {
                let _ = association.finish_message(now, stream);
            }
            39 => {
                let _ = association.abandon_message(now, stream);
            }
            40 => drop(association.recv_piece(now, stream)),
            41 => association
                .set_partial_delivery(stream, (argument > 7).then_some(usize::from(argument))),
            42 => association.set_stream_weight(stream, u16::from(argument) * 257),
            43 => association.refuse_stream(now, stream),
            44 => drop(association.probe(now, usize::from(argument) * 8)),
            45 => association.set_max_datagram(now, usize::from(argument) * 8),
            46 => association.on_path_change(now),
            47 => {
                let drops_unordered = argument & 8 == 0;
                let bytes = usize::from(argument) * 16;
                association.set_receive_limit(
                    stream,
                    Some(ReceiveLimit {
                        bytes,
                        drops_unordered,
                    }),
                );
            }
            48 => {
                if let Ok(bytes) = association.hand_over() {
                    let taken =
                        Association::take_over(Config::default(), [argument; 32], now, &bytes);
                    drop(taken.unwrap());
                }
            }
            49 => drop(association.stream_stats(now, stream)),
            50 => {
                association.set_rate_limit((argument > 7).then_some(u64::from(argument) * 10_000))
            }
            51 => {
                let data = vec![argument; usize::from(argument) * 16].into();
                let options = options(argument >> 3);
                let _ = association.send_bytes(now, stream, Ppid::new(53), data, options);
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

fn options(choice: u8) -> SendOptions {
    let options = match choice & 1 {
        0 => SendOptions::ordered(),
        _ => SendOptions::unordered(),
    };
    options.with_reliability(match choice >> 1 & 3 {
        0 => Reliability::Reliable,
        1 => Reliability::Retransmissions(u16::from(choice >> 3)),
        2 => Reliability::Lifetime(Duration::from_millis(u64::from(choice >> 3) * 50)),
        _ => Reliability::Priority(u32::from(choice >> 3)),
    })
}
