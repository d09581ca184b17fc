#![no_main]

use rtcp::{Compound, Packet};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for packet in Compound::new(data).flatten() {
        match packet {
            Packet::SenderReport(report) => report.blocks.iter().for_each(drop),
            Packet::ReceiverReport(report) => report.blocks.iter().for_each(drop),
            Packet::SourceDescription(sdes) => {
                sdes.chunks().for_each(|chunk| chunk.items().for_each(drop));
            }
            Packet::Nack(nack) => nack.sequence_numbers().for_each(drop),
            _ => {}
        }
    }
});
