#![no_main]

use rtp::dependency::{DependencyReader, MAX_REFERENCES, MAX_TEMPLATES};

// The descriptors of one stream, one after another: a length octet in front of each.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut reader = DependencyReader::new();
    let mut rest = data;
    while let Some((len, tail)) = rest.split_first() {
        let (value, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        let Ok(read) = reader.read(value) else {
            continue;
        };
        assert!(read.dependencies.references().len() <= MAX_REFERENCES);
        let Some(structure) = reader.structure().cloned() else {
            continue;
        };
        assert!(structure.templates.len() <= MAX_TEMPLATES);
        let mut written = Vec::new();
        if read.structure.is_some() && read.encode(&structure, &mut written).is_ok() {
            assert_eq!(DependencyReader::new().read(&written), Ok(read));
        }
    }
});
