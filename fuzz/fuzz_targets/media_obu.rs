#![no_main]

#[path = "support/media.rs"]
mod media_support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let format = match data.last() {
        Some(last) if last & 1 == 1 => media::obu::ObuFormat::LengthDelimited,
        _ => media::obu::ObuFormat::LowOverhead,
    };
    let demuxer = media::obu::ObuDemuxer::new(format, 3000);
    media_support::demux(demuxer, data, |timed| timed.frame.data.len());
});
