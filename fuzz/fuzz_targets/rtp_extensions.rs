#![no_main]

use rtp::{
    AbsCaptureTime, AbsSendTime, AudioLevel, ColorSpace, CorruptionDetection, CsrcAudioLevels, Mid,
    PlayoutDelay, Rid, TransmissionOffset, TransportSequenceNumber, TransportSequenceNumber2,
    VideoContentType, VideoLayersAllocation, VideoOrientation, VideoTiming,
};

// Every typed value: what is read is written so that it reads alike.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    macro_rules! array {
        ($($kind:ident),*) => {$(
            if let Some(value) = $kind::decode(data) {
                assert_eq!($kind::decode(&value.encode()), Some(value));
            }
        )*};
    }
    macro_rules! appended {
        ($($kind:ident),*) => {$(
            if let Some(value) = $kind::decode(data) {
                let mut written = Vec::new();
                value.encode(&mut written);
                assert_eq!($kind::decode(&written), Some(value));
            }
        )*};
    }
    array!(
        AbsSendTime,
        AudioLevel,
        PlayoutDelay,
        TransmissionOffset,
        TransportSequenceNumber,
        VideoContentType,
        VideoOrientation,
        VideoTiming
    );
    appended!(
        AbsCaptureTime,
        ColorSpace,
        CorruptionDetection,
        TransportSequenceNumber2
    );
    if let Some(allocation) = VideoLayersAllocation::decode(data) {
        assert!(allocation.layers.len() <= 16);
        let mut written = Vec::new();
        allocation.encode(&mut written);
        assert_eq!(VideoLayersAllocation::decode(&written), Some(allocation));
    }
    let _ = (
        Mid::decode(data),
        Rid::decode(data),
        CsrcAudioLevels::decode(data),
    );
});
