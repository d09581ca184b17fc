//! What is read is written so that it is read the same.
#![no_main]

use ice::Candidate;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(candidate) = text.parse::<Candidate>() {
        assert_eq!(
            candidate.to_string().parse::<Candidate>().as_ref(),
            Ok(&candidate)
        );
    }
});
