#![no_main]

#[path = "support/media.rs"]
mod media_support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    media_support::demux(media::wav::WavDemuxer::new(), data, |timed| {
        timed.frame.data.len()
    });
});
