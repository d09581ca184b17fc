//! Any bytes are ChannelData or an error, and what is read fits into what came.
#![no_main]

use turn::{ChannelData, measure_frame};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut owned = bytes.to_vec();
    if let Ok(message) = ChannelData::decode(&mut owned) {
        assert!(message.data.len() + 4 <= bytes.len());
        let frame = bytes
            .first_chunk()
            .and_then(|header| measure_frame(*header));
        assert!(frame.is_some_and(|frame| frame >= message.data.len() + 4));
    }
});
