//! A packet that parses is read without a panic, rewritten in place, and survives being written again.
#![no_main]

use bytes::Bytes;
use rtp::{ExtensionMap, HeaderView, Packet, PacketView, PacketViewMut, PayloadType, Ssrc};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = HeaderView::parse(data);
    let Ok(view) = PacketView::parse(data) else {
        return;
    };
    for (id, value) in view.extensions() {
        assert!(view.extension(id).is_some());
        assert!(value.len() <= data.len());
    }
    let packet = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
    let mut written = Vec::new();
    packet.encode(&mut written);
    assert_eq!(written.len(), packet.encoded_len());
    let again = PacketView::parse(&written).unwrap();
    assert_eq!(again.payload(), view.payload());
    assert_eq!(again.sequence_number(), view.sequence_number());
    assert_eq!(again.csrcs().collect::<Vec<_>>(), view.csrcs().collect::<Vec<_>>());

    let mut copy = data.to_vec();
    let mut editor = PacketViewMut::parse(&mut copy).unwrap();
    editor.set_ssrc(Ssrc::new(7));
    editor.set_payload_type(PayloadType::new(96).unwrap());
    editor.set_timestamp(8);
    let _ = editor.set_extension(3, &[1, 2]);
    assert_eq!(PacketView::parse(&copy).unwrap().ssrc(), Ssrc::new(7));
    let _ = ExtensionMap::default();
});
