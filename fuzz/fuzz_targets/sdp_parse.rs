//! What the parser takes is printed as it was, read again the same, and no view of it panics.
#![no_main]

use sdp::{MediaSection, SessionDescription};

#[path = "../../sdp/tests/common/views.rs"]
mod views;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(description) = text.parse::<SessionDescription>() {
        let printed = description.to_string();
        assert_eq!(printed, text);
        assert_eq!(printed.parse().as_ref(), Ok(&description));
        views::look_at_everything(&description);
    }
});
