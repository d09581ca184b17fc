#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::PayloadType;
use rtp::payload::audio::{AudioDepacketizer, AudioFormat};
use rtp::payload::red::RedDepacketizer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let inner = AudioDepacketizer::new(AudioFormat::Opus);
    // The packets are of payload type 0.
    payload::depacketize(RedDepacketizer::new(PayloadType::default(), inner), data);
});
