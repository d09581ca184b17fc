//! What is a URI is written back as one that means the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(uri) = text.parse::<stun::Uri>() {
        assert_eq!(uri.to_string().parse(), Ok(uri));
    }
});
