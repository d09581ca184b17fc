#![no_main]

use rtp::payload::h264::SequenceParameterSet;
use rtp::payload::{Format, av1, h264, h265, h266, vp8, vp9};

// What is read of a stream without decoding it: sizes, layers, parameter sets.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = SequenceParameterSet::decode(data);
    let behind = |front: &[u8]| [front, data].concat();
    let _ = h264::H264::new().inspect(&behind(&[0x67]));
    let _ = h265::H265::new().inspect(&behind(&[0x42, 1]));
    let _ = h266::H266::new().inspect(&behind(&[0, 0x79]));
    h264::H264::new().add_parameter_set(&behind(&[0x67]));
    for kind in [0x40, 0x42, 0x44] {
        h265::H265::new().add_parameter_set(&behind(&[kind, 1]));
    }
    for kind in [0x71, 0x79, 0x81] {
        h266::H266::new().add_parameter_set(&behind(&[0, kind]));
    }
    // A sequence header, a key frame and a frame that begins a layer.
    let _ = av1::Av1::new().inspect(&behind(&[0x18, 0x08]));
    let _ = vp8::Vp8.inspect(&behind(&[0x10]));
    let _ = vp9::Vp9::new().inspect(&behind(&[0x08]));
});
