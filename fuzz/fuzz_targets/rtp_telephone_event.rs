#![no_main]

use bytes::Bytes;
use rtp::payload::telephone_event::TelephoneEventReceiver;
use rtp::{Packet, SequenceNumber};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut receiver = TelephoneEventReceiver::new();
    for (number, packet) in data.chunks(6).enumerate() {
        let (step, payload) = packet.split_at(1);
        let packet = Packet {
            sequence_number: SequenceNumber::new(number as u16),
            timestamp: u32::from(step[0]) * 16_384,
            payload: Bytes::copy_from_slice(payload),
            ..Packet::default()
        };
        let mut events = 0;
        let _ = receiver.push(&packet, &mut |_| events += 1);
        assert!(events <= 3);
    }
});
