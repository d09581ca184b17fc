//! RTCP: transport-wide feedback for 100 packets is gathered and written, and read again.

use avocet_benches::{compare, criterion};
use rtcp::{Compound, Packet, TransportFeedbackBuilder, Writer};
use rtp::{SequenceNumber, Ssrc};

const PACKETS: u16 = 100;

/// When the packets arrived, in units of 250 µs: bursts of ten within 33 ms, one in 25 lost.
fn arrivals() -> Vec<(SequenceNumber, i64)> {
    (0..PACKETS)
        .filter(|number| number % 25 != 7)
        .map(|number| {
            let time = i64::from(number / 10) * 132 + i64::from(number % 10) * 2;
            (SequenceNumber::new(65_500).plus(number), 1_000 + time)
        })
        .collect()
}

fn main() {
    let mut criterion = criterion();
    let arrivals = arrivals();
    let mut buf = Vec::with_capacity(1_200);
    let mut copy = Vec::with_capacity(1_200);
    let write = |buf: &mut Vec<u8>| {
        buf.clear();
        let (first, time) = arrivals[0];
        let mut builder = TransportFeedbackBuilder::new(first, time, 1_200);
        for &(number, time) in &arrivals {
            assert!(builder.push(number, time));
        }
        Writer::new(buf).transport_feedback(Ssrc::new(1), Ssrc::new(2), 0, &builder);
        buf.len()
    };
    let mut bytes = Vec::new();
    write(&mut bytes);
    compare(
        &mut criterion,
        "rtcp write TWCC 100",
        || write(&mut buf),
        || {
            copy.clear();
            copy.extend_from_slice(&bytes);
            copy.len()
        },
    );
    compare(
        &mut criterion,
        "rtcp read TWCC 100",
        || {
            let mut sum = 0;
            for packet in Compound::new(&bytes) {
                if let Ok(Packet::TransportFeedback(feedback)) = packet {
                    sum += feedback
                        .statuses()
                        .filter_map(|status| status.delta)
                        .map(i64::from)
                        .sum::<i64>();
                }
            }
            sum
        },
        || {
            copy.clear();
            copy.extend_from_slice(&bytes);
            copy.len()
        },
    );
    criterion.final_summary();
}
