#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::payload::Assembler;
use rtp::payload::h266::H266;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    payload::depacketize(Assembler::new(H266::new()), data);
    payload::depacketize(Assembler::new(H266::with_decoding_order_numbers()), data);
});
