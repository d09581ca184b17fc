//! What the integration tests share.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "test code; the setting for tests misses helper functions"
)]

use std::path::PathBuf;

/// Every captured description with its file name, in order.
pub(crate) fn corpus() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in ["corpus", "offers"] {
        for entry in std::fs::read_dir(testdata().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    files.sort();
    assert_eq!(files.len(), 56, "files are missing from the test data");
    files
}

pub(crate) fn capture(name: &str) -> String {
    std::fs::read_to_string(testdata().join(name)).unwrap()
}

pub(crate) fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/sdp")
}

/// A small description with `session` lines and one section of `media` lines, LF for brevity.
pub(crate) fn minimal(session: &str, media: &str) -> String {
    format!("v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n{session}{media}")
}
