#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::payload::Assembler;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    payload::depacketize(Assembler::new(rtp::payload::h264::H264::new()), data);
});
