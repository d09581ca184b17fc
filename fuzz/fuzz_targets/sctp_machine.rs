//! One association whose peer is the input: packets of any chunks under the right tag and checksum, commands, and time.
#![no_main]

use std::time::{Duration, Instant};

use sctp::packet::Packet;
use sctp::{Association, Config, CongestionAlgorithm, Ppid, SendOptions, StreamId};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&abilities, mut input)) = bytes.split_first() else {
        return;
    };
    let mut now = Instant::now();
    let mut config = Config::default();
    config.interleaving = abilities & 1 == 0;
    config.congestion = match abilities >> 1 & 3 {
        0 => CongestionAlgorithm::NewReno,
        1 => CongestionAlgorithm::Cubic,
        2 => CongestionAlgorithm::Ledbat,
        _ => CongestionAlgorithm::DelayAwareCubic,
    };
    let mut theirs = Association::new(config.clone(), [2; 32]).unwrap();
    let mut ours = Association::new(config, [1; 32]).unwrap();
    let init = ours.local_init();
    // Chunk header, then the tag (RFC 9260 §3.3.2).
    let tag = u32::from_be_bytes(init[4..8].try_into().unwrap());
    match abilities >> 3 & 3 {
        0 => {}
        1 => ours.connect(now, None),
        _ => ours.connect_with(now, &theirs.local_init(), None).unwrap(),
    }
    drop(theirs.poll_event());
    let mut buf = Vec::new();
    while let Some((&command, rest)) = input.split_first() {
        let length = (usize::from(command >> 2) * 4).min(rest.len());
        let (argument, rest) = rest.split_at(length);
        input = rest;
        let first = argument.first().copied().unwrap_or_default();
        let stream = StreamId::new(u16::from(first % 8));
        match command & 3 {
            0 => {
                let options = SendOptions::ordered();
                let _ = ours.send(now, stream, Ppid::new(53), argument, options);
                if first == 7 {
                    let _ = ours.reset_streams(now, &[stream]);
                }
                if first == 8 {
                    ours.shutdown(now);
                }
            }
            1 => {
                now += Duration::from_millis(u64::from(first) * 8);
                ours.handle_timeout(now);
            }
            _ => {
                // An INIT has no tag, and some packets have a wrong one.
                let verification_tag = match first {
                    1 => 0,
                    _ if command & 3 == 3 && length == 4 => 5,
                    _ => tag,
                };
                let packet = Packet {
                    source_port: 5000,
                    destination_port: 5000,
                    verification_tag,
                    chunks: argument,
                };
                buf.clear();
                packet.encode(&mut buf);
                ours.handle_datagram(now, &buf);
            }
        }
        for _ in 0..4 {
            buf.clear();
            if ours.poll_transmit(now, &mut buf).is_none() {
                break;
            }
        }
        while ours.poll_event().is_some() {}
        if let Some(stream) = ours.next_readable() {
            drop(ours.recv(now, stream));
        }
        assert!(
            ours.poll_timeout()
                .is_none_or(|due| due > now || command & 3 != 1)
        );
    }
});
