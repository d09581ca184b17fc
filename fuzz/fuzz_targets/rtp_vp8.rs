#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::payload::Assembler;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    payload::depacketize(Assembler::new(rtp::payload::vp8::Vp8), data);
});
