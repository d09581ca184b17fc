#![no_main]

#[path = "support/media.rs"]
mod media_support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let codec = match data.last() {
        Some(last) if last & 1 == 1 => media::annex_b::AnnexBCodec::H265,
        _ => media::annex_b::AnnexBCodec::H264,
    };
    let demuxer = media::annex_b::AnnexBDemuxer::new(codec, 3000);
    media_support::demux(demuxer, data, |timed| timed.frame.data.len());
});
