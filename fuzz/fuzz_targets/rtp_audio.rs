#![no_main]

#[path = "support/payload.rs"]
mod payload;

use rtp::PayloadType;
use rtp::payload::audio::{AudioDepacketizer, AudioFormat};
use rtp::payload::red::RedDepacketizer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for format in [
        AudioFormat::Opus,
        AudioFormat::L16(2),
        AudioFormat::ComfortNoise,
    ] {
        payload::depacketize(AudioDepacketizer::new(format), data);
    }
    // The packets have payload type 0, so they are RED.
    let opus = AudioDepacketizer::new(AudioFormat::Opus);
    payload::depacketize(RedDepacketizer::new(PayloadType::default(), opus), data);
});
