#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::payload::audio::{AudioDepacketizer, AudioFormat};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for format in [
        AudioFormat::Opus,
        AudioFormat::L16(2),
        AudioFormat::ComfortNoise,
    ] {
        payload::depacketize(AudioDepacketizer::new(format), data);
    }
});
