use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Resolution;

/// What a decoder accepts, by length; its values come back as they were read.
fn lengths(decode: impl Fn(&[u8]) -> Option<Vec<u8>>, octet: u8) -> Vec<usize> {
    (0..40)
        .filter(|&length| {
            let value = vec![octet; length];
            let decoded = decode(&value);
            decoded.is_some_and(|again| {
                assert_eq!(again, value, "written as it was read");
                true
            })
        })
        .collect()
}

fn written(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut value = Vec::new();
    encode(&mut value);
    value
}

#[test]
fn values_of_another_length_are_absent() {
    let twcc = |value: &[u8]| Some(TransportSequenceNumber::decode(value)?.encode().to_vec());
    assert_eq!(lengths(twcc, 7), [2]);
    let twcc2 = |value: &[u8]| {
        let number = TransportSequenceNumber2::decode(value)?;
        Some(written(|buf| number.encode(buf)))
    };
    assert_eq!(lengths(twcc2, 0x81), [2, 4]);
    let send_time = |value: &[u8]| Some(AbsSendTime::decode(value)?.encode().to_vec());
    assert_eq!(lengths(send_time, 7), [3]);
    let capture_time = |value: &[u8]| {
        let time = AbsCaptureTime::decode(value)?;
        Some(written(|buf| time.encode(buf)))
    };
    assert_eq!(lengths(capture_time, 0xfe), [8, 16]);
    let level = |value: &[u8]| Some(AudioLevel::decode(value)?.encode().to_vec());
    assert_eq!(lengths(level, 0xaa), [1]);
    let levels = |value: &[u8]| Some(CsrcAudioLevels::decode(value)?.as_bytes().to_vec());
    assert_eq!(lengths(levels, 100), (1..=15).collect::<Vec<_>>());
    let offset = |value: &[u8]| Some(TransmissionOffset::decode(value)?.encode().to_vec());
    assert_eq!(lengths(offset, 0xfd), [3]);
    let orientation = |value: &[u8]| Some(VideoOrientation::decode(value)?.encode().to_vec());
    assert_eq!(lengths(orientation, 0x0e), [1]);
    let delay = |value: &[u8]| Some(PlayoutDelay::decode(value)?.encode().to_vec());
    assert_eq!(lengths(delay, 0x11), [3]);
    let content = |value: &[u8]| Some(VideoContentType::decode(value)?.encode().to_vec());
    assert_eq!(lengths(content, 1), [1]);
    let space = |value: &[u8]| {
        let space = ColorSpace::decode(value)?;
        Some(written(|buf| space.encode(buf)))
    };
    assert_eq!(lengths(space, 0x16), [4, 28]);
    let corruption = |value: &[u8]| {
        let detection = CorruptionDetection::decode(value)?;
        Some(written(|buf| detection.encode(buf)))
    };
    let expected: Vec<_> = std::iter::once(1).chain(4..=16).collect();
    assert_eq!(lengths(corruption, 0x9c), expected);
    for length in 0..40 {
        let timing = VideoTiming::decode(&vec![1; length]);
        assert_eq!(timing.is_some(), matches!(length, 12 | 13));
    }
}

#[test]
fn send_time_wraps_at_64_seconds() {
    let time = AbsSendTime::from_duration(Duration::from_millis(65_500));
    assert_eq!(time.get(), (1 << 18) + (1 << 17));
    assert_eq!(time.to_duration(), Duration::from_millis(1_500));
    assert_eq!(AbsSendTime::decode(&time.encode()), Some(time));
    assert_eq!(AbsSendTime::from_duration(Duration::MAX).get() >> 24, 0);
}

#[test]
fn audio_levels_keep_seven_bits() {
    let level = AudioLevel {
        voice: true,
        level: 42,
    };
    assert_eq!(level.encode(), [0xaa]);
    assert_eq!(AudioLevel::decode(&[0xaa]), Some(level));
    let loud = AudioLevel {
        voice: false,
        level: 200,
    };
    assert_eq!(loud.encode(), [127]);
    let mixed = CsrcAudioLevels::decode(&[0x81, 0x7f, 0]).unwrap();
    assert_eq!(mixed.as_bytes(), [1, 127, 0]);
    let loud = CsrcAudioLevels::new(&[200]).unwrap();
    assert_eq!(loud.as_bytes(), [127]);
}

#[test]
fn transmission_offset_has_24_bits_and_a_sign() {
    for (ticks, octets) in [
        (0, [0, 0, 0]),
        (-1, [0xff, 0xff, 0xff]),
        (0x7f_ffff, [0x7f, 0xff, 0xff]),
        (-0x80_0000, [0x80, 0, 0]),
        (1234, [0, 0x04, 0xd2]),
    ] {
        let offset = TransmissionOffset::new(ticks).unwrap();
        assert_eq!(offset.encode(), octets);
        assert_eq!(TransmissionOffset::decode(&octets), Some(offset));
        assert_eq!(offset.get(), ticks);
    }
    assert_eq!(TransmissionOffset::new(0x80_0000), None);
    assert_eq!(TransmissionOffset::new(-0x80_0001), None);
}

#[test]
fn feedback_requests_travel_with_the_second_transport_sequence_number() {
    let number = TransportSequenceNumber::new(0x1234);
    let asked = TransportSequenceNumber2 {
        number,
        request: Some(FeedbackRequest {
            timestamps: true,
            sequence_count: 5,
        }),
    };
    assert_eq!(written(|buf| asked.encode(buf)), [0x12, 0x34, 0x80, 5]);
    let none = TransportSequenceNumber2::decode(&[0x12, 0x34, 0x80, 0]);
    let plain = TransportSequenceNumber2 {
        number,
        request: None,
    };
    assert_eq!(none, Some(plain), "a request for no packets is none");
}

#[test]
fn orientation_is_read_from_the_low_four_bits() {
    let orientation = VideoOrientation::decode(&[0xf9]).unwrap();
    assert!(orientation.back_camera && !orientation.flip);
    assert_eq!(orientation.rotation.degrees(), 90);
    for octet in 0..16 {
        let again = VideoOrientation::decode(&[octet]).unwrap().encode();
        assert_eq!(again, [octet]);
    }
}

#[test]
fn playout_delay_is_a_range_in_steps_of_ten_milliseconds() {
    let ms = Duration::from_millis;
    let delay = PlayoutDelay::decode(&[0x00, 0xa1, 0x2c]).unwrap();
    assert_eq!((delay.min(), delay.max()), (ms(100), ms(3000)));
    assert_eq!(PlayoutDelay::new(ms(109), ms(3000)), Some(delay));
    assert_eq!(PlayoutDelay::decode(&[0x00, 0x20, 0x01]), None, "min > max");
    assert_eq!(PlayoutDelay::new(ms(20), ms(10)), None);
    assert_eq!(PlayoutDelay::new(ms(0), ms(40_951)), None);
    let longest = PlayoutDelay::new(ms(0), PlayoutDelay::MAX).unwrap();
    assert_eq!(longest.encode(), [0, 0x0f, 0xff]);
}

#[test]
fn only_the_lowest_bit_of_the_content_type_counts() {
    assert_eq!(
        VideoContentType::decode(&[0x85]),
        Some(VideoContentType::Screenshare)
    );
    assert_eq!(
        VideoContentType::decode(&[0x02]),
        Some(VideoContentType::Unspecified)
    );
}

#[test]
fn video_timing_without_flags_is_read_too() {
    let timing = VideoTiming {
        flags: 1,
        encode_start_ms: 2,
        encode_finish_ms: 300,
        packetization_finish_ms: 4,
        pacer_exit_ms: 5,
        network_ms: 6,
        network2_ms: 7,
    };
    let value = timing.encode();
    assert_eq!(value, [1, 0, 2, 1, 44, 0, 4, 0, 5, 0, 6, 0, 7]);
    assert_eq!(VideoTiming::decode(&value), Some(timing));
    let old = VideoTiming { flags: 0, ..timing };
    assert_eq!(VideoTiming::decode(&value[1..]), Some(old));
}

#[test]
fn color_space_carries_its_mastering_display() {
    let mut value = vec![9, 16, 9, 0x16];
    value.extend((1..=12_u16).flat_map(|field| (field * 1000).to_be_bytes()));
    let space = ColorSpace::decode(&value).unwrap();
    assert_eq!((space.range, space.chroma_siting_horizontal), (1, 1));
    assert_eq!(space.chroma_siting_vertical, 2);
    let hdr = space.hdr.unwrap();
    assert_eq!((hdr.luminance_max, hdr.luminance_min), (1000, 2000));
    assert_eq!(hdr.primaries[2], Chromaticity { x: 7000, y: 8000 });
    let white = Chromaticity { x: 9000, y: 10_000 };
    assert_eq!(hdr.white_point, white);
    assert_eq!(hdr.max_content_light_level, 11_000);
    assert_eq!(hdr.max_frame_average_light_level, 12_000);
    assert_eq!(written(|buf| space.encode(buf)), value);
}

#[test]
fn corruption_samples_come_with_their_thresholds() {
    let value = [0x85, 0x80, 0x3a, 1, 2, 3];
    let detection = CorruptionDetection::decode(&value).unwrap();
    assert!(detection.upper_bits);
    assert_eq!(detection.sequence_index, 5);
    let samples = detection.samples.unwrap();
    assert_eq!((samples.luma_threshold, samples.chroma_threshold), (3, 10));
    assert_eq!(samples.values(), [1, 2, 3]);
    assert_eq!(CorruptionSamples::new(&[0; 14]), None);
}

/// Two streams of a simulcast, two temporal layers each, written by hand after the figure of the extension.
#[test]
fn layers_of_all_streams_are_allocated_in_one_value() {
    let value = [
        0b0001_0001, // stream 0 of 2, one spatial layer each
        0b0101_0000, // two temporal layers each
        100,
        0xc8,
        0x01, // 100, 200
        0xf4,
        0x03,
        0xe8,
        0x07, // 500, 1000
        0x01,
        0x3f,
        0x00,
        0xef,
        15, // 320 x 240
        0x02,
        0x7f,
        0x01,
        0xdf,
        30, // 640 x 480
    ];
    let allocation = VideoLayersAllocation::decode(&value).unwrap();
    assert_eq!((allocation.stream_index, allocation.stream_count), (0, 2));
    let rates: Vec<_> = allocation
        .layers
        .iter()
        .map(|layer| layer.target_bitrates_kbps())
        .collect();
    assert_eq!(rates, [[100, 200], [500, 1000]]);
    let size = Resolution {
        width: 640,
        height: 480,
    };
    assert_eq!(allocation.layers[1].resolution, Some((size, 30)));
    assert_eq!(written(|buf| allocation.encode(buf)), value);
    for length in 0..value.len() {
        let cut = VideoLayersAllocation::decode(&value[..length]);
        // Without the sizes it is whole.
        assert_eq!(cut.is_some(), length == 9, "{length}");
    }
}

#[test]
fn streams_of_different_layers_have_a_mask_each() {
    // Stream 1 of 3: layers 0 and 1, none, layer 2.
    let value = [0b0110_0000, 0x30, 0x40, 0b0000_0000, 1, 2, 3];
    let allocation = VideoLayersAllocation::decode(&value).unwrap();
    let places: Vec<_> = allocation
        .layers
        .iter()
        .map(|layer| (layer.stream_index, layer.spatial))
        .collect();
    assert_eq!(places, [(0, 0), (0, 1), (2, 2)]);
    assert_eq!(written(|buf| allocation.encode(buf)), value);
    let nothing = VideoLayersAllocation::decode(&[0]).unwrap();
    assert!(nothing.layers.is_empty());
    assert_eq!(written(|buf| nothing.encode(buf)), [0]);
    assert_eq!(VideoLayersAllocation::decode(&[0x10, 0]), None);
    assert_eq!(VideoLayersAllocation::decode(&[0x01, 0, 0x80]), None);
}

proptest! {
    #[test]
    fn any_allocation_that_is_read_is_written_alike(
        value in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Some(allocation) = VideoLayersAllocation::decode(&value) {
            let again = written(|buf| allocation.encode(buf));
            prop_assert_eq!(VideoLayersAllocation::decode(&again), Some(allocation));
        }
    }
}
