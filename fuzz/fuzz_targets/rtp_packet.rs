#![no_main]

use bytes::Bytes;
use rtp::{Packet, PacketView, PacketViewMut};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(view) = PacketView::parse(data) {
        let packet = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
        let mut written = Vec::new();
        packet.encode(&mut written);
        let again = PacketView::parse(&written).expect("what is written can be read");
        let again = Packet::from_view(&again, Bytes::copy_from_slice(again.payload()));
        assert_eq!(packet, again);
    }
    if let Ok(mut view) = PacketViewMut::parse(&mut data.to_vec()) {
        let _ = view.set_extension(1, &[0, 1]);
        view.payload_mut().fill(0);
    }
});
