//! Arrivals as the input has them go into feedback, and come out of it.
#![no_main]

use rtcp::{Compound, Packet, TransportFeedbackBuilder, Writer};
use rtp::{SequenceNumber, Ssrc};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (steps, _) = data.as_chunks::<4>();
    let Some((&[b0, b1, m0, m1], steps)) = steps.split_first() else {
        return;
    };
    let mut number = SequenceNumber::new(u16::from_be_bytes([b0, b1]));
    let max_bytes = usize::from(u16::from_be_bytes([m0, m1])) % 1_300;
    let (mut time, mut expected) = (0, Vec::new());
    let mut builder = TransportFeedbackBuilder::new(number, time, max_bytes);
    for &[n0, n1, t0, t1] in steps {
        if builder.push(number, time) {
            expected.push((number, time));
        }
        number = number.plus(u16::from_be_bytes([n0, n1]));
        time += i64::from(i16::from_be_bytes([t0, t1]));
    }
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).transport_feedback(Ssrc::new(1), Ssrc::new(2), 0, &builder);
    assert!(bytes.len() <= max_bytes.max(64));
    let mut read = Vec::new();
    for packet in Compound::new(&bytes) {
        let Ok(Packet::TransportFeedback(feedback)) = packet else {
            panic!("what was written is not read");
        };
        let mut clock = 0;
        for status in feedback.statuses() {
            if let Some(delta) = status.delta {
                clock += i64::from(delta);
                read.push((status.sequence_number, clock));
            }
        }
    }
    assert_eq!(read, expected);
});
