//! ChannelData, with the hand-made messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use avocet_turn::{ChannelData, ChannelDataError, ChannelNumber, measure_frame};
use proptest::prelude::*;
use serde_json::Value;
use stun::{FrameReader, MAX_FRAME_LENGTH};

fn named(name: &str) -> Vec<u8> {
    let file: Value =
        serde_json::from_str(include_str!("../../testdata/turn/messages.json")).unwrap();
    let list = file
        .as_object()
        .unwrap()
        .values()
        .find_map(Value::as_array)
        .unwrap();
    let case = list.iter().find(|case| case["name"] == name).unwrap();
    let hex = case["hex"].as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn padded_and_unpadded_messages_are_read() {
    for name in [
        "ChannelData 0x4000 5 bytes unpadded (UDP)",
        "ChannelData padded to 4 (TCP)",
    ] {
        let mut bytes = named(name);
        let message = ChannelData::decode(&mut bytes).unwrap();
        assert_eq!(message.number, ChannelNumber::MIN);
        assert_eq!(message.data, b"hello");
    }
    let mut bytes = named("ChannelData length 0");
    assert!(ChannelData::decode(&mut bytes).unwrap().data.is_empty());
    let bytes = named("ChannelData padded to 4 (TCP)");
    assert_eq!(measure_frame(*bytes.first_chunk().unwrap()), Some(12));
}

#[test]
fn a_short_header_and_every_truncation_are_errors() {
    let mut bytes = named("ChannelData 3 bytes");
    assert_eq!(
        ChannelData::decode(&mut bytes),
        Err(ChannelDataError::Truncated)
    );
    let whole = named("ChannelData 0x4000 5 bytes unpadded (UDP)");
    for length in 0..whole.len() {
        let mut bytes = whole[..length].to_vec();
        assert_eq!(
            ChannelData::decode(&mut bytes),
            Err(ChannelDataError::Truncated)
        );
    }
    let mut bytes = [whole, vec![0; 4]].concat();
    assert_eq!(
        ChannelData::decode(&mut bytes),
        Err(ChannelDataError::Trailing)
    );
}

#[test]
fn a_promise_of_65535_bytes_is_waited_for_and_takes_what_has_come() {
    let mut reader = FrameReader::new(measure_frame);
    let mut bytes = named("ChannelData length 65535 on TCP, 8 bytes arrived");
    reader.read(&mut bytes, |_| panic!()).unwrap();
    assert_eq!(reader.buffered(), 8);
    // 5.3 no. 13: and when all of it has come it is read.
    let mut rest = vec![7; 65_536 - 4];
    let mut count = 0;
    reader
        .read(&mut rest, |frame| {
            assert_eq!(ChannelData::decode(frame).unwrap().data.len(), 65_535);
            count += 1;
        })
        .unwrap();
    assert_eq!(count, 1);
    const { assert!(MAX_FRAME_LENGTH >= 65_540) };
}

#[test]
fn numbers_beyond_0x4fff_are_not_channels() {
    assert!(ChannelNumber::new(0x3fff).is_none() && ChannelNumber::new(0x5000).is_none());
    for number in [0x5000_u16, 0x7fff, 0x8000, 0x3fff] {
        let mut bytes = [&number.to_be_bytes()[..], &[0, 0]].concat();
        assert_eq!(
            ChannelData::decode(&mut bytes),
            Err(ChannelDataError::Number)
        );
    }
}

proptest! {
    #[test]
    fn messages_round_trip(number in 0x4000_u16..0x5000, data in prop::collection::vec(any::<u8>(), 0..100)) {
        let number = ChannelNumber::new(number).unwrap();
        let mut buf = Vec::new();
        ChannelData::encode_header(number, u16::try_from(data.len()).unwrap(), &mut buf);
        buf.extend_from_slice(&data);
        let message = ChannelData::decode(&mut buf).unwrap();
        prop_assert_eq!(message.number, number);
        prop_assert_eq!(message.data, &data[..]);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = ChannelData::decode(&mut bytes);
    }
}
