//! A DCEP message that is read is written and read again the same.
#![no_main]

use peer::dcep::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::decode(bytes) {
        let mut written = Vec::new();
        message.encode(&mut written);
        assert_eq!(Message::decode(&written), Ok(message));
    }
});
