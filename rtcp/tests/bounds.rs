//! Whatever the octets are, no panic and bounded work.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use avocet_rtcp::{
    Compound, CongestionControlFeedbackBuilder, LayerBitrate, Packet, TemporaryBitrateEntry,
    XrBlock, XrBlockToSend,
};
use proptest::prelude::*;
use rtp::SequenceNumber;
use support::{THEM, US, arrivals, cases, written};

/// Everything that a packet can be asked.
fn read_all(bytes: &[u8]) -> usize {
    let mut read = 0;
    for packet in Compound::new(bytes).flatten() {
        read += match packet {
            Packet::TransportFeedback(feedback) => feedback.statuses().count(),
            Packet::CongestionControlFeedback(feedback) => feedback
                .streams()
                .map(|stream| stream.arrivals().count())
                .sum(),
            Packet::ExtendedReport(report) => report
                .blocks()
                .map(|block| match block {
                    XrBlock::Dlrr(dlrr) => dlrr.items().count(),
                    XrBlock::TargetBitrate(target) => target.layers().count(),
                    _ => 1,
                })
                .sum(),
            Packet::TemporaryBitrateRequest(limits)
            | Packet::TemporaryBitrateNotification(limits) => limits.entries().count(),
            Packet::SourceDescription(sdes) => {
                sdes.chunks().map(|chunk| chunk.items().count()).sum()
            }
            Packet::Nack(nack) => nack.sequence_numbers().count(),
            Packet::FullIntraRequest(request) => request.entries().count(),
            Packet::ReceiverEstimatedMaximumBitrate(estimate) => estimate.ssrcs().count(),
            Packet::Goodbye(goodbye) => goodbye.sources().count(),
            _ => 1,
        };
    }
    read
}

/// Every truncation and every changed octet of every case: no panic, and bounded work. The two long ones, of a hundred
/// packets and more, have every value of each octet with `AVOCET_FULL_MATRIX=1` only.
#[test]
fn every_truncation_and_every_changed_octet_is_read_within_bounds() {
    let mut corpus: Vec<_> = cases().into_iter().map(|(_, bytes)| bytes).collect();
    let mut builder = CongestionControlFeedbackBuilder::new(1_200);
    let taken = builder.push(US, SequenceNumber::new(9), &arrivals(20));
    assert_eq!(taken, 20);
    corpus.push(written(|writer| {
        writer.congestion_control_feedback(US, 7, &builder);
        let layer = LayerBitrate {
            spatial: 1,
            temporal: 2,
            kilobits_per_second: 3,
        };
        let blocks = [XrBlockToSend::TargetBitrate(&[layer])];
        writer.extended_report(US, &blocks).unwrap();
        let limit = TemporaryBitrateEntry {
            ssrc: US,
            bits_per_second: 1_000,
            overhead_bytes: 40,
        };
        writer.temporary_bitrate_request(US, &[limit]);
        writer.rapid_resynchronisation_request(US, THEM);
    }));
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    for bytes in corpus.iter().filter(|bytes| bytes.len() < 2_000) {
        for length in 0..bytes.len() {
            assert!(read_all(&bytes[..length]) <= 70_000);
        }
        let all = full || bytes.len() < 400;
        for place in 0..bytes.len() {
            for flip in (1..=255).filter(|&flip| all || u8::is_power_of_two(flip)) {
                let mut changed = bytes.clone();
                changed[place] ^= flip;
                assert!(read_all(&changed) <= 70_000);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_feedback_bytes_are_read_without_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 205_u8..208,
        format in 0_u8..32,
    ) {
        let words = u8::try_from((bytes.len() / 4).saturating_sub(1)).unwrap();
        if let [first, second, high, low, ..] = &mut bytes[..] {
            (*first, *second, *high, *low) = (0x80 | format, kind, 0, words);
        }
        prop_assert!(read_all(&bytes) <= 70_000);
    }
}
