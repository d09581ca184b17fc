use bytes::Bytes;
use rtp::payload::{Depacketizer, MAX_FRAME_BYTES};
use rtp::{Packet, SequenceNumber};

/// Gives `data` to a depacketizer as packets: two octets each of length and of what the header does, then the payload.
pub fn depacketize(mut depacketizer: impl Depacketizer, mut data: &[u8]) {
    let mut number = SequenceNumber::new(0);
    let mut timestamp = 0_u32;
    while let [len, step, rest @ ..] = data {
        let (payload, tail) = rest.split_at(usize::from(*len).min(rest.len()));
        data = tail;
        number = number.plus(u16::from(step & 3));
        timestamp = timestamp.wrapping_add(u32::from(step >> 2 & 1));
        let packet = Packet {
            sequence_number: number,
            timestamp,
            marker: step & 8 != 0,
            payload: Bytes::copy_from_slice(payload),
            ..Packet::default()
        };
        let mut frames = 0;
        depacketizer.push(&packet, &mut |frame| {
            frames += 1;
            assert!(!frame.data.is_empty() && frame.data.len() < 2 * MAX_FRAME_BYTES);
        });
        assert!(frames <= 10);
    }
    depacketizer.flush(&mut |_| {});
}
