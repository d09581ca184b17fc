//! A stream cut anywhere gives the same frames, and never more is kept than one frame.
#![no_main]

use stun::{FrameReader, MAX_FRAME_LENGTH, measure_message};

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, u8)| {
    let (mut bytes, cut) = input;
    let mut whole = Vec::new();
    let read =
        FrameReader::new(measure_message).read(&mut bytes.clone(), |it| whole.push(it.to_vec()));
    let mut reader = FrameReader::new(measure_message);
    let mut cut_up = Vec::new();
    let mut result = Ok(());
    for piece in bytes.chunks_mut(usize::from(cut) + 1) {
        result = reader.read(piece, |it| cut_up.push(it.to_vec()));
        assert!(reader.buffered() <= MAX_FRAME_LENGTH);
    }
    assert_eq!((whole, read), (cut_up, result));
});
