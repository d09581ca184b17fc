//! A stream of RFC 4571 cut anywhere gives the same datagrams, and never more is kept than one frame.
#![no_main]

use ice::framing::{MAX_DATAGRAM, Reader};

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, u8)| {
    let (mut bytes, cut) = input;
    let mut whole = Vec::new();
    Reader::default().read(&mut bytes.clone(), |it| whole.push(it.to_vec()));
    let mut reader = Reader::default();
    let mut pieces = Vec::new();
    for piece in bytes.chunks_mut(usize::from(cut) + 1) {
        reader.read(piece, |it| pieces.push(it.to_vec()));
        assert!(reader.buffered() < 2 + MAX_DATAGRAM);
    }
    assert_eq!(whole, pieces);
});
